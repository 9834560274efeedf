"""Modules -> Spec: what every module-level name stands for, at the instance that `sets` asks for.

Order matters as it does to Python: a name is defined before it is used at module level (inside
functions and annotations in quotes it need not be)."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

from modelcheck import ir
from modelcheck.frontend.constants import evaluate, sort_of_constant
from modelcheck.frontend.definitions import (
    HELD_AT_END, RELEASED, ArrayType, Constant, Definition, EnumClass, Expectation, Function,
    Invariant, Module, Object, ObjectType, Parameter, ProtocolClass, SharedClass, SharedField, Spec,
    TypeAlias_, Word, WordClass,
)
from modelcheck.frontend.faults import DEADLOCK, FAULTS, as_named
from modelcheck.frontend.limits import (
    MOST_CELLS, MOST_CLASSES, MOST_OF_A_CLASS, MOST_PROCESSES, within,
)  # fmt: skip
from modelcheck.frontend.load import lang_words
from modelcheck.frontend.promises import give_sentences, invariant_of, promised, reads_memory
from modelcheck.frontend.types import Types, called, is_ghost
from modelcheck.records import dataclass
from modelcheck.source import ConfigurationError, Span, SpecError

PROPERTIES = ("always", "lemma", "sometimes")
OTHER_WORDS = frozenset((  # beside those of modelcheck.lang
    "Annotated", "Callable", "ClassVar", "Final", "Generic", "Protocol", "Self", "TypeVar", "all",
    "any", "bool", "dataclass", "int", "len", "max", "min", "range", "sum", "type",
))
ROLES = ("boot", "process", "interrupt", "predicate", "invariant", *PROPERTIES)
NOT_YET = {"eventually": "liveness is not checked by any engine yet"}


@dataclass(frozen=True, eq=False)
class Declared:
    """A Spec, and how its annotations are resolved."""

    spec: Spec
    types: Types


def declare(
    modules: tuple[Module, ...], path: str, sets: Mapping[str, bool | int]
) -> Declared:
    """The Spec of these modules; `sets` are the values given by `--set`."""
    declarer = _Declarer(modules, path, dict(sets))
    return Declared(declarer.spec(), declarer.types)


class _Declarer:
    def __init__(
        self, modules: tuple[Module, ...], path: str, sets: dict[str, bool | int]
    ) -> None:
        self.modules = modules
        self.path = path
        self.sets = sets
        self.defaults = self._instance_defaults()
        self.parameters: list[Parameter] = []
        self.classes: list[SharedClass] = []
        self.objects: list[Object] = []
        self.functions: list[Function] = []
        self.types = Types()

    # ------------------------------------------------------------------------------ the whole

    def spec(self) -> Spec:
        for module in self.modules:
            for local, (source, name) in module.imports.items():
                if name not in source.scope:
                    alias = next(
                        a for s in module.tree.body if isinstance(s, ast.ImportFrom)
                        for a in s.names if (a.asname or a.name) == local
                    )
                    raise SpecError(
                        module.span(alias), f"there is no {name} in {source.name}",
                        _nearest(name, source.scope),
                    )
                module.scope[local] = source.scope[name]
            for node in module.tree.body:
                self._statement(module, node)
            give_sentences(module)
            _no_global_is_set(module)
            _no_local_is_called(module)
        self._unknown_sets()
        self._unknown_defaults()
        own = [f for f in self.functions if f.module is self.modules[-1]]
        processes = tuple(f for f in own if f.role == "process")
        last = self.modules[-1]
        if not processes:
            raise SpecError(
                Span(last.file, 1, 1, 1, 2), "no process: nothing runs",
                "@process above the function that a CPU runs",
            )
        total = 0
        for f in processes:
            total += f.count
            within(total, MOST_PROCESSES, f.span.first_line(), "processes", "a smaller count")
        index_sorts = (*((c.name, c.count or 0) for c in self.classes), ("process", total))
        self.types.finish(index_sorts, max(f.count for f in processes))
        spec = Spec(
            path=self.path,
            modules=self.modules,
            parameters=tuple(self.parameters),
            processes=processes,
            boots=tuple(f for f in self.functions if f.role == "boot"),
            properties=(*(f for f in own if f.role in PROPERTIES), *promised(last)),
            interrupts=tuple(f for f in own if f.role == "interrupt"),
            index_sorts=index_sorts,
            classes=tuple(self.classes),
            objects=tuple(self.objects),
        )
        return replace(spec, expectations=self._expectations(spec))

    def _statement(self, module: Module, node: ast.stmt) -> None:
        match node:
            case ast.ClassDef():
                self._define(module, node.name, self._class(module, node), node)
            case ast.FunctionDef():
                function = self._function(module, node)
                self.functions.append(function)
                self._define(module, node.name, function, node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assignment(module, name, value, node)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assignment(module, name, value, node)
            case _:
                pass

    def _define(
        self, module: Module, name: str, definition: Definition, node: ast.stmt
    ) -> None:
        if _is_word(name) and (name != "Lock" or name in module.scope):  # who has locks of his own
            raise SpecError(
                module.span(node), f"{name} is a word of the language, and means that everywhere",
                f"another name: my_{name}",
            )
        if name in module.scope:
            raise SpecError(
                module.span(node), f"{name} is defined twice", "another name for one of them"
            )
        module.scope[name] = definition

    # ------------------------------------------------------------------------------- classes

    def _class(self, module: Module, node: ast.ClassDef) -> Definition:
        bases = node.bases
        names = [called(b) for b in bases]
        if "Enum" in names:
            return self._enum(module, node)
        if "Protocol" in names:
            return ProtocolClass(node.name, tuple(
                (f.target.id, is_ghost(f.annotation, module)) for f in node.body
                if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)
            ))
        decorators = [called(d) for d in node.decorator_list]
        if "dataclass" in decorators:
            return self._word_class(module, node)
        if "shared" not in decorators:
            raise SpecError(
                replace(module.span(node), end_line=node.lineno, end_column=80),
                f"class {node.name} is neither shared memory, nor a word, nor an Enum",
                f"@shared above it (memory), @dataclass(frozen=True) (a word), or"
                f" class {node.name}(Enum)",
            )
        count: int | None = None
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                for keyword in decorator.keywords:
                    count = self._count(module, keyword.value)
        typevars: tuple[str, ...] = ()
        for base in bases:
            if isinstance(base, ast.Subscript) and called(base.value) == "Generic":
                parts = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
                typevars = tuple(called(p) for p in parts)
        fields: list[SharedField] = []
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                self._new_field(module, item.target.id, [f.name for f in fields], item)
                fields.append(SharedField(
                    item.target.id, item.annotation, item.value, module.span(item)
                ))
        result = SharedClass(
            node.name, module, count, "Indexed" in names, typevars, tuple(fields),
            module.span(node), owned="OwnedLock" in names,
        )
        if result.owned and not any(
            f.name == "holder" and is_ghost(f.annotation, module) for f in fields
        ):
            raise SpecError(
                module.span(node.bases[names.index("OwnedLock")]),
                f"{node.name} is an OwnedLock, and does not say who holds it",
                "holder: Ghost[Process | None] = None",
            )
        if count is not None:
            if any(c.name == node.name for c in self.classes) or node.name == "process":
                raise SpecError(
                    module.span(node), f"there is another index sort called {node.name}",
                    "another name",
                )
            self.classes.append(result)
            within(
                len(self.classes), MOST_CLASSES, module.span(node).first_line(),
                "classes with a count", "one class, with an Enum that says of which kind it is",
            )
        return result

    def _new_field(
        self, module: Module, name: str, before: list[str], node: ast.stmt
    ) -> None:
        if name in before:
            raise SpecError(
                module.span(node), f"there is another field called {name}", "another name"
            )

    def _count(self, module: Module, node: ast.expr) -> int:
        value = evaluate(node, module, self.types)
        if isinstance(value, bool) or not isinstance(value, int) or not (
            1 <= value <= MOST_OF_A_CLASS
        ):
            raise SpecError(
                module.span(node), f"a count is an int from 1 to {MOST_OF_A_CLASS}",
                "a number, or a parameter such as param(2, 1, 8)",
            )
        return value

    def _enum(self, module: Module, node: ast.ClassDef) -> EnumClass:
        members = tuple(
            item.targets[0].id for item in node.body
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
        )
        if not members:
            raise SpecError(
                module.span(node), f"the Enum {node.name} has no members", "NAME = auto()"
            )
        if len(set(members)) != len(members):
            raise SpecError(
                module.span(node), f"the Enum {node.name} has a member twice", "distinct names"
            )
        return EnumClass(ir.Enum(node.name, members))

    def _word_class(self, module: Module, node: ast.ClassDef) -> WordClass:
        fields: list[tuple[str, ir.Sort]] = []
        defaults: list[tuple[str, ir.Value]] = []
        for item in node.body:
            if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
                continue
            name = item.target.id
            self._new_field(module, name, [n for n, _ in fields], item)
            sort = self.types.value_sort(item.annotation, module)
            fields.append((name, sort))
            if item.value is not None:
                value = evaluate(item.value, module, self.types)
                self.types.fits(value, sort, module, item.value)
                defaults.append((name, value))
            elif defaults:
                before = defaults[-1][0]
                raise SpecError(
                    module.span(item), f"{name} has no default, and {before} before it has",
                    f"{name}: {ast.unparse(item.annotation)} = its default, or {name} further up",
                )
        if not fields:
            raise SpecError(
                module.span(node), f"the word {node.name} has no fields", "name: type, in each line"
            )
        return WordClass(ir.Record(node.name, tuple(fields)), tuple(defaults))

    # ----------------------------------------------------------------------------- assignments

    def _assignment(
        self, module: Module, name: str, value: ast.expr, node: ast.stmt
    ) -> None:
        if name in ("EXPECT", "INSTANCE", "PROMISES"):
            return
        word = called(value.func) if isinstance(value, ast.Call) else ""
        target = module.scope.get(word.split(".")[0]) if word else None
        if isinstance(value, ast.Call) and isinstance(target, Word):
            if target.name == "param":
                parameter = self._parameter(module, name, value)
                self.parameters.append(parameter)
                self._define(module, name, parameter, node)
                return
            if target.name == "TypeVar":
                bounds = [k.value for k in value.keywords if k.arg == "bound"]
                bound = module.scope.get(called(bounds[0])) if bounds else None
                fields = bound.fields if isinstance(bound, ProtocolClass) else ()
                self._define(module, name, ProtocolClass(name, fields), node)
                return
            if target.name in ("array", "Lock"):
                self._define(module, name, self._object(module, name, value, node), node)
                return
        if isinstance(value, ast.Call):
            callee = value.func.value if isinstance(value.func, ast.Subscript) else value.func
            definition = module.scope.get(called(callee))
            if isinstance(definition, SharedClass):
                self._define(module, name, self._object(module, name, value, node), node)
                return
        if isinstance(value, ast.Subscript) and called(value.value) == "Annotated":
            self._define(module, name, TypeAlias_(name, value, module), node)
            return
        constant = evaluate(value, module, self.types)
        self._in_32_bits(module, value, constant)
        sort = sort_of_constant(value, constant, module, self.types)
        self._define(module, name, Constant(name, constant, sort), node)

    def _object(
        self, module: Module, name: str, value: ast.Call, node: ast.stmt
    ) -> Object:
        kind: ObjectType | ArrayType
        if called(value.func) == "array":
            sizes = tuple(self._count(module, a) for a in value.args[1:])
            if not value.args or not sizes:
                raise SpecError(
                    module.span(value), "array(...) takes a class and its size",
                    f"{name} = array(PageListHead[Page], MAX_ORDER + 1)",
                )
            element = self.types.resolve(value.args[0], module)
            if not isinstance(element, ObjectType):
                raise SpecError(
                    module.span(value.args[0]), "array(...) takes a @shared class without count",
                    "the class of the objects",
                )
            cells = prod(sizes)
            within(cells, MOST_CELLS, module.span(value), "objects in one array", "smaller sizes")
            kind = ArrayType(element, sizes)
        else:
            kind_or_sort = self.types.resolve(value.func, module)
            if not isinstance(kind_or_sort, ObjectType):
                raise SpecError(
                    module.span(value), f"{ast.unparse(value.func)} has a count: its instances are"
                    " there already", "instances(...) or element(...)",
                )
            kind = kind_or_sort
            plain = all(isinstance(a, ast.Constant) and isinstance(a.value, str)
                        for a in value.args)
            if value.keywords or not plain or (value.args and called(value.func) != "Lock"):
                raise SpecError(
                    module.span(value), "an object is made without arguments",
                    "defaults in the class, and @boot for the rest",
                )
        result = Object(name, kind, module.span(node))
        if any(o.name == name for o in self.objects):
            raise SpecError(
                module.span(node), f"there is another object called {name}", "another name"
            )
        self.objects.append(result)
        return result

    # ------------------------------------------------------------------------------ parameters

    def _instance_defaults(self) -> dict[str, bool | int]:
        defaults: dict[str, bool | int] = {}
        for module in self.modules:
            for node in module.tree.body:
                match node:
                    case ast.Assign(targets=[ast.Name(id="INSTANCE")], value=ast.Call() as call):
                        for keyword in call.keywords:
                            match keyword:
                                case ast.keyword(arg=str(name), value=ast.Constant(value=int(v))):
                                    defaults[name] = v
                                case _:
                                    raise SpecError(
                                        module.span(keyword),
                                        "INSTANCE gives a number or a bool to each parameter",
                                        "INSTANCE = instance(MAX_ORDER=1)",
                                    )
        return defaults

    def _in_32_bits(self, module: Module, node: ast.expr, value: object) -> None:
        """SpecError for a number that a function could not have as it stands."""
        if isinstance(value, int) and abs(value) >= 2**31:
            raise SpecError(
                module.span(node), "this number does not fit in 32 bits", "a smaller one"
            )

    def _parameter(self, module: Module, name: str, call: ast.Call) -> Parameter:
        span = module.span(call)
        values = [evaluate(a, module, self.types) for a in call.args]
        for node, number in zip(call.args, values, strict=True):
            self._in_32_bits(module, node, number)
        match values:
            case [bool(default)]:
                lo, hi = 0, 1
            case [int(default), int(lo), int(hi)] if not any(isinstance(v, bool) for v in values):
                if not lo <= default <= hi:
                    raise SpecError(
                        span, f"the default {default} is outside {lo}..{hi}",
                        f"param({min(max(default, lo), hi)}, {lo}, {hi})",
                    )
            case _:
                raise SpecError(
                    span, "param(...) takes a default and its range, or a bool",
                    f"{name} = param(2, 1, 8), or {name} = param(False)",
                )
        is_switch = isinstance(values[0], bool)
        value: bool | int = self.sets.get(name, self.defaults.get(name, default))
        if name in self.sets or name in self.defaults:
            where = f"--set {name}={value}" if name in self.sets else f"INSTANCE: {name}={value}"
            if is_switch and value in (0, 1):
                value = bool(value)
            elif is_switch or isinstance(value, bool):
                raise ConfigurationError(
                    f"{where}: {name} is {'True or False' if is_switch else f'{lo}..{hi}'}"
                )
            elif not lo <= value <= hi:
                raise ConfigurationError(f"{where}: {name} is {lo}..{hi} ({span})")
        for other in self.parameters:
            if other.name == name:  # --set and reports could not tell them apart
                raise SpecError(
                    span, f"there is another parameter called {name} ({other.span})",
                    "another name, or import that one",
                )
        return Parameter(name, value, default, lo, hi, span)

    def _unknown_defaults(self) -> None:
        """SpecError where INSTANCE names what is no parameter."""
        known = {p.name: p for p in self.parameters}
        for module in self.modules:
            for node in module.tree.body:
                match node:
                    case ast.Assign(targets=[ast.Name(id="INSTANCE")], value=ast.Call() as call):
                        for keyword in call.keywords:
                            if keyword.arg not in known:
                                raise SpecError(
                                    module.span(keyword),
                                    f"INSTANCE names {keyword.arg}, which is no parameter here",
                                    _nearest(str(keyword.arg), known),
                                )
                    case _:
                        pass

    def _unknown_sets(self) -> None:
        known = {p.name: p for p in self.parameters}
        for name in self.sets:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ConfigurationError(
                    f"--set {name}: {self.path} has no such parameter (it has {there}){hint}"
                )

    # ------------------------------------------------------------------------------- functions

    def _function(self, module: Module, node: ast.FunctionDef) -> Function:
        role, count, when, of = "plain", 1, None, None
        invariant: Invariant | None = None
        for decorator in node.decorator_list:
            name = called(decorator.func if isinstance(decorator, ast.Call) else decorator)
            span = module.span(decorator)
            if name in NOT_YET:
                raise SpecError(span, f"@{name}: {NOT_YET[name]}", "leave it out for now")
            if name not in ROLES:
                raise SpecError(
                    span, f"@{name} is not a decorator of the language",
                    "@boot, @process, @interrupt, @predicate, @always, @lemma or @sometimes",
                )
            if role != "plain":
                raise SpecError(span, f"{node.name} is @{role} already", "one decorator")
            role = name
            if role == "invariant":
                invariant = self._invariant(invariant_of(decorator), span)
                role = "predicate" if reads_memory(module, node) else "plain"
            elif isinstance(decorator, ast.Call):
                for keyword in decorator.keywords:
                    if keyword.arg == "count" and role == "process":
                        count = self._count(module, keyword.value)
                    elif keyword.arg == "when" and role in PROPERTIES:
                        when = keyword.value
                    elif keyword.arg == "of" and role == "interrupt":
                        of = self._interrupted(module, keyword.value)
                    else:
                        raise SpecError(span, f"@{name} takes no {keyword.arg}", f"@{name}")
            if role == "interrupt" and of is None:
                raise SpecError(
                    span, "an interrupt comes to the CPU of some process", "@interrupt(of=domain)"
                )
        return Function(
            node.name, module, node, role, count, when, module.span(node), of=of,
            invariant=invariant,
        )

    def _interrupted(self, module: Module, node: ast.expr) -> Function:
        """The process that an interrupt is `of`."""
        found = module.scope.get(called(node))
        if isinstance(found, Function) and found.role == "process" and found.module is module:
            return found
        near = [f.name for f in self.functions if f.role == "process" and f.module is module]
        raise SpecError(
            module.span(node), f"{ast.unparse(node)} is no @process that is defined above",
            f"of={near[0]}" if near else "@interrupt below its @process",
        )

    def _invariant(self, named: Invariant, span: Span) -> Invariant:
        """A sentence stands for one label, so that it is known by it."""
        for f in self.functions:
            if f.invariant is not None and f.invariant.sentence == named.sentence and (
                f.invariant.label != named.label
            ):
                raise SpecError(
                    span, f"{f.invariant.label} says this already ({f.span})", "another sentence"
                )
        return named

    # ---------------------------------------------------------------------------- expectations

    def _expectations(self, spec: Spec) -> tuple[Expectation, ...]:
        module = spec.module
        found: list[Expectation] = []
        known = sentences(spec)
        some = tuple(spec.sentence(p) for p in spec.properties if p.role == "sometimes")
        for node in module.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id="EXPECT")], value=value):
                    clauses = value.elts if isinstance(value, ast.Tuple) else [value]
                    for clause in clauses:
                        found += self._expectation(module, clause, known, some)
                case _:
                    pass
        return tuple(found)

    def _expectation(
        self, module: Module, clause: ast.expr, known: tuple[str, ...], some: tuple[str, ...]
    ) -> list[Expectation]:
        """`known`: the sentences of the spec; `some`: those of them that are a @sometimes."""
        span = module.span(clause)
        word = called(clause.func) if isinstance(clause, ast.Call) else ""
        if not isinstance(clause, ast.Call) or word not in ("holds", "violates", "unreached"):
            raise SpecError(
                span, "EXPECT says holds(), violates(...) or unreached(...)",
                'EXPECT = violates("the sentence")',
            )
        applies = True
        for keyword in clause.keywords:
            if keyword.arg != "when":
                raise SpecError(span, f"no {keyword.arg} here", "when=...")
            applies = bool(evaluate(keyword.value, module, self.types))
        if word == "holds":
            return [Expectation(None, span)] if applies else []
        match clause.args:
            case [ast.Constant(value=str(sentence))]:
                where = module.span(clause.args[0])
            case _:
                raise SpecError(span, f"{word}(...) takes a sentence", 'violates("deadlock")')
        if word == "unreached":
            if sentence not in some:
                raise SpecError(
                    where, "EXPECT names no @sometimes of this spec", _instead(sentence, some, ())
                )
            return [Expectation(None, span, sentence)] if applies else []
        if sentence in some:
            raise SpecError(
                where, "a @sometimes is not broken: no run reaches it", f'unreached("{sentence}")'
            )
        named = sentence if sentence in known else as_named(sentence)
        if named is None:
            of_spec = tuple(s for s in known if s not in some)
            raise SpecError(
                where, "EXPECT names no property of this spec, and nothing that can go wrong",
                _instead(sentence, of_spec, (DEADLOCK, *FAULTS)),
            )
        return [Expectation(named, span)] if applies else []


def _is_word(name: str) -> bool:
    return name in lang_words() or name in OTHER_WORDS


def _no_local_is_called(module: Module) -> None:
    """SpecError where a function calls what is its own local there, as Python sees it: a parameter
    called `all`, and `all(...)`.  A parameter that takes a function may be called."""
    for f in (f for f in module.tree.body if isinstance(f, ast.FunctionDef)):
        given = {a.arg: "" if a.annotation is None else ast.unparse(a.annotation)
                 for a in f.args.args}
        own = {name for name, of in given.items() if _is_word(name) or "Callable" not in of}
        nodes = list(ast.walk(f))
        own |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for node in nodes:
            match node:
                case ast.Call(ast.Name(name) as callee) if name in own:
                    raise SpecError(
                        module.span(callee), f"{name} is a local of {f.name}, and no function",
                        f"another name for the local: my_{name}",
                    )


def _no_global_is_set(module: Module) -> None:
    """SpecError where a function assigns to a name of the module: as in C, the author means one
    variable, and Python makes a local of that name."""
    functions = (f for f in module.tree.body if isinstance(f, ast.FunctionDef))
    for node in (n for f in functions for n in ast.walk(f)):
        match node:
            case ast.Assign(targets=targets):
                names = [n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(
                target=target
            ):
                names = [n for n in (target,) if isinstance(n, ast.Name)]
            case _:
                continue
        for name in names:
            known = module.scope.get(name.id)
            if isinstance(name.ctx, ast.Store) and isinstance(known, Parameter | Constant | Object):
                raise SpecError(
                    module.span(name),
                    f"{name.id} is a local here, since it is set here: not the {name.id} of the "
                    "file, which never changes",
                    f"a field {name.id} in a @shared class, if it is memory; else another name for "
                    "the local",
                )


def _instead(sentence: str, own: tuple[str, ...], always: tuple[str, ...]) -> str:
    """The one that is meant, perhaps; else all that there are, those of the spec first."""
    near = difflib.get_close_matches(sentence, (*own, *always), 1, 0.6)
    if near:
        return f'"{near[0]}"'
    return "one of: " + "; ".join((*own, *always)) if own or always else "a @sometimes, or holds()"


def sentences(spec: Spec) -> tuple[str, ...]:
    """The sentences of a spec's properties and of every assert in its modules, and of what
    spin_unlock and the end of a process assert."""
    found = [spec.sentence(p) for p in spec.properties]
    for module in spec.modules:
        for node in ast.walk(module.tree):
            match node:
                case ast.Assert(msg=ast.Constant(value=str(sentence))):
                    found.append(sentence)
                case ast.Call(func) if module.scope.get(called(func)) == Word("spin_unlock"):
                    found.append(RELEASED)
                case _:
                    pass
    found += [HELD_AT_END + name for name in _owned_locks(spec)]
    return tuple(dict.fromkeys(found))


def _owned_locks(spec: Spec) -> Iterator[str]:
    """What the locks are called that only their holder releases."""
    for cls in spec.classes:
        yield from _locks_in(cls, cls.name)
    for found in spec.objects:
        match found.type:
            case ObjectType(cls) | ArrayType(ObjectType(cls)):
                yield from _locks_in(cls, found.name)


def _locks_in(cls: SharedClass, name: str) -> Iterator[str]:
    if cls.owned:
        yield name
    for field in cls.fields:
        match cls.module.scope.get(called(field.annotation)):
            case SharedClass(count=None) as inside:
                yield from _locks_in(inside, f"{name}.{field.name}")
            case Word("Lock"):
                yield f"{name}.{field.name}"
            case _:
                pass


def _nearest(name: str, names: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, names, 1)
    return near[0] if near else "a name that it defines"
