"""Where a process can be in its source, calls inlined: a point is a statement (or a test, or a
value about to be kept) and what follows it.  Points are interned: the same point is the same
object, so a loop comes back to the location that it started from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias, TypeVar

from modelcheck import ir
from modelcheck.frontend.definitions import UNBOUNDED, Type
from modelcheck.frontend.values import Scope
from modelcheck.records import dataclass
from modelcheck.source import Span

Block: TypeAlias = list[ir.Statement]


@dataclass(frozen=True, eq=False)
class End:
    """The process has ended."""


@dataclass(frozen=True, eq=False)
class Seq:
    """Statement `i` of a block, the rest of the block, then `next`."""

    block: list[ast.stmt]
    i: int
    scope: Scope
    next: Point


@dataclass(frozen=True, eq=False)
class While:
    """The head of a while loop: its test, and `next` when that is false."""

    node: ast.While
    scope: Scope
    next: Point


@dataclass(frozen=True, eq=False)
class For:
    """The end of a turn of a for loop: the next element, or `next`."""

    node: ast.For
    scope: Scope
    next: Point


@dataclass(frozen=True, eq=False)
class Test:
    """A condition about to be tested at point `at`; `how` is "step" or "assert"."""

    node: ast.expr
    scope: Scope
    then: Point
    other: Point
    at: Point
    how: str


@dataclass(frozen=True)
class Results:
    """What the functions declare to return through which a value comes back, the innermost first;
    each with the line of its return.  (`Points.results` makes one object of equal ones.)"""

    types: tuple[tuple[Type, Span], ...]


@dataclass(frozen=True, eq=False)
class Keep:
    """A value (in `scope`) about to be put in local `name` of `target`, or dropped; `results`: it
    is returned, and this is what binds it."""

    node: ast.expr
    scope: Scope
    target: Scope | None
    name: str
    next: Point
    at: Point
    results: Results | None = None


@dataclass(frozen=True, eq=False)
class StoreKept:
    """Boot only: a place about to be set to what a hidden local holds."""

    place: ast.expr
    scope: Scope
    name: str
    next: Point


@dataclass(frozen=True, eq=False)
class Fail:
    """An assert whose condition was false."""

    sentence: str
    span: Span
    at: Point


@dataclass(frozen=True, eq=False)
class Return:
    """Where a function returns to: a value goes to local `name` of `target`, or (`then`, `other`)
    is tested, or is dropped.  `call` is the statement or test that called; `results`: the caller
    returns the value in its turn, and this is what binds it there."""

    target: Scope | None
    name: str
    branches: tuple[Point, Point] | None
    call: Span | None
    scope: Scope
    next: Point
    results: Results | None = None


@dataclass(frozen=True, eq=False)
class AtomicEnd:
    """The end of a `with atomic`; `fresh` until its first access."""

    reason: str
    fresh: bool
    next: Point


@dataclass(frozen=True, eq=False)
class IrqsOn:
    """The end of a `with irqs_off()`; `fresh` until its first access: before that, an interrupt may
    still come before the block."""

    fresh: bool
    next: Point


Point: TypeAlias = (
    End | Seq | While | For | Test | Keep | StoreKept | Fail | Return | AtomicEnd | IrqsOn
)
P = TypeVar(
    "P", End, Seq, While, For, Test, Keep, StoreKept, Fail, Return, AtomicEnd, IrqsOn
)

N = TypeVar("N", bound=ast.AST)


@dataclass(frozen=True)
class Way:
    """How `Steps.expand` came to a point: the loop heads passed without an access since the last
    location, the process's main loop (`loops.is_main`) if its was among them, and the outermost
    loop that can be left around that location (`Steps.inside`); "any" if the step began before."""

    heads: frozenset[int] = frozenset()
    main: Point | None = None
    inside: Point | Literal["any"] | None = None


class Points:
    """The interned points of one process."""

    def __init__(self) -> None:
        self._known: dict[object, Point] = {}
        self._results: dict[Results, Results] = {}

    def results(self, kind: Type, at: Span, outer: Results | None) -> Results | None:
        """What binds a value that a function with this result returns at this line."""
        around = () if outer is None else outer.types
        binds = (isinstance(kind, ir.Int) and kind != UNBOUNDED) or (
            isinstance(kind, ir.Ref) and not kind.nullable
        )
        found = Results(((kind, at), *around) if binds else around)
        return self._results.setdefault(found, found) if found.types else None

    def make(self, kind: Callable[..., P], *parts: object) -> P:
        """The point of this kind with these parts."""
        key = (kind, tuple(_identity(p) for p in parts))
        if key not in self._known:
            self._known[key] = kind(*parts)
        return self._known[key]  # type: ignore[return-value]

    def stale(self, point: Point) -> Point:
        """The same point behind the first access of the blocks (atomic, or without interrupts) that
        it stands in."""
        if not any(isinstance(p, AtomicEnd | IrqsOn) and p.fresh for p in above(point)):
            return point
        stale, make = self.stale, self.make
        match point:
            case End():
                return point
            case Seq(block, i, scope, following):
                return make(Seq, block, i, scope, stale(following))
            case While(node, scope, following):
                return make(While, node, scope, stale(following))
            case For(for_node, scope, following):
                return make(For, for_node, scope, stale(following))
            case Test(test, scope, then, other, at, how):
                return make(Test, test, scope, stale(then), stale(other), stale(at), how)
            case Keep(value, scope, target, name, following, at, results):
                return make(Keep, value, scope, target, name, stale(following), stale(at), results)
            case StoreKept(place, scope, name, following):
                return make(StoreKept, place, scope, name, stale(following))
            case Fail(sentence, span, at):
                return make(Fail, sentence, span, stale(at))
            case Return(target, name, branches, call, scope, following, results):
                both = None if branches is None else (stale(branches[0]), stale(branches[1]))
                return make(Return, target, name, both, call, scope, stale(following), results)
            case AtomicEnd(reason, _, following):
                return make(AtomicEnd, reason, False, stale(following))
            case IrqsOn(_, following):
                return make(IrqsOn, False, stale(following))


def synthetic(node: ast.AST, what: str, *made: N) -> list[N]:
    """Syntax that stands for part of a node: the same objects each time, as points need it."""
    name = f"_modelcheck_{what}"
    kept: list[N] | None = getattr(node, name, None)
    if kept is None:
        kept = [ast.fix_missing_locations(ast.copy_location(m, node)) for m in made]
        setattr(node, name, kept)
    return kept


def _identity(part: object) -> object:
    if isinstance(part, (str, int, bool, Span)) or part is None:
        return part
    if isinstance(part, tuple):
        return tuple(id(p) for p in part)
    return id(part)


def above(point: Point) -> Iterator[Point]:
    """A point and everything that it stands in."""
    here: Point | None = point
    while here is not None:
        yield here
        match here:
            case End():
                here = None
            case Test(at=at) | Keep(at=at) | Fail(at=at):
                here = at
            case Seq() | While() | For() | StoreKept() | Return() | AtomicEnd() | IrqsOn():
                here = here.next


def frame(point: Point) -> Return:
    """The call that a point stands in."""
    return next(p for p in above(point) if isinstance(p, Return))


def loops_around(point: Point) -> list[While | For]:
    """The loops that a point stands in, outermost first."""
    return [p for p in above(point) if isinstance(p, (While, For))][::-1]


def calls(point: Point) -> tuple[Span, ...]:
    """The calls that led to a point, outermost first."""
    found = [p.call for p in above(point) if isinstance(p, Return) and p.call is not None]
    return tuple(found[::-1])


def atomic(point: Point) -> AtomicEnd | None:
    """The atomic block that a point stands in."""
    return next((p for p in above(point) if isinstance(p, AtomicEnd)), None)


def interrupts(point: Point) -> Literal["come", "before", "off"]:
    """Whether interrupts come where a process stands at a point: "before" it, if it is about to
    turn them off, and then does not let them come while it waits there."""
    block = atomic(point)
    off = [p.fresh for p in above(point) if isinstance(p, IrqsOn)]
    if not all(off) or (block is not None and not block.fresh):
        return "off"
    return "before" if off else "come"
