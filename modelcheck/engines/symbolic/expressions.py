"""What an expression is worth, as a term; and on which condition it goes wrong.

The counterpart of `semantics/expressions.py`: the same cases in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import TypeAlias

from modelcheck.engines.symbolic.terms import (
    NIL, Bit, Num, Sym, Terms, as_num, both, either, no, num,
)
from modelcheck.ir import (
    After, AtRest, Binary, Bool, Cell, Chain, Cond, Const, Domain, Element, Enum, Expr, Field, Fit,
    Instances, Int, Loaded, Local, Make, Me, NotNull, Place, Quantified, Range, Record, Ref, Self,
    Sort, Unary,
)
from modelcheck.records import dataclass
from modelcheck.semantics.states import States

Slot: TypeAlias = int | str | tuple[str, int]
"""Of a step's memory: a number of a state, `$`, or the first value of a ghost within the step."""


@dataclass
class Wrong:
    """The conditions, met so far, on which a step goes wrong.

    fault    a fault, as `semantics` has it
    beyond   the terms do not follow what happens there: nothing may be concluded
    """

    fault: Bit = False
    beyond: Bit = False


@dataclass(frozen=True)
class Scope:
    """Where everything that an expression can name stands.

    memory  the step's memory, by slot
    slots   the locals of the process at hand; `bound` the names bound around
    heads   for AtRest: the slot of each process's location, and the locations that are at rest
    guard   the condition on which this is evaluated at all
    """

    terms: Terms
    states: States
    memory: Mapping[Slot, Sym]
    slots: Mapping[str, int]
    me: int
    self_number: int
    heads: tuple[tuple[int, frozenset[int]], ...]
    guard: Bit
    wrong: Wrong
    bound: Mapping[str, Sym] = field(default_factory=dict)

    def where(self, test: Bit) -> Scope:
        """The same, evaluated only where this holds too."""
        return replace(self, guard=both(self.guard, test))

    def fault(self, test: Bit) -> None:
        """There is a fault where this holds."""
        self.wrong.fault = either(self.wrong.fault, both(self.guard, test))

    def beyond(self, test: Bit) -> None:
        """The terms do not reach further where this holds."""
        self.wrong.beyond = either(self.wrong.beyond, both(self.guard, test))


def expression(expr: Expr, scope: Scope) -> Sym:
    """The term of an expression; faults are noted in the scope's `wrong`."""
    terms = scope.terms
    match expr:
        case Const(value, sort):
            return terms.constant(value, sort)
        case Local(name):
            if name in scope.bound:
                return scope.bound[name]
            return scope.memory[scope.slots[name]]
        case Loaded():
            return scope.memory["$"]
        case Me():
            return num(scope.me)
        case Self():
            return num(scope.self_number)
        case Cell(place):
            return cell(place, scope)
        case Unary(op, operand):
            return _unary(op, expression(operand, scope), scope)
        case Binary():
            return _binary(expr, scope)
        case Cond(test, then, other):
            t = expression(test, scope)
            return _cond(
                t, lambda: expression(then, scope.where(t)),
                lambda: expression(other, scope.where(no(t))), terms,
            )
        case Field(operand, name, sort):
            return expression(operand, scope)[sort.position(name)]
        case Make(sort, parts):
            return tuple(
                fitted(expression(part, scope), s, True, scope)
                for part, (_, s) in zip(parts, sort.fields, strict=True)
            )
        case Element(sort, number, plus):
            count = len(sort.members) if isinstance(sort, Enum) else sort.count
            n = as_num(terms, expression(number, scope))
            return within(terms.arithmetic("+", n, num(plus)), 0, count - 1, scope)
        case NotNull(operand):
            return _not_none(expression(operand, scope), scope)
        case Fit(sort, operand):
            return fitted(expression(operand, scope), sort, True, scope)
        case After(first, operand):
            expression(first, scope)
            return expression(operand, scope)
        case Quantified():
            return _quantified(expr, scope)
        case AtRest():
            return both(*(
                either(*(terms.equal(scope.memory[slot], num(n)) for n in sorted(rest)))
                for slot, rest in scope.heads
            ))


def _cond(
    test: Bit, then: Callable[[], Sym], other: Callable[[], Sym], terms: Terms
) -> Sym:
    if isinstance(test, bool):
        return then() if test else other()
    return terms.ite(test, then(), other())


def outside(a: Num, lo: int, hi: int, scope: Scope) -> Bit:
    """Whether a number is not in lo..hi."""
    terms = scope.terms
    return either(terms.less(a, num(lo), False), terms.less(num(hi), a, False))


def within(a: Num, lo: int, hi: int, scope: Scope) -> Num:
    """A number in lo..hi; anything else is a fault."""
    scope.fault(outside(a, lo, hi, scope))
    return narrowed(a, lo, hi)


def narrowed(a: Num, lo: int, hi: int) -> Num:
    """A number that is known to be in lo..hi, by its tightest bounds."""
    if lo <= a.lo and a.hi <= hi:
        return a
    low, high = max(a.lo, lo), min(a.hi, hi)
    if low > high:  # it never is: there is a fault, and its value matters to nobody
        return num(lo)
    return Num(None if low == high else a.term, low, high)


def _not_none(a: Num, scope: Scope) -> Num:
    scope.fault(scope.terms.equal(a, num(NIL)))
    return narrowed(a, 0, max(a.hi, 0))


def offset(place: Place, scope: Scope) -> list[tuple[Bit, int]]:
    """The cells that a place may be, each with the condition on which it is that one."""
    first, variable = scope.states.cells[place.variable]
    found: list[tuple[Bit, int]] = [(True, 0)]
    for expr, (_, size) in zip(place.index, variable.index, strict=True):
        i = within(as_num(scope.terms, expression(expr, scope)), 0, size - 1, scope)
        found = [
            (both(so_far, here), at * size + n)
            for so_far, at in found for n in range(i.lo, i.hi + 1)
            if (here := scope.terms.equal(i, num(n))) is not False
        ]
    return [(test, first + at) for test, at in found]


def cell(place: Place, scope: Scope) -> Sym:
    """What a place holds."""
    return scope.terms.select((test, scope.memory[at]) for test, at in offset(place, scope))


def _unary(op: str, a: Sym, scope: Scope) -> Sym:
    match op:
        case "not":
            return no(a)
        case "-":
            return scope.terms.arithmetic("-", num(0), as_num(scope.terms, a))
        case "index_of":
            return _not_none(a, scope)
    raise ValueError(f"no such operator: {op}")


def _binary(expr: Binary, scope: Scope) -> Sym:
    terms, op = scope.terms, expr.op
    a = expression(expr.left, scope)
    if op == "and":
        return False if a is False else both(a, expression(expr.right, scope.where(a)))
    if op == "or":
        return True if a is True else either(a, expression(expr.right, scope.where(no(a))))
    b = expression(expr.right, scope)
    match op:
        case "==":
            return terms.equal(a, b)
        case "!=":
            return no(terms.equal(a, b))
        case "<" | "<=":
            return terms.less(a, b, op == "<=")
        case ">" | ">=":
            return terms.less(b, a, op == ">=")
    x, y = as_num(terms, a), as_num(terms, b)
    match op:
        case "//" | "%":
            scope.fault(terms.equal(y, num(0)))
        case "<<" | ">>":
            scope.fault(terms.less(y, num(0), False))
    return terms.arithmetic(op, x, y)


def fitted(a: Sym, sort: Sort, checked: bool, scope: Scope) -> Sym:
    """A value as it is when it is put where this sort is wanted: reduced if the sort wraps, a fault
    if it is checked and does not fit; where nobody checks, it is known to fit."""
    match sort:
        case Bool():
            return a
        case Record(_, fields):
            return a if not fields else tuple(
                fitted(part, s, False, scope) for part, (_, s) in zip(a, fields, strict=True)
            )
        case Int(_, hi, True):
            n = as_num(scope.terms, a)
            inside = n.lo >= 0 and n.hi <= hi
            return n if inside else scope.terms.arithmetic("%", n, num(hi + 1))
        case Int(lo, hi, False):
            return _kept(as_num(scope.terms, a), lo, hi, checked, scope)
        case Enum(_, members):
            return _kept(a, 0, len(members) - 1, False, scope)
        case Ref(_, count, nullable):
            if nullable:
                return _kept(a, NIL, count - 1, False, scope)
            return _kept(a, 0, count - 1, checked, scope)


def _kept(a: Num, lo: int, hi: int, checked: bool, scope: Scope) -> Num:
    if checked:
        return within(a, lo, hi, scope)
    scope.beyond(outside(a, lo, hi, scope))  # a code that the variable has not: never dropped
    return narrowed(a, lo, hi)


# ------------------------------------------------------------------------------------- quantifiers


def elements(of: Domain, scope: Scope) -> Iterator[tuple[Bit, Sym]]:
    """A domain's elements in order, each with the condition on which there is such a one.  What is
    there is there in a row, but for a Range, whose first elements may be missing."""
    terms = scope.terms
    match of:
        case Instances(sort):
            yield from ((True, num(n)) for n in range(sort.count))
        case Range(lo, hi):
            a, b = (as_num(terms, expression(e, scope)) for e in (lo, hi))
            for n in range(a.lo, b.hi):
                yield both(terms.less(a, num(n), True), terms.less(num(n), b, False)), num(n)
        case Chain(start, variable):
            yield from _chain(as_num(terms, expression(start, scope)), variable, scope)


def _chain(element: Num, variable: str, scope: Scope) -> Iterator[tuple[Bit, Sym]]:
    """Element after element: it ends at None, or where one would repeat."""
    terms = scope.terms
    first, linked = scope.states.cells[variable]
    met: list[Num] = []
    there: Bit = True
    for _ in range(linked.cells):
        new = (no(terms.equal(element, other)) for other in met)
        there = both(there, no(terms.equal(element, num(NIL))), *new)
        if there is False:
            return
        here = narrowed(element, 0, linked.cells - 1)
        yield there, here
        met.append(element)
        element = terms.select(
            (terms.equal(here, num(n)), scope.memory[first + n])
            for n in range(here.lo, here.hi + 1)
        )


def _quantified(expr: Quantified, scope: Scope) -> Sym:
    terms = scope.terms
    total, decided = num(0), False
    for there, element in elements(expr.domain, scope):
        within_body = replace(
            scope, bound={**scope.bound, expr.name: element},
            guard=both(scope.guard, there, no(decided)),
        )
        body = expression(expr.body, within_body)
        match expr.op:
            case "all":
                decided = either(decided, both(there, no(body)))
            case "any":
                decided = either(decided, both(there, body))
            case "sum":
                more = terms.arithmetic("+", total, as_num(terms, body))
                total = terms.ite(there, more, total)
            case _:
                raise ValueError(f"no such quantifier: {expr.op}")
    match expr.op:
        case "all":
            return no(decided)
        case "any":
            return decided
    return total
