"""Values as z3 terms: a truth value, a number with its bounds, or the parts of a word.

A number's bounds are known, so that each operation is given as many bits as its result needs and
never overflows, and what is constant is folded before z3 sees it.  None, of a Ref, is the number
-1.  All terms of one model belong to its Context: two models never share a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import z3

from modelcheck.ir import Bool, Enum, Int, Record, Ref, Sort, Value
from modelcheck.records import dataclass
from modelcheck.source import ConfigurationError

Bit: TypeAlias = Any  # bool, or a z3 BoolRef
WIDEST = 128
NIL = -1


@dataclass(frozen=True, eq=False)
class Num:
    """An integer lo..hi; `term` is a signed bit-vector that holds it, None where lo == hi."""

    term: Any
    lo: int
    hi: int


Sym: TypeAlias = Any  # Bit | Num | tuple[Sym, ...]: the parts of a word


def num(value: int) -> Num:
    """A constant."""
    return Num(None, value, value)


def bits(lo: int, hi: int) -> int:
    """How wide a signed bit-vector must be for lo..hi."""
    width = 1 + max((n if n >= 0 else ~n).bit_length() for n in (lo, hi))
    if width > WIDEST:
        raise ConfigurationError(
            f"the symbolic engine computes with numbers of up to {WIDEST} bits, and here they may "
            f"need {width}: use --engine reference"
        )
    return width


def bounds(sort: Int | Enum | Ref) -> tuple[int, int]:
    """The numbers that a value of this sort may be."""
    match sort:
        case Int(lo, hi, _):
            return lo, hi
        case Enum(_, members):
            return 0, len(members) - 1
        case Ref(_, count, nullable):
            return NIL if nullable else 0, count - 1


# --------------------------------------------------------------------------------------- booleans


def is_const(a: Bit) -> bool:
    """Whether a truth value is known."""
    return isinstance(a, bool)


def no(a: Bit) -> Bit:
    """Negation."""
    return not a if is_const(a) else z3.BoolRef(z3.Z3_mk_not(a.ctx.ref(), a.ast), a.ctx)


def both(*parts: Bit) -> Bit:
    """Conjunction."""
    if any(p is False for p in parts):
        return False
    rest = [p for p in parts if p is not True]
    return True if not rest else rest[0] if len(rest) == 1 else _joined(z3.Z3_mk_and, rest)


def either(*parts: Bit) -> Bit:
    """Disjunction."""
    if any(p is True for p in parts):
        return True
    rest = [p for p in parts if p is not False]
    return False if not rest else rest[0] if len(rest) == 1 else _joined(z3.Z3_mk_or, rest)


def _joined(make: Any, parts: list[Any]) -> Any:
    """As z3.And and z3.Or, which look at every part's sort again and again: most of the time of a
    proof, measured."""
    context = parts[0].ctx
    array = (z3.Ast * len(parts))(*(p.ast for p in parts))
    return z3.BoolRef(make(context.ref(), len(parts), array), context)


class Terms:
    """The operations on values, in one Context."""

    def __init__(self) -> None:
        self.context = z3.Context()

    def bit(self, a: Bit) -> Any:
        """A truth value as a term."""
        return z3.BoolVal(a, self.context) if is_const(a) else a

    def vector(self, a: Num, width: int) -> Any:
        """A number's low `width` bits as a term."""
        if a.term is None:
            return z3.BitVecVal(a.lo, width, self.context)
        had = a.term.size()
        if had < width:
            return z3.SignExt(width - had, a.term)
        return a.term if had == width else z3.Extract(width - 1, 0, a.term)

    def constant(self, value: Value, sort: Sort) -> Sym:
        """A value of `semantics`."""
        match sort:
            case Bool():
                return bool(value)
            case Record(_, fields):
                assert isinstance(value, tuple)
                return tuple(
                    self.constant(v, s) for v, (_, s) in zip(value, fields, strict=True)
                )
            case Int() | Enum() | Ref():
                assert not isinstance(value, tuple)
                return num(NIL if value is None else int(value))

    def variable(self, name: str, sort: Sort) -> Sym:
        """An unknown value of this sort; `in_domain` says which codes are values."""
        match sort:
            case Bool():
                return z3.Bool(name, self.context)
            case Record(_, fields):
                return tuple(self.variable(f"{name}.{n}", s) for n, s in fields)
            case Int() | Enum() | Ref():
                return self.number(name, *bounds(sort))

    def number(self, name: str, lo: int, hi: int) -> Num:
        """An unknown number lo..hi."""
        if lo == hi:
            return num(lo)
        return Num(z3.BitVec(name, bits(lo, hi), self.context), lo, hi)

    def in_domain(self, a: Sym) -> Bit:
        """That a variable's code is one of a value, not a spare one."""
        if isinstance(a, tuple):
            return both(*(self.in_domain(part) for part in a))
        if not isinstance(a, Num) or a.term is None:
            return True
        width = a.term.size()
        low, high = -(1 << width - 1), (1 << width - 1) - 1
        return both(
            True if a.lo == low else a.term >= a.lo, True if a.hi == high else a.term <= a.hi
        )

    def ite(self, test: Bit, a: Sym, b: Sym) -> Sym:
        """`a` where `test` holds, else `b`: of the same kind."""
        if is_const(test):
            return a if test else b
        if a is b:
            return a
        if isinstance(a, tuple):
            return tuple(self.ite(test, x, y) for x, y in zip(a, b, strict=True))
        if isinstance(a, Num) or isinstance(b, Num):
            x, y = as_num(self, a), as_num(self, b)
            if x.term is None and y.term is None and x.lo == y.lo:
                return x
            lo, hi = min(x.lo, y.lo), max(x.hi, y.hi)
            width = bits(lo, hi)
            return Num(z3.If(test, self.vector(x, width), self.vector(y, width)), lo, hi)
        if is_const(a) and is_const(b):
            return a if a == b else test if a else no(test)
        return z3.If(test, self.bit(a), self.bit(b))

    def equal(self, a: Sym, b: Sym) -> Bit:
        """Whether two values are the same."""
        if isinstance(a, tuple):
            return both(*(self.equal(x, y) for x, y in zip(a, b, strict=True)))
        if isinstance(a, Num) or isinstance(b, Num):
            x, y = as_num(self, a), as_num(self, b)
            if x.hi < y.lo or y.hi < x.lo:
                return False
            if x.term is None and y.term is None:
                return True
            width = max(bits(x.lo, x.hi), bits(y.lo, y.hi))
            return self.vector(x, width) == self.vector(y, width)
        if is_const(a):
            return b if a else no(b)
        return (a if b else no(a)) if is_const(b) else a == b

    def less(self, a: Sym, b: Sym, or_equal: bool) -> Bit:
        """a < b, or a <= b."""
        x, y = as_num(self, a), as_num(self, b)
        if x.hi < y.lo or (or_equal and x.hi == y.lo):
            return True
        if x.lo > y.hi or (not or_equal and x.lo == y.hi):
            return False
        width = max(bits(x.lo, x.hi), bits(y.lo, y.hi))
        left, right = self.vector(x, width), self.vector(y, width)
        return left <= right if or_equal else left < right

    def select(self, cells: Iterable[tuple[Bit, Sym]]) -> Sym:
        """The value beside the one condition that holds; the last where none does."""
        *others, (_, found) = cells
        for test, value in reversed(others):
            found = self.ite(test, value, found)
        return found

    # --------------------------------------------------------------------------------- arithmetic

    def _result(self, a: Num, b: Num, lo: int, hi: int, compute: Any) -> Num:
        """`compute` on vectors wide enough for both and for lo..hi."""
        if lo == hi:
            return num(lo)
        width = max(bits(lo, hi), bits(a.lo, a.hi), bits(b.lo, b.hi))
        return Num(compute(self.vector(a, width), self.vector(b, width)), lo, hi)

    def arithmetic(self, op: str, a: Num, b: Num) -> Num:
        """+ - * & | ^, and // % << >> where the right operand is such that they are defined."""
        match op:
            case "+":
                return self._result(a, b, a.lo + b.lo, a.hi + b.hi, lambda x, y: x + y)
            case "-":
                return self._result(a, b, a.lo - b.hi, a.hi - b.lo, lambda x, y: x - y)
            case "*":
                ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
                return self._result(a, b, min(ends), max(ends), lambda x, y: x * y)
            case "&" | "|" | "^":
                return self._bitwise(op, a, b)
            case "//" | "%":
                return self._divided(op, a, b)
            case "<<" | ">>":
                return self._shifted(op, a, b)
        raise ValueError(f"no such operator: {op}")

    def _bitwise(self, op: str, a: Num, b: Num) -> Num:
        if a.term is None and b.term is None:
            return num({"&": a.lo & b.lo, "|": a.lo | b.lo, "^": a.lo ^ b.lo}[op])
        width = max(bits(a.lo, a.hi), bits(b.lo, b.hi)) - 1
        lo, hi = (0 if min(a.lo, b.lo) >= 0 else -(1 << width)), (1 << width) - 1
        if op == "&":
            return self._result(a, b, lo, hi, lambda x, y: x & y)
        if op == "|":
            return self._result(a, b, lo, hi, lambda x, y: x | y)
        return self._result(a, b, lo, hi, lambda x, y: x ^ y)

    def _divided(self, op: str, a: Num, b: Num) -> Num:
        """As Python's: rounded down, the remainder with the divisor's sign."""
        divisors = [d for d in {b.lo, -1, 1, b.hi} if b.lo <= d <= b.hi and d != 0]
        if not divisors:  # always zero, always a fault
            return num(0)
        if op == "%":
            lo, hi = min(0, *(d + 1 for d in divisors)), max(0, *(d - 1 for d in divisors))
            return self._result(a, b, lo, hi, lambda x, y: x % y)
        ends = [x // d for x in (a.lo, a.hi) for d in divisors]
        wide = max(map(abs, (a.lo, a.hi, b.lo, b.hi))) * 2  # what is divided can be as large
        width = bits(-wide, wide)
        x, y = self.vector(a, width), self.vector(b, width)
        return Num((x - x % y) / y, min(ends), max(ends))

    def _shifted(self, op: str, a: Num, b: Num) -> Num:
        few, many = max(b.lo, 0), max(b.hi, 0)
        if op == ">>":
            ends = [x >> y for x in (a.lo, a.hi) for y in (few, many)]
            return self._result(a, b, min(ends), max(ends), lambda x, y: x >> y)
        bits(0, many)
        if many >= WIDEST and (a.lo or a.hi):
            bits(0, 1 << WIDEST)
        ends = [x << y for x in (a.lo, a.hi) for y in (few, min(many, WIDEST))]
        return self._result(a, b, min(ends), max(ends), lambda x, y: x << y)


def as_num(terms: Terms, a: Sym) -> Num:
    """A number; of a truth value 0 or 1, as in Python."""
    if isinstance(a, Num):
        return a
    if is_const(a):
        return num(int(a))
    return Num(z3.If(a, *(z3.BitVecVal(n, 2, terms.context) for n in (1, 0))), 0, 1)
