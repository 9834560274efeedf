"""The reference engine: breadth first over `semantics` into a networkx graph.  The referee.

states       reachable states, beginnings included
transitions  (state, process, choices) for which there is a step, those that end in a fault included
graph        nodes are the numbers of states in the order in which they were met; an edge's "labels"
             are the (process, location, choices) of the steps that lead that way
The search ends after the first level of the graph that has a violation, so that every violation at
the least length is known.  `shortest.py` picks the trace to show, `deadlock.py` reads deadlocks off
a complete graph.
"""

from __future__ import annotations

import time
from dataclasses import field
from typing import TYPE_CHECKING

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.deadlock import settled, stuck_processes
from modelcheck.engines.found import Found, shortest_trace, verdict_of
from modelcheck.engines.limits import (
    EVERY, Progress, collector_off, most_of_the_machine, resident,
)
from modelcheck.engines.shortest import End, Label
from modelcheck.ir import Action, Program, Property
from modelcheck.records import dataclass
from modelcheck.semantics import Fault, Initial, Semantics, State
from modelcheck.source import NOWHERE, SpecError

if TYPE_CHECKING:
    import networkx as nx


@dataclass
class Search:
    """A search and what it has found.

    begins      the states 0, 1, ... with the choices that lead there
    level       the depth whose states are being expanded
    failures    the violations met, all at the same distance from the start
    stuck       where a process is stuck, and who: of a complete search, if deadlock is asked for
    broken      the sentences of the properties among the failures
    reached     each `sometimes` with the depth where it was first true
    taken       (process template, location) of every action that some step takes
    complete    every reachable state was expanded
    """

    program: Program
    semantics: Semantics
    limits: tr.Limits
    graph: nx.DiGraph[int]
    began: float
    begins: list[Initial] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    depths: list[int] = field(default_factory=list)
    level: int = 0
    transitions: int = 0
    failures: list[tuple[End, tr.Failure]] = field(default_factory=list)
    stillborn: list[tuple[Initial, tr.Failure]] = field(default_factory=list)
    stuck: list[tuple[End, tr.Failure]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    reached: dict[str, int] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    stopped: tr.Stopped | None = None
    complete: bool = False

    def forget_violations(self) -> None:
        """Interrupted in mid-step, the graph may lack the last edge to them."""
        self.failures.clear()
        self.stillborn.clear()
        self.broken.clear()


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tr.Verdict:
    """The verdict on a Program.

    properties  only these are checked, by sentence or by the name of their function ("deadlock" for
                that); ConfigurationError if there is no such property.  None or (): all"""
    return explored(program, limits, properties, progress)[0]


def explored(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tuple[tr.Verdict, Search]:
    """The verdict as `explore` gives it, and the search that it was read off."""
    asked = asked_for(program, properties or ())
    with collector_off():
        search = searched(only(program, asked), limits, progress)
        try:
            if search.complete and (not asked or NO_DEADLOCK in asked):
                search.stuck = _deadlocks(search)
        except KeyboardInterrupt:
            search.complete = False
            search.stopped = tr.Stopped("interrupted", len(search.states), search.level, 0)
        return _verdict(program, asked, search), search


# -------------------------------------------------------------------------------------- the search


def searched(
    program: Program, limits: tr.Limits | None = None, progress: Progress | None = None
) -> Search:
    """The state graph, as far as the limits and the first violations let it grow.

    SpecError if no run begins at all."""
    import networkx as nx

    search = Search(
        program, Semantics(program), limits or tr.Limits(), nx.DiGraph(), time.monotonic()
    )
    expand = _Expansion(search, progress)
    try:
        expand.begin()
        while expand.next and not search.failures and not search.stillborn:
            expand.level()
            if search.stopped is not None:
                break
        else:
            search.complete = not (search.failures or search.stillborn)
    except KeyboardInterrupt:
        expand.stop("interrupted")
        search.forget_violations()
    return search


class _Expansion:
    """The loop of a search: one level of states after the other."""

    def __init__(self, search: Search, progress: Progress | None) -> None:
        self.search = search
        self.progress = progress
        self.shown = 0.0
        self.next: list[int] = []
        self.todo = 0
        semantics = search.semantics
        self.invariants = [p for p in search.program.properties if p.invariant]
        self.sometimes = [p for p in search.program.properties if p.kind == "sometimes"]
        self.templates = tuple(process.name for process, _ in search.program.instances())
        self.names = semantics.names
        self.memory = search.limits.memory or most_of_the_machine()

    def begin(self) -> None:
        """The initial states."""
        search = self.search
        begins = search.semantics.initial()
        if not begins:
            span = NOWHERE if search.program.boot is None else search.program.boot.span
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")
        for begin in begins:
            if begin.state is not None:
                search.begins.append(begin)
                self._meet(begin.state, 0)
            elif begin.fault is not None:
                search.stillborn.append((begin, tr.failure_of_fault(begin.fault, "")))
        search.graph.add_nodes_from(range(len(search.states)))

    def level(self) -> None:
        """Expand every state of a level, unless a limit is met."""
        search = self.search
        frontier, self.next = self.next, []
        search.level = search.depths[frontier[0]]
        for done, number in enumerate(frontier):
            self.todo = len(frontier) - done
            states = search.limits.states
            if states is not None and len(search.states) > states:
                self.stop("states")
            elif number % EVERY == 0:
                self._look_at_the_clock()
            if search.stopped is not None:
                return
            self._expand(number)

    def _expand(self, number: int) -> None:
        search = self.search
        edges: dict[int, tuple[Label, ...]] = {}
        for step in search.semantics.successors(search.states[number]):
            search.transitions += 1
            label = (step.process, step.action.at, step.choices)
            self._take(step.process, (step.action, *step.through))
            if step.target is not None:
                to = self._meet(step.target, search.level + 1)
                edges[to] = (*edges.get(to, ()), label)
            elif step.fault is not None:
                failure = tr.failure_of_fault(step.fault, self.names[step.process])
                search.failures.append((End(number, label), failure))
        search.graph.add_edges_from((number, to, {"labels": ls}) for to, ls in edges.items())

    def _take(self, process: int, actions: tuple[Action, ...]) -> None:
        template = self.templates[process]
        for action in actions:
            self.search.taken.add((template, action.at))

    def _meet(self, state: State, depth: int) -> int:
        """The number of a state; what holds in it is asked when it is new."""
        search = self.search
        number = search.numbers.setdefault(state, len(search.states))
        if number == len(search.states):
            search.states.append(state)
            search.depths.append(depth)
            self.next.append(number)
            for property in self.invariants:
                held = search.semantics.holds(property, state)
                if held is not True:
                    self._violated(number, property, held)
            for property in self.sometimes:
                held = search.semantics.holds(property, state)
                if held is not False:
                    self._reached(number, property, held)
        return number

    def _violated(self, number: int, property: Property, held: bool | Fault) -> None:
        failure = tr.failure_of_property(property, held)
        self.search.failures.append((End(number, None), failure))
        self.search.broken.add(property.sentence)

    def _reached(self, number: int, property: Property, held: bool | Fault) -> None:
        if isinstance(held, Fault):
            self._violated(number, property, held)
        else:
            self.search.reached[property.sentence] = self.search.depths[number]
            self.sometimes = [p for p in self.sometimes if p is not property]

    def _look_at_the_clock(self) -> None:
        limits, now = self.search.limits, time.monotonic()
        if limits.seconds is not None and now - self.search.began > limits.seconds:
            self.stop("seconds")
        elif resident() > self.memory:
            self.stop("memory")
        elif self.progress is not None and now - self.shown > 0.1:
            self.shown = now
            self.progress(len(self.search.states), self.search.level, self.todo + len(self.next))

    def stop(self, reason: tr.Reason) -> None:
        """Give up here."""
        search = self.search
        queue = self.todo + len(self.next)
        search.stopped = tr.Stopped(reason, len(search.states), search.level, queue)


# --------------------------------------------------------------------------------- what was found


def _deadlocks(search: Search) -> list[tuple[End, tr.Failure]]:
    """The stuck processes of the nearest states in which all are stuck that will be."""
    semantics, states, depths = search.semantics, search.states, search.depths
    stuck = stuck_processes(semantics, search.graph, states)
    shown = settled(search.graph, stuck)
    nearest = min((depths[state] for state in shown), default=0)
    found = []
    for state in sorted(state for state in shown if depths[state] == nearest):
        for process in stuck[state]:
            failure = tr.failure_of_deadlock(semantics, states[state], process)
            assert failure is not None, "a process that has ended rests"
            found.append((End(state, None), failure))
    return found


def _verdict(program: Program, asked: frozenset[str], search: Search) -> tr.Verdict:
    failures = search.failures or search.stuck
    found = Found(
        "reference", program, asked, search.limits, search.began,
        states=len(search.states),
        transitions=search.transitions,
        depth=max(search.depths, default=0),
        complete=search.complete,
        stopped=search.stopped,
        failures=[failure for _, failure in (*search.stillborn, *failures)],
        broken=search.broken,
        reached=search.reached,
        taken=search.taken,
    )
    if found.failures:
        found.trace, at = shortest_trace(
            search.semantics, search.begins, search.graph, search.depths, search.stillborn, failures
        )
        if search.stuck:  # who else is stuck there; of who is stuck elsewhere it says nothing
            found.failures = [failure for end, failure in search.stuck if end == at]
    return verdict_of(found)
