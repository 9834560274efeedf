"""What an expression of a spec can be while it is compiled: a value (an ir expression and its type)
or a place (an object, or one cell of memory).  Small helpers on both, and the scope in which names
are looked up."""

from __future__ import annotations

import ast
from collections.abc import Mapping
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
        case ir.Const(tuple() as value):
            return ir.Const(value[position], sort.fields[position][1], span)
        case _:
            return ir.Field(expr, name, sort, span)


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
