"""Counters of which only the distance matters, like those of a ticket lock.

Preserves whether each property holds, the length of the shortest way to break one, and who is stuck
for ever: if the same number is added, modulo N, to all counters and tickets of one lock in a state,
its steps lead to what the same addition makes of the steps of the state, so that of states that
differ in nothing but such an addition one may stand for all.  Where a run begins need not be so.

Which variables and locals hold numbers of one lock follows from where values go: they are copied
to each other, and compared with each other.  With such a number nothing may be done but to copy it,
to ask whether it is equal to another one, and to count it up or down where it is stored modulo N.
If anything else is done with one of them (it is compared with a constant, or is used as an index)
all of them stay as they are.
"""

from __future__ import annotations

from modelcheck.ir import (
    Action, After, Assert, Assign, Assume, Binary, Block, Cell, Chain, Choose, Cond, Expr, Fit,
    Goto, If, Int, Load, Loaded, Local, Observe, Process, Program, Quantified, Range, Rmw, SetGhost,
    Sort, Store, children, domain_children,
)
from modelcheck.records import dataclass

Holder = tuple[str, str]
"""What holds numbers: a local of a template, or ("", a variable)."""


@dataclass(frozen=True)
class Counters:
    """The variables and locals that hold the numbers of one lock, modulo `size`."""

    size: int
    holders: frozenset[Holder]


def tickets(program: Program) -> tuple[Counters, ...]:
    """All counters of which only the distance matters."""
    return _Flow(program).counters()


@dataclass(frozen=True)
class _Number:
    """A number of what this holds, and perhaps something added to it, modulo nothing."""

    holder: Holder
    counted: bool = False


class _Flow:
    """Where the numbers go.

    of       what else each holder is of one kind with (a union-find forest)
    spoilt   of which more is asked than the distance
    counted  which are counted up or down"""

    def __init__(self, program: Program) -> None:
        self.sorts: dict[Holder, Int] = {
            (name, v.name): v.sort
            for name, variables in [
                ("", program.variables), *((p.name, p.locals) for p in program.processes)
            ]
            for v in variables
            if isinstance(v.sort, Int) and v.sort.lo == 0 and v.sort.hi > 0
        }
        self.of = {holder: holder for holder in self.sorts}
        self.spoilt: set[Holder] = set()
        self.counted: set[Holder] = set()
        for process in program.processes:  # boot, and what comes before the first step, are free
            for action in process.actions:
                _InAction(self, process, action)
        for property in program.properties:
            for expr in (property.condition, property.when):
                if expr is not None:
                    self.plain(_Expressions(self, "").number(expr))

    def counters(self) -> tuple[Counters, ...]:
        """Those that are left."""
        groups: dict[Holder, set[Holder]] = {}
        for holder in self.of:
            groups.setdefault(self._root(holder), set()).add(holder)
        return tuple(
            Counters(self.sorts[min(group)].hi + 1, frozenset(group))
            for _, group in sorted(groups.items())
            if not group & self.spoilt and group & self.counted
            and len({self.sorts[h].hi for h in group}) == 1
        )

    def _root(self, holder: Holder) -> Holder:
        while self.of[holder] != holder:
            holder = self.of[holder]
        return holder

    def together(self, a: Holder, b: Holder) -> None:
        """These two hold numbers of one lock."""
        self.of[self._root(a)] = self._root(b)

    def plain(self, *numbers: _Number | None) -> None:
        """More is asked of these than the distance, if they are numbers of a lock."""
        self.spoilt.update(n.holder for n in numbers if n is not None)

    def put(self, holder: Holder, number: _Number | None) -> None:
        """A value is stored."""
        sort = self.sorts.get(holder)
        if sort is None:
            self.plain(number)
        elif number is None:
            self.spoilt.add(holder)
        else:
            self.together(holder, number.holder)
            if number.counted and not sort.wraps:
                self.spoilt.add(holder)
            if number.counted:
                self.counted.add(holder)


@dataclass
class _Expressions:
    """The numbers that expressions of a template are; None: others, or no numbers."""

    flow: _Flow
    template: str
    loaded: _Number | None = None
    bound: tuple[str, ...] = ()

    def number(self, expr: Expr) -> _Number | None:
        """Which number it is; what is asked of others in it is noted."""
        flow = self.flow
        match expr:
            case Loaded():
                return self.loaded
            case Local(name):
                return None if name in self.bound else self._held((self.template, name))
            case Cell(place):
                flow.plain(*map(self.number, place.index))
                return self._held(("", place.variable))
            case Binary("==" | "!=", left, right):
                a, b = self.number(left), self.number(right)
                if a is None or b is None or a.counted or b.counted:
                    flow.plain(a, b)
                else:
                    flow.together(a.holder, b.holder)
                return None
            case Binary("+" | "-" as op, left, right):
                a, b = self.number(left), self.number(right)
                if a is not None and b is None:
                    return _Number(a.holder, True)
                if a is None and b is not None and op == "+":
                    return _Number(b.holder, True)
                flow.plain(a, b)
                return None
            case Cond(test, then, other):
                flow.plain(self.number(test))
                a, b = self.number(then), self.number(other)
                if a is None or b is None:
                    flow.plain(a, b)
                    return None
                flow.together(a.holder, b.holder)
                return _Number(a.holder, a.counted or b.counted)
            case After(first, operand):
                flow.plain(self.number(first))
                return self.number(operand)
            case Fit(Int(0, hi, True), operand):
                a = self.number(operand)
                if a is None or flow.sorts[a.holder].hi != hi:
                    flow.plain(a)
                    return None
                if a.counted:
                    flow.counted.add(a.holder)
                return _Number(a.holder)
            case Quantified(_, name, domain, body):
                flow.plain(*map(self.number, domain_children(domain)))
                if isinstance(domain, Chain):
                    flow.plain(self._held(("", domain.variable)))
                within = _Expressions(flow, self.template, self.loaded, (*self.bound, name))
                flow.plain(within.number(body))
                return None
            case _:
                flow.plain(*map(self.number, children(expr)))
                return None

    def _held(self, holder: Holder) -> _Number | None:
        return _Number(holder) if holder in self.flow.sorts else None


class _InAction:
    """The numbers of one action."""

    def __init__(self, flow: _Flow, process: Process, action: Action) -> None:
        self.flow = flow
        self.template = process.name
        self.within = _Expressions(flow, process.name)
        access = action.access
        match access:
            case Load(place) | Rmw(place):
                self.within.loaded = self.within.number(Cell(place))
            case Observe(value):
                self.within.loaded = self.within.number(value)
            case _:
                pass
        if action.wait is not None:
            flow.plain(self.within.number(action.wait))
        match access:
            case Store(place, value, part):
                flow.plain(*map(self.within.number, place.index))
                holder = ("", place.variable) if not part else ("", "")
                flow.put(holder, self.within.number(value))
            case Rmw(place, value):
                flow.put(("", place.variable), self.within.number(value))
            case _:
                pass
        self._block(action.body)

    def _block(self, block: Block) -> None:
        flow, number = self.flow, self.within.number
        for statement in block:
            match statement:
                case Assign(local, value):
                    flow.put((self.template, local), number(value))
                case SetGhost(place, value):
                    flow.plain(*map(number, place.index))
                    flow.put(("", place.variable), number(value))
                case Assert(condition) | Assume(condition):
                    flow.plain(number(condition))
                case Choose(local, options):
                    self._choose((self.template, local), options)
                case If(condition, then, other):
                    flow.plain(number(condition))
                    self._block(then)
                    self._block(other)
                case Goto():
                    pass

    def _choose(self, holder: Holder, options: object) -> None:
        match options:
            case tuple():
                for option in options:
                    self.flow.put(holder, self.within.number(option))
            case Chain(start):
                self.flow.plain(self.within.number(start))
            case Range(lo, hi):
                self.flow.plain(self.within.number(lo), self.within.number(hi))
                self.flow.put(holder, None)
            case _:
                self.flow.put(holder, None)


def turned(code: int, holder: Holder, turns: tuple[tuple[Counters, int], ...], sort: Sort) -> int:
    """The number that a holder has when the counters are turned by so much."""
    for counters, by in turns:
        if holder in counters.holders and isinstance(sort, Int):
            return (code + by) % counters.size
    return code
