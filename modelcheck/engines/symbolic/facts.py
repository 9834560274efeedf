"""What may be true of a process wherever it stands: candidates for a proof by induction.

A property says nothing of where processes stand and of what they hold in hand, so that it is seldom
inductive by itself.  The facts that it lacks are made here from templates, and those that are false
in a state that a run does reach are left out again.  Nothing here is believed: `induction.py`
proves each fact that it uses.

    domain at alloc_heap_pages_52: Page.count_info[alloc_heap_pages.pg].state == PGC.FREE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import TypeAlias

from modelcheck.flow import exprs_of
from modelcheck.ir import (
    Action, Binary, Bool, Cell, Chain, Const, Element, Enum, Expr, Field, Int, Local, Me, Place,
    Process, Program, Quantified, Record, Ref, Self, Sort, Unary, Value, Variable, walk,
)
from modelcheck.records import dataclass
from modelcheck.semantics import Fault, Semantics, State

MOST_VALUES = 8  # of a sort, each of which is compared with
OTHER = "other "  # before the locals of the second process of a pair

Stands: TypeAlias = tuple[tuple[str, str], ...]
"""Which process templates stand where; two are two different processes."""


@dataclass(frozen=True)
class Fact:
    """Wherever processes stand like this, one of these is true."""

    stands: Stands
    clause: tuple[Expr, ...]


@dataclass(frozen=True)
class Term:
    """Something to compare: an expression, its sort, and when it is there (None: always)."""

    expr: Expr
    sort: Sort
    there: Expr | None = None


# --------------------------------------------------------------------------------- where they stand


def standing(semantics: Semantics, stands: Stands) -> Iterator[tuple[int, ...]]:
    """The processes, by number, that a fact is about."""
    by_name: dict[str, list[int]] = {}
    for number, (process, _, _) in enumerate(semantics.processes):
        by_name.setdefault(process.name, []).append(number)
    match stands:
        case ():
            yield ()
        case ((name, _),):
            yield from ((n,) for n in by_name[name])
        case ((first, _), (second, _)):
            for a in by_name[first]:
                yield from ((a, b) for b in by_name[second] if a != b)


def slots_of(semantics: Semantics, who: tuple[int, ...]) -> dict[str, int]:
    """Where the locals that a fact names stand in a state."""
    slots: dict[str, int] = {}
    for prefix, number in zip(("", OTHER), who, strict=False):
        process, _, here = semantics.processes[number]
        slots |= {prefix + v.name: here + 1 + n for n, v in enumerate(process.locals)}
    return slots


def is_true(semantics: Semantics, fact: Fact, state: State) -> bool:
    """Whether a fact is true in a state, and can be evaluated there."""
    for who in standing(semantics, fact.stands):
        there = zip(who, fact.stands, strict=True)
        if all(semantics.location(state, n) == at for n, (_, at) in there):
            read = (atom_of(semantics, e, who)(state) for e in fact.clause)
            if not any(value is True for value in read):
                return False
    return True


def atom_of(
    semantics: Semantics, expr: Expr, who: tuple[int, ...]
) -> Callable[[State], Value | Fault]:
    """An expression about processes as a function of the state."""
    number = who[0] if who else 0
    return semantics.reader(expr, slots_of(semantics, who), number)


# --------------------------------------------------------------------------------- what is compared


def conj(*parts: Expr | None) -> Expr | None:
    """All of these; None: nothing is said."""
    found: Expr | None = None
    for part in parts:
        if part is not None:
            found = part if found is None else Binary("and", found, part)
    return found


def not_(expr: Expr) -> Expr:
    return Unary("not", expr)


def leaves(term: Term) -> Iterator[Term]:
    """A term; of a word, its fields."""
    if not isinstance(term.sort, Record):
        yield term
        return
    for name, sort in term.sort.fields:
        yield from leaves(replace(term, expr=Field(term.expr, name, term.sort), sort=sort))


def values(sort: Sort) -> list[Value]:
    """The values that a term of this sort is compared with."""
    match sort:
        case Bool():
            return [False, True]
        case Int(lo, hi, _):
            return list(range(lo, hi + 1)) if hi - lo < MOST_VALUES else []
        case Enum(_, members):
            return list(range(len(members))) if len(members) <= MOST_VALUES else []
        case Ref(_, _, nullable):
            return [None] if nullable else []
        case Record():
            return []


def comparable(a: Sort, b: Sort) -> bool:
    """Whether terms of these sorts may be the same thing."""
    match a, b:
        case Ref(one, _, _), Ref(other, _, _):
            return one == other
        case Int(), Int():
            return True
        case _:
            return a == b and not isinstance(a, Bool | Record)


class Vocabulary:
    """What can be said of a process of one template that stands at one location."""

    def __init__(self, program: Program, process: Process, action: Action) -> None:
        self.program = program
        live = [v for v in process.locals if v.name in action.live]
        self.in_hand = [v for v in live if isinstance(v.sort, Ref)]
        self.locals = [t for v in live for t in leaves(Term(Local(v.name), v.sort))]
        self.single = single_cells(program)
        self.hands = [t for t in self.locals if isinstance(t.sort, Ref)]
        self.held = [t for t in self.hands if self._arrays(t)]
        processes = sum(p.count for p in program.processes)
        mine = [Term(Self(), Ref("process", processes, False))]
        if process.count > 1:
            mine.append(Term(Me(), Int(0, process.count - 1)))
        self.cells = [
            leaf for at in (*self.hands, *mine) for v in self._arrays(at)
            for leaf in leaves(_element(v, at))
        ]
        self.mine = mine[0]
        self.own = [Term(e, e.sort) for e in own_values(process)]

    def _arrays(self, at: Term) -> Iterator[Variable]:
        for v in self.program.variables:
            if len(v.index) != 1:
                continue
            name, size = v.index[0]
            match at.sort:
                case Ref(cls, count, _) if (cls, count) == (name, size):
                    yield v
                case Int(_, hi, _) if isinstance(at.expr, Me) and hi + 1 == size:
                    yield v
                case _:
                    pass

    def values(self) -> Iterator[Expr]:
        """That memory or a local has this value or that."""
        for term in (*self.locals, *self.cells, *self.single):
            yield from (is_value(term, value) for value in values(term.sort))

    def equalities(self) -> Iterator[Expr]:
        """That two of them are the same."""
        for term in (*self.cells, *self.single):
            if comparable(term.sort, self.mine.sort):
                yield same(term, self.mine)
        named = [*self.locals, *self.single, *self.own]
        for a, b in combinations(named, 2):
            if comparable(a.sort, b.sort):
                yield same(a, b)
        for a in self.cells:
            yield from (same(a, b) for b in named if comparable(a.sort, b.sort))

    def chains(self) -> Iterator[Expr]:
        """That what the process has in hand is on a list."""
        for head, link in lists(self.program):
            for hand in self.held:
                if comparable(hand.sort, head.sort):
                    on = Quantified(
                        "any", "each", Chain(head.expr, link.name),
                        Binary("==", Local("each"), hand.expr),
                    )
                    yield on


def own_values(process: Process) -> list[Element]:
    """What the text of a process makes of its own number, and of nothing else."""
    found: dict[Element, None] = {}
    for action in process.actions:
        for e in (e for expr in exprs_of(action) for e in walk(expr)):
            if isinstance(e, Element):
                below = list(walk(e.number))
                if Me() in below and all(isinstance(x, Me | Const | Binary) for x in below):
                    found[e] = None
    return list(found)


def single_cells(program: Program) -> list[Term]:
    """The cells that are no part of an array."""
    return [
        leaf for v in program.variables if not v.index for leaf in leaves(
            Term(Cell(Place(v.name)), v.sort)
        )
    ]


def lists(program: Program) -> Iterator[tuple[Term, Variable]]:
    """What may be the head of a list, with the links from element to element."""
    for head in single_cells(program):
        for link in program.variables:
            match head.sort, link.sort, link.index:
                case Ref(cls, _, True), Ref(to, _, True), ((name, _),) if cls == to == name:
                    yield head, link
                case _:
                    pass


def _element(v: Variable, at: Term) -> Term:
    there = None
    if isinstance(at.sort, Ref) and at.sort.nullable:
        there = not_(Binary("==", at.expr, Const(None, at.sort)))
    return Term(Cell(Place(v.name, (at.expr,))), v.sort, there)


def is_value(term: Term, value: Value) -> Expr:
    """That a term is there and has this value."""
    equal = Binary("==", term.expr, Const(value, term.sort))
    return conj(term.there, equal) or equal


def same(a: Term, b: Term) -> Expr:
    """That two terms are there and equal."""
    equal = Binary("==", a.expr, b.expr)
    return conj(a.there, b.there, equal) or equal
