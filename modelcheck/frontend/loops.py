"""Loops: `while`, and `for` over a range, instances or an array."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend import quantifiers
from modelcheck.frontend.definitions import UNBOUNDED
from modelcheck.frontend.points import (
    Block, For, Point, Seq, Test, Way, While, calls, loops_around,
)  # fmt: skip
from modelcheck.frontend.values import ObjectPlace, Scope, Value, beside
from modelcheck.source import Span, SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.steps import Steps


def _turn(s: Steps, point: While | For, way: Way) -> Way | None:
    """How a loop's head is passed; None if that would come round without an access."""
    if id(point) in way.heads:
        return None
    return Way(way.heads | {id(point)}, point if is_main(point) else way.main, way.inside)


def is_main(loop: While | For) -> bool:
    """The loop at whose head a process is at rest: the outermost, if it stands in the process's own
    function or is never left.  (One that a function has to try again, and that it leaves, is not.)
    """
    return len(loops_around(loop)) == 1 and (not calls(loop) or has_no_way_out(loop))


def to_be_left(point: Point) -> While | For | None:
    """The outermost loop around a point that can be left."""
    around = loops_around(point)
    return next(iter(around[bool(around) and has_no_way_out(around[0]) :]), None)


def come_into_again(point: Point, way: Way) -> bool:
    """Whether a step that comes to a point this way has left the loops around it, and come into
    them anew: by the head of the endless loop around them all.  (Who leaves an inner one alone, and
    comes into that again, goes on in the outer one.)"""
    around = loops_around(point)
    anew = len(around) > 1 and id(around[0]) in way.heads and has_no_way_out(around[0])
    return anew and (way.inside == "any" or around[1] is way.inside)


def while_head(s: Steps, point: While, way: Way) -> Block:
    node, scope, make = point.node, point.scope, s.points.make
    turn = _turn(s, point, way)
    body = make(Seq, node.body, 0, scope, point)
    test = make(Test, node.test, scope, body, point.next, point, "step")
    if turn is None:
        return _local_loop(s, point, node.test, lambda w: s.expand(test, w), way)
    return s.expand(test, turn)


def _local_loop(
    s: Steps, point: While | For, node: ast.AST, turn: Callable[[Way], Block], way: Way
) -> Block:
    """A loop that may come round without an access: its head is a transit location."""
    start = Way(frozenset({id(point)}), inside="any")
    return s.location(point, node, None, way, lambda: turn(start), local=True)


def for_start(s: Steps, node: ast.For, here: Seq, after: Point, way: Way) -> Block:
    scope = here.scope
    reading = s.reading()
    domain, element = quantifiers.domain(s.expressions, node.iter, scope, reading)
    if reading.access is not None:
        raise SpecError(
            scope.module.span(node.iter), "the bounds of a for loop are local",
            "load the bound into a local on a line before",
        )
    if not isinstance(domain, (ir.Range, ir.Instances)):
        raise SpecError(
            scope.module.span(node.iter), "a process cannot run over a chain at once",
            "while pg is not None: ... pg = pg.next",
        )
    lo, hi = _bounds(s, domain, scope, node)
    loop = s.points.make(For, node, scope, after)
    kept: Block = list(reading.before)
    instance = scope.instance
    assert instance is not None and isinstance(node.target, ast.Name)
    span = scope.module.span(node).first_line()
    if not isinstance(hi, ir.Const):
        end = f"{instance.prefix}.{beside(f'{node.target.id}_end', scope)}"
        kept.append(ir.Assign(end, hi, span))
        hi = ir.Local(end, span)
    first = _element(s, node, scope, element, lo, span)
    inner = _inside(s, node, scope, element)
    body = s.points.make(Seq, node.body, 0, inner, loop)
    more = ir.Binary("<", lo, hi, span)
    if isinstance(lo, ir.Const) and isinstance(hi, ir.Const):
        assert isinstance(lo.value, int) and isinstance(hi.value, int)
        if lo.value >= hi.value:
            return s.expand(after, way)
        return [*kept, *first, *s.expand(body, way)]
    turns = (*first, *s.expand(body, way))
    return [*kept, ir.If(more, turns, tuple(s.expand(after, way)), span)]


def _bounds(
    s: Steps, domain: ir.Range | ir.Instances, scope: Scope, node: ast.For
) -> tuple[ir.Expr, ir.Expr]:
    if isinstance(domain, ir.Range):
        return domain.lo, domain.hi
    span = scope.module.span(node)
    return ir.Const(0, UNBOUNDED, span), ir.Const(domain.sort.count, UNBOUNDED, span)


def _inside(s: Steps, node: ast.For, scope: Scope, element: Value | ObjectPlace) -> Scope:
    if isinstance(element, ObjectPlace):
        return s.instances.place_scope(node, scope, element)
    return scope


def _element(
    s: Steps, node: ast.For, scope: Scope, element: Value | ObjectPlace, number: ir.Expr,
    span: Span,
) -> Block:
    """The loop's variable set to its element of this number."""
    assert isinstance(node.target, ast.Name) and scope.instance is not None
    prefix, target = scope.instance.prefix, node.target.id
    name = f"{prefix}.{target}"
    if isinstance(element, ObjectPlace):
        return [ir.Assign(f"{prefix}.{beside(f'{target}_index', scope)}", number, span)]
    if isinstance(element.type, ir.Ref):
        if isinstance(number, ir.Const):
            return [ir.Assign(name, ir.Const(number.value, element.type, span), span)]
        return [ir.Assign(name, ir.Element(element.type, number, 0, span), span)]
    return [ir.Assign(name, number, span)]


def for_next(s: Steps, point: For, way: Way) -> Block:
    node, scope = point.node, point.scope
    turn = _turn(s, point, way)
    instance = scope.instance
    assert instance is not None and isinstance(node.target, ast.Name)
    span = scope.module.span(node).first_line()
    domain, element = quantifiers.domain(s.expressions, node.iter, scope, s.reading())
    assert isinstance(domain, (ir.Range, ir.Instances))
    _, hi = _bounds(s, domain, scope, node)
    prefix, target = instance.prefix, node.target.id
    if not isinstance(hi, ir.Const):
        hi = ir.Local(f"{prefix}.{beside(f'{target}_end', scope)}", span)
    here: ir.Expr = ir.Local(f"{prefix}.{target}", span)
    if isinstance(element, ObjectPlace):
        here = ir.Local(f"{prefix}.{beside(f'{target}_index', scope)}", span)
    elif isinstance(element.type, ir.Ref):
        here = ir.Unary("index_of", here, span)
    successor = ir.Binary("+", here, ir.Const(1, UNBOUNDED, span), span)
    body = s.points.make(Seq, node.body, 0, _inside(s, node, scope, element), point)

    def again(turn: Way) -> Block:
        step = _element(s, node, scope, element, successor, span)
        return [ir.If(
            ir.Binary("<", successor, hi, span),
            (*step, *s.expand(body, turn)),
            tuple(s.expand(point.next, turn)),
            span,
        )]

    if turn is None:
        return _local_loop(s, point, node, again, way)
    return again(turn)


def has_no_way_out(loop: While | For) -> bool:
    """A loop that is never left is a place of rest (an idle loop that finds nothing to do); a loop
    that can be left is there to be left, and waiting in it for ever is a deadlock."""
    return is_endless(loop.node)


@lru_cache(maxsize=256)
def is_endless(loop: ast.While | ast.For) -> bool:
    """Whether a loop is never left."""
    if isinstance(loop, ast.For) or not (
        isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    ):
        return False
    return not any(isinstance(n, ast.Return) for n in ast.walk(loop)) and not _breaks(loop.body)


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a loop's body has a break of that loop."""
    for statement in body:
        match statement:
            case ast.Break():
                return True
            case ast.If(body=then, orelse=other) if _breaks(then) or _breaks(other):
                return True
            case ast.With(body=inner) if _breaks(inner):
                return True
            case _:
                pass
    return False
