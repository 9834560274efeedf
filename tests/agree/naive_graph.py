"""The whole state graph as the naive interpreter sees it, and whether the verdict of the reference
engine is what it says: the same states, steps and faults; the same shortest trace, found by looking
at all of them; the same deadlocks."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from modelcheck.engines.reference import explore
from modelcheck.ir import END, Loop, Program
from modelcheck.source import SpecError
from modelcheck.trace import Limits, Verdict
from tests.agree.naive import Naive, State

Label = tuple[int, tuple[int, ...]]


@dataclass
class Graph:
    """Everything that can be reached, level by level, beyond violations too."""

    depths: dict[State, int] = field(default_factory=dict)
    choices: dict[State, tuple[int, ...]] = field(default_factory=dict)
    stillborn: dict[tuple[int, ...], str] = field(default_factory=dict)
    edges: dict[State, list[tuple[Label, State | str]]] = field(default_factory=dict)
    cut: set[State] = field(default_factory=set)


def graph_of(naive: Naive, most: int | None = None) -> Graph | None:
    """The graph; None if it has more states than `most`."""
    graph = Graph()
    level: list[State] = []
    for choices, state in naive.initial():
        if isinstance(state, str):
            graph.stillborn[choices] = state
        else:
            graph.depths[state], graph.choices[state] = 0, choices
            level.append(state)
    while level:
        following = []
        for state in level:
            if most is not None and len(graph.depths) > most:
                return None
            graph.edges[state] = []
            for who, choices, target in naive.steps(state):
                if target == "cut":
                    graph.cut.add(state)
                    continue
                graph.edges[state].append(((who, choices), target))
                if not isinstance(target, str) and target not in graph.depths:
                    graph.depths[target] = graph.depths[state] + 1
                    following.append(target)
        level = following
    return graph


def first_violation(naive: Naive, graph: Graph) -> int | None:
    """The length of the shortest run to a fault or to a state in which an `always` is false."""
    lengths = [0] if graph.stillborn else []
    always = [p for p in naive.program.properties if p.kind == "always"]
    for state, depth in graph.depths.items():
        lengths += [depth] * any(not naive.holds(p, state) for p in always)
        lengths += [depth + 1 for _, target in graph.edges[state] if isinstance(target, str)]
    return min(lengths, default=None)


Run = tuple[int, tuple[int, ...], tuple[tuple[int, int, tuple[int, ...]], ...]]


def best_run(
    naive: Naive, graph: Graph, length: int, ends: set[State], faults: bool
) -> Run:
    """Of all runs of this length to an end: (switches, first choices, steps), the smallest."""
    best: dict[tuple[State, int], Run] = {
        (s, -1): (0, graph.choices[s], ()) for s, depth in graph.depths.items() if depth == 0
    }
    found: list[Run] = []
    for at in range(length):
        onward: dict[tuple[State, int], Run] = {}
        for (state, last), (switches, first, steps) in best.items():
            for (who, choices), target in graph.edges[state]:
                line = naive.actions[who][state[1][who]].span.line
                run = (switches + (last not in (-1, who)), first, (*steps, (who, line, choices)))
                if isinstance(target, str):
                    found += [run] if faults and at + 1 == length else []
                elif graph.depths[target] == at + 1:
                    onward[target, who] = min(run, onward.get((target, who), run))
        best = onward
    return min(found + [run for (state, _), run in best.items() if state in ends])


def stuck_in(naive: Naive, graph: Graph, state: State) -> list[int]:
    """The processes that are stuck in a state, by the definition: look at all that can follow."""
    reach, todo = {state}, [state]
    while todo:
        for _, target in graph.edges[todo.pop()]:
            if not isinstance(target, str) and target not in reach:
                reach.add(target)
                todo.append(target)
    if reach & graph.cut:
        return []
    stuck = []
    for who, at in enumerate(state[1]):
        if at == END or naive.actions[who][at].resting:
            continue
        steps = [
            (before, target) for before in reach for label, target in graph.edges[before]
            if label[0] == who and not isinstance(target, str)
        ]
        if not all(
            any(progress(naive, place, who, before, after) for before, after in steps)
            for place in naive.actions[who][at].loops or (None,)
        ):
            stuck.append(who)
    return stuck


def settled(graph: Graph, stuck: dict[State, list[int]]) -> set[State]:
    """The states behind which nobody else becomes stuck."""
    found = set(stuck)
    while True:
        going = {
            s for s in found for _, t in graph.edges[s] if not isinstance(t, str)
            if t not in found or len(stuck[t]) > len(stuck[s])
        }
        if not going:
            return found
        found -= going


def progress(naive: Naive, place: Loop | None, who: int, before: State, after: State) -> bool:
    """Whether this step of `who` gets it on, out of the loop or wait that it stood in."""
    cells = [v for v in naive.program.variables for _ in range(v.cells)]
    real = [n for n, v in enumerate(cells) if not v.ghost]
    source = naive.actions[who][before[1][who]]
    changed = any(before[0][n] != after[0][n] for n in real) and source.interrupt is None
    if after[1][who] == END or changed or place is None:
        return True
    target = naive.actions[who][after[1][who]]
    if place in source.loops and place not in target.loops:
        return True
    return source.wait is not None and source.loops[-1] == place


def agrees(program: Program, most: int | None = None) -> bool:
    """AssertionError if they do not agree.  With `most`: whether it was looked at, as there
    are no more states, nor a step of thousands of turns, which is nested too deeply for the naive
    interpreter."""
    naive = Naive(program)
    try:
        graph = graph_of(naive, most)
    except RecursionError:
        if most is None:
            raise
        graph = None
    if graph is None:
        return False
    if not graph.depths and not graph.stillborn:
        with pytest.raises(SpecError, match="no run begins"):
            explore(program, Limits())
        return True
    verdict = explore(program, Limits())
    length = first_violation(naive, graph)
    if length is None:
        complete_search_agrees(program, naive, graph, verdict)
    else:
        violation_agrees(naive, graph, verdict, length)
    return True


def violation_agrees(naive: Naive, graph: Graph, verdict: Verdict, length: int) -> None:
    assert verdict.outcome == "VIOLATED" and not verdict.exhaustive
    assert verdict.trace is not None and len(verdict.trace.steps) == length
    expanded = [s for s, depth in graph.depths.items() if depth < length]
    assert verdict.states == sum(depth <= length for depth in graph.depths.values())
    assert verdict.transitions == sum(len(graph.edges[s]) for s in expanded)
    always = [p for p in naive.program.properties if p.kind == "always"]
    false = {
        s for s, depth in graph.depths.items()
        if depth == length and any(not naive.holds(p, s) for p in always)
    }
    if graph.stillborn:
        begins = [*graph.stillborn, *(graph.choices[s] for s in false)]
        assert verdict.trace.schedule.initial == min(begins)
    else:
        assert run_of(verdict) == best_run(naive, graph, length, false, faults=True)


def complete_search_agrees(
    program: Program, naive: Naive, graph: Graph, verdict: Verdict
) -> None:
    assert verdict.exhaustive
    assert verdict.states == len(graph.depths)
    assert verdict.transitions == sum(len(edges) for edges in graph.edges.values())
    assert verdict.depth == max(graph.depths.values())
    for property, result in zip(program.properties, verdict.properties, strict=False):
        depths = [d for s, d in graph.depths.items() if naive.holds(property, s)]
        if property.kind == "sometimes":
            assert result.depth == min(depths, default=None)
    never_taken_is_not_taken(naive, graph, verdict)
    if len(graph.depths) > 1_500:
        return  # the definition, looked at from each state, takes the square of their number
    stuck = {s: who for s in graph.depths if (who := stuck_in(naive, graph, s))}
    if not stuck:
        assert verdict.trace is None
        return
    shown = settled(graph, stuck)
    nearest = min(graph.depths[s] for s in shown)
    ends = {s for s in shown if graph.depths[s] == nearest}
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == "deadlock"
    assert run_of(verdict) == best_run(naive, graph, nearest, ends, faults=False)


def never_taken_is_not_taken(naive: Naive, graph: Graph, verdict: Verdict) -> None:
    """A line that no run takes has no action that any step begins with."""
    names = [process.name for process, _ in naive.program.instances()]
    never = {(n.process, n.source.file, n.source.line) for n in verdict.never_taken if not n.calls}
    for state, edges in graph.edges.items():
        for (who, _), _ in edges:
            span = naive.actions[who][state[1][who]].span
            assert (names[who], span.file, span.line) not in never


def run_of(verdict: Verdict) -> Run:
    assert verdict.trace is not None
    steps = tuple(
        (step.number, step.source.line, tuple(c.option for c in step.choices))
        for step in verdict.trace.steps
    )
    return verdict.trace.switches, verdict.trace.schedule.initial, steps
