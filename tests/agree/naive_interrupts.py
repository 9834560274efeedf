"""Interrupts as they are meant, to be compared with how the front end puts them into a process.

The naive interpreter runs processes and handlers apart: a process that stands where interrupts come
may begin a handler at any time, also while it waits, and that takes no step; the handler does what
precedes its first access.  From then on the process takes the handler's steps, until it has ended,
and stands where it stood.  So the states are those of the Program in which a handler has locations
for each place where it may come, with the same distances from the start, and so is whether some
process is stuck for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from modelcheck import ir
from modelcheck.frontend.compile import steps
from modelcheck.frontend.declare import declare
from modelcheck.frontend.interrupts import Handler, woven
from modelcheck.frontend.load import load
from modelcheck.frontend.nulls import type_nulls
from modelcheck.frontend.ranges import infer_ranges
from modelcheck.ir import END, Program
from modelcheck.memory.sc import sc
from modelcheck.passes.liveness import liveness
from tests.agree.naive import Naive, State, World
from tests.agree.naive_graph import graph_of, first_violation, stuck_in

Places = list[tuple[str, str]]
Seen = tuple[Any, ...]


@dataclass(frozen=True)
class Apart:
    """A Program with the handlers as processes that run nothing; what each does before its first
    access; of each process by its name, the handlers' names and where they come (`before`: not
    while it waits there)."""

    program: Program
    entries: dict[str, ir.Block]
    handlers: dict[str, tuple[str, ...]]
    come: dict[str, frozenset[str]]
    before: dict[str, frozenset[str]]


def apart(path: str) -> tuple[Apart, Program]:
    """A spec's processes and handlers apart, and put together; no equal locations are merged."""
    found: dict[str, tuple[ir.Process, tuple[Handler, ...], frozenset[str], frozenset[str]]] = {}

    def kept(
        process: ir.Process, handlers: tuple[Handler, ...], come: set[str], before: set[str]
    ) -> ir.Process:
        barriers = {
            a.at for a in process.actions if isinstance(a.access, ir.Fence) and a.reason is None
        }
        if (come | before) - barriers:
            found[process.name] = (
                process, handlers, frozenset(come - barriers), frozenset(before - barriers)
            )
        return woven(process, handlers, come, before)

    whole = steps(declare(load(path), path, {}), kept)
    plain = tuple(found[p.name][0] if p.name in found else p for p in whole.processes)
    handlers = tuple(
        replace(h.process, actions=tuple(replace(a, head=False) for a in h.process.actions))
        for _, those, _, _ in found.values() for h in those
    )
    alone = _compiled(type_nulls(replace(whole, processes=(*plain, *handlers))))
    idle = tuple(
        replace(p, entry=(ir.Goto(END),)) if p.name in {h.name for h in handlers} else p
        for p in alone.processes
    )
    return Apart(
        replace(alone, processes=idle),
        {p.name: p.entry for p in alone.processes},
        {name: tuple(h.name for h in those) for name, (_, those, _, _) in found.items()},
        {name: come for name, (_, _, come, _) in found.items()},
        {name: before for name, (_, _, _, before) in found.items()},
    ), _compiled(whole)


def _compiled(program: Program) -> Program:
    return sc(liveness(infer_ranges(program)))


class Interrupted(Naive):
    """Processes, each with those of the handlers that come to it: `owner` says whose CPU it is."""

    def __init__(self, parts: Apart) -> None:
        super().__init__(parts.program)
        self.parts = parts
        numbers = {(p.name, me): who for who, (p, me) in enumerate(self.processes)}
        self.mine: dict[int, list[int]] = {
            numbers[name, me]: [numbers[h, me] for h in handlers]
            for name, handlers in parts.handlers.items()
            for process in parts.program.processes if process.name == name
            for me in range(process.count)
        }
        self.owner = {h: who for who, handlers in self.mine.items() for h in handlers}

    def value(self, expr: ir.Expr, w: World) -> Any:
        if isinstance(expr, ir.Self):
            return self.owner.get(w.who, w.who)
        return super().value(expr, w)

    def running(self, state: State, who: int) -> int | None:
        """The handler that runs on the CPU of a process."""
        return next((h for h in self.mine.get(who, ()) if state[1][h] != END), None)

    def onward(self, state: State) -> Iterator[tuple[int, State | str]]:
        """The steps: each with the process, or the handler, whose it is."""
        for who, at in enumerate(state[1]):
            if who in self.owner or at == END:
                continue
            running = self.running(state, who)
            taker = who if running is None else running
            world = self.thawed(state)
            world.who = taker
            for _, end in self.act(self.actions[taker][state[1][taker]], world):
                yield taker, end.frozen() if isinstance(end, World) else end

    def begun(self, state: State, waiting: bool) -> Iterator[State | str]:
        """What handlers that begin here lead to.  `waiting`: also where the process might wait."""
        for who, at in enumerate(state[1]):
            if who not in self.mine or at == END or self.running(state, who) is not None:
                continue
            name = self.processes[who][0].name
            before = at in self.parts.before[name]
            if not before and at not in self.parts.come[name]:
                continue
            if before and not waiting and self.actions[who][at].wait is not None:
                continue
            for handler in self.mine[who]:
                world = self.thawed(state)
                world.who = handler
                for _, end in self.run(self.parts.entries[self.processes[handler][0].name], world):
                    yield end.frozen() if isinstance(end, World) else end

    # -------------------------------------------------------------------------------- deadlock

    def places(self, state: State, who: int) -> Places:
        """The loops and waits that a process stands in, its handler's too; none where it rests."""
        running = self.running(state, who)
        takers = [who] if running is None else [who, running]
        actions = [(t, self.actions[t][state[1][t]]) for t in takers]
        found = [(self.processes[t][0].name, loop.name) for t, a in actions for loop in a.loops]
        resting = running is None and actions[0][1].resting
        return [] if resting else found or [("", "anywhere")]

    def leaves(self, place: tuple[str, str], who: int, before: State, taker: int, after: State
               ) -> bool:
        """Whether a step on the CPU of `who` is progress for who stands in this place."""
        if after[1][who] == END or place == ("", "anywhere"):
            return True
        real = [not v.ghost for v in self.program.variables for _ in range(v.cells)]
        changed = any(
            r and a != b for r, a, b in zip(real, before[0], after[0], strict=True)
        )
        if changed and taker == who:
            return True
        if place in self.places(before, who) and place not in self.places(after, who):
            return True
        action = self.actions[taker][before[1][taker]]
        name = self.processes[taker][0].name
        return action.wait is not None and place in [(name, x.name) for x in action.loops[-1:]]


@dataclass
class Graph:
    """What can be reached: how far each state is from the start; the length of the shortest run to
    what is wrong; and whether an `assume` cuts some run short."""

    depths: dict[State, int]
    wrong: int | None
    cut: bool


def reached(naive: Interrupted, most: int) -> Graph | None:
    """The graph; None if it has more states than `most`."""
    graph = Graph({}, None, False)
    todo: deque[tuple[int, State]] = deque()

    def meet(depth: int, state: State | str, first: bool = False) -> None:
        if state == "cut":
            graph.cut = True
        elif isinstance(state, str):
            graph.wrong = min(depth, depth if graph.wrong is None else graph.wrong)
        elif graph.depths.get(state, depth + 1) > depth:
            graph.depths[state] = depth
            (todo.appendleft if first else todo.append)((depth, state))

    for _, state in naive.initial():
        meet(0, state)
    always = [p for p in naive.program.properties if p.kind == "always"]
    while todo:
        if len(graph.depths) > most:
            return None
        depth, state = todo.popleft()
        if graph.depths[state] < depth:
            continue
        if not all(naive.holds(p, state) for p in always):
            meet(depth, "always")
        for end in naive.begun(state, True):
            meet(depth, end, True)
        for _, end in naive.onward(state):
            meet(depth + 1, end)
    return graph


def some_stuck(naive: Interrupted, graph: Graph) -> bool:
    """Whether some process is stuck for ever in some state."""
    edges: dict[State, list[tuple[int | None, State]]] = {}
    for state in graph.depths:
        edges[state] = [(None, s) for s in naive.begun(state, False) if not isinstance(s, str)]
        edges[state] += [(t, s) for t, s in naive.onward(state) if not isinstance(s, str)]
    return any(_stuck_in(naive, edges, state) for state in graph.depths)


def _stuck_in(
    naive: Interrupted, edges: dict[State, list[tuple[int | None, State]]], state: State
) -> bool:
    reach, todo = {state}, [state]
    while todo:
        for _, target in edges[todo.pop()]:
            if target not in reach:
                reach.add(target)
                todo.append(target)
    taken = [(s, taker, t) for s in reach for taker, t in edges[s] if taker is not None]
    for who, at in enumerate(state[1]):
        if who in naive.owner or at == END:
            continue
        own = [step for step in taken if naive.owner.get(step[1], step[1]) == who]
        for place in naive.places(state, who):
            if not any(naive.leaves(place, who, *step) for step in own):
                return True
    return False


# --------------------------------------------------------------------------------- to be compared


class Together:
    """How a state of processes and handlers is one of the Program that they are put together to."""

    def __init__(self, naive: Interrupted, whole: Naive) -> None:
        self.naive = naive
        self.whole = whole

    def seen(self, state: State) -> Seen:
        """A state of the Program: a second wait like another is that other."""
        found = []
        for at, values, (process, _), actions in zip(
            state[1], state[2], self.whole.processes, self.whole.actions, strict=True
        ):
            live = actions[at].live if at != END else ()
            names = [v.name for v in process.locals]
            kept = tuple(v for n, v in zip(names, values, strict=True) if n in live)
            found.append((at.removesuffix("_again"), kept))
        return state[0], tuple(found)

    def of(self, state: State) -> Seen:
        """A state of processes and handlers, as a state of the Program."""
        found = []
        for who, actions in enumerate(self.whole.actions):
            at, handler = state[1][who], self.naive.running(state, who)
            values = dict(self._named(state, who, ""))
            if handler is not None:
                own = self.naive.processes[handler][0].name + "_"
                at = f"{own}{state[1][handler].removeprefix(own)}_at_{at}"
                values |= dict(self._named(state, handler, own))
            live = actions[at].live if at != END else ()
            found.append((at, tuple(values[n] for n in live)))
        return state[0], tuple(found)

    def _named(self, state: State, who: int, prefix: str) -> Iterator[tuple[str, Any]]:
        for v, value in zip(self.naive.processes[who][0].locals, state[2][who], strict=True):
            own = v.name.startswith(prefix[:-1] + ".")
            yield v.name if own or not prefix else prefix + v.name, value


def interrupts_agree(path: str, most: int) -> bool:
    """AssertionError if the two do not agree; whether there were few enough states to compare."""
    parts, program = apart(path)
    naive, whole = Interrupted(parts), Naive(program)
    graph = reached(naive, most)
    other = None if graph is None else graph_of(whole)
    if graph is None or other is None:
        return False
    together = Together(naive, whole)
    distances: dict[Seen, int] = {}
    for state, depth in other.depths.items():
        seen = together.seen(state)
        distances[seen] = min(depth, distances.get(seen, depth))
    assert {together.of(s): depth for s, depth in graph.depths.items()} == distances
    assert graph.wrong == first_violation(whole, other)
    if graph.wrong is None and not graph.cut and not other.cut and len(distances) < 400:
        stuck = any(stuck_in(whole, other, state) for state in other.depths)
        assert some_stuck(naive, graph) == stuck
    return True
