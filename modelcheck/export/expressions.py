"""What an expression is worth as terms, and the term that says whether it goes wrong.

The counterpart of `semantics/expressions.py`: the same cases in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import NamedTuple, TypeAlias

from modelcheck.export.terms import (
    FALSE, TRUE, Cells, Num, Term, Truth, and_, arithmetic, equal, is_none, is_truth, ite, less,
    minus, not_, or_, outside, read, within,
)
from modelcheck.ir import (
    After, AtRest, Binary, Bool, Cell, Chain, Cond, Const, Element, Enum, Expr, Field, Fit,
    Instances, Int, Loaded, Local, Make, Me, NotNull, Place, Quantified, Range, Record, Ref, Self,
    Sort, Unary, Value, Variable,
)
from modelcheck.records import dataclass

Worth: TypeAlias = Term | tuple["Worth", ...]
"""A value: of a word, one for each field."""

Tree: TypeAlias = Cells | tuple["Tree", ...]
"""The variables that hold one value of a sort: of a word, one for each field."""


class Found(NamedTuple):
    """What an expression is worth, where `bad` (there is a fault) is false."""

    worth: Worth
    bad: Term


@dataclass(frozen=True)
class Scope:
    """What the names in an expression stand for.

    variables   each shared variable and ghost; `locals` those of the process at hand
    me, number  which process this is: of its template, and of all
    known       what single cells of locals are known to hold here
    loaded      `$`
    at_rest     AtRest
    """

    variables: Mapping[str, tuple[Variable, Tree]]
    at_rest: Term
    locals: Mapping[str, tuple[Variable, Tree]] = field(default_factory=dict)
    me: int = 0
    number: int = 0
    known: Mapping[Cells, Term] = field(default_factory=dict)
    loaded: Worth = FALSE
    bound: Mapping[str, Term] = field(default_factory=dict)


def term(worth: Worth) -> Term:
    """The one term of a value that is no word."""
    assert not isinstance(worth, tuple), "a word where a number is wanted"
    return worth


def enum_name(sort: Enum, member: int) -> str:
    """What a member is called in an exported model."""
    return f"{sort.name}_{sort.members[member]}"


def none_name(cls: str) -> str:
    """What None is called there, where an element of this sort might be."""
    return f"No_{cls}"


def constant(value: Value, sort: Sort) -> Worth:
    """A literal."""
    match sort:
        case Bool():
            return Truth(bool(value))
        case Int():
            assert isinstance(value, int)
            return Num(value)
        case Enum():
            assert isinstance(value, int)
            return Num(value, enum_name(sort, value))
        case Ref(cls, count, _):
            if value is None:
                return Num(count, none_name(cls), none_name(cls))
            assert isinstance(value, int)
            return Num(value)
        case Record(_, fields):
            assert isinstance(value, tuple)
            return tuple(constant(v, s) for v, (_, s) in zip(value, fields, strict=True))


def expression(expr: Expr, scope: Scope) -> Found:
    """What an expression is worth."""
    match expr:
        case Const(value, sort):
            return Found(constant(value, sort), FALSE)
        case Local(name):
            return Found(scope.bound[name] if name in scope.bound else _local(name, scope), FALSE)
        case Loaded():
            return Found(scope.loaded, FALSE)
        case Me():
            return Found(Num(scope.me), FALSE)
        case Self():
            return Found(Num(scope.number), FALSE)
        case Cell(place):
            return cell(place, scope)
        case Unary():
            return _unary(expr, scope)
        case Binary():
            return _binary(expr, scope)
        case Cond(test, then, other):
            t, a, b = (expression(e, scope) for e in (test, then, other))
            bad = or_(t.bad, ite(term(t.worth), a.bad, b.bad))
            return Found(_choice(term(t.worth), a.worth, b.worth), bad)
        case Field(operand, name, sort):
            word = expression(operand, scope)
            assert isinstance(word.worth, tuple)
            return Found(word.worth[sort.position(name)], word.bad)
        case Make():
            return _make(expr, scope)
        case Element(sort, number, plus):
            n = expression(number, scope)
            count = len(sort.members) if isinstance(sort, Enum) else sort.count
            found = Found(arithmetic("+", term(n.worth), Num(plus)), n.bad)
            return _inside(found, 0, count - 1)
        case NotNull(operand):
            return _not_none(expression(operand, scope))
        case Fit(sort, operand):
            return fitted(expression(operand, scope), sort, True)
        case After(first, operand):
            before, after = expression(first, scope), expression(operand, scope)
            return Found(after.worth, or_(before.bad, after.bad))
        case Quantified():
            return _quantified(expr, scope)
        case AtRest():
            return Found(scope.at_rest, FALSE)


def _local(name: str, scope: Scope) -> Worth:
    def held(tree: Tree) -> Worth:
        if isinstance(tree, tuple):
            return tuple(map(held, tree))
        return scope.known.get(tree) or read(tree, Num(scope.me if tree.array else 0))

    return held(scope.locals[name][1])


def _choice(test: Term, then: Worth, other: Worth) -> Worth:
    if isinstance(then, tuple) and isinstance(other, tuple):
        return tuple(_choice(test, a, b) for a, b in zip(then, other, strict=True))
    return ite(test, term(then), term(other))


def same(a: Worth, b: Worth) -> Term:
    """Two values are the same."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        found: Term = TRUE
        for x, y in zip(a, b, strict=True):
            found = and_(found, same(x, y))
        return found
    return equal(term(a), term(b))


def _inside(found: Found, lo: int, hi: int) -> Found:
    """A number in lo..hi; anything else is a fault."""
    number = term(found.worth)
    beyond = outside(number, lo, hi)
    return Found(_some(within(number, lo, hi), lo, beyond), or_(found.bad, beyond))


def _not_none(found: Found) -> Found:
    a = term(found.worth)
    if not a.none:
        return found
    none = is_none(a)
    return Found(_some(within(a, 0, a.hi - 1), 0, none), or_(found.bad, none))


def _some(fits: Term, least: int, beyond: Term) -> Term:
    """A number that fits, also where none does: a peer refuses an index that is never one, and a
    range without a number, even where the fault comes first."""
    return Num(least) if beyond == TRUE else fits


def offset(place: Place, scope: Scope) -> Found:
    """The number of a place's cell within its variable."""
    at, bad = Found(Num(0), FALSE)
    variable, _ = scope.variables[place.variable]
    for expr, (_, size) in zip(place.index, variable.index, strict=True):
        i = _inside(_not_none(expression(expr, scope)), 0, size - 1)
        at = arithmetic("+", arithmetic("*", term(at), Num(size)), term(i.worth))
        bad = or_(bad, i.bad)
    return Found(at, bad)


def cell(place: Place, scope: Scope) -> Found:
    """What a place holds."""
    at, bad = offset(place, scope)
    return Found(held(scope.variables[place.variable][1], term(at)), bad)


def held(tree: Tree, index: Term) -> Worth:
    """What the variables of one value hold at an index."""
    if isinstance(tree, tuple):
        return tuple(held(part, index) for part in tree)
    return read(tree, index)


def _unary(expr: Unary, scope: Scope) -> Found:
    a = expression(expr.operand, scope)
    match expr.op:
        case "not":
            return Found(not_(term(a.worth)), a.bad)
        case "-":
            return Found(minus(term(a.worth)), a.bad)
        case "index_of":
            return _not_none(a)
    raise ValueError(f"no such operator: {expr.op}")


def _binary(expr: Binary, scope: Scope) -> Found:
    a, b, op = expression(expr.left, scope), expression(expr.right, scope), expr.op
    bad = or_(a.bad, b.bad)
    match op:
        case "==":
            return Found(same(a.worth, b.worth), bad)
        case "!=":
            return Found(not_(same(a.worth, b.worth)), bad)
    x, y = term(a.worth), term(b.worth)
    match op:
        case "and":
            return Found(and_(x, y), or_(a.bad, and_(x, b.bad)))
        case "or":
            return Found(or_(x, y), or_(a.bad, and_(not_(x), b.bad)))
        case "<" | "<=":
            return Found(less(x, y, op == "<="), bad)
        case ">" | ">=":
            return Found(less(y, x, op == ">="), bad)
        case "//" | "%":
            bad = or_(bad, equal(y, Num(0)))
        case "<<" | ">>":
            bad = or_(bad, less(y, Num(0)))
    return Found(arithmetic(op, x, y), bad)


def fitted(found: Found, sort: Sort, checked: bool) -> Found:
    """A value as it is when it is put where this sort is wanted: reduced if the sort wraps, a fault
    if it is checked and does not fit; where nobody checks, it is known to fit."""
    match sort:
        case Int(_, hi, True):
            a = term(found.worth)
            fits = a.lo >= 0 and a.hi <= hi
            return found if fits else Found(arithmetic("%", a, Num(hi + 1)), found.bad)
        case Int(lo, hi, False) if checked:
            return _inside(found, lo, hi)
        case Ref(_, _, False) if checked:
            return _not_none(found)
        case Bool() | Enum() | Int() | Ref() | Record():
            return found


def _make(expr: Make, scope: Scope) -> Found:
    parts = [
        fitted(expression(part, scope), sort, True)
        for part, (_, sort) in zip(expr.parts, expr.sort.fields, strict=True)
    ]
    bad: Term = FALSE
    for part in parts:
        bad = or_(bad, part.bad)
    return Found(tuple(part.worth for part in parts), bad)


# ------------------------------------------------------------------------------------- quantifiers


def _quantified(expr: Quantified, scope: Scope) -> Found:
    """Written out element by element, from the last to the first."""

    def body(element: Term) -> Found:
        found = expression(expr.body, replace(scope, bound={**scope.bound, expr.name: element}))
        a = term(found.worth)
        number = ite(a, Num(1), Num(0)) if expr.op == "sum" and is_truth(a) else a
        return Found(number, found.bad)

    match expr.domain:
        case Instances(sort):
            found = _none_left(expr.op)
            for n in reversed(range(sort.count)):
                found = _before(expr.op, TRUE, body(Num(n)), found)
            return found
        case Range(lo, hi):
            a, b = expression(lo, scope), expression(hi, scope)
            x, y = term(a.worth), term(b.worth)
            found = _none_left(expr.op)
            for n in reversed(range(x.lo, y.hi)):
                there = and_(less(x, Num(n), True), less(Num(n), y))
                found = _before(expr.op, there, body(Num(n)), found)
            return Found(found.worth, or_(or_(a.bad, b.bad), found.bad))
        case Chain(start, variable):
            begin = expression(start, scope)
            linked, tree = scope.variables[variable]

            def along(element: Term, met: tuple[Term, ...]) -> Found:
                """From an element on.  One that repeats adds nothing to `all` and `any`."""
                if len(met) == linked.cells:
                    return _none_left(expr.op)
                there = not_(is_none(element))
                for other in met if expr.op == "sum" else ():
                    there = and_(there, not_(equal(element, other)))
                here = within(element, 0, linked.cells - 1)
                further = along(term(held(tree, here)), (*met, element))
                return _if_there(expr.op, there, body(here), further)

            found = along(term(begin.worth), ())
            return Found(found.worth, or_(begin.bad, found.bad))


def _none_left(op: str) -> Found:
    nothing: dict[str, Term] = {"all": TRUE, "any": FALSE, "sum": Num(0)}
    return Found(nothing[op], FALSE)


def _before(op: str, there: Term, first: Found, rest: Found) -> Found:
    """An element, if it is there, and those behind it."""
    a, b = term(first.worth), term(rest.worth)
    if op == "sum":
        worth = ite(there, arithmetic("+", a, b), b)
        return Found(worth, or_(and_(there, first.bad), rest.bad))
    goes_on = or_(not_(there), a) if op == "all" else not_(and_(there, a))
    bad = or_(and_(there, first.bad), and_(goes_on, rest.bad))
    return Found(and_(goes_on, b) if op == "all" else or_(and_(there, a), b), bad)


def _if_there(op: str, there: Term, first: Found, rest: Found) -> Found:
    """An element and those behind it, if it is there; if not, there are none behind it either."""
    both = _before(op, TRUE, first, rest)
    worth = (
        ite(there, term(both.worth), Num(0)) if op == "sum"
        else or_(not_(there), term(both.worth)) if op == "all"
        else and_(there, term(both.worth))
    )
    return Found(worth, and_(there, both.bad))
