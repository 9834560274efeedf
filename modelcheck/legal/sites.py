"""Every expression of a Program, by where it stands, and which kinds may stand there."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.ir import (
    Access,
    Action,
    After,
    Assert,
    Assign,
    Assume,
    AtRest,
    Binary,
    Block,
    Cell,
    Choose,
    Cond,
    Const,
    Element,
    Expr,
    Fence,
    Field,
    Fit,
    Goto,
    If,
    Load,
    Loaded,
    Local,
    Make,
    Me,
    NotNull,
    Observe,
    Process,
    Program,
    Quantified,
    Rmw,
    Self,
    SetGhost,
    Statement,
    Store,
    Unary,
    children,
    domain_children,
    statements,
)
from modelcheck.legal.illegal import processes
from modelcheck.records import dataclass

_LOCAL = frozenset({
    Const, Local, Me, Self, Unary, Binary, Cond, Field, Make, Element, NotNull, Fit, After,
})
_MEMORY = frozenset({Cell, Quantified})

INDEX, STORED, RMW, WAIT, OBSERVED = (
    "the index of an access", "a stored value", "a read-modify-write", "a wait", "an observation",
)  # fmt: skip
WORK, ASSERT, GHOST, PROPERTY = "local work", "an assert", "a ghost's value", "a property"
BOOT = "boot"

ALLOWED: dict[str, frozenset[type]] = {
    INDEX: _LOCAL,
    STORED: _LOCAL,
    RMW: _LOCAL | {Loaded},
    WAIT: _LOCAL | {Loaded},
    OBSERVED: _LOCAL | _MEMORY,
    WORK: _LOCAL | {Loaded},
    ASSERT: _LOCAL | _MEMORY | {Loaded},  # of memory, only ghosts: ghosts_do_not_steer
    GHOST: _LOCAL | _MEMORY | {Loaded},
    BOOT: _LOCAL | _MEMORY | {Loaded},  # nothing else runs yet: memory is read freely
    PROPERTY: (_LOCAL - {Me, Self}) | _MEMORY | {AtRest},
}
"""What may stand where.  A new kind of expression stands nowhere until this table says so."""

@dataclass(frozen=True)
class Site:
    """An outermost expression.  `action` is None in `entry` and in a property."""

    expr: Expr
    role: str  # a key of ALLOWED
    process: Process | None = None
    action: Action | None = None

    @property
    def where(self) -> str:
        """The process and location, for a message."""
        if self.process is None:
            return self.role
        return f"{self.process.name}, {self.action.at if self.action else 'entry'}"

    @property
    def names(self) -> frozenset[str]:
        """The locals that are declared here."""
        return frozenset(v.name for v in self.process.locals) if self.process else frozenset()


def sites(program: Program) -> Iterator[Site]:
    """Every outermost expression."""
    for process in processes(program):
        is_boot = process is program.boot
        for e, role in _in_block(process.entry):
            yield Site(e, BOOT if is_boot else role, process)
        for action in process.actions:
            waits = () if action.wait is None else ((action.wait, WAIT),)
            for e, role in (*_in_access(action.access), *waits, *_in_block(action.body)):
                yield Site(e, BOOT if is_boot else role, process, action)
    for p in program.properties:
        for condition in (p.condition, p.when):
            if condition is not None:
                yield Site(condition, PROPERTY)


def _in_access(access: Access | None) -> Iterator[tuple[Expr, str]]:
    match access:
        case None | Fence():
            return
        case Load(place):
            yield from ((e, INDEX) for e in place.index)
        case Store(place, value):
            yield from ((e, INDEX) for e in place.index)
            yield value, STORED
        case Rmw(place, value):
            yield from ((e, INDEX) for e in place.index)
            yield value, RMW
        case Observe(value):
            yield value, OBSERVED


def _in_block(block: Block) -> Iterator[tuple[Expr, str]]:
    for statement in statements(block):
        yield from _in_statement(statement)


def _in_statement(statement: Statement) -> Iterator[tuple[Expr, str]]:
    match statement:
        case Assert(condition):
            yield condition, ASSERT
        case SetGhost(place, value):
            yield from ((e, GHOST) for e in (*place.index, value))
        case Assign(_, value):
            yield value, WORK
        case If(condition) | Assume(condition):
            yield condition, WORK
        case Choose(_, options):
            given = options if isinstance(options, tuple) else domain_children(options)
            yield from ((e, WORK) for e in given)
        case Goto():
            return


def walk_bound(
    expr: Expr, bound: frozenset[str] = frozenset()
) -> Iterator[tuple[Expr, frozenset[str]]]:
    """An expression and everything below it, each with the names that are bound around it."""
    yield expr, bound
    match expr:
        case Quantified(_, name, domain, body):
            for e in domain_children(domain):
                yield from walk_bound(e, bound)
            yield from walk_bound(body, bound | {name})
        case _:
            for e in children(expr):
                yield from walk_bound(e, bound)
