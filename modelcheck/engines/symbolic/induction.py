"""Is a property inductive?  Then it holds for every length of run.

Every `always`, every `lemma` and every fact of `guesses.py` is a candidate.  What some step breaks,
from a state of which all candidates are true, is none any more; what is left over in the end is
true wherever runs begin, and no step breaks it: it holds.  A fault ends a run, so that it breaks no
candidate: whether a step can fault is asked last, of the states that satisfy what is left.

A model that z3 finds is believed when `semantics` says the same: of the state, of the step, of what
it breaks.  An answer that z3 does not give proves nothing.  A property that is not inductive may
hold all the same: the state that shows it is perhaps never reached, and it is no violation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from modelcheck import trace as tr
from modelcheck.engines.asked import PropertyKind, asked_for, only, sentences
from modelcheck.engines.coverage import never_taken
from modelcheck.engines.symbolic.claims import Claims
from modelcheck.engines.symbolic.consecution import Clock, GaveUp, Site, States
from modelcheck.engines.symbolic.facts import Fact
from modelcheck.engines.symbolic.gaps import gap
from modelcheck.engines.symbolic.guesses import guessed
from modelcheck.engines.symbolic.sample import Sample, sampled
from modelcheck.ir import Action, Assert, Goto, Process, Program, Property, statements
from modelcheck.semantics import Semantics

Progress = Callable[[int, int, int], None]


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tr.Verdict:
    """The verdict by one-step induction: HOLDS, or UNKNOWN; VIOLATED, if a violation is met among
    the states on which candidates are tried.

    limits      only `seconds` means anything here
    properties  only these are checked; None or (): all.  What else is said of every state helps."""
    began = time.monotonic()
    asked = asked_for(program, properties or ())
    helping = {p.sentence for p in program.properties if p.invariant}
    kept = only(program, asked | helping if asked else asked)
    semantics = Semantics(kept)
    clock = Clock(None if limits.seconds is None else began + limits.seconds)
    sample = sampled(only(program, asked), semantics, clock.spent)
    attempt = Attempt(kept, asked, semantics, sample, clock, progress)
    if sample.broken is None:
        attempt.run()
    return _verdict(program, asked, limits, attempt, began)


class Attempt:
    """An attempt at a proof, and how it ended.

    alive     the claims, by number, that are still believed: when it ends, they are proved
    faulty    the places where a step may fault, or cannot be followed
    needed    the lemmas that the proof rests on
    moving    the actions for which some state that satisfies what is proved has a step
    """

    def __init__(
        self, program: Program, asked: frozenset[str], semantics: Semantics, sample: Sample,
        clock: Clock, progress: Progress | None = None,
    ) -> None:
        self.program = program
        self.asked = asked
        self.semantics = semantics
        self.sample = sample
        self.clock = clock
        self.progress = progress
        self.stopped: tr.Reason | None = None
        self.sites: list[Site] = []
        self.alive: set[int] = set()
        self.faulty: list[Site] = []
        self.lemmas: tuple[str, ...] = ()
        self.moving: set[tuple[str, str]] = set()
        self.gaps: tuple[tr.Gap, ...] = ()
        self._used: dict[tuple[int, int], frozenset[int]] = {}

    def run(self) -> None:
        """Try."""
        try:
            self._try()
        except GaveUp as gave_up:
            self.stopped = gave_up.reason
        except KeyboardInterrupt:
            self.stopped = "interrupted"

    def _try(self) -> None:
        facts = guessed(self.program, self.semantics, self.sample.came)
        self.claims = Claims(self.semantics, self.program.properties, facts)
        states = States(self.claims)
        self.sites = [
            Site(states, number, action, self.clock)
            for number, (process, _, _) in enumerate(self.semantics.processes)
            for action in process.actions if not action.transit
        ]
        false = self.claims.false_at(self.sample.begins)
        self.alive = self._left(
            set(range(len(self.claims.every))) - false,
            [(n, to) for n, site in enumerate(self.sites) for to in site.ways],
        )
        if any(site.state_with(site.beyond, self.alive) is not None for site in self.sites):
            self.stopped = "encoding"
            return
        self.faulty = self._faulty(self.alive)
        for site in self.sites:
            if site.state_with(site.moves, self.alive) is not None:
                process, _, _ = self.semantics.processes[site.number]
                self.moving.add((process.name, site.action.at))
        self.lemmas = self._rests_on()
        self.gaps = tuple(self._gaps())

    # -------------------------------------------------------------------------- the greatest subset

    def _left(self, alive: set[int], todo: list[tuple[int, int]]) -> set[int]:
        """Of these claims those that no step from a state that satisfies them breaks.

        todo  the steps, by place and by the location where they end, that may break one"""
        while todo:
            n, to = todo.pop(0)
            site = self.sites[n]
            if self.progress is not None:
                self.progress(0, len(alive), len(todo))
            while (state := site.broken(to, alive)) is not None:
                dead = {
                    claim for step in self.semantics.steps(state, site.number)[0]
                    if step.target is not None
                    for claim in self.claims.false_in(step.target) if claim in alive
                }
                if not dead:
                    raise tr.Disagreement(f"z3 breaks a claim by a step from {state}")
                alive = alive - dead
                todo += [
                    key for key, used in self._used.items() if used & dead and key not in todo
                ]
            self._used[n, to] = site.needed
        return alive

    def _faulty(self, alive: set[int]) -> list[Site]:
        found = []
        for site in self.sites:
            state = site.state_with(site.faults, alive)
            if state is not None:
                if not any(step.fault for step in self.semantics.steps(state, site.number)[0]):
                    raise tr.Disagreement(f"z3 has a fault in a step from {state}")
                found.append(site)
        return found

    def _rests_on(self) -> tuple[str, ...]:
        """The lemmas without which less would be proved: each is left out, to see."""
        every = self.claims.every
        lemmas = [n for n in sorted(self.alive) if self._is(n, "lemma")]
        promised = {
            n for n in self.alive if isinstance(claim := every[n], Property)
            and claim.kind != "lemma" and self._wanted(claim.sentence)
        }
        alive, used = self.alive, dict(self._used)
        needed: list[str] = []
        for n in lemmas:
            without = self._left(alive - {n}, [k for k, u in self._used.items() if n in u])
            if promised <= without and len(self._faulty(without)) == len(self.faulty):
                alive, used = without, dict(self._used)
            else:
                self._used = dict(used)
                claim = every[n]
                assert isinstance(claim, Property)
                needed.append(claim.sentence)
        return tuple(needed)

    def _wanted(self, sentence: str) -> bool:
        return not self.asked or sentence in self.asked

    def _is(self, number: int, kind: str) -> bool:
        claim = self.claims.every[number]
        return isinstance(claim, Property) and claim.kind == kind

    def _gaps(self) -> Iterator[tr.Gap]:
        """Why what is not proved is not inductive."""
        start = next(iter(self.sample.begins))
        for n, claim in enumerate(self.claims.every):
            if isinstance(claim, Property) and n not in self.alive and self._wanted(claim.sentence):
                yield gap(self.semantics, self.sites, self.alive, start, (n, claim))
        places: set[tuple[str, str]] = set()
        for site in self.faulty:
            place = self._process(site).name, site.action.at
            if place not in places:
                places.add(place)
                yield gap(self.semantics, [site], self.alive, start, None)

    # ------------------------------------------------------------------------------- what is proved

    def proof(self) -> tr.Proof:
        """What was proved, on what that rests, and what was not."""
        facts = sum(isinstance(self.claims.every[n], Fact) for n in self.alive)
        return tr.Proof(self.lemmas, facts, bool(self.moving), self.gaps)

    def status(self, kind: PropertyKind, sentence: str) -> tr.Status:
        """What became of a property that was asked for."""
        if kind == "sometimes" and sentence in self.sample.reached:
            return "reached"
        if kind in ("sometimes", "deadlock") or self.stopped is not None or not self.sites:
            return "not checked"
        if kind == "assert":
            may_fail = any(sentence in asserts_of(self._process(s), s.action) for s in self.faulty)
            return "not inductive" if may_fail else "holds"
        proved = {
            claim.sentence for n in self.alive
            if isinstance(claim := self.claims.every[n], Property)
        }
        return "holds" if sentence in proved else "not inductive"

    def _process(self, site: Site) -> Process:
        return self.semantics.processes[site.number][0]

    def all_evaluable(self) -> bool:
        """Whether no step and no `sometimes` faults."""
        return not self.faulty and all(
            n in self.alive for n in range(len(self.claims.every)) if self._is(n, "sometimes")
        )


def asserts_of(process: Process, action: Action) -> set[str]:
    """The asserts that a step from this action may come to."""
    by_name = {a.at: a for a in process.actions}
    found: set[str] = set()
    met = {action.at}
    todo = [action]
    while todo:
        for statement in statements(todo.pop().body):
            if isinstance(statement, Assert):
                found.add(statement.sentence)
            elif isinstance(statement, Goto) and statement.location not in met:
                met.add(statement.location)
                onward = by_name.get(statement.location)
                if onward is not None and onward.transit:
                    todo.append(onward)
    return found


# --------------------------------------------------------------------------------- what was found


def _verdict(
    program: Program, asked: frozenset[str], limits: tr.Limits, attempt: Attempt, began: float
) -> tr.Verdict:
    trace = attempt.sample.broken
    results = tuple(
        _result(kind, sentence, line, attempt, not asked or sentence in asked)
        for kind, sentence, line in sentences(program)
    )
    wanted = [r for r in results if not asked or r.sentence in asked]
    proved = trace is None and attempt.stopped is None and attempt.all_evaluable() and all(
        r.status in ("holds", "reached") for r in wanted
    )
    outcome: tr.Outcome = "VIOLATED" if trace else "HOLDS" if proved else "UNKNOWN"
    tried = trace is None and attempt.stopped is None
    return tr.Verdict(
        outcome=outcome,
        engine="induction",
        spec=program.name,
        parameters=tr.parameters_of(program),
        memory_model=program.memory or "sc",
        assumptions=program.assumptions,
        states=0,
        transitions=0,
        depth=0 if trace is None else len(trace.steps),
        exhaustive=False,
        limits=limits,
        stopped=tr.Stopped(attempt.stopped or "induction", 0, 0, 0)
        if outcome == "UNKNOWN" else None,
        properties=results,
        never_taken=tuple(_never_taken(attempt)) if tried else (),
        trace=trace,
        others=(),
        seconds=time.monotonic() - began,
        proof=attempt.proof() if tried else None,
    )


def _result(
    kind: PropertyKind, sentence: str, line: tr.Line, attempt: Attempt, wanted: bool
) -> tr.PropertyResult:
    trace = attempt.sample.broken
    if trace is None:
        status = attempt.status(kind, sentence) if wanted else "not checked"
        depth = attempt.sample.reached.get(sentence) if status == "reached" else None
        return tr.PropertyResult(kind, sentence, status, depth, line)
    assert trace.failure is not None
    asserted = kind == "assert" == trace.failure.kind and trace.failure.sentence == sentence
    if asserted or (kind != "assert" and sentence == attempt.sample.sentence):
        return tr.PropertyResult(kind, sentence, "violated", len(trace.steps), line)
    reached = attempt.sample.reached.get(sentence)
    return tr.PropertyResult(
        kind, sentence, "not checked" if reached is None else "reached", reached, line
    )


def _never_taken(attempt: Attempt) -> Iterator[tr.NeverTaken]:
    for process in attempt.program.processes:  # what begins within a step was not asked about
        within = {(process.name, a.at) for a in process.actions if a.transit}
        yield from never_taken(process, attempt.moving | within)
