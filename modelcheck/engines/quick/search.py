"""Breadth first, level by level, in sets of numbers; and a Verdict of what is found.

The states of a level are taken on together: what all of them lead to is one list, of which those
that are new are sorted out at once.  Every level is kept, for a trace goes back along them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Set

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.evidence import Evidence, to_show
from modelcheck.engines.found import Found, verdict_of
from modelcheck.engines.limits import (
    EVERY, Progress, collector_off, most_of_the_machine, resident,
)
from modelcheck.engines.quick.called import Wrong
from modelcheck.engines.quick.code import Code
from modelcheck.engines.quick.waiting import Waiting, nobody_asks
from modelcheck.ir import Program, Property
from modelcheck.semantics import Semantics, State

Meanwhile = Callable[[int], None]
"""Told the states found, as often as the clock is looked at.  What it raises ends the search."""

MANY = 4 * EVERY  # states that are expanded together
WAYS = 64  # steps that lead on from a state, or fewer


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None, meanwhile: Meanwhile | None = None,
) -> tr.Verdict:
    """The verdict on a Program, as `reference.explore` gives it."""
    asked = asked_for(program, properties or ())
    with collector_off():
        return verdict_of(_Search(program, asked, limits, progress, meanwhile).run())


class _Search:
    """A search, and what is made of it.

    levels    the states, by their distance from the start
    seen      all of them
    waiting   the states in which a process might be stuck
    bad       the states in which a property is false or fails, with those properties
    todo      states of the level that are not yet expanded
    unseen    states to expand before the next look at the clock
    """

    def __init__(
        self, program: Program, asked: frozenset[str], limits: tr.Limits,
        progress: Progress | None, meanwhile: Meanwhile | None,
    ) -> None:
        self.found = Found("quick", program, asked, limits, time.monotonic())
        self.limits = limits
        self.memory = limits.memory or most_of_the_machine()
        self.progress = progress
        self.meanwhile = meanwhile
        self.program = only(program, asked)
        self.semantics = Semantics(self.program)
        self.evidence = Evidence(self.semantics)
        self.shown = 0.0
        self.levels: list[list[int]] = []
        self.seen: set[int] = set()
        self.bad: dict[int, list[Property]] = {}
        self.todo = 0
        self.unseen = 0

    def run(self) -> Found:
        self.evidence.begin()
        at_once = self.evidence.at_once(self.found)
        if at_once.failures:
            return at_once
        self.code = Code(self.semantics)
        self.waiting = Waiting(self.code)
        asked = [_Asked(self.code, p) for p in self.program.properties]
        self.always = [a for a in asked if a.property.invariant]
        self.found.reached = dict(self.evidence.reached)
        self.sometimes = [
            a for a in asked
            if a.property.kind == "sometimes" and a.property.sentence not in self.found.reached
        ]
        begins = [self._pack(b.state) for b in self.evidence.begins if b.state is not None]
        self.seen.update(begins)
        self.levels.append(begins)
        try:
            self._search()
            if self.found.complete:
                self._deadlocks()
        except KeyboardInterrupt:
            self._forget_violations()
            self._stop("interrupted")
        self.found.states = len(self.seen)
        self.found.depth = len(self.levels) - 1 - (not self.levels[-1])
        self.found.taken = self.code.taken
        if self.bad or self.code.failing:
            self._violations()
        return self.evidence.shown(self.found)

    def _forget_violations(self) -> None:
        """Interrupted, some may be missing."""
        self.found.complete = False
        self.bad.clear()
        self.code.failing.clear()
        self.evidence.failures.clear()

    def _pack(self, state: State) -> int:
        """A state as one number."""
        return self.code.layout.pack(state)[0]

    # --------------------------------------------------------------------------------- the search

    def _search(self) -> None:
        wanted = not self.found.asked or NO_DEADLOCK in self.found.asked
        stays = self.waiting.meet if wanted else nobody_asks
        while self.levels[-1] and not self.bad and not self.code.failing:
            self._level(stays)
            if self.found.stopped is not None:
                return
        self.found.complete = not self.bad and not self.code.failing

    def _level(self, stays: Callable[[int, int], object]) -> None:
        """Expand every state of the last level, unless a limit is met."""
        out, seen, failing = self.code.out, self.seen, self.code.failing
        frontier, onward = self.levels[-1], list[int]()
        self.levels.append(onward)
        done = 0
        while done < len(frontier):
            self.todo = len(frontier) - done
            at_once = self._at_once()
            if self.found.stopped is not None:
                del frontier[done:]  # nobody has looked at them
                return
            out.clear()
            before = len(failing)
            self.code.expand(frontier[done : done + at_once], stays)
            self.found.transitions += len(out) + len(failing) - before
            fresh = [state for state in dict.fromkeys(out) if state not in seen]
            seen.update(fresh)
            onward += fresh
            self._look_at(fresh)
            done += at_once
        self.todo = 0

    def _at_once(self) -> int:
        """How many states to expand before the next look at the limits: fewer near that on states,
        so that the search ends where the reference engine does."""
        most = self.limits.states
        if most is not None and len(self.seen) > most:
            self._stop("states")
            return 0
        few = MANY if most is None else (most - len(self.seen)) // WAYS
        at_once = min(MANY, max(1, few))
        self.unseen -= at_once
        if self.unseen < 0:
            self.unseen = MANY - at_once
            self._look_at_the_clock()
        return at_once

    def _look_at(self, states: list[int]) -> None:
        """Notes which properties are broken, and which are reached, in states that are new."""
        for asked in self.always:
            for state in asked.unlike(states, True):
                self.bad.setdefault(state, []).append(asked.property)
        for asked in list(self.sometimes):
            for state in asked.unlike(states, False):
                if asked.fails(state):
                    self.bad.setdefault(state, []).append(asked.property)
                else:
                    self.found.reached[asked.property.sentence] = len(self.levels) - 1
                    self.sometimes.remove(asked)
                    break

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self.limits.seconds is not None and now - self.found.began > self.limits.seconds:
            self._stop("seconds")
        elif resident() > self.memory:
            self._stop("memory")
        elif self.progress is not None and now - self.shown > 0.1:
            self.shown = now
            self.progress(len(self.seen), len(self.levels) - 2, self.todo + len(self.levels[-1]))
        if self.meanwhile is not None:
            self.meanwhile(len(self.seen))

    def _stop(self, reason: tr.Reason) -> None:
        """Give up here."""
        level = max(0, len(self.levels) - 2)
        queue = self.todo + len(self.levels[-1])
        self.found.stopped = tr.Stopped(reason, len(self.seen), level, queue)

    # ---------------------------------------------------------------------------- what is broken

    def _violations(self) -> None:
        """What is broken, in the order in which the reference engine meets it."""
        level = len(self.levels) - 2
        failing = set(self.code.failing)
        met: set[int] = set()
        for source in self._paths(level, self.bad.keys(), failing):
            state = self.code.unpack(source)
            for step in self.semantics.successors(state):
                if step.fault is not None:
                    failing.discard(source)
                    self.evidence.fails(state, level, step)
                elif step.target is not None:
                    target = self._pack(step.target)
                    if target in self.bad and target not in met:
                        met.add(target)
                        if not self.evidence.breaks(step.target, level + 1, self.bad[target]):
                            raise tr.Disagreement(f"nothing is broken in {step.target}")
        if failing or met != self.bad.keys():
            raise tr.Disagreement("the quick engine finds a violation that semantics does not")

    def _deadlocks(self) -> None:
        """The stuck processes of the nearest states in which all are stuck that will be."""
        self.waiting.decide()
        width = self.code.places.width
        mine = (1 << width) - 1
        depths = {
            state: depth for depth, level in enumerate(self.levels) for state in level
            if state in self.waiting
        } if self.waiting else {}
        stuck = [
            (self.code.unpack(state), depths[state], [
                p for p in range(len(self.semantics.names)) if left >> p * width & mine
            ])
            for state, left in self.waiting.items()
        ]
        stuck = [
            (state, depth, who) for state, depth, every in stuck
            if (who := [p for p in every if not self._rests(state, p)])
        ]
        shown = to_show(self.semantics, stuck)
        if shown:
            self._paths(shown[0][1] - 1, {self._pack(state) for state, _, _ in shown}, set())
        for state, depth, processes in shown:
            self.evidence.stuck(state, depth, processes)

    def _rests(self, state: State, process: int) -> bool:
        action = self.semantics.process_action(state, process)
        return action is None or action.resting

    def _paths(self, level: int, final: Set[int], failing: set[int]) -> list[int]:
        """Numbers the states on shortest paths to `final`, a step behind this level, and to those
        of the level from which a step fails; gives those of the level."""
        out, expand = self.code.out, self.code.expand
        last: list[int] = []
        kept = len(self.code.failing)
        for at in range(level, -1, -1):
            here = []
            for state in self.levels[at]:
                out.clear()
                expand([state], nobody_asks)
                if not final.isdisjoint(out) or (at == level and state in failing):
                    here.append(state)
                    self.evidence.number(self.code.unpack(state), at)
            final = set(here)
            last = last or here
        del self.code.failing[kept:]
        return last


class _Asked:
    """A property, asked once of all states that agree in the memory which it reads."""

    def __init__(self, code: Code, property: Property) -> None:
        self.property = property
        self._bits = code.bits_of(property)
        self._holds = code.holds(property)
        self._alike: set[int] = set()

    def unlike(self, states: list[int], expected: bool) -> Iterator[int]:
        """Those of these states in which it is not as expected, or fails."""
        bits, alike = self._bits, self._alike
        for state in [s for s in states if s & bits not in alike]:
            if self._is(state, expected):
                alike.add(state & bits)
            else:
                yield state

    def fails(self, state: int) -> bool:
        """Whether it cannot be evaluated."""
        return not self._is(state, True) and not self._is(state, False)

    def _is(self, state: int, expected: bool) -> bool:
        try:
            return bool(self._holds(state)) is expected
        except Wrong:
            return False
