"""Expressions of a spec -> ir expressions with types.

How memory may be read depends on where the expression stands, which a `Reading` says: in a step
(one load, which becomes the action's access), in an assert (one load, and ghosts), or at one
instant (properties, predicates, boot, ghost work)."""

from __future__ import annotations

import ast
from collections.abc import Callable

from modelcheck import ir
from modelcheck.frontend import places, quantifiers
from modelcheck.frontend.definitions import (
    UNBOUNDED, Constant, EnumClass, Function, NoneType, Object, ObjectType, Parameter,
    SharedClass, Spec, Type, TypeAlias_, Word, WordClass,
)
from modelcheck.frontend.meant import instead_of_function, instead_of_name
from modelcheck.frontend.pure import OPERATORS
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import Types, called, describe
from modelcheck.frontend.values import (
    CellPlace, ElementsOf, Meaning, ObjectPlace, Scope, Value, after, comparable, field_of, fit,
    join, local_value, take_part, truth,
)
from modelcheck.source import Span, SpecError

COMPARISONS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "==", ast.IsNot: "!=",
}


class Expressions:
    """The expressions of one Spec.  `call` is how the statements' part of the front end types a
    call of a function that accesses memory (in a dry reading), and refuses it otherwise."""

    def __init__(self, spec: Spec, types: Types) -> None:
        self.spec = spec
        self.types = types
        self.call: Callable[[ast.Call, Function, Scope, Reading], Value] = self._no_call
        self.unfolded = 0
        self.bound = 0

    def _no_call(self, node: ast.Call, f: Function, scope: Scope, reading: Reading) -> Value:
        raise SpecError(scope.module.span(node), "no call here", "a value")

    # -------------------------------------------------------------------------------- entrances

    def value(self, node: ast.expr, scope: Scope, reading: Reading) -> Value:
        """What an expression is worth."""
        return self.read(self.meaning(node, scope, reading), node, scope, reading)

    def test(self, node: ast.expr, scope: Scope, reading: Reading) -> ir.Expr:
        """As value, for a condition."""
        value = self.value(node, scope, reading)
        truth(node, value, scope.module)
        return value.expr

    def read(self, meaning: Meaning, node: ast.expr, scope: Scope, reading: Reading) -> Value:
        """The value at a place (a load), or the value itself."""
        match meaning:
            case Value():
                return meaning
            case ObjectPlace():
                raise SpecError(
                    scope.module.span(node), f"{ast.unparse(node)} is a place, not a value",
                    f"one of its fields: {ast.unparse(node)}.{_a_field(meaning)}",
                )
            case CellPlace(place, sort, ghost, part):
                if ghost:
                    return self._read_ghost(meaning, node, scope, reading)
                reading.touched = True
                if reading.how == "instant":
                    whole: ir.Expr = ir.Cell(place, scope.module.span(node))
                else:
                    self.take(ir.Load(place), node, scope, reading)
                    whole = ir.Loaded(scope.module.span(node))
                return Value(take_part(whole, sort, part), meaning.part_sort)

    def _read_ghost(
        self, place: CellPlace, node: ast.expr, scope: Scope, reading: Reading
    ) -> Value:
        if reading.how == "step" and not reading.dry:
            text = ast.unparse(node)
            raise SpecError(
                scope.module.span(node), f"{text} is a ghost: it may not steer",
                f"a field that is no Ghost, or read {text} in an assert or a property",
            )
        cell = ir.Cell(place.place, scope.module.span(node))
        return Value(take_part(cell, place.sort, place.part), place.part_sort)

    def take(
        self, access: ir.Access, node: ast.expr, scope: Scope, reading: Reading
    ) -> None:
        reading.touched = True
        if reading.dry:
            return
        if reading.access is not None:
            name = ast.unparse(node)
            short = name.split(".")[-1] if isinstance(access, ir.Load) else "old"
            short = short if short.isidentifier() else "value"
            raise SpecError(
                scope.module.span(node),
                "two accesses to shared memory in one statement: each is a step of its own",
                f"{short} = {name} on a line before, then use {short}",
            )
        if reading.behind and not reading.fused:
            name = ast.unparse(node)
            raise SpecError(
                scope.module.span(node),
                f"whether {name} is accessed depends on the rest of this expression",
                f"an `if` for the condition before it, and {name} in a statement of its own",
            )
        reading.access = access

    # ---------------------------------------------------------------------------------- meaning

    def meaning(self, node: ast.expr, scope: Scope, reading: Reading) -> Meaning:
        """What an expression stands for: a place if it is one, without reading it."""
        span = scope.module.span(node)
        match node:
            case ast.Constant(value=None):
                return Value(ir.Const(None, ir.Ref("None", 0, True), span), NoneType())
            case ast.Constant(value=bool(value)):
                return Value(ir.Const(value, ir.Bool(), span), ir.Bool())
            case ast.Constant(value=int(value)):
                if abs(value) >= 2**31:
                    raise SpecError(span, "this number does not fit in 32 bits", "a smaller one")
                return Value(ir.Const(value, UNBOUNDED, span), UNBOUNDED)
            case ast.Name(id=name):
                return self._name(node, name, scope)
            case ast.Attribute(value=base, attr=attr):
                return places.attribute(self, node, base, attr, scope, reading)
            case ast.Subscript(value=base, slice=index):
                return places.subscript(self, node, base, index, scope, reading)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._not(self.test(operand, scope, reading), span)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negated(operand, scope, reading, span)
            case ast.BoolOp():
                return self._bool_op(node, scope, reading)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self.arithmetic(node, OPERATORS[type(op)], left, right, scope, reading)
            case ast.Compare(left=left, ops=[op_], comparators=[right]):
                return self._compare(node, op_, left, right, scope, reading)
            case ast.IfExp():
                return self._if_exp(node, scope, reading)
            case ast.Call():
                return self._call(node, scope, reading)
            case _:
                raise SpecError(span, "this is not an expression of the language", "a value")

    def _name(self, node: ast.expr, name: str, scope: Scope) -> Meaning:
        span = scope.module.span(node)
        near = scope.nearest(name)
        if isinstance(near, ElementsOf):
            raise is_a_class(name, span)
        if isinstance(near, Function):
            raise SpecError(span, f"{name} is a function", f"{name}(...)")
        if near is not None:
            return near
        if scope.instance is not None and name in scope.instance.locals:
            sort = scope.instance.locals[name]
            return Value(local_value(f"{scope.instance.prefix}.{name}", sort, span), sort)
        match scope.module.scope.get(name):
            case Parameter(_, value):
                sort = ir.Bool() if isinstance(value, bool) else UNBOUNDED
                return Value(ir.Const(value, sort, span), sort)
            case Constant(_, constant, sort):
                return Value(ir.Const(constant, self._current(sort), span), self._current(sort))
            case Object(_, kind):
                return ObjectPlace(name, (), kind)
            case None:
                raise SpecError(span, f"{name} is not defined", instead_of_name(name, scope))
            case Function():
                raise SpecError(span, f"{name} is a function", f"{name}(...)")
            case SharedClass(count=int()):
                raise is_a_class(name, span)
            case _:
                raise SpecError(span, f"{name} is not a value", "a local, a field or a parameter")

    def _current(self, sort: ir.Sort) -> ir.Sort:
        """Pattern has its members only once the processes are known."""
        is_pattern = isinstance(sort, ir.Enum) and sort.name == "Pattern"
        return self.types.pattern if is_pattern else sort

    # -------------------------------------------------------------------------------- operators

    def _not(self, expr: ir.Expr, span: Span) -> Value:
        match expr:
            case ir.Const(bool(value)):
                return Value(ir.Const(not value, ir.Bool(), span), ir.Bool())
            case _:
                return Value(ir.Unary("not", expr, span), ir.Bool())

    def _negated(
        self, operand: ast.expr, scope: Scope, reading: Reading, span: Span
    ) -> Value:
        expr = self.number(operand, scope, reading)
        match expr:
            case ir.Const(int(value)):
                return Value(ir.Const(-value, UNBOUNDED, span), UNBOUNDED)
            case _:
                return Value(ir.Unary("-", expr, span), UNBOUNDED)

    def _bool_op(self, node: ast.BoolOp, scope: Scope, reading: Reading) -> Value:
        op = "and" if isinstance(node.op, ast.And) else "or"
        span = scope.module.span(node)
        result = self.test(node.values[0], scope, reading)
        quiet, behind = reading.quiet, reading.behind
        for value in node.values[1:]:
            if not isinstance(result, ir.Const):
                reading.quiet = reading.behind = True
            if isinstance(result, ir.Const) and bool(result.value) == (op == "or"):
                self.test(value, scope, Reading("instant", dry=True))
                continue
            right = self.test(value, scope, reading)
            if isinstance(result, ir.Const):
                result = right
            elif not (isinstance(right, ir.Const) and bool(right.value) == (op == "and")):
                result = ir.Binary(op, result, right, span)
        reading.quiet, reading.behind = quiet, behind
        return Value(result, ir.Bool())

    def number(self, node: ast.expr, scope: Scope, reading: Reading) -> ir.Expr:
        value = self.value(node, scope, reading)
        if isinstance(value.type, ir.Int):
            return value.expr
        text = ast.unparse(node)
        span = scope.module.span(node)
        if isinstance(value.type, ir.Ref):
            raise SpecError(
                span, f"{text} is a {value.type.cls}, not a number", f"index_of({text})"
            )
        raise SpecError(
            span, f"{text} is not a number", f"an int: {text} is {describe(value.type)}"
        )

    def arithmetic(
        self, node: ast.expr, op: str, left: ast.expr, right: ast.expr, scope: Scope,
        reading: Reading,
    ) -> Value:
        a = self.number(left, scope, reading)
        b = self.number(right, scope, reading)
        if isinstance(a, ir.Const) and isinstance(b, ir.Const):
            x, y = a.value, b.value
            assert isinstance(x, int) and isinstance(y, int)
            if not (op in ("//", "%") and y == 0) and not (op in ("<<", ">>") and not 0 <= y < 32):
                value = _compute(op, x, y)
                if abs(value) < 2**31:
                    span = scope.module.span(node)
                    return Value(ir.Const(value, UNBOUNDED, span), UNBOUNDED)
        return Value(ir.Binary(op, a, b, scope.module.span(node)), UNBOUNDED)

    def _compare(
        self, node: ast.Compare, op: ast.cmpop, left: ast.expr, right: ast.expr, scope: Scope,
        reading: Reading,
    ) -> Value:
        span = scope.module.span(node)
        if isinstance(op, (ast.In, ast.NotIn)):
            inside = quantifiers.membership(self, node, left, right, scope, reading)
            return self._not(inside, span) if isinstance(op, ast.NotIn) else Value(
                inside, ir.Bool()
            )
        a = self.value(left, scope, reading)
        b = self.value(right, scope, reading)
        symbol = COMPARISONS[type(op)]
        if symbol in ("==", "!="):
            self.comparable(a, b, left, right, scope, span)
        else:
            for value, side in ((a, left), (b, right)):
                if isinstance(value.type, ir.Ref):
                    raise SpecError(
                        scope.module.span(side),
                        f"references have no order: {ast.unparse(side)} is a {value.type.cls}",
                        f"index_of({ast.unparse(side)})",
                    )
                if not isinstance(value.type, ir.Int):
                    raise SpecError(
                        scope.module.span(side), f"{ast.unparse(side)} is not a number",
                        "== or !=",
                    )
            self._unwrapped(a, b, left, right, scope, span)
        if isinstance(a.expr, ir.Const) and isinstance(b.expr, ir.Const):
            return Value(ir.Const(_decide(symbol, a.expr, b.expr), ir.Bool(), span), ir.Bool())
        return Value(ir.Binary(symbol, a.expr, b.expr, span), ir.Bool())

    def comparable(
        self, a: Value, b: Value, left: ast.expr, right: ast.expr, scope: Scope, span: Span
    ) -> None:
        if comparable(a.type, b.type):
            self._unwrapped(a, b, left, right, scope, span)
            return
        for this, other, text in ((a, b, left), (b, a, right)):
            if isinstance(this.type, ir.Ref) and isinstance(other.type, ir.Int):
                raise SpecError(
                    span, f"{ast.unparse(text)} is a {this.type.cls}, and the other side a number",
                    f"index_of({ast.unparse(text)})",
                )
        raise SpecError(
            span,
            f"{ast.unparse(left)} ({describe(a.type)}) is never equal to"
            f" {ast.unparse(right)} ({describe(b.type)})",
            "two values of one type",
        )

    def _unwrapped(
        self, a: Value, b: Value, left: ast.expr, right: ast.expr, scope: Scope, span: Span
    ) -> None:
        for this, other, text in ((a, b, right), (b, a, left)):
            wraps = isinstance(this.type, ir.Int) and this.type.wraps
            if wraps and isinstance(other.expr, (ir.Binary, ir.Unary)):
                assert isinstance(this.type, ir.Int)
                raise SpecError(
                    span, f"{ast.unparse(text)} has not been wrapped, and the other side has",
                    f"next: Annotated[int, wrapping({this.type.hi + 1})] = {ast.unparse(text)},"
                    " then compare next",
                )

    def _if_exp(self, node: ast.IfExp, scope: Scope, reading: Reading) -> Value:
        test = self.test(node.test, scope, reading)
        quiet, behind = reading.quiet, reading.behind
        for arm in (node.body, node.orelse):
            if isinstance(arm, ast.Name) and isinstance(scope.module.scope.get(arm.id), Object):
                one, other = (f"f({ast.unparse(x)})" for x in (node.body, node.orelse))
                raise SpecError(
                    scope.module.span(arm), f"{arm.id} is an object: no local stands for one",
                    f"if {ast.unparse(node.test)}: {one}, else: {other}, with a function f for "
                    "what is done to it",
                )
        if isinstance(test, ir.Const) and not reading.dry:
            taken, dropped = node.body, node.orelse
            if not test.value:
                taken, dropped = dropped, taken
            self.value(dropped, scope, Reading("instant", dry=True))
            return self.value(taken, scope, reading)
        reading.quiet = reading.behind = True
        a = self.value(node.body, scope, reading)
        b = self.value(node.orelse, scope, reading)
        reading.quiet, reading.behind = quiet, behind
        return self.cond(test, a, b, scope.module.span(node))

    def cond(self, test: ir.Expr, a: Value, b: Value, span: Span) -> Value:
        """`a if test else b`, which must be of one type."""
        kind = join(a.type, b.type)
        if kind is None:
            raise SpecError(
                span, f"one arm is {describe(a.type)}, the other {describe(b.type)}", "one type"
            )
        if isinstance(test, ir.Const):
            return Value((a if test.value else b).expr, kind)
        if isinstance(kind, ir.Record):
            parts = tuple(
                self.cond(
                    test, Value(field_of(a.expr, n, kind, span), s),
                    Value(field_of(b.expr, n, kind, span), s), span,
                ).expr
                for n, s in kind.fields
            )
            return Value(ir.Make(kind, parts, span), kind)
        if a.expr == b.expr:
            return Value(after(test, a.expr), kind)
        return Value(ir.Cond(test, a.expr, b.expr, span), kind)

    # ------------------------------------------------------------------------------------ calls

    def _call(self, node: ast.Call, scope: Scope, reading: Reading) -> Meaning:
        span = scope.module.span(node)
        name = called(node.func)
        definition = scope.definition(name)
        match definition:
            case Function():
                return self.call(node, definition, scope, reading)
            case WordClass():
                return self._make_word(node, definition, scope, reading)
            case Word(word):
                from modelcheck.frontend.words import word_value

                return word_value(self, word, node, scope, reading)
            case None if name in ("all", "any", "sum"):
                return quantifiers.quantified(self, node, name, scope, reading)
            case None if name in ("min", "max") and len(node.args) == 2:
                a, b = (self.number(x, scope, reading) for x in node.args)
                test = ir.Binary("<=" if name == "min" else ">=", a, b, span)
                return Value(ir.Cond(test, a, b, span), UNBOUNDED)
            case SharedClass() | Object() | EnumClass() | Parameter() | Constant() | TypeAlias_():
                raise SpecError(span, f"{name} is not a function", "a function, or a word's class")
            case _:
                raise SpecError(
                    span, f"{name} is not a function of this spec",
                    instead_of_function(name, scope),
                )

    def _make_word(
        self, node: ast.Call, cls: WordClass, scope: Scope, reading: Reading
    ) -> Value:
        span = scope.module.span(node)
        names = [n for n, _ in cls.sort.fields]
        given: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            given[keyword.arg or ""] = keyword.value
        unknown = [g for g in given if g not in names]
        defaults = dict(cls.defaults)
        missing = [n for n in names if n not in given and n not in defaults]
        if unknown or missing or len(node.args) > len(names):
            raise SpecError(
                span, f"{cls.sort.name} has the fields {', '.join(names)}",
                f"{cls.sort.name}({', '.join(f'{n}=...' for n in names)})",
            )
        parts = []
        for n, sort in cls.sort.fields:
            if n in given:
                parts.append(self.fitting(given[n], sort, scope, reading))
            else:
                parts.append(ir.Const(defaults[n], sort, span))
        return Value(ir.Make(cls.sort, tuple(parts), span), cls.sort)

    def fitting(
        self, node: ast.expr, sort: Type, scope: Scope, reading: Reading
    ) -> ir.Expr:
        """The value of an expression that must be of this type, as it is then."""
        value = self.value(node, scope, reading)
        self.check_fits(value, sort, node, scope)
        return fit(value, sort, scope.module.span(node).first_line())

    def check_fits(self, value: Value, sort: Type, node: ast.AST, scope: Scope) -> None:
        """Refuse a value that is not of the type which its place has."""
        span = scope.module.span(node)
        text = ast.unparse(node) if isinstance(node, ast.expr) else "this"
        match value.type, sort:
            case (ir.Int(), ir.Int(lo, hi, wraps)):
                if isinstance(value.expr, ir.Const) and not wraps:
                    assert isinstance(value.expr.value, int)
                    if not lo <= value.expr.value <= hi:
                        raise SpecError(span, f"{text} is outside {lo}..{hi}", "a wider range")
            case (ir.Ref(a), ir.Ref(b)) if a == b:
                pass  # None where none may be is a violation when it happens
            case (NoneType(), ir.Ref(_, _, True)):
                pass
            case (NoneType(), NoneType()):
                pass
            case (ir.Int(), ir.Ref(cls)):
                raise SpecError(
                    span, f"{text} is a number, not a {cls}", f"element({cls}, {text})"
                )
            case (ir.Ref(cls), ir.Int()):
                raise SpecError(
                    span, f"{text} is a {cls}, not a number", f"index_of({text})"
                )
            case _ if value.type == sort:
                pass
            case (_, ir.Enum(name, members)):
                raise SpecError(
                    span, f"{text} is {describe(value.type)}, and {name} is needed",
                    f"{name}.{members[0]}, or another member of {name}",
                )
            case _:
                raise SpecError(
                    span, f"{text} is {describe(value.type)}, and {describe(sort)} is needed",
                    f"a value of type {describe(sort)}",
                )


def is_a_class(name: str, span: Span) -> SpecError:
    """What is said of a class where one of its elements is meant."""
    one = f"element({name}, 0), or choose(instances({name}))"
    return SpecError(span, f"{name} is a class, not one of its elements", one)


def _compute(op: str, x: int, y: int) -> int:
    table: dict[str, Callable[[int, int], int]] = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
        "//": lambda a, b: a // b, "%": lambda a, b: a % b, "<<": lambda a, b: a << b,
        ">>": lambda a, b: a >> b, "&": lambda a, b: a & b, "|": lambda a, b: a | b,
        "^": lambda a, b: a ^ b,
    }
    return table[op](x, y)


def _decide(op: str, a: ir.Const, b: ir.Const) -> bool:
    if op in ("==", "!="):
        return (a.value == b.value) == (op == "==")
    x, y = a.value, b.value
    assert isinstance(x, int) and isinstance(y, int)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]


def _a_field(place: ObjectPlace) -> str:
    cls = place.type.cls if isinstance(place.type, ObjectType) else None
    return cls.fields[0].name if cls and cls.fields else "field"
