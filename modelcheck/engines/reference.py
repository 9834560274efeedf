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

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, PropertyKind, asked_for, only, sentences
from modelcheck.engines.deadlock import settled, stuck_processes
from modelcheck.engines.shortest import End, Label, ShortestPaths
from modelcheck.ir import Action, Program, Property
from modelcheck.semantics import Fault, Initial, Semantics, State
from modelcheck.source import NOWHERE, SpecError

if TYPE_CHECKING:
    import networkx as nx

Progress = Callable[[int, int, int], None]
"""Told the states found, the depth and the length of the queue, a few times a second."""

EVERY = 256  # states between two looks at the clock


@dataclass
class Search:
    """A search and what it has found.

    begins      the states 0, 1, ... with the choices that lead there
    level       the depth whose states are being expanded
    failures    the violations met, all at the same distance from the start
    broken      the sentences of the properties among them
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
    asked = asked_for(program, properties or ())
    with _collector_off():
        search = searched(only(program, asked), limits, progress)
        stuck: list[tuple[End, tr.Failure]] = []
        try:
            if search.complete and (not asked or NO_DEADLOCK in asked):
                stuck = _deadlocks(search)
        except KeyboardInterrupt:
            search.complete = False
            search.stopped = tr.Stopped("interrupted", len(search.states), search.level, 0)
        return _verdict(program, asked, search, stuck)


@contextmanager
def _collector_off() -> Iterator[None]:
    """Without Python's cycle collector, which would walk the whole graph again and again (half of
    the time, measured) and find nothing in it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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


def most_of_the_machine() -> int:
    """Where a search without a limit of its own ends, before the system would kill it: three
    quarters of the machine's memory, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def resident() -> int:
    """The bytes of memory that this process holds (at most, where the system tells no more)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


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


def _trace(
    search: Search, failures: list[tuple[End, tr.Failure]]
) -> tuple[tr.Trace, End | None]:
    """The trace to show of violations that all lie at the same distance, and where it ends."""
    semantics = search.semantics
    at_once = [(begin.choices, failure) for begin, failure in search.stillborn]
    if at_once:
        at_once += [(search.begins[end.state].choices, failure) for end, failure in failures]
        choices, failure = min(at_once, key=lambda found: found[0])
        return tr.replay(semantics, tr.Schedule(choices, ()), failure), None
    actions = {
        (number, action.at): action.span.line
        for number, (process, _) in enumerate(search.program.instances())
        for action in process.actions
    }
    paths = ShortestPaths(
        search.graph, search.depths, [end for end, _ in failures],
        lambda label: actions[label[0], label[1]],
    )
    begin, labels, at = paths.first()
    schedule = tr.Schedule(
        search.begins[begin].choices, tuple((process, choices) for process, _, choices in labels)
    )
    return tr.replay(semantics, schedule, next(f for end, f in failures if end == at)), at


def _verdict(
    program: Program, asked: frozenset[str], search: Search, stuck: list[tuple[End, tr.Failure]]
) -> tr.Verdict:
    failures = search.failures or stuck
    found = [failure for _, failure in (*search.stillborn, *failures)]
    trace, at = _trace(search, failures) if found else (None, None)
    if stuck:  # who else is stuck there; of who is stuck elsewhere the trace says nothing
        found = [failure for end, failure in stuck if end == at]
    results = tuple(
        _result(kind, sentence, line, search, found, trace, not asked or sentence in asked)
        for kind, sentence, line in sentences(program)
    )
    bad = found or any(r.status == "not reached" for r in results)
    return tr.Verdict(
        outcome="VIOLATED" if bad else "UNKNOWN" if search.stopped else "HOLDS",
        engine="reference",
        spec=program.name,
        parameters=tr.parameters_of(program),
        memory_model=program.memory or "sc",
        assumptions=program.assumptions,
        states=len(search.states),
        transitions=search.transitions,
        depth=max(search.depths, default=0),
        exhaustive=search.complete,
        limits=search.limits,
        stopped=search.stopped,
        properties=results,
        never_taken=tuple(_never_taken(search)) if search.complete else (),
        trace=trace,
        others=_others(found, None if trace is None else trace.failure),
        seconds=time.monotonic() - search.began,
    )


def _result(
    kind: PropertyKind, sentence: str, line: tr.Line, search: Search, found: list[tr.Failure],
    trace: tr.Trace | None, wanted: bool,
) -> tr.PropertyResult:
    """What became of a property."""
    length = None if trace is None else len(trace.steps)
    status: tr.Status = "not checked"
    depth: int | None = None
    match kind:
        case "sometimes":
            if sentence in search.reached:
                status, depth = "reached", search.reached[sentence]
            elif wanted and search.complete:
                status = "not reached"
        case "always" | "lemma" | "assert" | "deadlock":
            if sentence in search.broken or any(_breaks(f, kind, sentence) for f in found):
                status, depth = "violated", length
            elif wanted and search.complete:
                status = "holds"
    return tr.PropertyResult(kind, sentence, status, depth, line)


def _breaks(failure: tr.Failure, kind: str, sentence: str) -> bool:
    return failure.kind == kind and (kind == "deadlock" or failure.sentence == sentence)


def _others(found: list[tr.Failure], shown: tr.Failure | None) -> tuple[tr.Failure, ...]:
    """The violations that the trace does not show, each sentence once."""
    others: dict[tuple[str, str], tr.Failure] = {}
    for failure in found:
        if shown is None or (failure.kind, failure.sentence) != (shown.kind, shown.sentence):
            others.setdefault((failure.kind, failure.sentence), failure)
    return tuple(others.values())


def _never_taken(search: Search) -> Iterator[tr.NeverTaken]:
    for process in search.program.processes:
        for action in process.actions:
            if (process.name, action.at) not in search.taken:
                yield tr.NeverTaken(process.name, action.at, tr.line_of(action.span))
