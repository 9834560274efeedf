"""Is there a violation after 0, 1, 2, ... steps?  The first yes is the shortest there is.

At each depth z3 is asked whether the step there can fault, whether an `always` or a `lemma` is
false in the state that it leads to, and which `sometimes` is true there.  A yes is believed when
the run has been walked on `semantics`, state by state; if that goes another way, `Disagreement` is
raised.  An answer that z3 does not give (the time is spent, ...) ends the search: it is never read
as no.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import z3

from modelcheck import trace as tr
from modelcheck.engines.asked import PropertyKind, asked_for, only, sentences
from modelcheck.engines.symbolic.system import BEYOND, FAULTS, Frames, System, cannot, holds
from modelcheck.ir import Program
from modelcheck.semantics import Fault, Initial, Semantics, State
from modelcheck.source import NOWHERE, SpecError

Progress = Callable[[int, int, int], None]
Answer: TypeAlias = Literal["yes", "no", "unknown"]
Run: TypeAlias = tuple[Initial, list[tuple[int, tuple[int, ...]]], State]
"""Where a run begins, its steps (who, with which choices), and its last state without a fault."""

DEPTH = 20  # steps, where nobody says how many


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None, depth: int = DEPTH,
) -> tr.Verdict:
    """The verdict on all runs of up to `depth` steps: VIOLATED or UNKNOWN, never HOLDS.

    limits      only `seconds` means anything here
    properties  only these are checked; None or (): all.  Deadlock never is."""
    asked = asked_for(program, properties or ())
    search = Search(only(program, asked), limits, progress)
    search.run(depth)
    return _verdict(program, search)


def ask(solver: Any, literal: Any, milliseconds: int | None) -> Answer:
    """Whether a literal (of several: all at once) can be true."""
    if milliseconds is not None:
        if milliseconds <= 0:
            return "unknown"
        solver.set("timeout", milliseconds)
    result = solver.check(literal)
    return "yes" if result == z3.sat else "no" if result == z3.unsat else "unknown"


class Search:
    """A search and what it has found.

    depth    every run of up to so many steps was looked at
    trace    the shortest violation, `sentence` the property that it breaks (None: a fault)
    reached  each `sometimes` with the depth where it is first true
    """

    def __init__(
        self, program: Program, limits: tr.Limits, progress: Progress | None = None
    ) -> None:
        self.program = program
        self.limits = limits
        self.progress = progress
        self.began = time.monotonic()
        self.semantics = Semantics(program)
        self.depth = 0
        self.trace: tr.Trace | None = None
        self.sentence: str | None = None
        self.reached: dict[str, int] = {}
        self.stopped: tr.Stopped | None = None
        self.begins = self.semantics.initial()
        if not self.begins:
            span = NOWHERE if program.boot is None else program.boot.span
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")

    def run(self, depth: int) -> None:
        """Look at runs of up to `depth` steps."""
        self._begin()
        if self.trace is not None:
            return
        try:
            self._unroll(depth)
        except KeyboardInterrupt:
            self._stop("interrupted")

    def _stop(self, reason: tr.Reason) -> None:
        self.stopped = tr.Stopped(reason, 0, self.depth, 0)

    # ------------------------------------------------------------------------------ without a step

    def _begin(self) -> None:
        """What is wrong, and what is reached, before the first step: `semantics` says it."""
        for begin in sorted(self.begins, key=lambda begin: begin.choices):
            if begin.state is None:
                assert begin.fault is not None
                self.trace = self._replayed(begin.choices, [], tr.failure_of_fault(begin.fault, ""))
                return
            for property in self.program.properties:
                held = self.semantics.holds(property, begin.state)
                if property.kind == "sometimes" and held is True:
                    self.reached.setdefault(property.sentence, 0)
                elif isinstance(held, Fault) or (property.invariant and not held):
                    failure = tr.failure_of_property(property, held)
                    self.sentence = property.sentence
                    self.trace = self._replayed(begin.choices, [], failure)
                    return

    # --------------------------------------------------------------------------------- step by step

    def _unroll(self, depth: int) -> None:
        """One step after the other, until something is wrong or a limit is met."""
        self.frames = Frames(System(self.semantics))
        self.solver = z3.SolverFor("QF_FD", ctx=self.frames.system.terms.context)
        states = [begin.state for begin in self.begins if begin.state is not None]
        self.solver.add(self.frames.begins(states), self.frames.about_state(0))
        for k in range(depth):
            if self.progress is not None:
                self.progress(0, k, 0)
            self.solver.add(self.frames.about_step(k))
            if self._fault_in_step(k) or self._beyond(k):
                return
            self.solver.add(self.frames.leads_on(k), self.frames.about_state(k + 1))
            if self._violated(k + 1):
                return
            self.depth = k + 1
            if self._sometimes(k + 1):
                return
        self._stop("depth")

    def _left(self) -> int | None:
        """The milliseconds that are left; None: as many as it takes."""
        if self.limits.seconds is None:
            return None
        return int(1000 * (self.began + self.limits.seconds - time.monotonic()))

    def _ask(self, literal: Any) -> bool | None:
        """Whether a literal can be true; None, and the search is stopped, where z3 cannot say."""
        left = self._left()
        answer = "no" if z3.is_false(literal) else ask(self.solver, literal, left)
        if answer != "unknown":
            return answer == "yes"
        if "interrupt" in self.solver.reason_unknown():
            self._stop("interrupted")
        else:
            self._stop("solver" if left is None else "seconds")
        return None

    def _fault_in_step(self, k: int) -> bool:
        """Whether the search ends, as the step after k others can fault."""
        literal = self.frames.literal(FAULTS, k)
        found = self._ask(literal)
        if found:
            begin, steps, _ = self._calmest(literal, k, fault=True)
            self.trace = self._replayed(begin.choices, steps, None)
        return found is not False

    def _beyond(self, k: int) -> bool:
        """Whether the search ends, as a step can do more than the terms follow."""
        found = self._ask(self.frames.literal(BEYOND, k))
        if found:
            self._stop("encoding")
        return found is not False

    def _violated(self, k: int) -> bool:
        """Whether the search ends, as a property can be broken in a state after k steps."""
        literals = [
            self._broken(number, k) for number, p in enumerate(self.program.properties)
            if p.invariant or p.sentence not in self.reached
        ]
        literal = _any(literals, self.frames)
        found = self._ask(literal)
        if found:
            begin, steps, end = self._calmest(literal, k, fault=False)
            for property in self.program.properties:
                held = self.semantics.holds(property, end)
                if isinstance(held, Fault) or (property.invariant and not held):
                    self.sentence = property.sentence
                    failure = tr.failure_of_property(property, held)
                    self.trace = self._replayed(begin.choices, steps, failure)
                    return True
            raise tr.Disagreement(f"z3 breaks a property after {k} steps, semantics none")
        return found is not False

    def _broken(self, number: int, k: int) -> Any:
        faults = self.frames.literal(cannot(number), k)
        if self.program.properties[number].kind == "sometimes":
            return faults
        return z3.Or(z3.Not(self.frames.literal(holds(number), k)), faults)

    def _sometimes(self, k: int) -> bool:
        """Note what is reached for the first time after k steps; whether the search ends."""
        while True:
            missing = {
                number: p for number, p in enumerate(self.program.properties)
                if p.kind == "sometimes" and p.sentence not in self.reached
            }
            literals = [self.frames.literal(holds(number), k) for number in missing]
            found = self._ask(_any(literals, self.frames))
            if not found:
                return found is None
            _, _, end = self._walked(k, fault=False)
            there = [p for p in missing.values() if self.semantics.holds(p, end) is True]
            if not there:
                raise tr.Disagreement(f"z3 reaches a property after {k} steps, semantics none")
            self.reached |= {p.sentence: k for p in there}

    # --------------------------------------------------------------------- what z3 says is checked

    def _calmest(self, literal: Any, length: int, fault: bool) -> Run:
        """Of the runs of this length that make the literal true, one with the fewest switches from
        a process to another; with few, if the time is spent while they are counted."""
        run = self._walked(length, fault)
        steps = run[1]
        switches = sum(a != b for (a, _), (b, _) in itertools.pairwise(steps))
        apart = [self.frames.switches(k) for k in range(len(steps) - 1)]
        while switches:
            fewer = z3.And(literal, z3.PbLe([(a, 1) for a in apart], switches - 1))
            if ask(self.solver, fewer, self._left()) != "yes":
                return run
            run = self._walked(length, fault)
            switches = sum(a != b for (a, _), (b, _) in itertools.pairwise(run[1]))
        return run

    def _walked(self, length: int, fault: bool) -> Run:
        """The run of z3's model, as `semantics` takes it.  `fault`: after `length` steps there is
        one more, which faults."""
        model = self.solver.model()
        state = self.frames.read(model, 0)
        begin = next((b for b in self.begins if b.state == state), None)
        if begin is None:
            raise tr.Disagreement(f"z3 begins where no run begins: {state}")
        steps: list[tuple[int, tuple[int, ...]]] = []
        for k in range(length + fault):
            who = self.frames.process(model, k)
            target = self.frames.read(model, k + 1) if k < length else None
            ended = self.semantics.process_action(state, who) is None
            possible = [] if ended else self.semantics.steps(state, who)[0]
            step = next((s for s in possible if s.target == target), None)
            if step is None:
                raise tr.Disagreement(
                    f"step {k + 1}: z3 takes {self.semantics.names[who]} from {state} to "
                    f"{target or 'a fault'}; semantics does not"
                )
            steps.append((who, step.choices))
            state = state if target is None else target
        return begin, steps, state

    def _replayed(
        self, choices: tuple[int, ...], steps: list[tuple[int, tuple[int, ...]]],
        failure: tr.Failure | None,
    ) -> tr.Trace:
        """The trace of a run, walked once more."""
        try:
            trace = tr.replay(self.semantics, tr.Schedule(choices, tuple(steps)), failure)
        except tr.NotPossible as error:
            raise tr.Disagreement(f"z3 found a run that semantics does not take: {error}") from None
        if trace.failure is None:
            raise tr.Disagreement("z3 found a run at whose end semantics sees nothing wrong")
        return trace


def _any(literals: list[Any], frames: Frames) -> Any:
    """Their disjunction; without any, false."""
    return z3.simplify(z3.Or(*literals, z3.BoolVal(False, frames.system.terms.context)))


# --------------------------------------------------------------------------------- what was found


def _verdict(program: Program, search: Search) -> tr.Verdict:
    trace = search.trace
    return tr.Verdict(
        outcome="UNKNOWN" if trace is None else "VIOLATED",
        engine="symbolic",
        spec=program.name,
        parameters=tr.parameters_of(program),
        memory_model=program.memory or "sc",
        assumptions=program.assumptions,
        states=0,
        transitions=0,
        depth=search.depth if trace is None else len(trace.steps),
        exhaustive=False,
        limits=search.limits,
        stopped=search.stopped,
        properties=tuple(
            _result(kind, sentence, line, search) for kind, sentence, line in sentences(program)
        ),
        never_taken=(),
        trace=trace,
        others=(),
        seconds=time.monotonic() - search.began,
    )


def _result(
    kind: PropertyKind, sentence: str, line: tr.Line, search: Search
) -> tr.PropertyResult:
    """What became of a property: what was not found is not checked, however deep the search."""
    trace = search.trace
    if kind == "sometimes" and sentence in search.reached:
        return tr.PropertyResult(kind, sentence, "reached", search.reached[sentence], line)
    if trace is not None and trace.failure is not None:
        asserted = kind == "assert" == trace.failure.kind and trace.failure.sentence == sentence
        if asserted or (kind in ("always", "lemma") and sentence == search.sentence):
            return tr.PropertyResult(kind, sentence, "violated", len(trace.steps), line)
    return tr.PropertyResult(kind, sentence, "not checked", None, line)
