"""Functions without accesses (and properties, which read at one instant) as one expression."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.definitions import Function
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.values import Given, Meaning, Scope, Value
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.expressions import Expressions

OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}


def pure(
    e: Expressions, function: Function, arguments: dict[str, Meaning | Given], reading: Reading
) -> Value:
    """What a function returns, as one expression (its body has no accesses and no loops, or is
    read at one instant)."""
    inner = Scope(function.module, None, arguments)
    result = _pure_block(e, tuple(function.node.body), inner, reading)
    if result is None:
        raise SpecError(
            function.span, f"{function.name} does not return a value on every path",
            "a return at its end",
        )
    return result


def _pure_block(
    e: Expressions, body: tuple[ast.stmt, ...], scope: Scope, reading: Reading
) -> Value | None:
    e.unfold(scope.module.span(body[0] if body else scope.module.tree))
    if not body:
        return None
    statement, rest = body[0], body[1:]
    span = scope.module.span(statement)
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return _pure_block(e, rest, scope, reading)
        case ast.Return(value=ast.expr() as value):
            return e.value(value, scope, reading)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            found = e.value(value, scope, reading)
            return _pure_block(e, rest, scope.with_names({name: found}), reading)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            found = e.value(value, scope, reading)
            return _pure_block(e, rest, scope.with_names({name: found}), reading)
        case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
            number = e.arithmetic(
                target, OPERATORS[type(op)], target, value, scope, reading
            )
            return _pure_block(e, rest, scope.with_names({name: number}), reading)
        case ast.If(test=test, body=then, orelse=other):
            condition = e.test(test, scope, reading)
            if isinstance(condition, ir.Const):
                taken = then if condition.value else other
                return _pure_block(e, (*taken, *rest), scope, reading)
            a = _pure_block(e, (*then, *rest), scope, reading)
            b = _pure_block(e, (*other, *rest), scope, reading)
            return None if a is None or b is None else e.cond(condition, a, b, span)
        case ast.For() | ast.While():
            raise SpecError(
                span, "a property is one expression: no loops",
                "all(...), any(...) or sum(...) over instances(...) or chain(...)",
            )
        case _:
            raise SpecError(
                span, "a property or predicate only reads",
                "if, return, and locals; stores and locks belong into a process",
            )
