"""What an expression of a spec can be while it is compiled: a value (an ir expression and its type)
or a place (an object, or one cell of memory).  Small helpers on both, and the scope in which names
are looked up."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from modelcheck import ir
from modelcheck.frontend.definitions import (
    UNBOUNDED, AnyOf, ArrayType, Definition, Function, Module, NoneType, ObjectType,
    SharedClass, Type,
)
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError


@dataclass(frozen=True)
class Value:
    """An expression with its type."""

    expr: ir.Expr
    type: Type


@dataclass(frozen=True)
class ObjectPlace:
    """An object in memory: `heap`, `pg.contents`, `heap[order]`.  Using it costs no access."""

    prefix: str
    index: tuple[ir.Expr, ...]
    type: ObjectType | ArrayType


@dataclass(frozen=True)
class CellPlace:
    """One memory location, or (with `part`) a part of the word in it."""

    place: ir.Place
    sort: ir.Sort  # of the whole location
    ghost: bool
    part: tuple[str, ...] = ()

    @property
    def part_sort(self) -> ir.Sort:
        """The sort of the part that is meant."""
        sort = self.sort
        for name in self.part:
            assert isinstance(sort, ir.Record)
            sort = dict(sort.fields)[name]
        return sort


@dataclass(frozen=True)
class ElementsOf:
    """A class with a count, as the argument of a call: what `instances(...)` may then run over."""

    sort: ir.Ref


Meaning: TypeAlias = Value | ObjectPlace | CellPlace
Given: TypeAlias = ObjectPlace | ElementsOf | Function


@dataclass(eq=False)
class Instance:
    """A function with the types of its generic parameters and the places it was given: what is
    compiled.  One instance for each such combination."""

    function: Function
    prefix: str  # of its locals' names
    places: tuple[tuple[str, Given], ...]
    returns: Type
    locals: dict[str, Type] = field(default_factory=dict)
    annotated: set[str] = field(default_factory=set)
    spans: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scope:
    """Where a name is looked up: substitutions (bound variables, arguments of a pure function),
    then the function's locals and places, then its module."""

    module: Module
    instance: Instance | None = None
    substitutions: Mapping[str, Meaning | Given] = field(default_factory=dict)

    def definition(self, name: str) -> Definition | None:
        """What a module-level name stands for, unless something nearer hides it."""
        near = self.nearest(name)
        if isinstance(near, Function):
            return near
        is_local = self.instance is not None and name in self.instance.locals
        return None if near is not None or is_local else self.module.scope.get(name)

    def nearest(self, name: str) -> Meaning | Given | None:
        """What an argument, or a bound variable, of this name stands for."""
        near = self.substitutions.get(name)
        if near is None and self.instance is not None:
            near = dict(self.instance.places).get(name)
        return near

    def elements(self, node: ast.expr) -> ElementsOf | None:
        """What a name stands for, if that is a class with a count."""
        if not isinstance(node, ast.Name):
            return None
        match self.nearest(node.id) or self.definition(node.id):
            case ElementsOf() as found:
                return found
            case SharedClass(name, count=int(count)):
                return ElementsOf(ir.Ref(name, count, False))
            case _:
                return None

    def function(self, node: ast.expr) -> Function | None:
        """What a name stands for, if that is a function."""
        found = self.definition(node.id) if isinstance(node, ast.Name) else None
        return found if isinstance(found, Function) else None

    def with_names(self, names: Mapping[str, Meaning | Given]) -> Scope:
        """This scope, with more substitutions."""
        return replace(self, substitutions={**self.substitutions, **names})


# ------------------------------------------------------------------------------- on expressions


def field_of(expr: ir.Expr, name: str, sort: ir.Record, span: Span) -> ir.Expr:
    """A field of a word's value, taken at once where the value is spelled out."""
    position = sort.position(name)
    match expr:
        case ir.Make(_, parts):
            return parts[position]
        case ir.After(first, operand):
            return after(first, field_of(operand, name, sort, span))
        case ir.Const(tuple() as value):
            return ir.Const(value[position], sort.fields[position][1], span)
        case _:
            return ir.Field(expr, name, sort, span)


def one_field(expr: ir.Expr, name: str, sort: ir.Record, span: Span) -> ir.Expr:
    """As field_of, where the word's other fields are dropped: what goes wrong in them still does.
    """
    found = field_of(expr, name, sort, span)
    others = expr.parts if isinstance(expr, ir.Make) else ()
    for (other, _), part in reversed(list(zip(sort.fields, others, strict=False))):
        if other != name:
            found = after(part, found)
    return found


def fit(value: Value, kind: Type, span: Span) -> ir.Expr:
    """The value as it is when it is bound to a name, or returned, that is declared so: the
    expression itself where it is surely of that type."""
    match kind, value.type:
        case ir.Int(lo, hi, wraps), ir.Int(least, most):
            if lo <= least and most <= hi:
                return value.expr
            match value.expr:
                case ir.Const(int(number)) if wraps:
                    return ir.Const(number % (hi + 1), UNBOUNDED, value.expr.span)
                case ir.Const(int(number)) if lo <= number <= hi:
                    return value.expr
                case _:
                    return ir.Fit(kind, value.expr, span)
        case ir.Ref(_, _, False), ir.Ref(_, _, True):
            return ir.Fit(kind, value.expr, span)
        case _:
            return value.expr


def fits(value: Value, kind: Type) -> bool:
    """Whether a value is surely of this type, and the same in it."""
    return fit(value, kind, value.expr.span) is value.expr


def after(first: ir.Expr, value: ir.Expr) -> ir.Expr:
    """A value that is computed once `first` has been, for what may go wrong in that."""
    if not may_fail(first) or _begins_with(value, first):
        return value
    return ir.After(first, value, value.span)


def may_fail(expr: ir.Expr) -> bool:
    """Whether an expression may go wrong, for all that is seen of it alone.  (The parts of a word
    that is made fit: `Expressions.fitting`.)"""
    return any(_fails(e) for e in ir.walk(expr))


def _fails(expr: ir.Expr) -> bool:
    match expr:
        case ir.Cell(place):
            return any(not isinstance(i, ir.Const | ir.Self) for i in place.index)
        case ir.Fit(ir.Int(wraps=True)):
            return False
        case ir.Element(ir.Ref(_, count), ir.Const(int(number)), offset):
            return not 0 <= number + offset < count
        case ir.Fit() | ir.NotNull() | ir.Element() | ir.Unary("index_of"):
            return True
        case ir.Binary("//" | "%" | "<<" | ">>", _, ir.Const(int(right))):
            return right <= 0
        case ir.Binary("//" | "%" | "<<" | ">>"):
            return True
        case _:
            return False


def _begins_with(expr: ir.Expr, first: ir.Expr) -> bool:
    """Whether the first thing in an expression that may go wrong is this one."""
    if expr == first:
        return True
    match expr:
        case ir.Binary("and" | "or", left):
            inner: tuple[ir.Expr, ...] = (left,)
        case ir.Cond(test):
            inner = (test,)
        case ir.Quantified(domain=domain):
            inner = ir.domain_children(domain)
        case _:
            inner = ir.children(expr)
    begin = next((e for e in inner if may_fail(e)), None)
    return begin is not None and _begins_with(begin, first)


def with_part(expr: ir.Expr, sort: ir.Sort, part: tuple[str, ...], new: ir.Expr) -> ir.Expr:
    """A word's value with one part replaced."""
    if not part:
        return new
    assert isinstance(sort, ir.Record)
    parts = []
    for name, inner in sort.fields:
        old = field_of(expr, name, sort, new.span)
        parts.append(with_part(old, inner, part[1:], new) if name == part[0] else old)
    return ir.Make(sort, tuple(parts), new.span)


def take_part(expr: ir.Expr, sort: ir.Sort, part: tuple[str, ...]) -> ir.Expr:
    """One part of a word's value."""
    for name in part:
        assert isinstance(sort, ir.Record)
        expr = field_of(expr, name, sort, expr.span)
        sort = dict(sort.fields)[name]
    return expr


def local_value(name: str, sort: Type, span: Span) -> ir.Expr:
    """A local's value.  A word in a local is a local per field, so that each can be dead."""
    if isinstance(sort, ir.Record):
        return ir.Make(
            sort, tuple(local_value(f"{name}.{f}", s, span) for f, s in sort.fields), span
        )
    return ir.Local(name, span)


def leaves(name: str, sort: Type) -> list[tuple[str, Type]]:
    """The locals that a local of this type is kept in."""
    if isinstance(sort, ir.Record):
        return [leaf for f, s in sort.fields for leaf in leaves(f"{name}.{f}", s)]
    return [(name, sort)]


def assign(name: str, sort: Type, value: ir.Expr, span: Span) -> list[ir.Statement]:
    """Set a local; a word is set field by field, as if at once."""
    pairs = _pairs(name, sort, value, span)
    targets: set[str] = set()
    for target, expr in pairs:
        mentioned = {e.name for e in ir.walk(expr) if isinstance(e, ir.Local)}
        if mentioned & targets:
            held: list[ir.Statement] = [ir.Assign(f"{t}'", e, span) for t, e in pairs]
            return held + [ir.Assign(t, ir.Local(f"{t}'", span), span) for t, _ in pairs]
        targets.add(target)
    return [ir.Assign(t, e, span) for t, e in pairs if e != ir.Local(t)]


def checked(value: ir.Expr, span: Span) -> list[ir.Statement]:
    """Compute a value for what may go wrong in it, and drop it."""
    if not may_fail(value):
        return []
    yes = ir.Const(True, ir.Bool(), span)
    return [ir.If(ir.After(value, yes, span), (), (), span)]


def returned(value: Value, results: Sequence[tuple[Type, Span]]) -> Value:
    """A value that comes back through functions which declare these results."""
    for kind, span in results:
        value = Value(fit(value, kind, span), kind)
    return value


def _pairs(name: str, sort: Type, value: ir.Expr, span: Span) -> list[tuple[str, ir.Expr]]:
    if isinstance(sort, ir.Record):
        return [
            pair for f, s in sort.fields
            for pair in _pairs(f"{name}.{f}", s, field_of(value, f, sort, span), span)
        ]
    return [(name, value)]


# -------------------------------------------------------------------------------------- on types


def join(a: Type, b: Type) -> Type | None:
    """The type of a local that is given values of both types; None if there is none."""
    if a == b:
        return a
    match a, b:
        case (ir.Int(), ir.Int()):
            return UNBOUNDED
        case (NoneType(), ir.Ref(cls, count)) | (ir.Ref(cls, count), NoneType()):
            return ir.Ref(cls, count, True)
        case (ir.Ref(cls, count, n), ir.Ref(other, _, m)) if cls == other:
            return ir.Ref(cls, count, n or m)
        case (AnyOf(name), AnyOf(other)) if name == other:
            return AnyOf(name, True)
        case _:
            return None


def comparable(a: Type, b: Type) -> bool:
    """Whether == between two types makes sense."""
    return join(a, b) is not None


def truth(node: ast.expr, value: Value, module: Module) -> None:
    """Refuse a test that is no bool."""
    text = ast.unparse(node)
    match value.type:
        case ir.Bool():
            return
        case ir.Ref() | NoneType():
            raise SpecError(
                module.span(node), f"{text} is a reference, not a bool",
                f"{text} is not None, or, for `not {text}`, {text} is None",
            )
        case ir.Enum(name, members):
            raise SpecError(
                module.span(node), f"{text} is not a bool", f"{text} == {name}.{members[0]}"
            )
        case _:
            raise SpecError(
                module.span(node), f"{text} is not a bool", f"a comparison, such as {text} != 0"
            )
