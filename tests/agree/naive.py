"""A second reading of the IR's docstrings, to be compared with `semantics`: it walks the Program
directly, on dicts, forks by copying, and shares no code with what it checks."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from modelcheck import ir
from modelcheck.ir import END, default_value

State = tuple[Any, ...]
LIMIT = 10_000


class Wrong(Exception):
    """A fault, by its kind."""


@dataclass
class World:
    """Everything there is while a step is under way."""

    cells: dict[tuple[str, tuple[int, ...]], Any]
    at: list[str]
    locals: list[dict[str, Any]]
    who: int = 0
    loaded: Any = None
    ghosts: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    ran: int = 0

    def frozen(self) -> State:
        return (
            tuple(self.cells.values()), tuple(self.at),
            tuple(tuple(names.values()) for names in self.locals),
        )


class Naive:
    """One Program, interpreted."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.processes = program.instances()
        self.variables = {v.name: v for v in program.variables}
        self.actions = [{a.at: a for a in p.actions} for p, _ in self.processes]

    # ---------------------------------------------------------------------------- the graph

    def initial(self) -> list[tuple[tuple[int, ...], State | str]]:
        """(choices, state or kind of fault), each state once."""
        cells: dict[tuple[str, tuple[int, ...]], Any] = {}
        for v in self.program.variables:
            assert v.initial is not None
            cells.update(zip(((v.name, i) for i in _indices(v)), v.initial, strict=True))
        worlds: list[tuple[tuple[int, ...], World | str]] = [
            ((), World(cells, [""] * len(self.processes), [{} for _ in self.processes]))
        ]
        if self.program.boot is not None:
            boot = self.program.boot
            self.processes = (*self.processes, (boot, 0))
            self.actions.append({a.at: a for a in boot.actions})
            worlds = self._entered(worlds, len(self.processes) - 1)
            self.processes, self.actions = self.processes[:-1], self.actions[:-1]
        for who in range(len(self.processes)):
            worlds = self._entered(worlds, who)
        found: dict[State | str, tuple[int, ...]] = {}
        for choices, world in worlds:
            found.setdefault(world if isinstance(world, str) else world.frozen(), choices)
        return [(choices, state) for state, choices in found.items()]

    def _entered(
        self, worlds: list[tuple[tuple[int, ...], World | str]], who: int
    ) -> list[tuple[tuple[int, ...], World | str]]:
        process = self.processes[who][0]
        after: list[tuple[tuple[int, ...], World | str]] = []
        for choices, world in worlds:
            if isinstance(world, str):
                after.append((choices, world))
                continue
            booting = who == len(world.at)
            begun = deepcopy(world)
            begun.who, begun.ghosts, begun.ran = who, {}, 0
            mine = {v.name: default_value(v.sort) for v in process.locals}
            if booting:
                begun.at.append("")
                begun.locals.append(mine)
            else:
                begun.locals[who] = mine
            for more, end in self.run(process.entry, begun):
                if isinstance(end, World) and booting:
                    end.at.pop()
                    end.locals.pop()
                if end != "cut":
                    after.append(((*choices, *more), end))
        return after

    def steps(self, state: State) -> list[tuple[int, tuple[int, ...], State | str]]:
        """(process, choices, state or kind of fault), or "cut" for an `assume` that is false."""
        found: list[tuple[int, tuple[int, ...], State | str]] = []
        for who, at in enumerate(state[1]):
            if at != END:
                world = self.thawed(state)
                world.who = who
                for choices, end in self.act(self.actions[who][at], world):
                    found.append((who, choices, end.frozen() if isinstance(end, World) else end))
        return found

    def thawed(self, state: State) -> World:
        keys = [(v.name, i) for v in self.program.variables for i in _indices(v)]
        names = [[v.name for v in p.locals] for p, _ in self.processes]
        return World(
            dict(zip(keys, state[0], strict=True)), list(state[1]),
            [dict(zip(n, values, strict=True)) for n, values in zip(names, state[2], strict=True)],
        )

    # --------------------------------------------------------------------------------- running

    def act(self, action: ir.Action, w: World) -> Iterator[tuple[tuple[int, ...], World | str]]:
        """Every way through an action and what follows in its step; nothing where it waits."""
        try:
            match action.access:
                case ir.Load(place) | ir.Rmw(place):
                    w.loaded = w.cells[self.place(place, w)]
                case ir.Observe(value):
                    w.loaded = self.value(value, w)
                case _:
                    pass
            if action.wait is not None and not self.value(action.wait, w):
                return
            match action.access:
                case ir.Rmw(place, value) | ir.Store(place, value, ()):
                    v = self.variables[place.variable]
                    w.cells[self.place(place, w)] = put(self.value(value, w), v.sort, v.checked)
                case ir.Store(place, value, (part,)):
                    sort = self.variables[place.variable].sort
                    assert isinstance(sort, ir.Record)
                    word = dict(zip(dict(sort.fields), w.cells[self.place(place, w)], strict=True))
                    word[part] = put(self.value(value, w), dict(sort.fields)[part], True)
                    w.cells[self.place(place, w)] = tuple(word.values())
                case _:
                    pass
        except Wrong as wrong:
            yield (), str(wrong)
            return
        yield from self.run(action.body, w)

    def run(
        self, todo: tuple[ir.Statement, ...], w: World
    ) -> Iterator[tuple[tuple[int, ...], World | str]]:
        first, rest = todo[0], todo[1:]
        try:
            match first:
                case ir.Assign(local, value):
                    self.assign(local, self.value(value, w), w)
                case ir.SetGhost(place, value):
                    self.set_ghost(place, value, w)
                case ir.Assert(condition):
                    if not self.value(condition, w):
                        raise Wrong("assert")
                case ir.Assume(condition):
                    if not self.value(condition, w):
                        yield (), "cut"
                        return
                case ir.If(condition, then, other):
                    rest = (*(then if self.value(condition, w) else other), *rest)
                case ir.Goto(to):
                    yield from self.goto(to, w)
                    return
                case ir.Choose():
                    yield from self.fork(first, rest, w)
                    return
        except Wrong as wrong:
            yield (), str(wrong)
            return
        yield from self.run(rest, w)

    def goto(self, to: str, w: World) -> Iterator[tuple[tuple[int, ...], World | str]]:
        action = self.actions[w.who].get(to)
        live = action.live if action is not None else ()
        for v in self.processes[w.who][0].locals:
            if v.name not in live:
                w.locals[w.who][v.name] = default_value(v.sort)
        w.at[w.who] = to
        if action is not None and action.transit:
            w.ran += 1
            if w.ran > LIMIT:
                yield (), "runaway"
            else:
                yield from self.act(action, w)
        else:
            yield (), w

    def fork(
        self, choose: ir.Choose, rest: tuple[ir.Statement, ...], w: World
    ) -> Iterator[tuple[tuple[int, ...], World | str]]:
        options: list[Any] = list(choose.options) if isinstance(choose.options, tuple) else list(
            self.domain(choose.options, w)
        )
        if not options:
            raise Wrong("choose")
        for number, option in enumerate(options):
            world = deepcopy(w)
            try:
                value = self.value(option, world) if isinstance(choose.options, tuple) else option
                self.assign(choose.local, value, world)
            except Wrong as wrong:
                yield (number,), str(wrong)
                continue
            for choices, end in self.run(rest, world):
                yield (number, *choices), end

    def assign(self, local: str, value: Any, w: World) -> None:
        v = next(v for v in self.processes[w.who][0].locals if v.name == local)
        w.locals[w.who][local] = put(value, v.sort, v.checked)

    def set_ghost(self, place: ir.Place, expr: ir.Expr, w: World) -> None:
        at, v = self.place(place, w), self.variables[place.variable]
        value = put(self.value(expr, w), v.sort, v.checked)
        before = w.ghosts.setdefault(at, value)
        if before != value and not v.passing and w.who < len(self.program.instances()):
            raise Wrong("ghost")
        w.cells[at] = value

    # ----------------------------------------------------------------------------- expressions

    def place(self, place: ir.Place, w: World) -> tuple[str, tuple[int, ...]]:
        index = []
        for expr, (_, size) in zip(place.index, self.variables[place.variable].index, strict=True):
            i = self.value(expr, w)
            if i is None:
                raise Wrong("none")
            if not 0 <= i < size:
                raise Wrong("index")
            index.append(i)
        return place.variable, tuple(index)

    def domain(self, domain: ir.Domain, w: World) -> Iterator[Any]:
        match domain:
            case ir.Instances(sort):
                yield from range(sort.count)
            case ir.Range(lo, hi):
                yield from range(self.value(lo, w), self.value(hi, w))
            case ir.Chain(start, variable):
                here, met = self.value(start, w), []
                while here is not None and here not in met:
                    met.append(here)
                    yield here
                    here = w.cells[variable, (here,)]

    def value(self, expr: ir.Expr, w: World) -> Any:
        match expr:
            case ir.Const(value):
                return value
            case ir.Local(name):
                return w.locals[w.who][name]
            case ir.Loaded():
                return w.loaded
            case ir.Me():
                return self.processes[w.who][1]
            case ir.Self():
                return w.who
            case ir.Cell(place):
                return w.cells[self.place(place, w)]
            case ir.Unary(op, a):
                return self.unary(op, self.value(a, w))
            case ir.Binary("and", a, b):
                return self.value(a, w) and self.value(b, w)
            case ir.Binary("or", a, b):
                return self.value(a, w) or self.value(b, w)
            case ir.Binary(op, a, b):
                return binary(op, self.value(a, w), self.value(b, w))
            case ir.Cond(test, then, other):
                return self.value(then if self.value(test, w) else other, w)
            case ir.Field(a, name, sort):
                return dict(zip(dict(sort.fields), self.value(a, w), strict=True))[name]
            case ir.Make(sort, parts):
                return tuple(
                    put(self.value(p, w), s, True)
                    for p, (_, s) in zip(parts, sort.fields, strict=True)
                )
            case ir.Element(sort, number, plus):
                n = self.value(number, w) + plus
                if not 0 <= n < (sort.count if isinstance(sort, ir.Ref) else len(sort.members)):
                    raise Wrong("index")
                return n
            case ir.NotNull(a):
                if (value := self.value(a, w)) is None:
                    raise Wrong("none")
                return value
            case ir.Fit(sort, a):
                return put(self.value(a, w), sort, True)
            case ir.After(first, a):
                self.value(first, w)
                return self.value(a, w)
            case ir.AtRest():
                return all(
                    at == END or self.actions[who][at].head for who, at in enumerate(w.at)
                )
            case ir.Quantified(op, name, domain, body):
                mine = w.locals[w.who]
                hidden, values = mine.get(name), []
                for element in self.domain(domain, w):
                    mine[name] = element
                    values.append(self.value(body, w))
                    if op != "sum" and values[-1] == (op == "any"):
                        break
                if name in (v.name for v in self.processes[w.who][0].locals):
                    mine[name] = hidden
                else:
                    mine.pop(name, None)
                return all(values) if op == "all" else any(values) if op == "any" else sum(values)

    def unary(self, op: str, a: Any) -> Any:
        if op == "index_of" and a is None:
            raise Wrong("none")
        return not a if op == "not" else -a if op == "-" else a

    def holds(self, property: ir.Property, state: State) -> bool:
        world = self.thawed(state)
        applies = property.when is None or self.value(property.when, world)
        if property.kind == "always":
            return not applies or bool(self.value(property.condition, world))
        return bool(applies and self.value(property.condition, world))


def _indices(v: ir.Variable) -> list[tuple[int, ...]]:
    indices: list[tuple[int, ...]] = [()]
    for _, size in v.index:
        indices = [(*i, n) for i in indices for n in range(size)]
    return indices


def binary(op: str, a: Any, b: Any) -> Any:
    if (op in ("//", "%") and b == 0) or (op in ("<<", ">>") and b < 0):
        raise Wrong("range")
    return eval(f"a {op} b", {}, {"a": a, "b": b})  # op is one of the IR's operators


def put(value: Any, sort: ir.Sort, checked: bool) -> Any:
    """A value where this sort is wanted."""
    if isinstance(sort, ir.Int) and sort.wraps:
        return value % (sort.hi + 1)
    if isinstance(sort, ir.Int) and checked and not sort.lo <= value <= sort.hi:
        raise Wrong("range")
    if isinstance(sort, ir.Ref) and checked and not sort.nullable and value is None:
        raise Wrong("none")
    return value
