"""The native engine on a reduced Program: fewer states, the same verdict.

What holds for the reduced Program holds for the whole.  Where something is broken, the whole one is
searched, so that the trace that is shown is a shortest one; if that meets a limit first, the run of
the reduced Program is told step by step as one of the whole.
"""

from __future__ import annotations

import time
from dataclasses import replace

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.found import Found, verdict_of
from modelcheck.engines.limits import Progress
from modelcheck.engines.native import NotNative, search
from modelcheck.engines.native.emit import MOST_NUMBERS, NOTHING, cells_of
from modelcheck.engines.native.ends import NotServed
from modelcheck.engines.native.exchange import Exchanger
from modelcheck.engines.native.left_out import left_something_out
from modelcheck.engines.native.running import Running, Said, WayNotFound
from modelcheck.engines.packed import Layout, control
from modelcheck.engines.places import Places
from modelcheck.ir import Program
from modelcheck.passes import REDUCTIONS
from modelcheck.passes.ample import ALL_MOVE, Ample, ample
from modelcheck.passes.copies import original
from modelcheck.passes.lock_protected import lock_protected
from modelcheck.passes.ownership import Owned, ownership
from modelcheck.passes.symmetry import Symmetry, symmetry
from modelcheck.passes.tickets import tickets
from modelcheck.passes.whatever import WIDTH
from modelcheck.records import dataclass
from modelcheck.semantics import Fault, Initial, Semantics, State

LOCKS, OWNERSHIP, AMPLE, SYMMETRY, TICKETS = REDUCTIONS
MORE = 200  # how many times the states of the reduced search the whole one is given for a trace
SOME = 1_000_000  # and so many in any case

Steps = tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Reduced:
    """A Program, reduced: `names` are the reductions that had something to do."""

    program: Program
    exchanged: Symmetry
    owned: Owned | None
    alone: Ample
    names: tuple[str, ...]

    def in_c(self, semantics: Semantics, fingerprints: bool) -> tuple[str, Layout]:
        """The C of the Program, and where everything stands in its states."""
        return search.in_c(
            self.program, semantics, self.exchanged, self.owned, self.alone, fingerprints
        )


def reduced(program: Program, wanted: frozenset[str]) -> Reduced:
    """The Program with these reductions."""
    names: list[str] = []
    if LOCKS in wanted:
        fewer = lock_protected(program)
        names += [LOCKS] * (fewer != program)
        program = fewer
    owned = ownership(program) if OWNERSHIP in wanted else None
    if owned is not None and (owned.program == program or _is_wide(owned)):
        owned = None
    if owned is not None:
        names.append(OWNERSHIP)
        program = owned.program
    alone = ample(program, owned) if AMPLE in wanted else ALL_MOVE
    names += [AMPLE] * alone.some
    exchanged = symmetry(program) if SYMMETRY in wanted else NOTHING
    names += [SYMMETRY] * exchanged.some
    if TICKETS in wanted:
        exchanged = replace(exchanged, counters=tickets(program))
        names += [TICKETS] * bool(exchanged.counters)
    return Reduced(program, exchanged, owned, alone, tuple(names))


def _is_wide(owned: Owned) -> bool:
    """Whether there are too many cells that are owned, or no table of all numbers of a process."""
    cells = sum(count for _, count in cells_of(owned.program, owned).values())
    numbers = max(control(process).first[-1] for process in owned.program.processes)
    return cells > WIDTH or numbers > MOST_NUMBERS


def source_of(program: Program, wanted: frozenset[str], fingerprints: bool = False) -> str:
    """The C that a search with these reductions begins with; NotNative if there is none."""
    fewer = reduced(program, wanted)
    try:
        return fewer.in_c(Semantics(fewer.program), fingerprints)[0]
    except NotNative:  # its steps may be too long, where those of the Program are not
        return search.in_c(program, Semantics(program), fingerprints=fingerprints)[0]


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None, wanted: frozenset[str] = frozenset(REDUCTIONS),
    jobs: int = 1, fingerprints: bool = False,
) -> tr.Verdict:
    """The verdict on a Program, with these reductions where they have something to do.

    NotNative, NoCompiler and NoResult as `search.explore`; Disagreement if a reduction is wrong."""
    asked = asked_for(program, properties or ())
    began = time.monotonic()
    small = only(program, asked)
    fewer = reduced(small, wanted)

    def unreduced(within: tr.Limits) -> tr.Verdict:
        return search.explore(program, within, properties, progress, jobs, fingerprints)

    if not fewer.names:
        return unreduced(limits)
    attempt = _Attempt(small, fewer, limits, progress, jobs, fingerprints)
    if attempt.fails_at_once():
        return unreduced(limits)
    try:
        said = attempt.search(not asked or NO_DEADLOCK in asked)
    except NotNative:
        return unreduced(limits)
    if said.stopped == "meddled":
        rest = replace(limits, seconds=_left(limits, began))
        without = explore(
            program, rest, properties, progress, wanted - {OWNERSHIP}, jobs, fingerprints
        )
        return replace(without, limits=limits)
    if said.stopped == "forks":
        return unreduced(limits)
    found = attempt.running.found_by(
        said, Found("native", program, asked, limits, began), fewer.program
    )
    found.reductions = left_something_out(
        fewer.names, said, found.taken, attempt.exchanger, attempt.semantics
    )
    found.taken = {(template, original(at)) for template, at in found.taken}
    verdict = verdict_of(found)
    broken = said.stopped == "violated" or "stuck" in said.kept
    if not broken and verdict.outcome != "VIOLATED":
        return verdict
    most = max(SOME, MORE * found.states)
    less = replace(
        limits, states=most if limits.states is None else min(most, limits.states),
        seconds=_left(limits, began),
    )
    whole: tr.Verdict | None = None
    try:
        whole = unreduced(less)
    except (NotNative, NotServed):
        if not broken:
            raise
    if whole is not None and whole.outcome == "VIOLATED":
        return replace(whole, limits=limits)
    if whole is not None and whole.outcome == "HOLDS":
        raise tr.Disagreement(
            f"something is broken with {', '.join(fewer.names)}, and nothing without"
        )
    if whole is not None and not broken:
        return replace(whole, limits=limits)
    try:
        return verdict_of(attempt.told(said, found))
    except WayNotFound as not_found:
        return verdict_of(search.without_a_way(found, said, not_found))


def _left(limits: tr.Limits, began: float) -> float | None:
    if limits.seconds is None:
        return None
    return max(0.0, limits.seconds - (time.monotonic() - began))


class _Attempt:
    """A search of a reduced Program, and the run of the whole one that goes with a run of it."""

    def __init__(
        self, whole: Program, fewer: Reduced, limits: tr.Limits, progress: Progress | None,
        jobs: int, fingerprints: bool,
    ) -> None:
        self.jobs = jobs
        self.fingerprints = fingerprints
        self.whole = Semantics(whole)
        self.fewer = fewer
        self.limits = limits
        self.progress = progress
        self.semantics = Semantics(fewer.program)

    def fails_at_once(self) -> bool:
        """Whether something is wrong before the first step."""
        self.begins = self.semantics.initial()
        return not self.begins or any(
            b.state is None or _broken_in(self.semantics, b.state) for b in self.begins
        )

    def search(self, deadlock: bool) -> Said:
        """The search."""
        source, self.layout = self.fewer.in_c(self.semantics, self.fingerprints)
        begins = [b.state for b in self.begins if b.state is not None]
        self.running = Running(
            source, self.layout, begins, self.limits, self.progress, self.jobs, self.fingerprints
        )
        self.exchanger = Exchanger(self.fewer.exchanged, self.layout)
        return self.running.search(deadlock)

    def told(self, said: Said, found: Found) -> Found:
        """What was found, with a run of the whole Program to something that is broken."""
        kept = {
            what: [(self.layout.unpack(words), bits, depth) for words, bits, depth in states]
            for what, states in said.kept.items()
        }
        level = said.figures["level"]
        stuck = kept.get("stuck", [])
        if stuck:
            nearest = min(depth for _, _, depth in stuck)
            level = nearest - 1
            final = [state for state, _, depth in stuck if depth == nearest]
            failing: list[State] = []
        else:
            final = [state for state, _, _ in kept.get("violating", [])]
            failing = [state for state, _, _ in kept.get("faulting", [])]
        begin, steps, state = self._run(level, final, failing)
        schedule = self._told_in_full(begin, steps)
        failure = None
        if stuck:
            failure = self._stuck_there(state, stuck)
        elif not self._faults(state):
            failure = _broken_in(self.whole, self._end(begin, schedule))
        found.trace = tr.replay(self.whole, tr.Schedule(begin.choices, schedule), failure)
        assert found.trace.failure is not None, "semantics sees what is broken there"
        found.failures = [found.trace.failure]
        return found

    # ------------------------------------------------------------------- a run of the reduced one

    def _run(
        self, level: int, final: list[State], failing: list[State]
    ) -> tuple[Initial, Steps, State]:
        """A run to one of these: where it begins, its steps, and its last state."""
        ways: dict[int, set[State]] = {}
        for state, depth in self.running.paths(level, final, failing):
            ways.setdefault(depth, set()).add(state)
        ways[level + 1] = set(final)
        begin = next(
            b for b in self.begins if b.state is not None and self._one_for_all(b.state) in ways[0]
        )
        assert begin.state is not None
        state, steps = begin.state, list[tuple[int, tuple[int, ...]]]()
        ends = set(failing)
        for depth in range(1, level + 2):
            at_end = depth == level + 1 and self._one_for_all(state) in ends
            for step in self.semantics.successors(state):
                there = step.target is not None and self._one_for_all(step.target) in ways[depth]
                if (at_end and step.fault is not None) or (not at_end and there):
                    steps.append((step.process, step.choices))
                    state = state if step.target is None else step.target
                    break
            else:
                raise tr.Disagreement(f"no step from {state} goes on, as the native engine says")
        return begin, tuple(steps), state

    def _one_for_all(self, state: State) -> State:
        return self.exchanger.one_for_all(state)[0]

    def _faults(self, state: State) -> bool:
        return any(step.fault is not None for step in self.semantics.successors(state))

    def _stuck_there(self, state: State, stuck: list[tuple[State, int, int]]) -> tr.Failure | None:
        """Who is stuck in a state that stands for one of these, or is one of them."""
        width = Places(self.fewer.program).width
        one, becomes = self.exchanger.one_for_all(state)
        bits = next(bits for other, bits, _ in stuck if other == one)
        process = next(
            p for p, q in enumerate(becomes) if bits >> q * width & (1 << width) - 1
        )
        return tr.failure_of_deadlock(self.semantics, state, process)

    # ---------------------------------------------------------------------- a run of the whole one

    def _told_in_full(self, begin: Initial, steps: Steps) -> Steps:
        """The same run, step by step: what followed at once is a step of its own."""
        own = {
            (process.name, a.at) for process in self.whole.program.processes
            for a in process.actions if not a.transit
        }
        templates = [process.name for process, _ in self.whole.program.instances()]
        told: list[tuple[int, tuple[int, ...]]] = []
        state, small = _state(begin), _state(self._same_begin(begin))
        for process, choices in steps:
            step = next(
                s for s in self.semantics.steps(state, process)[0] if s.choices == choices
            )
            count = sum(
                (templates[process], original(a.at)) in own
                for a in (step.action, *step.through)
            )
            left = choices
            for _ in range(count):
                part = next(
                    s for s in self.whole.steps(small, process)[0]
                    if s.choices == left[: len(s.choices)]
                )
                told.append((process, part.choices))
                left = left[len(part.choices) :]
                if part.target is None:
                    return tuple(told)
                small = part.target
            if step.target is not None:
                state = step.target
        return tuple(told)

    def _same_begin(self, begin: Initial) -> Initial:
        return next(b for b in self.whole.initial() if b.choices == begin.choices)

    def _end(self, begin: Initial, schedule: Steps) -> State:
        state = _state(self._same_begin(begin))
        for process, choices in schedule:
            step = next(s for s in self.whole.steps(state, process)[0] if s.choices == choices)
            assert step.target is not None
            state = step.target
        return state


def _state(begin: Initial) -> State:
    assert begin.state is not None
    return begin.state


def _broken_in(semantics: Semantics, state: State) -> tr.Failure | None:
    """What is broken in a state, if anything."""
    for property in semantics.program.properties:
        held = semantics.holds(property, state)
        if isinstance(held, Fault) or (property.invariant and not held):
            return tr.failure_of_property(property, held)
    return None
