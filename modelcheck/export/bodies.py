"""Whole bodies: when a step is there at all, and what of it needs no writing out."""

from __future__ import annotations

from collections.abc import Callable

from modelcheck.export.model import (
    Body, Branch, Check, Let, Require, Set, Statement, terms_in,
)
from modelcheck.export.terms import (
    TRUE, Cells, Num, Read, Scratch, Term, and_, equal, ite, or_, reads, substituted,
)


def guard(body: Body) -> Term:
    """Whether the step is there at all, said of the state where it begins: the weakest
    precondition of its Requires.  A step that goes wrong before one of them is there."""
    found: Term = TRUE
    for statement in reversed(body):
        match statement:
            case Let(scratch, value):
                found = substituted(found, _instead_of(scratch, value))
            case Set():
                found = substituted(found, _after(statement))
            case Check(bad):
                found = or_(bad, found)
            case Require(test):
                found = and_(test, found)
            case Branch(test, then, other):
                found = ite(test, guard(then), guard(other))
    return found


def _instead_of(scratch: Scratch, value: Term) -> Callable[[Term], Term | None]:
    return lambda t: value if isinstance(t, Scratch) and t.name == scratch.name else None


def _after(done: Set) -> Callable[[Term], Term | None]:
    def instead(t: Term) -> Term | None:
        if not isinstance(t, Read) or t.cells != done.cells:
            return None
        return ite(equal(t.index, done.index), done.value, t)

    return instead


def tidied(body: Body) -> Body:
    """The body without Requires, without what is computed for nobody, and without what was checked
    already."""
    return _without_unused(_without_checked(body, frozenset()))


def _without_checked(body: Body, passed: frozenset[Term]) -> Body:
    kept: list[Statement] = []
    for statement in body:
        match statement:
            case Require():
                continue
            case Check(bad):
                if bad in passed:
                    continue
                passed |= {bad}
            case Set(cells):
                passed = frozenset(bad for bad in passed if cells.name not in reads(bad))
            case Branch(test, then, other):
                arms = _without_checked(then, passed), _without_checked(other, passed)
                statement = Branch(test, *arms)
            case Let():
                pass
        kept.append(statement)
    return tuple(kept)


def _without_unused(body: Body) -> Body:
    kept: list[Statement] = []
    needed: set[str] = set()
    set_again: set[tuple[Cells, Term]] = set()  # further on, and nobody reads it until then
    for statement in reversed(body):
        match statement:
            case Let(scratch) if scratch.name not in needed:
                continue
            case Set(cells, index) if (cells, index) in set_again:
                continue
            case Set(cells, index) if isinstance(index, Num):
                set_again.add((cells, index))
            case Branch(test, then, other):
                statement = Branch(test, _without_unused(then), _without_unused(other))
        read = read_in((statement,))
        needed |= read
        set_again = {(cells, index) for cells, index in set_again if cells.name not in read}
        kept.append(statement)
    return tuple(reversed(kept))


def read_in(body: Body) -> frozenset[str]:
    """The names that a body reads."""
    return frozenset().union(*map(reads, terms_in(body)))
