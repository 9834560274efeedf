"""Some thousand states that runs do reach: those next to the start, and some far from it.

What is false in one of them need not be tried to prove; and a promise that is broken there is
broken: the run that leads there says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from random import Random

from modelcheck import trace as tr
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import Initial, Semantics, State
from modelcheck.source import NOWHERE, SpecError

NEAR = 2_000  # states, breadth first
WALKS, LENGTH = 24, 150  # random walks from the start, and the steps of each
SEED = 1


@dataclass
class Sample:
    """States that are reached, and what was seen in them.

    begins    where runs begin
    came      each state with the step that led there: from which state, whose, with which choices
    broken    a run to a violation (the shortest, if it is one of those next to the start)
    sentence  the property that it breaks (None: a fault)
    reached   each `sometimes` that was seen, with the length of a run to it
    """

    program: Program
    semantics: Semantics
    begins: dict[State, Initial] = field(default_factory=dict)
    came: dict[State, tuple[State, int, tuple[int, ...]] | None] = field(default_factory=dict)
    broken: tr.Trace | None = None
    sentence: str | None = None
    reached: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Where runs begin."""
        for begin in self.semantics.initial():
            if begin.fault is not None:
                schedule = tr.Schedule(begin.choices, ())
                failure = tr.failure_of_fault(begin.fault, "")
                self.broken = tr.replay(self.semantics, schedule, failure)
                return
            assert begin.state is not None
            self.begins[begin.state] = begin
            self.came[begin.state] = None
        if not self.begins:
            boot = self.program.boot
            span = NOWHERE if boot is None else boot.span
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")
        for state in self.begins:
            self._look(state)

    def onward(self, state: State) -> list[State]:
        """The states one step from this one; those that are new are looked at."""
        found: list[State] = []
        for step in self.semantics.successors(state):
            if self.broken is not None:
                break
            if step.target is None:
                self.broken = self._run_to(state, [(step.process, step.choices)], None)
                break
            found.append(step.target)
            if step.target not in self.came:
                self.came[step.target] = (state, step.process, step.choices)
                self._look(step.target)
        return found

    def _look(self, state: State) -> None:
        """What the properties are in a new state."""
        for property in self.program.properties:
            held = self.semantics.holds(property, state)
            if property.kind == "sometimes" and isinstance(held, bool):
                if held and property.sentence not in self.reached:
                    self.reached[property.sentence] = len(self._steps_to(state)[1])
            elif held is not True and self.broken is None:
                self.sentence = property.sentence
                failure = tr.failure_of_property(property, held)
                self.broken = self._run_to(state, [], failure)

    def _steps_to(self, state: State) -> tuple[State, list[tuple[int, tuple[int, ...]]]]:
        """Where a run to this state begins, and its steps."""
        steps: list[tuple[int, tuple[int, ...]]] = []
        while (before := self.came[state]) is not None:
            state = before[0]
            steps.append(before[1:])
        return state, steps[::-1]

    def _run_to(
        self, state: State, further: list[tuple[int, tuple[int, ...]]], failure: tr.Failure | None
    ) -> tr.Trace:
        begin, steps = self._steps_to(state)
        schedule = tr.Schedule(self.begins[begin].choices, (*steps, *further))
        return tr.replay(self.semantics, schedule, failure)


def sampled(program: Program, semantics: Semantics, spent: Callable[[], bool]) -> Sample:
    """The states of a Program to try candidates on, or a violation that was met among them; fewer
    if the time is `spent` before."""
    sample = Sample(program, semantics)
    sample.begin()
    queue = list(sample.begins)
    for state in queue:
        if spent() or sample.broken is not None or len(sample.came) > NEAR:
            break
        met = len(sample.came)
        sample.onward(state)
        queue += list(sample.came)[met:]
    random = Random(SEED)
    for _ in range(WALKS):
        here = random.choice(list(sample.begins)) if sample.begins else None
        for _ in range(LENGTH):
            over = here is None or spent() or sample.broken is not None
            onward = [] if here is None or over else sample.onward(here)
            here = random.choice(onward) if onward else None
    return sample
