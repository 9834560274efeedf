"""`all`, `any`, `sum` and `in`, over instances, chains and ranges."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend import places
from modelcheck.frontend.definitions import UNBOUNDED, ArrayType, ObjectType, Type, Word
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import called
from modelcheck.frontend.values import (
    CellPlace, Meaning, ObjectPlace, Scope, Value, comparable, truth,
)
from modelcheck.source import Span, SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.expressions import Expressions


def _fresh(e: Expressions, name: str) -> str:
    e.bound += 1
    return f"{name}{e.bound}"


def domain(
    e: Expressions, node: ast.expr, scope: Scope, reading: Reading
) -> tuple[ir.Domain, Value | ObjectPlace]:
    """A domain and what an element of it is (its expression is replaced by the caller)."""
    span = scope.module.span(node)
    nothing = ir.Local("", span)
    match node:
        case ast.Call(func=ast.Name(id=name), args=args):
            word = scope.definition(name)
            if word == Word("instances") and len(args) == 1:
                known = scope.elements(args[0])
                sort = known.sort if known else e.types.resolve(args[0], scope.module)
                if isinstance(sort, ir.Ref) and sort.cls != "process":
                    return ir.Instances(sort), Value(nothing, sort)
                raise SpecError(
                    span, f"{ast.unparse(args[0])} has no count: it has no instances",
                    "a class with @shared(count=...)",
                )
            if word == Word("chain"):
                return _chain(e, node, args, scope, reading)
            if name == "range" and word is None and 1 <= len(args) <= 2:
                numbers = [e.number(a, scope, reading) for a in args]
                lo = numbers[0] if len(numbers) == 2 else ir.Const(0, UNBOUNDED, span)
                return ir.Range(lo, numbers[-1]), Value(nothing, UNBOUNDED)
        case ast.Name(id=name) if scope.elements(node) is not None:
            instead = f"instances({name})"
            raise SpecError(span, f"{name} is a class: its elements are meant", instead)
        case ast.Name():
            meaning = e.meaning(node, scope, reading)
            match meaning:
                case ObjectPlace(prefix, index, ArrayType(element, sizes)):
                    rest = sizes[1:]
                    hi = ir.Const(sizes[0], UNBOUNDED, span)
                    lo_ = ir.Const(0, UNBOUNDED, span)
                    kind = ArrayType(element, rest) if rest else element
                    return ir.Range(lo_, hi), ObjectPlace(prefix, (*index, nothing), kind)
    raise SpecError(
        span, "nothing to run over", "instances(Page), chain(heap.head, \"next\") or range(n)"
    )


def _chain(
    e: Expressions, node: ast.Call, args: list[ast.expr], scope: Scope, reading: Reading
) -> tuple[ir.Domain, Value | ObjectPlace]:
    span = scope.module.span(node)
    match args:
        case [start_node, ast.Constant(value=str(link))]:
            start = e.value(start_node, scope, reading)
        case _:
            raise SpecError(
                span, "chain takes a reference and the name of its link",
                'chain(heap.head, "next")',
            )
    if not isinstance(start.type, ir.Ref):
        raise SpecError(
            scope.module.span(start_node), f"{ast.unparse(start_node)} is not a reference",
            'chain(heap.head, "next")',
        )
    cls = next((c for c in e.spec.classes if c.name == start.type.cls), None)
    meaning: Meaning | None = None
    if cls is not None:
        meaning = ObjectPlace(cls.name, (start.expr,), ObjectType(cls))
        for part in link.split("."):
            assert isinstance(meaning, ObjectPlace) and isinstance(meaning.type, ObjectType)
            meaning = places.field_place(e, 
                meaning.type.cls, dict(meaning.type.bindings), meaning.prefix, meaning.index,
                part, scope.module.span(args[1]),
            )
            if isinstance(meaning, CellPlace):
                break
    if not (
        isinstance(meaning, CellPlace) and isinstance(meaning.sort, ir.Ref)
        and meaning.sort.cls == start.type.cls
    ):
        raise SpecError(
            scope.module.span(args[1]), f'"{link}" is no link from one {start.type.cls} to'
            " another", f"a field of type {start.type.cls} | None",
        )
    sort = ir.Ref(start.type.cls, start.type.count, False)
    return ir.Chain(start.expr, meaning.place.variable), Value(ir.Local("", span), sort)


def quantified(
    e: Expressions, node: ast.Call, op: str, scope: Scope, reading: Reading
) -> Value:
    span = scope.module.span(node)
    match node.args:
        case [ast.GeneratorExp(elt=elt, generators=generators)]:
            pass
        case _:
            raise SpecError(
                span, f"{op} takes a generator", f"{op}(... for pg in instances(Page))"
            )
    if reading.how != "instant":
        raise SpecError(
            span, f"{op}(...) reads many places at once",
            "a @predicate function, called from an assert or a property",
        )
    return _generators(e, op, elt, list(generators), scope, reading, span)


def _generators(
    e: Expressions, op: str, elt: ast.expr, generators: list[ast.comprehension], scope: Scope,
    reading: Reading, span: Span,
) -> Value:
    if not generators:
        value = e.value(elt, scope, reading)
        if op != "sum":
            truth(elt, value, scope.module)
            return value
        return Value(_as_number(e, value, elt, scope, span), UNBOUNDED)
    generator = generators[0]
    assert isinstance(generator.target, ast.Name)
    over, element = domain(e, generator.iter, scope, reading)
    name = _fresh(e, generator.target.id)
    bound = ir.Local(name, span)
    meaning: Meaning
    if isinstance(element, Value):
        meaning = Value(bound, element.type)
    else:
        meaning = replace(element, index=(*element.index[:-1], bound))
    inner = scope.with_names({generator.target.id: meaning})
    tests = [e.test(t, inner, reading) for t in generator.ifs]
    body = _generators(e, op, elt, generators[1:], inner, reading, span).expr
    for test in reversed(tests):
        match op:
            case "all":
                body = ir.Binary("or", ir.Unary("not", test, span), body, span)
            case "any":
                body = ir.Binary("and", test, body, span)
            case _:
                body = ir.Cond(test, body, ir.Const(0, UNBOUNDED, span), span)
    kind: Type = UNBOUNDED if op == "sum" else ir.Bool()
    return Value(ir.Quantified(op, name, over, body, span), kind)


def _as_number(e: Expressions, value: Value, node: ast.expr, scope: Scope, span: Span) -> ir.Expr:
    if isinstance(value.type, ir.Bool):
        one, nought = ir.Const(1, UNBOUNDED, span), ir.Const(0, UNBOUNDED, span)
        return ir.Cond(value.expr, one, nought, span)
    if not isinstance(value.type, ir.Int):
        raise SpecError(scope.module.span(node), "sum adds numbers or bools", "a number")
    return value.expr


def membership(
    e: Expressions, node: ast.expr, left: ast.expr, right: ast.expr, scope: Scope, reading: Reading
) -> ir.Expr:
    span = scope.module.span(node)
    value = e.value(left, scope, reading)
    if isinstance(right, ast.Tuple):
        result: ir.Expr = ir.Const(False, ir.Bool(), span)
        for i, item in enumerate(right.elts):
            other = e.value(item, scope, reading)
            e.comparable(value, other, left, item, scope, span)
            equal = ir.Binary("==", value.expr, other.expr, span)
            result = equal if i == 0 else ir.Binary("or", result, equal, span)
        return result
    if isinstance(right, ast.Call) and called(right.func) in ("chain", "instances"):
        over, element = domain(e, right, scope, reading)
        assert isinstance(element, Value)
        name = _fresh(e, "it")
        if not comparable(value.type, element.type):
            raise SpecError(
                span, f"{ast.unparse(left)} is never in this {called(right.func)}",
                "a reference of the same class",
            )
        body = ir.Binary("==", ir.Local(name, span), value.expr, span)
        return ir.Quantified("any", name, over, body, span)
    raise SpecError(
        scope.module.span(right), "`in` takes a tuple of values, or chain(...)",
        f"{ast.unparse(left)} in (A, B)",
    )
