"""Functions without accesses (and properties, which read at one instant) as one expression."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.definitions import UNBOUNDED, Function, Type, Word
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.values import Given, Meaning, Scope, Value, after, fit, join
from modelcheck.records import dataclass
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.expressions import Expressions

OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}
MOST_UNFOLDED = 200_000  # statements that the access-free functions of a spec unfold to


def pure(
    e: Expressions, function: Function, arguments: dict[str, Meaning | Given], reading: Reading,
    declared: Declared | None = None,
) -> Value:
    """What a function returns, as one expression (its body has no accesses and no loops, or is
    read at one instant).  What is declared of its arguments, of its locals and of its result binds
    there, as it does in a process: also where the value is not used."""
    inner = Scope(function.module, None, arguments)
    declares = declared or declarations(e, function)
    return _Body(e, function, declares, reading).result(tuple(function.node.body), inner)


@dataclass(frozen=True)
class Declared:
    """What a function declares: the types of its locals and arguments, and of its result."""

    names: Mapping[str, Type]
    returns: Type


def declarations(e: Expressions, function: Function) -> Declared:
    """What a function declares that is called with nothing of which its types depend."""
    module = function.module
    arguments = [(a.arg, a.annotation) for a in function.node.args.args if a.annotation]
    locals_ = [
        (node.target.id, node.annotation) for node in ast.walk(function.node)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    names = {n: e.types.resolve(said, module) for n, said in (*arguments, *locals_)}
    assert function.node.returns is not None
    return Declared(names, e.types.resolve(function.node.returns, module))


@dataclass(frozen=True)
class _Body:
    """A function's body while it is made an expression."""

    e: Expressions
    function: Function
    declared: Declared
    reading: Reading

    def result(self, body: tuple[ast.stmt, ...], scope: Scope) -> Value:
        """What it returns."""
        result = self._block(body, scope)
        if result is None:
            raise SpecError(
                self.function.span, f"{self.function.name} does not return a value on every path",
                "a return at its end",
            )
        return result

    def _block(self, body: tuple[ast.stmt, ...], scope: Scope) -> Value | None:
        e, reading = self.e, self.reading
        e.unfolded += 1
        if e.unfolded > MOST_UNFOLDED:
            raise SpecError(
                scope.module.span(body[0]) if body else scope.module.span(scope.module.tree),
                "this function branches too often to be one expression", "smaller functions",
            )
        if not body:
            return None
        statement, rest = body[0], body[1:]
        span = scope.module.span(statement)
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(value=None):
                return self._block(rest, scope)
            case ast.Return(value=ast.expr() as value):
                return self._returned(value, scope)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self._set(name, e.value(value, scope, reading), statement, rest, scope)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                return self._set(name, e.value(value, scope, reading), statement, rest, scope)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                number = e.arithmetic(
                    target, OPERATORS[type(op)], target, value, scope, reading
                )
                return self._set(name, number, statement, rest, scope)
            case ast.If(test=test, body=then, orelse=other):
                condition = e.test(test, scope, reading)
                if isinstance(condition, ir.Const):
                    taken = then if condition.value else other
                    return self._block((*taken, *rest), scope)
                a = self._block((*then, *rest), scope)
                b = self._block((*other, *rest), scope)
                return None if a is None or b is None else e.cond(condition, a, b, span)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if (
                scope.definition(name) == Word("not_null")
            ):
                return _after(e.value(call, scope, reading).expr, self._block(rest, scope))
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

    def _set(
        self, name: str, value: Value, statement: ast.stmt, rest: tuple[ast.stmt, ...],
        scope: Scope,
    ) -> Value | None:
        """What follows where a local is set: its value goes wrong here, or nowhere."""
        span = scope.module.span(statement).first_line()
        kind = self.declared.names.get(name)
        if kind is not None and kind != UNBOUNDED:
            if not (isinstance(kind, ir.Int) and isinstance(value.type, ir.Int)):
                self.e.check_fits(value, kind, getattr(statement, "value", statement), scope)
            value = Value(fit(value, kind, span), kind)
        return _after(value.expr, self._block(rest, scope.with_names({name: value})))

    def _returned(self, node: ast.expr, scope: Scope) -> Value:
        value = self.e.value(node, scope, self.reading)
        returns = self.declared.returns
        if join(value.type, returns) is None:
            return value  # refused where types are checked
        return Value(fit(value, returns, scope.module.span(node).first_line()), returns)


def _after(first: ir.Expr, value: Value | None) -> Value | None:
    return None if value is None else Value(after(first, value.expr), value.type)
