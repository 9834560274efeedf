"""Stores to memory and ghosts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.definitions import NoneType, ObjectType
from modelcheck.frontend.points import (
    Block, Keep, Point, Seq, StoreKept, Way, synthetic,
)
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.values import (
    CellPlace, ObjectPlace, Scope, Value, assign,
)
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.steps import Steps


def assign_place(
    s: Steps, target: ast.expr, value: ast.expr, node: ast.stmt, here: Seq, after: Point, way: Way
) -> Block:
    scope = here.scope
    place = _target(s, target, scope, node)
    if place.ghost:
        reading = Reading("instant", why_not="ghost work only reads")
        found = s.expressions.value(value, scope, reading)
        s.expressions.check_fits(found, place.sort, value, scope)
        span = scope.module.span(node).first_line()
        return [ir.SetGhost(place.place, found.expr, span), *s.expand(after, way)]
    inlined = s.inlined(value, scope)
    if inlined is not None:
        text = ast.unparse(value)
        raise SpecError(
            scope.module.span(value), f"{text} and the store are steps of their own",
            f"result = {text}, then {ast.unparse(target)} = result",
        )
    reading = s.reading()
    found = s.expressions.value(value, scope, reading)
    if reading.access is not None:
        name = ast.unparse(target).split(".")[-1]
        raise SpecError(
            scope.module.span(node),
            "this line loads and stores shared memory: two accesses",
            f"{name} = {ast.unparse(value)}, then {ast.unparse(target)} = {name}",
        )
    s.expressions.check_fits(found, place.sort, value, scope)
    return store(s, target, found, here, scope, after, way, node, reading.before)


def _target(s: Steps, target: ast.expr, scope: Scope, node: ast.AST) -> CellPlace:
    text = ast.unparse(target)
    place = s.expressions.meaning(target, scope, s.reading())
    if isinstance(place, ObjectPlace):
        raise SpecError(
            scope.module.span(target), f"{text} is a place: it is not stored",
            f"its fields, one by one: {text}.{_first_field(place)} = ...",
        )
    if isinstance(place, Value):
        raise SpecError(
            scope.module.span(target), f"{text} is a value, not a place in memory",
            "a field of a @shared class, or replace(...) for a word in a local",
        )
    if place.part:
        word = text.rsplit(".", len(place.part))[0]
        name = word.split(".")[-1]
        flag = place.part[-1]
        raise SpecError(
            scope.module.span(target), "a field of a word cannot be stored alone",
            f"{name} = {word}, then {word} = replace({name}, {flag}=...);"
            f" or set_bit({text}), or store_part({text}, ...)",
        )
    return place


def store(
    s: Steps, target: ast.expr, value: Value, point: Point, scope: Scope, after: Point, way: Way,
    node: ast.AST | None = None, before: Block | None = None,
) -> Block:
    place = _target(s, target, scope, target)
    if place.ghost:
        return [ir.SetGhost(place.place, value.expr, place.place.span),
                *s.expand(after, way)]
    store = ir.Store(place.place, value.expr)
    return s.location(
        point, node if node is not None else target, store, way, lambda: s.go(after),
        before,
    )


def assign_tuple(
    s: Steps, node: ast.stmt, targets: ast.Tuple, values: ast.Tuple, here: Seq, after: Point,
    way: Way,
) -> Block:
    """Boot only: `pg.next, heap.head = heap.head, pg`."""
    scope = here.scope
    assert scope.instance is not None and s.boot
    kept: Block = []
    point = after
    names = [f"kept_{node.lineno}_{i}" for i in range(len(values.elts))]
    for target, name in reversed(list(zip(targets.elts, names, strict=True))):
        if isinstance(target, ast.Name):
            (load,) = synthetic(target, "kept", ast.Name(name, ast.Load()))
            point = s.points.make(Keep, load, scope, scope, target.id, point, here)
        else:
            point = s.points.make(StoreKept, target, scope, name, point)
    for name, value in zip(names, values.elts, strict=True):
        found = s.expressions.value(value, scope, s.reading())
        kind = found.type
        if isinstance(kind, NoneType):
            target = targets.elts[names.index(name)]
            kind = _target(s, target, scope, node).sort
        scope.instance.locals[name] = kind
        scope.instance.spans.setdefault(name, scope.module.span(value))
        kept += assign(
            f"{scope.instance.prefix}.{name}", kind, found.expr, scope.module.span(value)
        )
    return [*kept, *s.expand(point, way)]


def _first_field(place: ObjectPlace) -> str:
    cls = place.type.cls if isinstance(place.type, ObjectType) else None
    return cls.fields[0].name if cls and cls.fields else "field"
