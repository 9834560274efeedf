"""Constant expressions at module level and in decorators, evaluated: numbers, bools, parameters,
Enum members, words, None.  Ints stay within 64 bits."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING

from modelcheck import ir
from modelcheck.frontend.definitions import (
    UNBOUNDED, Constant, EnumClass, Module, Object, Parameter, Word, WordClass,
)
from modelcheck.source import SpecError

if TYPE_CHECKING:
    from modelcheck.frontend.types import Types

BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}


def evaluate(node: ast.expr, module: Module, types: Types) -> ir.Value:
    """The value of a constant expression; SpecError for anything else."""
    match node:
        case ast.Constant(value=bool() | int() | None):
            assert node.value is None or isinstance(node.value, int)
            if isinstance(node.value, int) and abs(node.value) >= 2**62:
                raise SpecError(module.span(node), "this number is too large", "a smaller one")
            return node.value
        case ast.Name(id=name):
            definition = module.scope.get(name)
            if isinstance(definition, (Parameter, Constant)):
                return definition.value
            instead = "a parameter, a number, or an Enum member"
            if isinstance(definition, Object):
                instead = f"{name} where it is used: no other name stands for an object"
            elif definition is None and name.isupper():
                instead = f"{name} = param(2, 1, 4) above, or a number"
            raise SpecError(
                module.span(node), f"{name} is not a constant that is defined above", instead
            )
        case ast.Attribute(value=ast.Name(id=name), attr=member):
            return _member(node, module.scope.get(name), member, module, types)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not evaluate(operand, module, types)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, module, types)
        case ast.BoolOp(op=op, values=values):
            found = [bool(evaluate(v, module, types)) for v in values]
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.BinOp(left=left, op=operator_, right=right) if type(operator_) in BINARY:
            return _arithmetic(node, operator_, left, right, module, types)
        case ast.Compare(left=left, ops=[op_], comparators=[right]) if type(op_) in COMPARE:
            return COMPARE[type(op_)](
                _number(left, module, types), _number(right, module, types)
            )
        case ast.IfExp(test=test, body=body, orelse=other):
            return evaluate(body if evaluate(test, module, types) else other, module, types)
        case ast.Call(func=ast.Name(id=name)) if isinstance(module.scope.get(name), WordClass):
            return _word(node, module, types)
        case ast.Call(func=ast.Name(id=("min" | "max") as name), args=args) if args:
            numbers = [_number(a, module, types) for a in args]
            return min(numbers) if name == "min" else max(numbers)
        case ast.Call(func=ast.Name(id="element")):
            raise SpecError(
                module.span(node), "element(...) is not a constant",
                "of a field: no default, and store it in a @boot function; else element(...) "
                "where it is used",
            )
        case _:
            raise SpecError(
                module.span(node), "this is not a constant",
                "a number, a bool, a parameter or an Enum member",
            )


def sort_of_constant(
    node: ast.expr, value: ir.Value, module: Module, types: Types
) -> ir.Sort:
    """The sort of a constant expression that has just been evaluated."""
    match node:
        case ast.Attribute(value=ast.Name(id=name)):
            match module.scope.get(name):
                case EnumClass(sort):
                    return sort
                case _:
                    return types.pattern
        case ast.Name(id=name) if isinstance(known := module.scope.get(name), Constant):
            return known.sort
        case ast.Call(func=ast.Name(id=name)):
            match module.scope.get(name):
                case WordClass(word):
                    return word
                case _:
                    return UNBOUNDED
        case ast.IfExp(body=body):
            return sort_of_constant(body, value, module, types)
        case _:
            return ir.Bool() if isinstance(value, bool) else UNBOUNDED


def _member(
    node: ast.expr, definition: object, member: str, module: Module, types: Types
) -> int:
    if isinstance(definition, EnumClass):
        enum = definition.sort
    elif definition == Word("Pattern"):
        enum = types.pattern
    else:
        raise SpecError(module.span(node), "this is not a constant", "a number or an Enum member")
    if member not in enum.members:
        raise SpecError(
            module.span(node), f"{enum.name} has no member {member}",
            ", ".join(enum.members[:12]),
        )
    return enum.members.index(member)


def _number(node: ast.expr, module: Module, types: Types) -> int:
    value = evaluate(node, module, types)
    if not isinstance(value, int):
        raise SpecError(module.span(node), "this is not a number", "a number or a parameter")
    return value


def _arithmetic(
    node: ast.expr, op: ast.operator, left: ast.expr, right: ast.expr, module: Module,
    types: Types,
) -> int:
    a, b = _number(left, module, types), _number(right, module, types)
    problem = ""
    if isinstance(op, (ast.FloorDiv, ast.Mod)) and b == 0:
        problem = "division by zero"
    elif isinstance(op, (ast.LShift, ast.RShift)) and not 0 <= b <= 62:
        problem = "a shift is by 0..62"
    if not problem:
        value = BINARY[type(op)](a, b)
        if abs(value) < 2**62:
            return value
        problem = "this number is too large"
    raise SpecError(module.span(node), problem, "other constants")


def _word(node: ast.Call, module: Module, types: Types) -> ir.Value:
    assert isinstance(node.func, ast.Name)
    definition = module.scope[node.func.id]
    assert isinstance(definition, WordClass)
    given: dict[str, ir.Value] = dict(definition.defaults)
    names = [n for n, _ in definition.sort.fields]
    for name, arg in zip(names, node.args, strict=False):
        given[name] = evaluate(arg, module, types)
    for keyword in node.keywords:
        if keyword.arg in names:
            given[keyword.arg] = evaluate(keyword.value, module, types)
    missing = [n for n in names if n not in given]
    if missing or len(node.args) > len(names):
        raise SpecError(
            module.span(node), f"{definition.sort.name} needs its fields",
            f"{definition.sort.name}({', '.join(f'{n}=...' for n in names)})",
        )
    for name, sort in definition.sort.fields:
        types.fits(given[name], sort, module, node)
    return tuple(given[n] for n in names)
