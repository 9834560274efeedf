"""Functions at the types and places that they are called with, and the types of their locals.

A local has the type of its annotation, or of what is assigned to it (None and a Page make
`Page | None`; two ints of different ranges make an int whose range is inferred later)."""

from __future__ import annotations

import ast
from dataclasses import field

from modelcheck import ir
from modelcheck.frontend.definite import check_bound
from modelcheck.frontend.definitions import (
    UNBOUNDED, AnyOf, ArrayType, CallableType, ClassOf, Function, NoneType, ObjectType,
    ProtocolClass, SharedClass, Type, Word,
)
from modelcheck.frontend.expressions import Expressions, is_a_class
from modelcheck.frontend.pure import OPERATORS, Declared, pure
from modelcheck.frontend.quantifiers import domain
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.types import called, describe
from modelcheck.frontend.values import (
    CellPlace, ElementsOf, Given, Instance, Meaning, ObjectPlace, Scope, Value, after, fit, fits,
    join,
)
from modelcheck.frontend.words import STATEMENT_WORDS, shared_argument
from modelcheck.records import dataclass
from modelcheck.source import SpecError


@dataclass(eq=False)
class Compiled:
    """A function instance with its scope; whether it accesses memory; and whether it loops, chooses
    or asserts, so that it must be put in place of the call all the same."""

    instance: Instance
    scope: Scope
    bindings: dict[str, Type] = field(default_factory=dict)
    accesses: bool = False
    loops: bool = False


def _stays(value: Value, kind: Type) -> bool:
    """Whether an argument is the same throughout the call, and not changed where it is passed."""
    same = fits(value, kind) or isinstance(kind, ir.Ref)
    return isinstance(value.expr, ir.Const | ir.Me | ir.Local) and same


@dataclass(frozen=True)
class Arguments:
    """A call's arguments: values to be put in locals, places and classes, and what stays as it is
    during the call (constants, locals of the caller) and so needs no local of its own; `checks`:
    what may go wrong where those are passed."""

    values: tuple[tuple[str, ast.expr, Type], ...]
    places: tuple[tuple[str, Given], ...]
    constants: tuple[tuple[str, Value], ...]
    checks: tuple[ir.Expr, ...] = ()


class Instances:
    """Every function instance of a Spec, made when first called."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.known: dict[object, Compiled] = {}
        self.prefixes: dict[str, list[dict[str, Type]]] = {}
        self.stack: list[Function] = []
        self._place_scopes: dict[tuple[int, int], Scope] = {}
        self._set: dict[ast.FunctionDef, frozenset[str]] = {}
        expressions.call = self._in_expression

    # ------------------------------------------------------------------------------------ calls

    def of_process(self, function: Function, me: Value | None) -> Compiled:
        """A process, a boot function or another function without arguments but `me`."""
        names = [a.arg for a in function.node.args.args]
        constants = ((names[0], me),) if names and me is not None else ()
        return self._instance(function, Arguments((), (), constants), {})

    def check_uncalled(self, function: Function) -> None:
        """Type a function that nothing calls, if its parameters have plain types."""
        if any(c.instance.function is function for c in self.known.values()):
            return
        values: list[tuple[str, ast.expr, Type]] = []
        for parameter in function.node.args.args:
            assert parameter.annotation is not None
            kind = self.expressions.types.resolve(parameter.annotation, function.module)
            if isinstance(kind, (AnyOf, ObjectType, ArrayType, CallableType, ClassOf)):
                return
            values.append((parameter.arg, parameter.annotation, kind))
        self._instance(function, Arguments(tuple(values), (), ()), {})

    def _names_set(self, function: Function) -> frozenset[str]:
        """The names that a function sets: found once, though it is called at many places."""
        found = self._set.get(function.node)
        if found is None:
            found = self._set[function.node] = frozenset(
                n.id for n in ast.walk(function.node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            )
        return found

    def of_call(
        self, node: ast.Call, function: Function, scope: Scope, reading: Reading
    ) -> tuple[Compiled, Arguments]:
        """The instance that a call means, and how its arguments are passed."""
        parameters = function.node.args.args
        span = scope.module.span(node)
        given = list(zip((p.arg for p in parameters), node.args, strict=False))
        given += [(k.arg or "", k.value) for k in node.keywords]
        names = [p.arg for p in parameters]
        if sorted(n for n, _ in given) != sorted(names) or len(node.args) > len(names):
            shown = ", ".join(names)
            raise SpecError(
                span, f"{function.name} takes {len(names)} argument{'s'[:len(names) != 1]}"
                f"{': ' + shown if shown else ''}", f"{function.name}({shown})",
            )
        if function.role not in ("plain", "predicate"):
            raise SpecError(
                span, f"{function.name} is @{function.role}: it is not called", "a plain function"
            )
        values: list[tuple[str, ast.expr, Type]] = []
        places: list[tuple[str, Given]] = []
        constants: list[tuple[str, Value]] = []
        checks: list[ir.Expr] = []
        bindings: dict[str, Type] = {}
        assigned = self._names_set(function)
        by_name = dict(given)
        for parameter in parameters:
            assert parameter.annotation is not None
            argument = by_name[parameter.arg]
            meaning = (
                scope.elements(argument) or scope.function(argument)
                or self._argument(argument, scope, reading)
            )
            kind = self._parameter_type(function, parameter, meaning, argument, scope, bindings)
            if isinstance(meaning, (ObjectPlace, ElementsOf, Function)):
                places.append((parameter.arg, meaning))
                continue
            if parameter.arg not in assigned and _stays(meaning, kind):
                constants.append((parameter.arg, Value(meaning.expr, kind)))
                fitting = fit(meaning, kind, span.first_line())
                if fitting is not meaning.expr:
                    checks.append(fitting)
            else:
                values.append((parameter.arg, argument, kind))
        arguments = Arguments(tuple(values), tuple(places), tuple(constants), tuple(checks))
        return self._instance(function, arguments, bindings), arguments

    def _argument(
        self, node: ast.expr, scope: Scope, reading: Reading
    ) -> Value | ObjectPlace:
        inner = Reading(reading.how, dry=reading.dry, quiet=True, why_not=reading.why_not)
        if isinstance(node, ast.Name) and isinstance(scope.definition(node.id), SharedClass):
            raise SpecError(
                scope.module.span(node), f"{node.id} has no count: it has no instances",
                "a class with @shared(count=...)",
            )
        meaning = self.expressions.meaning(node, scope, inner)
        if isinstance(meaning, CellPlace):
            if reading.how != "instant" and not reading.dry and not meaning.ghost:
                raise shared_argument(node, scope)
            meaning = self.expressions.read(meaning, node, scope, inner)
        if inner.access is not None:
            raise SpecError(
                scope.module.span(node), f"the argument {ast.unparse(node)} accesses memory",
                "a local that is set on a line before",
            )
        reading.before += inner.before
        reading.touched = reading.touched or inner.touched
        return meaning

    def _parameter_type(
        self, function: Function, parameter: ast.arg, meaning: Value | Given,
        argument: ast.expr, scope: Scope, bindings: dict[str, Type],
    ) -> Type:
        assert parameter.annotation is not None
        types, module = self.expressions.types, function.module
        annotation = parameter.annotation
        if isinstance(annotation, ast.Subscript) and isinstance(meaning, ObjectPlace):
            self._bind(annotation, meaning.type, function, bindings)
        kind = types.resolve(annotation, module, bindings)
        text = ast.unparse(argument)
        span = scope.module.span(argument)
        match kind, meaning:
            case CallableType(), Function():
                return kind
            case CallableType(), _:
                raise SpecError(span, f"{text} is not a function", "the name of a function")
            case _, Function():
                raise SpecError(span, f"{text} is a function", f"{text}(...)")
            case AnyOf(name), Value(_, ir.Record() as word) if not self._asked(function, name):
                bindings.setdefault(name, word)
                return word
            case AnyOf(name, nullable), Value(_, found):
                if isinstance(found, NoneType) or not isinstance(found, (ir.Ref, NoneType)):
                    raise SpecError(
                        span, f"{text} is {describe(found)}, not a reference",
                        "a reference to an object with the fields that are used",
                    )
                bound: Type = ir.Ref(found.cls, found.count, False)
                bindings.setdefault(name, bound)
                return ir.Ref(found.cls, found.count, nullable)
            case AnyOf(name), ObjectPlace(_, _, ArrayType()) if self._asked(function, name):
                raise SpecError(span, f"{text} is an array, not one of its objects", f"{text}[i]")
            case AnyOf(name), ObjectPlace():
                bindings.setdefault(name, meaning.type)
                return meaning.type
            case ObjectType(cls), ObjectPlace(_, _, ObjectType(found_cls)) if cls is found_cls:
                return meaning.type
            case ObjectType(cls), _:
                raise SpecError(span, f"{text} is not a {cls.name}", f"an object of {cls.name}")
            case ArrayType(ObjectType(cls)), ObjectPlace(_, _, ArrayType(found_element, (_,))) if (
                found_element.cls is cls
            ):
                return meaning.type
            case ArrayType(ObjectType(cls)), _:
                raise SpecError(
                    span, f"{text} is not an array of {cls.name}", f"array({cls.name}, n)"
                )
            case ClassOf(element), ElementsOf(sort):
                self._element_fits(function, element, sort, argument, scope, bindings)
                return kind
            case ClassOf(), _:
                raise SpecError(
                    span, f"{text} is no class with a count", "a class with @shared(count=...)"
                )
            case _, ElementsOf():
                raise is_a_class(text, span)
            case _, ObjectPlace():
                raise SpecError(span, f"{text} is a place, not a value", "one of its fields")
            case _, Value() as value:
                if kind == UNBOUNDED and isinstance(value.type, ir.Int):
                    return kind
                self.expressions.check_fits(value, kind, argument, scope)
                return kind

    def _element_fits(
        self, function: Function, element: Type, sort: ir.Ref, argument: ast.expr, scope: Scope,
        bindings: dict[str, Type],
    ) -> None:
        """`pages: type[P]`: P is this class, which must have the fields that P's Protocol asks
        for."""
        text, span = ast.unparse(argument), scope.module.span(argument)
        if not isinstance(element, AnyOf):
            if element != sort:
                raise SpecError(
                    span, f"{text} is not {describe(element)}", f"the class {describe(element)}"
                )
            return
        bindings.setdefault(element.name, sort)
        there = {f.name for c in self.expressions.spec.classes if c.name == sort.cls
                 for f in c.fields}
        asked = self._asked(function, element.name)
        missing = [name for name, _ in asked if name not in there]
        if missing:
            raise SpecError(
                span, f"{sort.cls} has no field {missing[0]}, which {function.name} reads",
                f"a field {missing[0]} in class {sort.cls}",
            )

    def _asked(self, function: Function, name: str) -> tuple[tuple[str, bool], ...]:
        """The fields that a Protocol, or the bound of a type variable, asks for."""
        protocol = function.module.scope.get(name)
        return protocol.fields if isinstance(protocol, ProtocolClass) else ()

    def _bind(
        self, annotation: ast.Subscript, place: Type, function: Function,
        bindings: dict[str, Type],
    ) -> None:
        """`head: PageListHead[P]`, or an Array of them: what P is, from the place that is
        passed."""
        definition = function.module.scope.get(called(annotation.value))
        inner = annotation.slice
        if isinstance(place, ArrayType) and isinstance(inner, ast.Subscript):
            self._bind(inner, place.element, function, bindings)
            return
        if not isinstance(definition, SharedClass) or not isinstance(place, ObjectType):
            return
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        known = dict(place.bindings)
        for variable, part in zip(definition.typevars, parts, strict=False):
            if isinstance(part, ast.Name) and variable in known:
                bindings.setdefault(part.id, known[variable])

    # -------------------------------------------------------------------------------- instances

    def _instance(
        self, function: Function, arguments: Arguments, bindings: dict[str, Type]
    ) -> Compiled:
        key = (
            id(function), arguments.places, arguments.constants,
            tuple((n, t) for n, _, t in arguments.values),
        )
        if key in self.known:
            return self.known[key]
        if function in self.stack:
            names = [f.name for f in self.stack[self.stack.index(function):]] + [function.name]
            raise SpecError(
                function.span, "recursion: " + " -> ".join(names),
                "a loop: functions are inlined",
            )
        check_bound(function)
        result = self._typed(function, arguments, bindings)
        self.known[key] = result
        return result

    def _typed(
        self, function: Function, arguments: Arguments, bindings: dict[str, Type]
    ) -> Compiled:
        assert function.node.returns is not None
        returns = self.expressions.types.resolve(
            function.node.returns, function.module, bindings
        )
        instance = Instance(function, function.name, arguments.places, returns)
        for name, _, kind in arguments.values:
            instance.locals[name] = kind
            instance.annotated.add(name)
            parameter = next(p for p in function.node.args.args if p.arg == name)
            instance.spans[name] = function.module.span(parameter)
        scope = Scope(function.module, instance, dict(arguments.constants))
        compiled = Compiled(instance, scope, bindings)
        self.stack.append(function)
        for _ in range(3):  # a local may gain None or another range behind its first use
            before = dict(instance.locals)
            self._statements(function.node.body, compiled)
            if before == instance.locals:
                break
        self.stack.pop()
        self._name_locals(instance)
        return compiled

    def _name_locals(self, instance: Instance) -> None:
        """Instances of one function share their locals where the types agree."""
        variants = self.prefixes.setdefault(instance.function.name, [])
        fitting = (
            i for i, variant in enumerate(variants)
            if all(variant.get(n, t) == t for n, t in instance.locals.items())
        )
        number = next(fitting, len(variants))
        if number == len(variants):
            variants.append({})
        variants[number].update(instance.locals)
        if number:
            instance.prefix = f"{instance.function.name}_{number + 1}"

    # ---------------------------------------------------------------------- types of statements

    def _statements(self, body: list[ast.stmt], compiled: Compiled) -> None:
        for statement in body:
            self._statement(statement, compiled)

    def _value(self, node: ast.expr, compiled: Compiled) -> Value:
        reading = Reading("instant", dry=True)
        value = self.expressions.value(node, compiled.scope, reading)
        compiled.accesses = compiled.accesses or reading.touched
        compiled.loops = compiled.loops or reading.forks
        return value

    def _statement(self, node: ast.stmt, compiled: Compiled) -> None:
        scope, module = compiled.scope, compiled.scope.module
        match node:
            case ast.Assign(targets=[target], value=value):
                if isinstance(target, ast.Tuple):
                    assert isinstance(value, ast.Tuple)
                    pairs = list(zip(target.elts, value.elts, strict=True))
                else:
                    pairs = [(target, value)]
                for one, what in pairs:
                    self._assigned(one, what, node, compiled)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                kind = self.expressions.types.resolve(annotation, module, compiled.bindings)
                if kind != UNBOUNDED:
                    compiled.instance.annotated.add(name)
                compiled.instance.spans.setdefault(name, module.span(node))
                compiled.instance.locals[name] = kind
                if value is not None:
                    self.expressions.check_fits(self._value(value, compiled), kind, value, scope)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                both = ast.copy_location(ast.BinOp(load, op, value), node)
                self._local(name, self._value(both, compiled), node, compiled)
                assert type(op) in OPERATORS
            case ast.If(test=test, body=then, orelse=other):
                self._test(test, compiled)
                self._statements(then, compiled)
                self._statements(other, compiled)
            case ast.While(test=test, body=body):
                compiled.loops = True
                self._test(test, compiled)
                self._statements(body, compiled)
            case ast.For(target=ast.Name(id=name), iter=iterated, body=body):
                compiled.loops = True
                reading = Reading("instant", dry=True)
                _, element = domain(self.expressions, iterated, scope, reading)
                if isinstance(element, ObjectPlace):
                    self._local(f"{name}_index", Value(ir.Me(), UNBOUNDED), node, compiled)
                    inner = self.place_scope(node, compiled.scope, element)
                    kept, compiled.scope = compiled.scope, inner
                    self._statements(body, compiled)
                    compiled.scope = kept
                    return
                self._local(name, element, node, compiled)
                if not isinstance(iterated, ast.Call) or called(iterated.func) != "range":
                    self._statements(body, compiled)
                    return
                self._local(f"{name}_end", Value(ir.Me(), UNBOUNDED), node, compiled)
                self._statements(body, compiled)
            case ast.Return(value=value):
                self._return(node, value, compiled)
            case ast.Assert(test=test):
                compiled.loops = True
                self._test(test, compiled)
            case ast.With(body=body):
                self._statements(body, compiled)
            case ast.Expr(value=ast.Call() as call):
                self._call_statement(call, compiled)
            case _:
                pass

    def place_scope(self, node: ast.For, scope: Scope, element: ObjectPlace) -> Scope:
        """The scope of the body of `for head in heap:` over an array of objects."""
        assert isinstance(node.target, ast.Name) and scope.instance is not None
        key = (id(node), id(scope))
        cached = self._place_scopes.get(key)
        if cached is None:
            counter = ir.Local(f"{scope.instance.prefix}.{node.target.id}_index")
            place = ObjectPlace(
                element.prefix, (*element.index[:-1], counter), element.type
            )
            cached = scope.with_names({node.target.id: place})
            self._place_scopes[key] = cached
        return cached

    def _test(self, node: ast.expr, compiled: Compiled) -> None:
        reading = Reading("instant", dry=True)
        self.expressions.test(node, compiled.scope, reading)
        compiled.accesses = compiled.accesses or reading.touched
        compiled.loops = compiled.loops or reading.forks

    def _assigned(
        self, target: ast.expr, value: ast.expr, node: ast.stmt, compiled: Compiled
    ) -> None:
        if isinstance(target, ast.Name):
            self._local(target.id, self._value(value, compiled), node, compiled)
            return
        reading = Reading("instant", dry=True)
        place = self.expressions.meaning(target, compiled.scope, reading)
        if not isinstance(place, CellPlace) or place.part:
            return  # refused with its own words when the store is compiled
        compiled.accesses = compiled.accesses or not place.ghost
        self.expressions.check_fits(
            self._value(value, compiled), place.sort, value, compiled.scope
        )

    def _local(
        self, name: str, value: Value, node: ast.stmt, compiled: Compiled
    ) -> None:
        instance = compiled.instance
        instance.spans.setdefault(name, compiled.scope.module.span(node))
        if name in dict(instance.places):
            raise SpecError(
                compiled.scope.module.span(node), f"{name} is a place: it is not set",
                f"one of its fields, or another name than {name}",
            )
        known = instance.locals.get(name)
        called_for = getattr(node, "value", None)
        if isinstance(value.type, NoneType) and isinstance(called_for, ast.Call):
            raise SpecError(
                compiled.scope.module.span(called_for),
                f"{ast.unparse(called_for.func)} returns nothing", "the call on its own line",
            )
        if known is None:
            instance.locals[name] = value.type
            return
        if name in instance.annotated:
            self.expressions.check_fits(
                value, known, getattr(node, "value", node), compiled.scope
            )
            return
        joined = join(known, value.type)
        if joined is None:
            raise SpecError(
                compiled.scope.module.span(node),
                f"{name} is {describe(known)} before, and {describe(value.type)} here",
                "another name",
            )
        instance.locals[name] = joined

    def _return(
        self, node: ast.Return, value: ast.expr | None, compiled: Compiled
    ) -> None:
        wanted = compiled.instance.returns
        span = compiled.scope.module.span(node)
        name = compiled.instance.function.name
        if value is None:
            if not isinstance(wanted, NoneType):
                raise SpecError(
                    span, f"{name} returns {describe(wanted)}, and nothing here",
                    "return with a value",
                )
            return
        if isinstance(wanted, NoneType):
            raise SpecError(
                span, f"{name} is declared to return None", f"def {name}(...) -> its type"
            )
        found = self._value(value, compiled)
        if not (wanted == UNBOUNDED and isinstance(found.type, ir.Int)):
            self.expressions.check_fits(found, wanted, value, compiled.scope)

    def _call_statement(self, node: ast.Call, compiled: Compiled) -> None:
        name = called(node.func)
        definition = compiled.scope.definition(name)
        if isinstance(definition, Word) and definition.name in STATEMENT_WORDS:
            if definition.name == "assume":
                compiled.loops = True
                return
            compiled.accesses = compiled.accesses or definition.name != "cpu_relax"
            return
        self._value(node, compiled)

    # ----------------------------------------------------------------------- in an expression

    def _in_expression(
        self, node: ast.Call, function: Function, scope: Scope, reading: Reading
    ) -> Value:
        if function.role == "predicate" and reading.how != "instant" and not reading.dry:
            raise SpecError(
                scope.module.span(node), f"{function.name} reads all of memory at one instant",
                "an assert or a property; a process reads one location at a time",
            )
        compiled, arguments = self.of_call(node, function, scope, reading)
        if reading.dry:
            if function.role != "predicate":
                reading.touched = reading.touched or compiled.accesses
                reading.forks = reading.forks or compiled.loops
            else:
                reading.touched = True
            return Value(ir.Me(), compiled.instance.returns)
        inlined = compiled.accesses or compiled.loops
        if inlined and function.role != "predicate" and reading.how != "instant":
            text = ast.unparse(node)
            does = "accesses memory" if compiled.accesses else "loops, chooses or asserts"
            raise SpecError(
                scope.module.span(node), f"{text} {does}: it stands alone on its line",
                f"result = {text}, then use result",
            )
        meanings: dict[str, Meaning | Given] = dict(arguments.places)
        meanings |= dict(arguments.constants)
        span = scope.module.span(node).first_line()
        computed: list[ir.Expr] = []
        given = list(arguments.checks)
        for name, argument, kind in arguments.values:
            found = self.expressions.value(argument, scope, reading)
            computed.append(found.expr)
            given.append(fit(found, kind, span))
            meanings[name] = Value(given[-1], kind)
        instance = compiled.instance
        names = {name: instance.locals[name] for name in instance.annotated}
        declared = Declared(names, instance.returns)
        result = pure(self.expressions, function, meanings, reading, declared).expr
        for first in reversed((*computed, *given)):  # whether they are used or not
            result = after(first, result)
        return Value(result, instance.returns)
