"""Expressions as Python's text: what `semantics/expressions.py` says in closures.

A scalar is a number (None, of a Ref, is -1), a word is a tuple.  Memory is the number `s`, and a
cell is so many bits of it.  Where an expression goes wrong its text raises `Wrong` (`called.py`).
A check that cannot fail is left out, since each term knows its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf

from modelcheck.engines.packed import Field as Stored
from modelcheck.engines.packed import Layout, leaves
from modelcheck.engines.quick.called import CHECKS
from modelcheck.ir import (
    After, AtRest, Binary, Cell, Chain, Cond, Const, Domain, Element, Enum, Expr, Field, Fit,
    Instances, Int, Loaded, Local, Make, Me, NotNull, Place, Quantified, Range, Record, Ref, Self,
    Sort, Unary, Value,
)
from modelcheck.records import dataclass


@dataclass(frozen=True)
class Term:
    """A text that can stand anywhere in an expression, and the bounds of its number; of a word also
    its parts, where they are known.  `chain`: the operator, of a chain that can go on."""

    text: str
    lo: float = -inf
    hi: float = inf
    parts: tuple[Term, ...] | None = None
    chain: str = ""

    @property
    def known(self) -> bool:
        """Whether it is a literal: what has to be checked is none, whatever its bounds."""
        return self.lo == self.hi and self.text == _literal(int(self.lo))


def _literal(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


def number(value: int) -> Term:
    """A constant."""
    return Term(_literal(value), value, value)


def word(parts: tuple[Term, ...]) -> Term:
    """A word of these parts."""
    return Term(f"({''.join(part.text + ', ' for part in parts)})", parts=parts)


def constant(value: Value, sort: Sort) -> Term:
    """A literal."""
    if isinstance(sort, Record):
        assert isinstance(value, tuple)
        return word(tuple(
            constant(v, inner) for v, (_, inner) in zip(value, sort.fields, strict=True)
        ))
    assert not isinstance(value, tuple)
    return number(-1 if value is None else int(value))


def of_sort(text: str, sort: Sort) -> Term:
    """A value of a sort."""
    if isinstance(sort, Record):
        return Term(text)
    (leaf,) = leaves(sort)
    return Term(text, leaf.lo, leaf.hi)


def whole(numbers: Iterator[Term], sort: Sort) -> Term:
    """The value whose scalar parts come next."""
    if isinstance(sort, Record):
        return word(tuple(whole(numbers, inner) for _, inner in sort.fields))
    return next(numbers)


def flat(term: Term, sort: Sort) -> Iterator[Term]:
    """The scalar parts of a value; of a word whose parts are not known, `term` is a plain name."""
    if not isinstance(sort, Record):
        yield term
        return
    for n, (_, inner) in enumerate(sort.fields):
        yield from flat(part(term, n, inner), inner)


def part(term: Term, position: int, sort: Sort) -> Term:
    """A word's part, which is of this sort."""
    if term.parts is not None:
        return term.parts[position]
    return of_sort(f"{term.text}[{position}]", sort)


@dataclass(frozen=True)
class Scope:
    """What an expression can name.

    names     locals and bound names
    me, own   Me and Self
    loaded    `$`
    bound     how many names are bound by quantifiers
    """

    layout: Layout
    names: Mapping[str, Term]
    me: Term
    own: Term
    loaded: Term | None = None
    bound: int = 0

    # ------------------------------------------------------------------------------------- memory

    def index(self, place: Place) -> Term:
        """The number of a place's cell among those of its variable."""
        variable = self.layout.states.program.variable(place.variable)
        at = number(0)
        for expr, (_, size) in zip(place.index, variable.index, strict=True):
            one = self._within(self.value(expr), size)
            at = one if at == number(0) else plus(times(at, size), one)
        return at

    def _within(self, n: Term, count: int) -> Term:
        if n.lo >= 0 and n.hi < count:
            return n
        return Term(f"within({n.text}, {count})", 0, count - 1)

    def cell(self, at: Term, variable: str) -> Term:
        """The value of a cell; its number is a plain name, or a constant."""
        sort = self.layout.states.program.variable(variable).sort
        return whole((leaf(at, stored) for stored in self.layout.fields[variable]), sort)

    def read(self, place: Place) -> Term:
        """The value of a place."""
        at = self.index(place)
        stored = self.layout.fields[place.variable]
        once = len(stored) == 1 and stored[0].leaf.bits
        if once or at.known or at.text.isidentifier():
            return self.cell(at, place.variable)
        variable = self.layout.states.program.variable(place.variable)
        found = self.cell(Term("at", at.lo, at.hi), place.variable)
        return of_sort(f"(lambda at: {found.text})({at.text})", variable.sort)

    # -------------------------------------------------------------------------------- expressions

    def value(self, expr: Expr) -> Term:
        """The term of an expression."""
        match expr:
            case Const(value, sort):
                return constant(value, sort)
            case Local(name):
                return self.names[name]
            case Loaded():
                assert self.loaded is not None, "nothing was loaded"
                return self.loaded
            case Me():
                return self.me
            case Self():
                return self.own
            case Cell(place):
                return self.read(place)
            case Unary(op, operand):
                return _unary(op, self.value(operand))
            case Binary(op, left, right):
                return _binary(op, self.value(left), self.value(right))
            case Cond(test, then, other):
                a, b = self.value(then), self.value(other)
                text = f"({a.text} if {self.value(test).text} else {b.text})"
                return Term(text, min(a.lo, b.lo), max(a.hi, b.hi))
            case Field(operand, name, sort):
                position = sort.position(name)
                return part(self.value(operand), position, sort.fields[position][1])
            case Make(sort, parts):
                return word(tuple(
                    fitted(self.value(one), inner, True)
                    for one, (_, inner) in zip(parts, sort.fields, strict=True)
                ))
            case Element(sort, one, offset):
                count = len(sort.members) if isinstance(sort, Enum) else sort.count
                return self._within(plus(self.value(one), number(offset)), count)
            case NotNull(operand):
                return _natural(self.value(operand))
            case Fit(sort, operand):
                return fitted(self.value(operand), sort, True)
            case After(first, operand):
                return _after(self.value(first), self.value(operand))
            case Quantified():
                return self._quantified(expr)
            case AtRest():
                rests = " and ".join(
                    f"rests[{n}][s >> {shift} & {self.layout.mask(n)}]"
                    for n, (_, shift) in enumerate(self.layout.processes)
                )
                return Term(f"({rests})", 0, 1)

    def domain(self, of: Domain) -> tuple[str, Term]:
        """What runs over a domain's elements, and an element (its text is not yet set)."""
        match of:
            case Instances(sort):
                return f"range({sort.count})", Term("", 0, sort.count - 1)
            case Range(lo, hi):
                a, b = self.value(lo), self.value(hi)
                return f"range({a.text}, {b.text})", Term("", a.lo, max(a.lo, b.hi - 1))
            case Chain(start, variable):
                onward = self.cell(Term("at"), variable)
                text = f"chain({self.value(start).text}, lambda at: {onward.text})"
                return text, Term("", 0, onward.hi)

    def _quantified(self, expr: Quantified) -> Term:
        over, element = self.domain(expr.domain)
        name = f"e{self.bound}"
        names = {**self.names, expr.name: replace(element, text=name)}
        body = replace(self, names=names, bound=self.bound + 1).value(expr.body)
        return Term(
            f"{expr.op}({body.text} for {name} in {over})", *((0, 1) if expr.op != "sum" else ())
        )


def _after(first: Term, a: Term) -> Term:
    """A value that is computed once another has been."""
    if not any(f"{check.__name__}(" in first.text for check in CHECKS):
        return a  # nothing goes wrong in the other one
    if a.parts is not None:
        return word(tuple(_after(first, one) for one in a.parts))
    return Term(f"({first.text}, {a.text})[1]", a.lo, a.hi)


def leaf(at: Term, stored: Stored) -> Term:
    """A leaf of a cell."""
    bits, low = stored.leaf.bits, stored.leaf.lo
    if not bits:
        return number(low)
    code = f"s >> {shift(at, stored)} & {(1 << bits) - 1}"
    text = f"({code})" if low == 0 else f"(({code}) + {low})" if low > 0 else f"(({code}) - {-low})"
    return Term(text, low, stored.leaf.hi)


def shift(at: Term, stored: Stored) -> str:
    """The bit where a cell's leaf stands."""
    if at.known:
        return str(stored.at(int(at.lo))[1])
    scaled = at.text if stored.leaf.bits == 1 else f"{stored.leaf.bits} * {at.text}"
    return f"{stored.shift} + {scaled}" if stored.shift else scaled


def plus(a: Term, b: Term) -> Term:
    """A sum."""
    if a.known and b.known:
        return number(int(a.lo + b.lo))
    if b == number(0):
        return a
    return Term(_chained("+", a, b), a.lo + b.lo, a.hi + b.hi, chain="+")


def _chained(op: str, a: Term, b: Term) -> str:
    """`a and b and c`, not `((a and b) and c)`: Python nests no more than 200 brackets."""
    return f"({a.text[1:-1] if a.chain == op else a.text} {op} {b.text})"


def times(a: Term, n: int) -> Term:
    """A product with a constant."""
    return number(int(a.lo * n)) if a.known else Term(f"({a.text} * {n})", a.lo * n, a.hi * n)


def _natural(a: Term) -> Term:
    return a if a.lo >= 0 else Term(f"natural({a.text})", 0, a.hi)


def _unary(op: str, a: Term) -> Term:
    match op:
        case "not":
            return Term(f"(not {a.text})", 0, 1)
        case "-":
            return Term(f"(-{a.text})", -a.hi, -a.lo)
        case "index_of":
            return _natural(a)
    raise ValueError(f"no such operator: {op}")


def _binary(op: str, a: Term, b: Term) -> Term:
    text = f"({a.text} {op} {b.text})"
    match op:
        case "and" | "or":
            return Term(_chained(op, a, b), 0, 1, chain=op)
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            return Term(text, 0, 1)
        case "+":
            return plus(a, b)
        case "-":
            return Term(text, a.lo - b.hi, a.hi - b.lo)
        case "&" if a.lo >= 0 and b.lo >= 0:
            return Term(text, 0, min(a.hi, b.hi))
        case "*" | "&" | "|" | "^":
            return Term(text)
        case "//" | "%":
            divisor = b.text if b.lo > 0 or b.hi < 0 else f"nonzero({b.text})"
            bounds = (0, b.hi - 1) if op == "%" and b.lo > 0 else ()
            return Term(f"({a.text} {op} {divisor})", *bounds)
        case "<<" | ">>":
            return Term(f"({a.text} {op} {_natural(b).text})")
    raise ValueError(f"no such operator: {op}")


def fitted(term: Term, sort: Sort, checked: bool) -> Term:
    """A value, as it is when it is put where this sort is wanted.  What the front end says is
    impossible is checked all the same."""
    match sort:
        case Record():
            return term
        case Int(_, hi, True):
            inside = term.lo >= 0 and term.hi <= hi
            return term if inside else Term(f"({term.text} % {hi + 1})", 0, hi)
    (one,) = leaves(sort)
    if term.lo >= one.lo and term.hi <= one.hi:
        return term
    check = "fits" if checked and isinstance(sort, Int | Ref) else "sound"
    return Term(f"{check}({term.text}, {one.lo}, {one.hi})", one.lo, one.hi)
