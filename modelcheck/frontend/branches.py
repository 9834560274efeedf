"""Tests and branches: short-circuits, tests of memory, and branches of nothing but local work."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.definitions import Word
from modelcheck.frontend.points import (
    Block, Point, Seq, Test, Way, synthetic,
)
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import called
from modelcheck.frontend.values import (
    Scope, assign, may_fail, truth,
)
from modelcheck.frontend.words import ATOMICS
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.steps import Steps


def test(s: Steps, point: Test, way: Way) -> Block:
    node, scope, make = point.node, point.scope, s.points.make
    then, other, at, how = point.then, point.other, point.at, point.how
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return s.expand(make(Test, operand, scope, other, then, at, how), way)
        case ast.BoolOp(op=op, values=values) if not s.boot:
            _no_late_atomics(s, values[1:], scope)
            rest: ast.expr = values[1]
            if len(values) > 2:
                (rest,) = synthetic(node, "later", ast.BoolOp(op, values[1:]))
            following = make(Test, rest, scope, then, other, at, how)
            yes, no = (following, other) if isinstance(op, ast.And) else (then, following)
            return s.expand(make(Test, values[0], scope, yes, no, at, how), way)
        case ast.IfExp(test=first, body=body, orelse=orelse) if s.touches([body, orelse], scope):
            yes = make(Test, body, scope, then, other, at, how)
            no = make(Test, orelse, scope, then, other, at, how)
            return s.expand(make(Test, first, scope, yes, no, at, how), way)
        case _:
            pass
    inlined = s.inlined(node, scope)
    if inlined is not None and inlined.role != "predicate":
        return s.enter(inlined, node, scope, (None, "", (then, other)), at, point, way)
    reading = s.reading(how)
    value = s.expressions.value(node, scope, reading)
    truth(node, value, scope.module)
    if reading.access is None:
        def local(following: Point) -> Block:
            return s.expand(following, way)

        return [*reading.before, *_branch(s, value.expr, then, other, node, scope, local)]
    return s.location(
        point, node, reading.access, way,
        lambda: [
            *reading.after, *_branch(s, value.expr, then, other, node, scope, s.go)
        ],
        reading.before,
    )


def _no_late_atomics(s: Steps, nodes: list[ast.expr], scope: Scope) -> None:
    """An atomic that may or may not run is easily overlooked: it is tested on its own line."""
    for below in (b for node in nodes for b in ast.walk(node)):
        word = scope.definition(called(below.func)) if isinstance(below, ast.Call) else None
        if isinstance(word, Word) and word.name in (*ATOMICS, "spin_trylock"):
            assert isinstance(below, ast.Call)
            raise SpecError(
                scope.module.span(below),
                f"{word.name}(...) behind `and` or `or` may or may not run",
                f"test the other condition first, then `if {ast.unparse(below)}...`",
            )


def _branch(
    s: Steps, condition: ir.Expr, then: Point, other: Point, node: ast.expr, scope: Scope,
    follow: Callable[[Point], Block],
) -> Block:
    if isinstance(condition, ir.Const):
        return follow(then if condition.value else other)
    span = scope.module.span(node).first_line()
    yes, no = tuple(follow(then)), tuple(follow(other))
    if yes == no and not may_fail(condition):
        return list(yes)
    return [ir.If(condition, yes, no, span)]


def local_if(s: Steps, node: ast.If, here: Seq, after: Point, way: Way) -> Block | None:
    """An `if` with nothing but local work in it, kept whole."""
    if _touches_test(s, node.test, here.scope):
        return None
    reading = s.reading()
    condition = s.expressions.value(node.test, here.scope, reading)
    truth(node.test, condition, here.scope.module)
    if isinstance(condition.expr, ir.Const) or reading.access is not None:
        return None
    then = _local_block(s, node.body, here.scope)
    other = _local_block(s, node.orelse, here.scope)
    if then is None or other is None:
        return None
    span = here.scope.module.span(node.test).first_line()
    whole = ir.If(condition.expr, tuple(then), tuple(other), span)
    return [*reading.before, whole, *s.expand(after, way)]


def _touches_test(s: Steps, node: ast.expr, scope: Scope) -> bool:
    if s.boot:
        return False
    reading = Reading("instant", dry=True)
    s.expressions.test(node, scope, reading)
    return reading.touched


def _local_block(s: Steps, body: list[ast.stmt], scope: Scope) -> Block | None:
    """The statements of a block of local work; None if there is other work in it."""
    result: Block = []
    for node in body:
        match node:
            case ast.Pass():
                continue
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=right):
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                (value,) = synthetic(node, "value", ast.BinOp(load, op, right))
            case _:
                return None
        if s.inlined(value, scope) is not None or s.touches([value], scope):
            return None
        reading = s.reading()
        found = s.expressions.value(value, scope, reading)
        if reading.before or scope.instance is None:
            return None
        result += assign(
            f"{scope.instance.prefix}.{name}", scope.instance.locals[name], found.expr,
            scope.module.span(node).first_line(),
        )
    return result
