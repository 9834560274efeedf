"""Deadlock, per process, on a complete state graph.

A process is stuck in a state if it does not rest there, and on no path from there, whatever the
others do, does it change memory (storing what is there already is no change), end, or leave some
wait or loop that it stands in (an endless outermost loop is not one of these: `Action.loops`).
Where it stands in none, any step will do.  What an interrupt stores is no progress of the process
that it comes to, whose loops and waits it leaves no more than that: a timer that ticks helps nobody
who waits for a lock.  A run that an `assume` cuts short might have gone on: nobody is stuck who can
reach the cut.

A state is settled when nobody else becomes stuck behind it: the one to show, since there each of
those who wait for each other has come to where it waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from modelcheck.engines.graph import Digraph
from modelcheck.ir import Action, Assume, Program, statements
from modelcheck.semantics import Semantics, State

ANYWHERE = "anywhere"  # the place that a process without loop or wait leaves by any step


def stuck_processes(
    semantics: Semantics, graph: Digraph, states: list[State]
) -> dict[int, list[int]]:
    """The states in which some process is stuck, each with the numbers of those processes."""
    advances = _advances(semantics, graph, states)
    cuts = _has_assume(semantics.program)
    stuck: dict[int, list[int]] = {}
    for process, sources in enumerate(advances):
        still = set(graph) - _reaching(graph, sources, None)
        if cuts:
            cut = {u for u in still if _is_cut(semantics, states[u])}
            still -= _reaching(graph, cut, still)
        for state in _never_leaving(semantics, graph, states, process, still):
            stuck.setdefault(state, []).append(process)
    return stuck


def settled(graph: Digraph, stuck: dict[int, list[int]]) -> set[int]:
    """The states behind which no further process becomes stuck."""
    found: set[int] = set()
    before_more: set[int] = set()
    for size in sorted({len(who) for who in stuck.values()}, reverse=True):
        here = {state for state, who in stuck.items() if len(who) == size}
        found |= here - before_more
        before_more |= _reaching(graph, here, set(stuck))
    return found


def _advances(
    semantics: Semantics, graph: Digraph, states: list[State]
) -> list[set[int]]:
    """For each process, the states from which it takes a step that changes memory or ends it; not
    one of an interrupt."""
    memory = _memory(semantics)
    advances: list[set[int]] = [set() for _ in semantics.names]
    for u in graph:
        for v, data in graph.adj[u].items():
            changed = memory(states[u]) != memory(states[v])
            for process, _, _ in data["labels"]:
                action = semantics.process_action(states[u], process)
                counts = changed and action is not None and action.interrupt is None
                if counts or semantics.process_action(states[v], process) is None:
                    advances[process].add(u)
    return advances


def _memory(semantics: Semantics) -> Any:
    """What is read off a state to compare its shared cells, ghosts left out."""
    shared = [n for n, (variable, _) in enumerate(semantics.owners) if not variable.ghost]
    return itemgetter(*shared) if shared else lambda _: ()


def _reaching(graph: Digraph, to: Iterable[int], within: set[int] | None) -> set[int]:
    """The states from which one of these can be reached, these included; by paths in `within`."""
    reached = set(to)
    queue = deque(reached)
    while queue:
        for before in graph.predecessors(queue.popleft()):
            if before not in reached and (within is None or before in within):
                reached.add(before)
                queue.append(before)
    return reached


def _never_leaving(
    semantics: Semantics, graph: Digraph, states: list[State], process: int,
    still: set[int],
) -> set[int]:
    """Of these states (which no path leaves, and in which the process never advances), those from
    which it never leaves one of the places where it stands either."""
    standing: dict[str, set[int]] = {}
    leaving: dict[str, set[int]] = {}
    for u in still:
        action = semantics.process_action(states[u], process)
        if action is None:
            continue
        if not action.resting:
            for place in places_of(action):
                standing.setdefault(place, set()).add(u)
        for v, data in graph.adj[u].items():
            if any(label[0] == process for label in data["labels"]):
                for place in left_by(action, semantics.process_action(states[v], process)):
                    leaving.setdefault(place, set()).add(u)
    stuck: set[int] = set()
    for place, here in standing.items():
        stuck |= here - _reaching(graph, leaving.get(place, ()), still)
    return stuck


def places_of(action: Action) -> list[str]:
    """The loops and the wait that an action stands in."""
    return [loop.name for loop in action.loops] or [ANYWHERE]


def left_by(action: Action, target: Action | None) -> list[str]:
    """The loops and waits that a step from `action` to `target` leaves.  Taking a step from a wait
    leaves that wait, also where a loop leads straight back to it."""
    kept = {loop.name for loop in target.loops} if target is not None else set()
    left = [loop.name for loop in action.loops if loop.name not in kept]
    if action.wait is not None:
        left.append(places_of(action)[-1])
    return [*left, ANYWHERE]


def _has_assume(program: Program) -> bool:
    return any(
        isinstance(statement, Assume)
        for process in program.processes for action in process.actions
        for statement in statements(action.body)
    )


def _is_cut(semantics: Semantics, state: State) -> bool:
    return any(
        semantics.process_action(state, process) is not None and semantics.steps(state, process)[1]
        for process in range(len(semantics.names))
    )

