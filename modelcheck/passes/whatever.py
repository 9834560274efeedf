"""A property, as it holds whatever some cells hold.

What is said of such a cell is taken to be false where it helps the property to be true, and to be
true where it does not: so that this implies the property, whatever the cells hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelcheck.flow import memory_read
from modelcheck.ir import (
    Binary, Bool, Cell, Chain, Cond, Const, Expr, Instances, Int, Local, Place, Property,
    Quantified, Unary, domain_children, walk,
)

CELLS = "(cells)"
"""The local that says which cells these are: a bit for each."""

Cells = Mapping[str, tuple[int, int]]
"""The first bit, and the number of bits, of each variable that has such cells."""

WIDTH = 62  # bits that CELLS may have


def whatever(property: Property, cells: Cells) -> Expr:
    """What holds only if an invariant holds, whatever these cells hold."""
    condition = _holds(property.condition, True, cells, {})
    if property.when is None:
        return condition
    return Binary("or", Unary("not", _holds(property.when, False, cells, {})), condition)


def _holds(expr: Expr, wanted: bool, cells: Cells, bound: Mapping[str, str]) -> Expr:
    """Implies the expression if it is wanted to be true, and is implied by it if not.  `bound`: of
    which class the elements are that the names stand for."""
    if not _reads(expr, cells):
        return expr
    match expr:
        case Unary("not", operand):
            return Unary("not", _holds(operand, not wanted, cells, bound))
        case Binary("and" | "or" as op, left, right):
            return Binary(
                op, _holds(left, wanted, cells, bound), _holds(right, wanted, cells, bound)
            )
        case Cond(test, then, other) if not _reads(test, cells):
            return Cond(
                test, _holds(then, wanted, cells, bound), _holds(other, wanted, cells, bound)
            )
        case Quantified("all" | "any" as op, name, domain, body) if not _domain_reads(
            domain, cells
        ):
            within = dict(bound)
            within.pop(name, None)
            if isinstance(domain, Instances):
                within[name] = domain.sort.cls
            return Quantified(op, name, domain, _holds(body, wanted, cells, within))
        case _:
            any_of_them = _any(expr, cells, bound)
            if wanted:
                return Binary("and", Unary("not", any_of_them), expr)
            return Binary("or", any_of_them, expr)


def _reads(expr: Expr, cells: Cells) -> bool:
    return any(name in cells for name in memory_read(expr))


def _domain_reads(domain: object, cells: Cells) -> bool:
    match domain:
        case Chain(start, variable):
            return variable in cells or _reads(start, cells)
        case Instances():
            return False
        case _:
            return any(_reads(e, cells) for e in domain_children(domain))  # type: ignore[arg-type]


def _any(expr: Expr, cells: Cells, bound: Mapping[str, str]) -> Expr:
    """Whether the expression reads one of the cells."""
    tests: list[Expr] = []
    for e in walk(expr):
        match e:
            case Cell(Place(variable, (Local(name),))) if variable in cells and name in bound:
                first, _ = cells[variable]
                at = Binary("+", Unary("index_of", Local(name)), _number(first))
                tests.append(_bits(at, 1))
            case Cell(Place(variable, _)) | Quantified(domain=Chain(variable=variable)) if (
                variable in cells
            ):
                first, count = cells[variable]
                tests.append(_bits(_number(first), count))
            case _:
                pass
    found: Expr = Const(False, Bool())
    for test in dict.fromkeys(tests):
        found = Binary("or", found, test)
    return found


def _bits(first: Expr, count: int) -> Expr:
    shifted = Binary(">>", Local(CELLS), first)
    return Binary("!=", Binary("&", shifted, _number((1 << count) - 1)), _number(0))


def _number(n: int) -> Expr:
    return Const(n, Int(n, n))
