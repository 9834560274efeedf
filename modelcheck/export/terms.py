"""What an exported model computes: expressions over finite scalar variables, each with its bounds.

Made by the functions below, which fold what is known and refuse what leaves 32 bits: every language
that we export to counts in those.  `and`, `or` and `ite` are evaluated from the left and no further
than needed, as all three languages do; the terms rely on it (an index is looked at before use).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from modelcheck.records import dataclass

LEAST, MOST = -(2**31), 2**31 - 1


class Beyond(Exception):
    """Something that the languages of the peers cannot say, in a sentence."""


@dataclass(frozen=True)
class Cells:
    """A variable of an exported model: `size` scalars lo..hi, one of which it holds alone if it is
    no array.

    name   as the target language has it; `shown` as the spec has it
    truth  its values are true and false
    none   what None is called, if it may be that; then `hi` stands for it
    names  its values that have a name, each with it
    """

    name: str
    shown: str
    size: int
    array: bool
    lo: int
    hi: int
    truth: bool = False
    none: str = ""
    names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Num:
    """A number; `name` is what it is called, if anything (`Model.constants` says it in full)."""

    value: int
    name: str = ""
    none: str = ""

    @property
    def lo(self) -> int:
        """Its least value."""
        return self.value

    @property
    def hi(self) -> int:
        """Its greatest value."""
        return self.value


@dataclass(frozen=True)
class Truth:
    """True or false."""

    value: bool
    none = ""
    lo = 0
    hi = 1


@dataclass(frozen=True)
class Read:
    """What a variable holds at an index."""

    cells: Cells
    index: Term
    lo: int
    hi: int
    none: str


@dataclass(frozen=True)
class Scratch:
    """What was computed earlier in the same step, by its name."""

    name: str
    truth: bool
    lo: int
    hi: int
    none: str


@dataclass(frozen=True)
class Op:
    """not and or == != < <= ite - + * // % << >> & | ^ (`-` of one or two)."""

    op: str
    args: tuple[Term, ...]
    lo: int
    hi: int
    none: str = ""


Term: TypeAlias = Num | Truth | Read | Scratch | Op

TRUE, FALSE = Truth(True), Truth(False)
_TRUTHS = frozenset({"not", "and", "or", "==", "!=", "<", "<="})


def is_truth(a: Term) -> bool:
    """Whether its values are true and false."""
    match a:
        case Truth():
            return True
        case Num():
            return False
        case Read(cells):
            return cells.truth
        case Scratch(_, truth):
            return truth
        case Op(op, args):
            return op in _TRUTHS or (op == "ite" and is_truth(args[1]))


def read(cells: Cells, index: Term) -> Term:
    """What a variable holds."""
    return Read(cells, index, cells.lo, cells.hi, cells.none)


def not_(a: Term) -> Term:
    """It is false."""
    if isinstance(a, Truth):
        return Truth(not a.value)
    if isinstance(a, Op) and a.op == "not":
        return a.args[0]
    return Op("not", (a,), 0, 1)


def and_(a: Term, b: Term) -> Term:
    """Both are true."""
    if isinstance(a, Truth):
        return b if a.value else a
    if isinstance(b, Truth):
        return a if b.value else b
    return Op("and", (a, b), 0, 1)


def or_(a: Term, b: Term) -> Term:
    """One of them is true."""
    if isinstance(a, Truth):
        return a if a.value else b
    if isinstance(b, Truth):
        return b if b.value else a
    if a == b or (isinstance(b, Op) and b.op == "and" and a in b.args):
        return a
    return Op("or", (a, b), 0, 1)


def ite(test: Term, then: Term, other: Term) -> Term:
    """`then` where the test is true, else `other`."""
    if isinstance(test, Truth):
        return then if test.value else other
    if then == other:
        return then
    if (then, other) == (TRUE, FALSE):
        return test
    lo, hi = min(then.lo, other.lo), max(then.hi, other.hi)
    return Op("ite", (test, then, other), lo, hi, then.none or other.none)


def equal(a: Term, b: Term) -> Term:
    """They are the same."""
    if isinstance(a, Truth):
        return b if a.value else not_(b)
    if isinstance(b, Truth):
        return a if b.value else not_(a)
    if a.hi < b.lo or b.hi < a.lo:
        return FALSE
    if a == b or (a.lo == a.hi == b.lo == b.hi and not is_truth(a)):
        return TRUE
    return Op("==", (a, b), 0, 1)


def less(a: Term, b: Term, or_equal: bool = False) -> Term:
    """a < b, or a <= b."""
    if a.hi < b.lo or (or_equal and a.hi <= b.lo):
        return TRUE
    if b.hi < a.lo or (not or_equal and b.hi <= a.lo):
        return FALSE
    return Op("<=" if or_equal else "<", (a, b), 0, 1)


def within(a: Term, lo: int, hi: int) -> Term:
    """The same term, known to be in lo..hi, and no None."""
    if isinstance(a, Num | Truth):
        return a
    return replace(a, lo=max(a.lo, lo), hi=min(a.hi, hi), none="")


def outside(a: Term, lo: int, hi: int) -> Term:
    """A number is not in lo..hi."""
    return or_(less(a, Num(lo)), less(Num(hi), a))


def is_none(a: Term) -> Term:
    """It is None."""
    return equal(a, Num(a.hi, a.none, a.none)) if a.none else FALSE


# -------------------------------------------------------------------------------------- arithmetic

_COMPUTE: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b,
    "<<": lambda a, b: a << b, ">>": lambda a, b: a >> b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
}  # fmt: skip
_NEUTRAL = {("+", 0), ("-", 0), ("*", 1), ("//", 1), ("<<", 0), (">>", 0), ("|", 0), ("^", 0)}


def arithmetic(op: str, a: Term, b: Term) -> Term:
    """A number from two, as Python computes it; Beyond if it may leave 32 bits.

    Where `//`, `%` and the shifts are not defined, somebody else has noted a fault."""
    if isinstance(b, Num) and (op, b.value) in _NEUTRAL:
        return a
    if isinstance(a, Num) and (a.value, op) == (0, "+"):
        return b
    if op == "%" and a.lo >= 0 and isinstance(b, Num) and a.hi < b.value:
        return a
    if op in ("<<", ">>") and b.hi > 31:
        raise Beyond(f"a shift by up to {b.hi}")
    lo, hi = _bounds(op, a, b)
    if lo < LEAST or hi > MOST:
        raise Beyond(f"a number that may be as far out as {hi if hi > MOST else lo}")
    if isinstance(a, Num) and isinstance(b, Num):
        return Num(lo)
    return Op(op, (a, b), lo, hi)


def minus(a: Term) -> Term:
    """Its negative."""
    return arithmetic("-", Num(0), a)


def _bounds(op: str, a: Term, b: Term) -> tuple[int, int]:
    compute = _COMPUTE[op]
    match op:
        case "%":
            return _remainder(a, b)
        case "&" | "|" | "^":
            if a.lo == a.hi and b.lo == b.hi:
                return (compute(a.lo, b.lo),) * 2
            widest = max(a.hi, b.hi, ~a.lo, ~b.lo)
            span = (1 << widest.bit_length()) - 1
            if op == "&" and max(a.lo, b.lo) >= 0:
                return 0, min(h for t, h in ((a, a.hi), (b, b.hi)) if t.lo >= 0)
            return (0 if min(a.lo, b.lo) >= 0 else ~span), span
        case "//":
            divisors = {d for d in (b.lo, b.hi, -1, 1) if b.lo <= d <= b.hi and d != 0}
            corners = [compute(x, d) for x in (a.lo, a.hi) for d in divisors]
        case "<<" | ">>":
            counts = {max(n, 0) for n in (b.lo, b.hi)}
            corners = [compute(x, n) for x in (a.lo, a.hi) for n in counts]
        case _:
            corners = [compute(x, y) for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    return min(corners, default=0), max(corners, default=0)


def _remainder(a: Term, b: Term) -> tuple[int, int]:
    if a.lo == a.hi and b.lo == b.hi != 0:
        return (a.lo % b.lo,) * 2
    least = min(b.lo + 1, 0) if b.lo < 0 else 0
    return least, max(b.hi - 1, 0)


# ------------------------------------------------------------------------------------ substitution


def substituted(a: Term, of: Callable[[Term], Term | None]) -> Term:
    """The term with what `of` gives in the place of a Read or a Scratch (None: as it was), seen
    after the same has been done to its index."""
    match a:
        case Num() | Truth():
            return a
        case Scratch():
            return of(a) or a
        case Read(_, index):
            inner = replace(a, index=substituted(index, of))
            return of(inner) or inner
        case Op(op, args):
            return _again(op, tuple(substituted(x, of) for x in args), a)


def _again(op: str, args: tuple[Term, ...], a: Op) -> Term:
    """The operation on other arguments, folded anew; its bounds are no wider than they were."""
    if args == a.args:
        return a
    match op:
        case "not":
            return not_(args[0])
        case "and":
            return and_(*args)
        case "or":
            return or_(*args)
        case "ite":
            return ite(*args)
        case "==":
            return equal(*args)
        case "<" | "<=":
            return less(args[0], args[1], op == "<=")
    made = arithmetic(op, *args)
    return within(made, a.lo, a.hi) if isinstance(made, Op) else made


def reads(a: Term) -> frozenset[str]:
    """The names of the variables and scratches that a term reads."""
    match a:
        case Num() | Truth():
            return frozenset()
        case Scratch(name):
            return frozenset([name])
        case Read(cells, index):
            return reads(index) | {cells.name}
        case Op(_, args):
            return frozenset().union(*map(reads, args))


def named(a: Term) -> dict[str, int]:
    """The names of numbers that a term mentions, with the numbers."""
    match a:
        case Num(value, name):
            return {name: value} if name else {}
        case Truth() | Scratch():
            return {}
        case Read(_, index):
            return named(index)
        case Op(_, args):
            return {name: value for x in args for name, value in named(x).items()}
