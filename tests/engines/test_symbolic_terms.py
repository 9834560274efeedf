"""Terms against Python's own arithmetic, on every value of small ranges; and spare codes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import z3

from modelcheck.engines.symbolic.terms import NIL, Num, Terms, num
from modelcheck.ir import Enum, Int, Ref, Sort
from modelcheck.source import ConfigurationError

RANGES = ((-4, 3), (-3, -1), (0, 2), (0, 4), (1, 6), (-1, 0))
OPS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_,
    "|": operator.or_, "^": operator.xor, "//": operator.floordiv, "%": operator.mod,
    "<<": operator.lshift, ">>": operator.rshift,
}


def defined(op: str, b: int) -> bool:
    return b != 0 if op in ("//", "%") else b >= 0 if op in ("<<", ">>") else True


def worth(terms: Terms, result: Any, variables: list[Num], values: tuple[int, ...]) -> Any:
    """What a term is worth where these variables have these values."""
    if isinstance(result, bool):
        return result
    term = result.term if isinstance(result, Num) else result
    if term is None:
        return result.lo
    pairs = [
        (v.term, z3.BitVecVal(n, v.term.size(), terms.context))
        for v, n in zip(variables, values, strict=True)
    ]
    value = z3.simplify(z3.substitute(term, *pairs))
    return value.as_signed_long() if isinstance(result, Num) else z3.is_true(value)


@pytest.mark.parametrize("op", OPS)
def test_arithmetic_is_pythons(op: str) -> None:
    for left, right in product(RANGES, RANGES):
        terms = Terms()
        a, b = terms.number("a", *left), terms.number("b", *right)
        result = terms.arithmetic(op, a, b)
        for x, y in product(range(left[0], left[1] + 1), range(right[0], right[1] + 1)):
            if defined(op, y):
                expected = OPS[op](x, y)
                assert worth(terms, result, [a, b], (x, y)) == expected, (x, op, y)
                assert result.lo <= expected <= result.hi
                constant = terms.arithmetic(op, num(x), num(y))
                assert worth(terms, constant, [], ()) == expected


def test_comparisons_are_pythons() -> None:
    for left, right in product(RANGES, RANGES):
        terms = Terms()
        a, b = terms.number("a", *left), terms.number("b", *right)
        less, at_most = terms.less(a, b, False), terms.less(a, b, True)
        same = terms.equal(a, b)
        for x, y in product(range(left[0], left[1] + 1), range(right[0], right[1] + 1)):
            found = [worth(terms, test, [a, b], (x, y)) for test in (less, at_most, same)]
            assert found == [x < y, x <= y, x == y]


def test_a_choice_between_numbers_of_different_widths() -> None:
    terms = Terms()
    test = z3.Bool("t", terms.context)
    chosen = terms.ite(test, num(-1), terms.number("a", 0, 6))
    assert (chosen.lo, chosen.hi, chosen.term.size()) == (-1, 6, 4)


@pytest.mark.parametrize("size", [3, 5, 6, 7])
def test_a_spare_code_is_no_value(size: int) -> None:
    """A sort of 3, 5, 6 or 7 elements does not fill its bits."""
    sorts: dict[Sort, set[int]] = {
        Ref("Page", size, False): set(range(size)),
        Ref("Page", size, True): {NIL, *range(size)},
        Enum("State", tuple("ABCDEFG"[:size])): set(range(size)),
        Int(1, size): set(range(1, size + 1)),
    }
    for sort, values in sorts.items():
        terms = Terms()
        variable = terms.variable("v", sort)
        solver = z3.SolverFor("QF_FD", ctx=terms.context)
        solver.add(terms.in_domain(variable))
        found = set()
        while solver.check() == z3.sat:
            code = solver.model().eval(variable.term, model_completion=True)
            found.add(code.as_signed_long())
            solver.add(variable.term != code)
        assert found == values


def test_a_number_that_is_too_wide_is_refused() -> None:
    terms = Terms()
    wide = terms.number("a", 0, 100)
    with pytest.raises(ConfigurationError, match="up to 128 bits"):
        terms.arithmetic("<<", terms.arithmetic("<<", wide, wide), wide)


def test_two_models_share_no_name() -> None:
    """The same names in two Contexts, and a z3 term of one is no term of the other."""
    one, other = Terms(), Terms()
    a, b = one.number("s0", 0, 6), other.number("s0", 0, 2)
    assert (a.term.size(), b.term.size()) == (4, 3)
    assert a.term.ctx != b.term.ctx
    with pytest.raises(z3.Z3Exception):
        one.equal(a, b)
