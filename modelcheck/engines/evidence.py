"""What an engine that keeps no graph shows of what it found: the states that a trace is chosen
from, and what is broken in them.

Nothing that such an engine says is broken is believed before `semantics` has said so of the same
state, and the trace is chosen as the reference engine chooses it: of the states on all shortest
paths to what is broken a graph is made, whose steps are those of `semantics`.
"""

from __future__ import annotations

from dataclasses import replace

from modelcheck import trace as tr
from modelcheck.engines.deadlock import settled
from modelcheck.engines.found import Found, shortest_trace
from modelcheck.engines.graph import Graph
from modelcheck.engines.shortest import End
from modelcheck.ir import Property
from modelcheck.semantics import Fault, Initial, Semantics, State, Step
from modelcheck.source import NOWHERE, SpecError


class Evidence:
    """A part of the state graph.

    begins     the states 0, 1, ... with the choices that lead there
    stillborn  what goes wrong before there is a state
    failures   what is broken, all at the same distance from the start
    broken     the sentences of the properties among them
    reached    each `sometimes` that is true in the beginning
    """

    def __init__(self, semantics: Semantics) -> None:
        self.semantics = semantics
        self.begins: list[Initial] = []
        self.stillborn: list[tuple[Initial, tr.Failure]] = []
        self.failures: list[tuple[End, tr.Failure]] = []
        self.broken: set[str] = set()
        self.reached: dict[str, int] = {}
        self._states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._depths: list[int] = []

    def number(self, state: State, depth: int) -> int:
        """The number of a state on a path to what is broken."""
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
            self._depths.append(depth)
        return number

    # ------------------------------------------------------------------------------ the beginning

    def begin(self) -> None:
        """The initial states, and what is wrong with them.  SpecError if no run begins at all."""
        program = self.semantics.program
        begins = self.semantics.initial()
        if not begins:
            span = NOWHERE if program.boot is None else program.boot.span
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")
        for begin in begins:
            if begin.state is not None:
                self.begins.append(begin)
                self.number(begin.state, 0)
                asked = [
                    p for p in program.properties
                    if p.invariant or p.sentence not in self.reached
                ]
                self.breaks(begin.state, 0, asked)
                for p in asked:
                    if p.kind == "sometimes" and self.semantics.holds(p, begin.state) is True:
                        self.reached[p.sentence] = 0
            elif begin.fault is not None:
                self.stillborn.append((begin, tr.failure_of_fault(begin.fault, "")))

    def at_once(self, found: Found) -> Found:
        """What was found where something is wrong before the first step; else as it was."""
        if not self.stillborn and not self.failures:
            return found
        return self.shown(replace(found, states=len(self.begins), reached=self.reached))

    # ----------------------------------------------------------------------------- what is broken

    def breaks(self, state: State, depth: int, properties: list[Property]) -> bool:
        """Notes which of these properties are broken in a state; whether any is."""
        before = len(self.failures)
        for property in sorted(properties, key=lambda p: not p.invariant):
            held = self.semantics.holds(property, state)
            if isinstance(held, Fault) or (property.invariant and not held):
                failure = tr.failure_of_property(property, held)
                self.failures.append((End(self.number(state, depth), None), failure))
                self.broken.add(property.sentence)
        return len(self.failures) > before

    def fails(self, state: State, depth: int, step: Step) -> None:
        """Notes a step from a state that ends in a fault."""
        assert step.fault is not None
        label = (step.process, step.action.at, step.choices)
        failure = tr.failure_of_fault(step.fault, self.semantics.names[step.process])
        self.failures.append((End(self.number(state, depth), label), failure))

    def stuck(self, state: State, depth: int, processes: list[int]) -> None:
        """Notes who is stuck in a state."""
        for process in processes:
            failure = tr.failure_of_deadlock(self.semantics, state, process)
            assert failure is not None, "a process that has ended rests"
            self.failures.append((End(self.number(state, depth), None), failure))

    # --------------------------------------------------------------------------------- the verdict

    def shown(self, found: Found) -> Found:
        """What was found, with what is broken and the trace that shows it."""
        found = replace(
            found, broken=self.broken,
            failures=[failure for _, failure in (*self.stillborn, *self.failures)],
        )
        if not found.failures:
            return found
        found.trace, at = shortest_trace(
            self.semantics, self.begins, self._graph(), self._depths, self.stillborn, self.failures
        )
        if found.complete:  # who else is stuck there; of who is stuck elsewhere it says nothing
            found.failures = [failure for end, failure in self.failures if end == at]
        return found

    def _graph(self) -> Graph:
        """The steps between the numbered states."""
        graph = Graph(range(len(self._states)))
        for number, state in enumerate(self._states):
            for step in self.semantics.successors(state):
                to = None if step.target is None else self._numbers.get(step.target)
                if to is not None:
                    graph.add_step(number, to, (step.process, step.action.at, step.choices))
        return graph


def to_show(
    semantics: Semantics, stuck: list[tuple[State, int, list[int]]]
) -> list[tuple[State, int, list[int]]]:
    """Of the states in which processes are stuck (each with its depth and these processes) the
    nearest in which all are stuck that will be."""
    if not stuck:
        return []
    numbers = {state: n for n, (state, _, _) in enumerate(stuck)}
    graph = Graph(range(len(stuck)))
    for n, (state, _, _) in enumerate(stuck):
        for step in semantics.successors(state):
            if step.target is not None and step.target in numbers:
                graph.add_step(n, numbers[step.target])
    shown = sorted(settled(graph, {n: who for n, (_, _, who) in enumerate(stuck)}))
    nearest = min(stuck[n][1] for n in shown)
    return [stuck[n] for n in shown if stuck[n][1] == nearest]
