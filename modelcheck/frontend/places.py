"""Places: `pg.state`, `heap[order]`, `pg.contents`, `pg[i]`."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.constants import evaluate
from modelcheck.frontend.definitions import (
    ArrayType, EnumClass, ObjectType, SharedClass, SharedField, Type, Word,
)
from modelcheck.frontend.reading import Reading, several_places
from modelcheck.frontend.types import describe, is_ghost
from modelcheck.frontend.values import CellPlace, Meaning, ObjectPlace, Scope, Value, one_field
from modelcheck.source import Span, SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.expressions import Expressions


def attribute(
    e: Expressions, node: ast.Attribute, base: ast.expr, attr: str, scope: Scope, reading: Reading
) -> Meaning:
    span = scope.module.span(node)
    if isinstance(base, ast.Name):
        definition = scope.definition(base.id)
        if isinstance(definition, EnumClass) or definition == Word("Pattern"):
            number = evaluate(node, scope.module, e.types)
            enum = definition.sort if isinstance(definition, EnumClass) else e.types.pattern
            return Value(ir.Const(number, enum, span), enum)
    below = e.meaning(base, scope, reading)
    if isinstance(below, CellPlace):
        if isinstance(below.part_sort, ir.Record):
            field_exists(below.part_sort, attr, span)
            return replace(below, part=(*below.part, attr))
        if reading.how != "instant" and not reading.dry and not below.ghost:
            if reading.fused:
                raise several_places(span)
            name = ast.unparse(base)
            short = name.split(".")[-1]
            short = short if short.isidentifier() else "at"
            raise SpecError(
                span, f"{name} is loaded to reach {attr}: two accesses in one statement",
                f"{short} = {name}, then {short}.{attr}",
            )
        below = e.read(below, base, scope, reading)
    match below:
        case ObjectPlace(prefix, index, ObjectType(cls, bindings)):
            return field_place(e, cls, dict(bindings), prefix, index, attr, span)
        case Value(expr, ir.Ref(cls_name)):
            found = next((c for c in e.spec.classes if c.name == cls_name), None)
            if found is None:
                raise SpecError(span, f"a {cls_name} has no fields", "another object")
            return field_place(e, found, {}, cls_name, (expr,), attr, span)
        case Value(expr, ir.Record() as sort):
            field_exists(sort, attr, span)
            return Value(one_field(expr, attr, sort, span), dict(sort.fields)[attr])
        case ObjectPlace():
            raise SpecError(
                span, f"{ast.unparse(base)} is an array",
                f"{ast.unparse(base)}[i].{attr}",
            )
        case _:
            what = describe(below.type) if isinstance(below, Value) else "this"
            raise SpecError(
                span, f"{ast.unparse(base)} is {what}: it has no field {attr}",
                "a reference, an object or a word",
            )


def field_exists(sort: ir.Record, attr: str, span: Span) -> None:
    """Refuse a field that a word does not have."""
    names = [n for n, _ in sort.fields]
    if attr not in names:
        raise SpecError(span, f"{sort.name} has no field {attr}", ", ".join(names))


def field_place(
    e: Expressions, cls: SharedClass, bindings: dict[str, Type], prefix: str,
    index: tuple[ir.Expr, ...], attr: str, span: Span,
) -> Meaning:
    found = next((f for f in cls.fields if f.name == attr), None)
    if found is None:
        raise SpecError(
            span, f"{cls.name} has no field {attr}",
            ", ".join(f.name for f in cls.fields) or "a field declared in the class",
        )
    kind = field_type(e, cls, found, bindings)
    if isinstance(kind, (ObjectType, ArrayType)):
        return ObjectPlace(f"{prefix}.{attr}", index, kind)
    sort = e.types.value_sort(found.annotation, cls.module, bindings)
    place = ir.Place(f"{prefix}.{attr}", index, span)
    return CellPlace(place, sort, is_ghost(found.annotation, cls.module))


def field_type(
    e: Expressions, cls: SharedClass, found: SharedField, bindings: dict[str, Type]
) -> Type:
    """The type of a field, its class's type variables being bound."""
    return e.types.resolve(found.annotation, cls.module, bindings)


def subscript(
    e: Expressions, node: ast.Subscript, base: ast.expr, index: ast.expr, scope: Scope,
    reading: Reading,
) -> Meaning:
    span = scope.module.span(node)
    below = e.meaning(base, scope, reading)
    if isinstance(below, CellPlace):
        below = e.read(below, base, scope, reading)
    number = e.number(index, scope, reading)
    match below:
        case ObjectPlace(prefix, before, ArrayType(element, sizes)):
            rest = sizes[1:]
            kind = ArrayType(element, rest) if rest else element
            return ObjectPlace(prefix, (*before, number), kind)
        case Value(expr, ir.Ref(cls, count)) if _is_indexed(e, cls):
            sort = ir.Ref(cls, count, False)
            here = ir.Unary("index_of", expr, span)
            return Value(
                ir.Element(sort, ir.Binary("+", here, number, span), 0, span), sort
            )
        case Value(_, ir.Ref(cls)):
            raise SpecError(
                span, f"the elements of {cls} are no neighbours", f"class {cls}(Indexed)"
            )
        case _:
            raise SpecError(
                span, f"{ast.unparse(base)} is no array", "array(...) or class Page(Indexed)"
            )


def _is_indexed(e: Expressions, cls: str) -> bool:
    return any(c.indexed for c in e.spec.classes if c.name == cls)


def cell(e: Expressions, node: ast.expr, scope: Scope, reading: Reading, what: str) -> CellPlace:
    """The memory location that an expression names; anything else is refused."""
    meaning = e.meaning(node, scope, reading)
    if not isinstance(meaning, CellPlace) or meaning.ghost:
        raise SpecError(
            scope.module.span(node), f"{what} needs a place: a field of shared memory",
            f"{what}(pg.state, ...): a field of a @shared class",
        )
    return meaning


def object_place(
    e: Expressions, node: ast.expr, scope: Scope, reading: Reading, cls: str
) -> ObjectPlace:
    """The object of this class that an expression names."""
    meaning = e.meaning(node, scope, reading)
    match meaning:
        case ObjectPlace(_, _, ObjectType(found)) if found.name == cls:
            return meaning
        case _:
            raise SpecError(
                scope.module.span(node), f"{ast.unparse(node)} is not a {cls}",
                f'heap_lock = {cls}("heap_lock") at the top, then heap_lock',
            )
