"""The state graph of a design, as the reference engine finds it, for people who review the design.

It ends where the search ends: at the length of the first violation."""

from __future__ import annotations

from collections import defaultdict

from modelcheck.engines.reference import Search, explored
from modelcheck.ir import Action, Program
from modelcheck.semantics import Semantics, State
from modelcheck.trace import Failure, Limits, Line, Trace, Verdict, line_of
from modelcheck.trace.graph import Edge, Node, Standing, StateGraph

Taken = tuple[int, int, tuple[int, ...]]
"""A step of the counterexample: the state that it leaves, the process, its choices."""


def state_graph(
    program: Program, properties: tuple[str, ...], most: int
) -> StateGraph | None:
    """The graph that the reference engine finds; None if it has more states than `most`."""
    verdict, search = explored(program, Limits(states=most), properties)
    if search.stopped is not None and search.stopped.reason == "interrupted":
        raise KeyboardInterrupt
    if search.stopped is not None or len(search.states) > most:
        return None
    return _Telling(search, verdict).graph()


class _Telling:
    """A search, and the way of its counterexample through it."""

    def __init__(self, search: Search, verdict: Verdict) -> None:
        self.search = search
        self.verdict = verdict
        self.semantics = search.semantics
        at_once = any(
            end.label is None and search.depths[end.state] == 0 for end, _ in search.failures
        )
        self.looked_at = -1 if at_once else search.level  # the depth of the last states that were
        self.arrives: dict[int, list[int]] = defaultdict(list)
        self.takes: dict[Taken, list[int]] = defaultdict(list)
        if verdict.trace is not None:
            self._follow(verdict.trace)

    def _follow(self, trace: Trace) -> None:
        """Notes the states and steps of the counterexample."""
        chosen = trace.schedule.initial
        begin = next((b for b in self.semantics.initial() if b.choices == chosen), None)
        state = None if begin is None else begin.state
        if state is not None:
            self.arrives[self.search.numbers[state]].append(0)
        for number, (process, choices) in enumerate(trace.schedule.steps, 1):
            assert state is not None, "a trace ends where a step fails"
            here = self.search.numbers[state]
            self.takes[here, process, choices].append(number)
            detail = self.semantics.detail(state, process, choices)
            assert detail is not None, "it was replayed before it was shown"
            state = detail.step.target
            if state is not None:
                self.arrives[self.search.numbers[state]].append(number)

    def graph(self) -> StateGraph:
        """The graph, in texts."""
        search, verdict = self.search, self.verdict
        owners = self.semantics.owners
        return StateGraph(
            spec=verdict.spec,
            parameters=verdict.parameters,
            said=_said(verdict),
            ghosts=frozenset(
                self.semantics.cell_name(n) for n, (v, _) in enumerate(owners) if v.ghost
            ),
            nodes=tuple(self._node(n, state) for n, state in enumerate(search.states)),
            edges=tuple(e for n in range(len(search.states)) for e in self._edges(n)),
            complete=search.complete,
        )

    def _node(self, number: int, state: State) -> Node:
        search, semantics = self.search, self.semantics
        broken = [
            _sentence(failure) for end, failure in (*search.failures, *search.stuck)
            if end.state == number and end.label is None
        ]
        return Node(
            stands=tuple(_standing(semantics, state, p) for p in range(len(semantics.names))),
            cells=semantics.show_cells(state),
            depth=search.depths[number],
            begins=search.depths[number] == 0,
            path=tuple(self.arrives[number]),
            broken=tuple(broken),
            followed=search.complete or search.depths[number] <= self.looked_at,
        )

    def _edges(self, number: int) -> list[Edge]:
        """The steps from a state, as far as they were looked at."""
        search, semantics = self.search, self.semantics
        found = []
        faults = {end.label: f for end, f in search.failures if end.state == number}
        steps = [
            (label, to) for to, data in search.graph.adj[number].items() for label in data["labels"]
        ] + [(label, None) for label in faults if label is not None]
        for label, to in sorted(steps, key=lambda step: (step[0][0], step[0][2])):
            process, _, choices = label
            action = semantics.process_action(search.states[number], process)
            assert action is not None, "who has ended takes no step"
            found.append(Edge(
                number, to, semantics.names[process], _lines(action), choices,
                tuple(self.takes[number, process, choices]),
                faults[label].sentence if to is None else "",
            ))
        return found


def _said(verdict: Verdict) -> str:
    failure = None if verdict.trace is None else verdict.trace.failure
    return verdict.outcome if failure is None else f"{verdict.outcome}: {_sentence(failure)}"


def _sentence(failure: Failure) -> str:
    """What is wrong: of who is stuck the state says where it stands."""
    stuck = f"{failure.process} is stuck for ever"
    return stuck if failure.kind == "deadlock" else failure.sentence


def _standing(semantics: Semantics, state: State, process: int) -> Standing:
    action = semantics.process_action(state, process)
    live = () if action is None else action.live
    values = semantics.locals(state, process)
    return Standing(
        semantics.names[process],
        () if action is None else _lines(action),
        tuple((name, values[name]) for name in live),
    )


def _lines(action: Action) -> tuple[Line, ...]:
    """The line of an action, and those that were merged into it."""
    return tuple(dict.fromkeys(line_of(span) for span in (action.span, *action.also)))
