"""What an expression is worth: each is compiled once into a Python closure over a flat memory.

The memory is a state (a tuple, for properties without bound names) or the list that a step works
on: the state, then the step's own slots (`$`, ghosts set so far, the script of choices, bound
names).  A closure raises `Faulted` where the expression goes wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from modelcheck.ir import (
    After,
    AtRest,
    Binary,
    Bool,
    Cell,
    Chain,
    Cond,
    Const,
    Domain,
    Element,
    Enum,
    Expr,
    Field,
    Fit,
    Instances,
    Int,
    Loaded,
    Local,
    Make,
    Me,
    NotNull,
    Place,
    Quantified,
    Range,
    Record,
    Ref,
    Self,
    Sort,
    Unary,
    Variable,
)
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError

Memory: TypeAlias = Sequence[Any]
Read: TypeAlias = Callable[[Memory], Any]

FaultKind: TypeAlias = Literal["assert", "none", "index", "range", "choose", "ghost", "runaway"]

NONE = "None is dereferenced"
NOT_NONE = "None is put where only an element may be"
INDEX = "an index leaves its array"
ZERO = "a division by zero"
SHIFT = "a shift by a negative count"
CHOOSE = "there is nothing to choose from"
GHOST = "a ghost is overwritten within the step that set it: no state shows its value"
UNSET: Any = ("unset",)  # what a cell without a default holds until boot sets it
RUNAWAY = "a step does not end: 10,000 actions and no access"
MANY_CHOICES = "a step does not end: 64 choices and no access"


@dataclass(frozen=True)
class Fault:
    """What went wrong in a step (or in a property), in a standing sentence, and where."""

    kind: FaultKind
    sentence: str
    span: Span


class Faulted(Exception):
    """Raised by closures, caught by `Semantics`."""

    def __init__(self, kind: FaultKind, sentence: str, span: Span) -> None:
        self.fault = Fault(kind, sentence, span)


@dataclass(frozen=True)
class Scope:
    """Where everything that an expression can name stands in the memory.

    cells    each shared and ghost variable, with its first cell
    slots    the locals of the process at hand, and bound names
    me, self_number   which process this is (0 in boot and in properties, where nothing asks)
    loaded   the slot of `$`; `bound` the slots for further bound names
    heads    for AtRest: the slot of each process's location, and the locations that are at rest
    boot     a cell may be UNSET: reading it is a mistake of the spec
    """

    cells: Mapping[str, tuple[int, Variable]]
    slots: Mapping[str, int]
    me: int
    self_number: int
    loaded: int
    bound: range
    heads: tuple[tuple[int, frozenset[int]], ...]
    boot: bool


def expression(expr: Expr, scope: Scope) -> Read:
    """The closure of an expression."""
    match expr:
        case Const(value):
            return lambda _: value
        case Local(name):
            return operator.itemgetter(scope.slots[name])
        case Loaded():
            return operator.itemgetter(scope.loaded)
        case Me():
            return lambda _: scope.me
        case Self():
            return lambda _: scope.self_number
        case Cell(place):
            return cell(place, scope)
        case Unary():
            return _unary(expr, scope)
        case Binary():
            return _binary(expr, scope)
        case Cond(test, then, other):
            t, a, b = expression(test, scope), expression(then, scope), expression(other, scope)
            return lambda s: a(s) if t(s) else b(s)
        case Field(operand, name, sort):
            word, position = expression(operand, scope), sort.position(name)
            return lambda s: word(s)[position]
        case Make():
            return _make(expr, scope)
        case Element():
            return _element(expr, scope)
        case NotNull(operand, span):
            return _not_none(expression(operand, scope), span)
        case Fit(sort, operand, span):
            return fitted(expression(operand, scope), sort, True, span)
        case After(first, operand):
            before, after = expression(first, scope), expression(operand, scope)
            return lambda s: (before(s), after(s))[1]
        case Quantified():
            return _quantified(expr, scope)
        case AtRest():
            heads = scope.heads
            return lambda s: all(s[slot] in rest for slot, rest in heads)


def offset(place: Place, scope: Scope) -> Read:
    """The closure that finds a place's cell: its number in the memory."""
    first, variable = scope.cells[place.variable]
    span = place.span
    if all(isinstance(i, Const) and type(i.value) is int for i in place.index):
        at = first
        for i, size, stride in _dimensions(place, variable):
            assert isinstance(i, Const) and isinstance(i.value, int)
            if not 0 <= i.value < size:
                return _always_out(span)
            at += i.value * stride
        return lambda _: at
    parts = [(expression(i, scope), size, n) for i, size, n in _dimensions(place, variable)]
    if len(parts) == 1:
        index, count, _ = parts[0]

        def one_dimension(s: Memory) -> int:
            i = index(s)
            if i is None:
                raise Faulted("none", NONE, span)
            if not 0 <= i < count:
                raise Faulted("index", INDEX, span)
            return first + int(i)

        return one_dimension

    def dimensions(s: Memory) -> int:
        cell = first
        for index, size, stride in parts:
            i = index(s)
            if i is None:
                raise Faulted("none", NONE, span)
            if not 0 <= i < size:
                raise Faulted("index", INDEX, span)
            cell += i * stride
        return cell

    return dimensions


def _dimensions(place: Place, variable: Variable) -> list[tuple[Expr, int, int]]:
    """Each index with its size, and how many cells apart its neighbours are."""
    stride, result = 1, []
    for expr, (_, size) in reversed(list(zip(place.index, variable.index, strict=True))):
        result.append((expr, size, stride))
        stride *= size
    return result[::-1]


def _always_out(span: Span) -> Read:
    def out(_: Memory) -> Any:
        raise Faulted("index", INDEX, span)

    return out


def cell(place: Place, scope: Scope) -> Read:
    """The closure that reads a place."""
    at = offset(place, scope)
    if scope.boot:
        return _known(lambda s: s[at(s)], place.variable, place.span)
    if not place.index:
        return operator.itemgetter(scope.cells[place.variable][0])
    return lambda s: s[at(s)]


def _known(read: Read, variable: str, span: Span) -> Read:
    def known(s: Memory) -> Any:
        value = read(s)
        if value is UNSET:
            raise SpecError(
                span, f"{variable} is read before it is set",
                "a default in the class, or set it first",
            )
        return value

    return known


def _not_none(operand: Read, span: Span) -> Read:
    def not_none(s: Memory) -> Any:
        value = operand(s)
        if value is None:
            raise Faulted("none", NONE, span)
        return value

    return not_none


def _unary(expr: Unary, scope: Scope) -> Read:
    a = expression(expr.operand, scope)
    match expr.op:
        case "not":
            return lambda s: not a(s)
        case "-":
            return lambda s: -a(s)
        case "index_of":
            return _not_none(a, expr.span)
    raise ValueError(f"no such operator: {expr.op}")


PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
PARTIAL: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], bool], str]] = {
    "//": (operator.floordiv, lambda b: b == 0, ZERO),
    "%": (operator.mod, lambda b: b == 0, ZERO),
    "<<": (operator.lshift, lambda b: b < 0, SHIFT),
    ">>": (operator.rshift, lambda b: b < 0, SHIFT),
}


def _binary(expr: Binary, scope: Scope) -> Read:
    a, b = expression(expr.left, scope), expression(expr.right, scope)
    if expr.op == "and":
        return lambda s: a(s) and b(s)
    if expr.op == "or":
        return lambda s: a(s) or b(s)
    if expr.op in PLAIN:
        plain = PLAIN[expr.op]
        if isinstance(expr.right, Const):
            constant = expr.right.value
            return lambda s: plain(a(s), constant)
        return lambda s: plain(a(s), b(s))
    compute, undefined, sentence = PARTIAL[expr.op]

    def partial(s: Memory) -> Any:
        left, right = a(s), b(s)
        if undefined(right):
            raise Faulted("range", sentence, expr.span)
        return compute(left, right)

    return partial


def fit(sort: Sort, checked: bool, span: Span) -> Callable[[Any], Any] | None:
    """What a value undergoes when it is put where this sort is wanted: reduced if the sort wraps,
    checked if asked.  None: nothing, it always fits."""
    match sort:
        case Int(_, hi, True):
            return lambda value: value % (hi + 1)
        case Int(lo, hi, False) if checked:
            def in_range(value: int) -> int:
                if not lo <= value <= hi:
                    sentence = f"a value leaves its range: {value} is not in {lo}..{hi}"
                    raise Faulted("range", sentence, span)
                return value

            return in_range
        case Ref(_, _, False) if checked:
            def not_none(value: int | None) -> int:
                if value is None:
                    raise Faulted("none", NOT_NONE, span)
                return value

            return not_none
        case Bool() | Enum() | Int() | Ref() | Record():
            return None


def fitted(value: Read, sort: Sort, checked: bool, span: Span) -> Read:
    """`value`, as it is when it is put where this sort is wanted."""
    into = fit(sort, checked, span)
    return value if into is None else lambda s: into(value(s))


def _make(expr: Make, scope: Scope) -> Read:
    parts = [
        fitted(expression(part, scope), sort, True, expr.span)
        for part, (_, sort) in zip(expr.parts, expr.sort.fields, strict=True)
    ]
    return lambda s: tuple([part(s) for part in parts])


def _element(expr: Element, scope: Scope) -> Read:
    number, span, plus = expression(expr.number, scope), expr.span, expr.offset
    count = len(expr.sort.members) if isinstance(expr.sort, Enum) else expr.sort.count

    def element(s: Memory) -> int:
        n: int = number(s) + plus
        if not 0 <= n < count:
            raise Faulted("index", INDEX, span)
        return n

    return element


def domain(of: Domain, scope: Scope) -> Callable[[Memory], Iterator[Any]]:
    """The closure that runs over a domain's elements, as they are asked for."""
    match of:
        case Instances(sort):
            return lambda _: iter(range(sort.count))
        case Range(lo, hi):
            a, b = expression(lo, scope), expression(hi, scope)
            return lambda s: iter(range(a(s), b(s)))
        case Chain(start, variable):
            begin = expression(start, scope)
            here = scope.bound[0]
            onward = cell(
                Place(variable, (Local(""),), start.span),
                replace(scope, slots={**scope.slots, "": here}),
            )

            def chain(s: Any) -> Iterator[Any]:
                element, met = begin(s), set()
                while element is not None and element not in met:
                    met.add(element)
                    yield element
                    s[here] = element
                    element = onward(s)

            return chain


def _quantified(expr: Quantified, scope: Scope) -> Read:
    elements, slot = domain(expr.domain, scope), scope.bound[0]
    within = replace(scope, slots={**scope.slots, expr.name: slot}, bound=scope.bound[1:])
    body = expression(expr.body, within)

    def each(s: Any) -> Iterator[Any]:
        for element in elements(s):
            s[slot] = element
            yield body(s)

    match expr.op:
        case "all":
            return lambda s: all(each(s))
        case "any":
            return lambda s: any(each(s))
        case "sum":
            return lambda s: sum(each(s))
    raise ValueError(f"no such quantifier: {expr.op}")
