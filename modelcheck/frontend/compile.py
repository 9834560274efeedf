"""A spec's file -> Spec and Program: text -> subset -> declarations -> steps, and the stages that
follow (ranges, dead locals, equal locations, memory model), each checked by `legal`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod

from modelcheck import ir
from modelcheck.flow import exprs_in, exprs_of, sorts
from modelcheck.frontend.constants import evaluate
from modelcheck.frontend.declare import Declared, declare
from modelcheck.frontend.definitions import (
    UNBOUNDED, ArrayType, Function, Module, NoneType, ObjectType, Parameter, SharedClass,
    SharedField, Spec, Type,
)
from modelcheck.frontend.ends import Index, asserted_at_ends
from modelcheck.frontend.expressions import Expressions
from modelcheck.frontend.instances import Instances
from modelcheck.frontend.interrupts import Handler, Weave, begun, woven
from modelcheck.frontend.limits import MOST_CELLS, check_sizes, within
from modelcheck.frontend.load import load
from modelcheck.frontend.loops import has_no_way_out
from modelcheck.frontend.moduli import tickets
from modelcheck.frontend.nulls import type_nulls
from modelcheck.frontend.places import field_type
from modelcheck.frontend.points import loops_around
from modelcheck.frontend.pure import pure
from modelcheck.frontend.ranges import infer_ranges
from modelcheck.frontend.reading import Reading
from modelcheck.frontend.slips import refuse_slips
from modelcheck.frontend.steps import Pending, Steps, Template
from modelcheck.frontend.types import Types, is_ghost
from modelcheck.frontend.values import Scope, Value, leaves
from modelcheck.legal import check
from modelcheck.memory.sc import sc
from modelcheck.passes.liveness import liveness
from modelcheck.passes.merge_locations import merge_locations
from modelcheck.source import Span, SpecError, line_text

STAGES = ("steps", "ranges", "liveness", "sc", "merged")


def read_spec(path: str, sets: Mapping[str, bool | int]) -> Spec:
    """A spec at the instance that `sets` asks for, read and declared."""
    return declare(load(path), path, sets).spec


def compile_spec(path: str, sets: Mapping[str, bool | int]) -> tuple[Spec, ir.Program]:
    """A spec and the Program that it compiles to, under sequential consistency."""
    spec, program, _ = compile_with_lines(path, sets)
    return spec, program


def compile_with_lines(
    path: str, sets: Mapping[str, bool | int]
) -> tuple[Spec, ir.Program, ir.Program]:
    """Besides, the Program in which no equal locations are merged: a run of that goes through the
    spec's own lines."""
    declared = declare(load(path), path, sets)
    with _not_too_deep(declared.spec.module.span(declared.spec.module.tree)):
        *_, (_, unmerged), (_, program) = _stages(steps(declared))
    return declared.spec, program, unmerged


def stages(path: str, sets: Mapping[str, bool | int]) -> Iterator[tuple[str, ir.Program]]:
    """The Program after each stage, with the stage's name."""
    declared = declare(load(path), path, sets)
    with _not_too_deep(declared.spec.module.span(declared.spec.module.tree)):
        yield from _stages(steps(declared))


@contextmanager
def _not_too_deep(span: Span) -> Iterator[None]:
    """Functions are walked as deep as they are nested, with those that are inlined."""
    try:
        yield
    except RecursionError:
        raise SpecError(
            span, "with the functions that are inlined, this is nested too deeply",
            "shorter functions, and fewer calls within calls",
        ) from None


def _stages(program: ir.Program) -> Iterator[tuple[str, ir.Program]]:
    yield "steps", program
    program = infer_ranges(program)
    check_sizes(program)
    refuse_slips(program)
    yield "ranges", program
    program = liveness(program)
    check(program, "steps")
    yield "liveness", program
    program = sc(program)
    check(program, "memory")
    yield "sc", program
    program = merge_locations(program)
    check(program, "passes")
    yield "merged", program


def steps(declared: Declared, weave: Weave = woven) -> ir.Program:
    """The first Program: a location for each shared access, interrupts put in by `weave`."""
    return _Compiler(declared.spec, declared.types, weave).program()


class _Compiler:
    def __init__(self, spec: Spec, types: Types, weave: Weave) -> None:
        self.spec = spec
        self.types = types
        self.weave = weave
        self.expressions = Expressions(spec, types)
        self.instances = Instances(self.expressions)
        self.ambiguous: Pending | None = None
        self.reasons: list[str] = []
        self.cells = 0
        self.declared: dict[str, tuple[SharedField, Module]] = {}
        self.holders: dict[str, Index] = {}  # of the locks that only their holder releases

    def program(self) -> ir.Program:
        processes = tuple(self._process(f) for f in self.spec.processes)
        boot = self._boot()
        variables = tuple(self._variables())
        processes = asserted_at_ends(processes, boot, self.holders, self.spec.index_sorts)
        properties = tuple(
            p for p in map(self._property, self.spec.properties)
            if not (isinstance(p.when, ir.Const) and p.when.value is False)
        )  # one whose `when` is false at this instance promises nothing here
        self._rest_of_the_spec()
        program = ir.Program(
            name=self.spec.module.name,
            parameters=tuple((p.name, p.value) for p in self.spec.parameters),
            index_sorts=self.spec.index_sorts,
            variables=(),
            boot=boot,
            processes=processes,
            properties=properties,
            assumptions=tuple(dict.fromkeys(self.reasons)),
        )
        used = _used(program)
        variables = tuple(v for v in variables if v.name in used)
        for v in variables:
            if v.initial is None and boot is None:
                raise SpecError(
                    v.span, f"{v.name} has no value to begin with", _default(v),
                )
        program = type_nulls(replace(program, variables=variables))
        self._one_of_a_name(program)
        drawn = tickets(program)
        for variable in program.variables:
            if variable.name in drawn:
                self._modulus(variable)
        return program

    # -------------------------------------------------------------------------------- processes

    def _process(self, function: Function) -> ir.Process:
        arguments = function.node.args.args
        me = Value(ir.Me(), ir.Int(0, function.count - 1)) if arguments else None
        with _not_too_deep(function.span):
            compiled = self.instances.of_process(function, me)
            template = Steps(self.expressions, self.instances, boot=False).process(compiled)
        if template.ambiguous_head is not None and self.ambiguous is None:
            self.ambiguous = template.ambiguous_head
        self.reasons += template.reasons
        process = self._template(
            function.name, function.count, bool(arguments) or function.count > 1, template,
            function.span,
        )
        handlers = tuple(self._handler(f) for f in self.spec.interrupts if f.of is function)
        if len(handlers) > 1:
            names = ", ".join(handler.name for handler in handlers)
            self.reasons.append(f"handlers do not nest: {names} of {function.name}")
        if not handlers:
            return process
        return self.weave(process, handlers, template.come, template.before)

    def _handler(self, function: Function) -> Handler:
        assert function.of is not None
        arguments = function.node.args.args
        me = Value(ir.Me(), ir.Int(0, function.of.count - 1)) if arguments else None
        with _not_too_deep(function.span):
            compiled = self.instances.of_process(function, me)
            steps = Steps(self.expressions, self.instances, boot=False, ends=True)
            template = steps.process(compiled)
        self.reasons += template.reasons
        span = function.span.first_line()
        process = self._template(function.name, function.of.count, True, template, function.span)
        return begun(Handler(process, span))

    def _boot(self) -> ir.Process | None:
        if not self.spec.boots:
            return None
        for function in self.spec.boots:
            if function.node.args.args:
                raise SpecError(function.span, "boot takes no arguments", "def boot() -> None")
        compiled = [self.instances.of_process(f, None) for f in self.spec.boots]
        template = Steps(self.expressions, self.instances, boot=True).boots(compiled)
        for action in template.actions:
            for below in (e for expr in exprs_of(action) for e in ir.walk(expr)):
                if isinstance(below, ir.Self):
                    raise SpecError(
                        below.span, "boot is no process: it runs alone, before there is any",
                        "boot without locks, and without this_process()",
                    )
        return self._template("boot", 1, False, template, self.spec.boots[0].span)

    def _template(
        self, name: str, count: int, indexed: bool, template: Template, span: Span
    ) -> ir.Process:
        sorts = self._local_sorts()
        used = dict.fromkeys(
            n for block in (template.entry, *(a.body for a in template.actions))
            for n in _locals_of(block)
        )
        for action in template.actions:
            for expr in exprs_of(action):
                used |= dict.fromkeys(e.name for e in ir.walk(expr) if isinstance(e, ir.Local))
        variables = []
        for local in used:
            plain = local.rstrip("'")
            if plain in sorts:
                sort, checked, where = sorts[plain]
                variables.append(ir.Variable(local, sort, checked=checked, span=where))
        return ir.Process(
            name, count, indexed, tuple(variables), template.entry, tuple(template.actions), span
        )

    def _local_sorts(self) -> dict[str, tuple[ir.Sort, bool, Span]]:
        """Every local of every function instance: its sort, whether it is checked, its place."""
        found: dict[str, tuple[ir.Sort, bool, Span]] = {}
        for compiled in self.instances.known.values():
            instance = compiled.instance
            for name, kind in instance.locals.items():
                span = instance.spans.get(name, instance.function.span)
                checked = name in instance.annotated
                for leaf, sort in leaves(f"{instance.prefix}.{name}", kind):
                    if isinstance(sort, NoneType):
                        sort = ir.Ref("process", self.types.processes, True)
                    if isinstance(sort, (ir.Bool, ir.Int, ir.Enum, ir.Ref)):
                        inside = leaf != f"{instance.prefix}.{name}"
                        wraps = isinstance(sort, ir.Int) and sort.wraps
                        bounded = isinstance(sort, ir.Int) and sort != UNBOUNDED
                        found[leaf] = (sort, checked or inside or wraps or bounded, span)
        return found

    # ------------------------------------------------------------------------------- properties

    def _property(self, function: Function) -> ir.Property:
        sentence = self.spec.sentence(function)
        module = function.module
        if function.node.args.args:
            raise SpecError(
                module.span(function.node.args.args[0]), "a property takes no arguments",
                f"def {function.name}() -> bool",
            )
        same = [p for p in self.spec.properties if self.spec.sentence(p) == sentence]
        if len(same) > 1:
            where = next(p.span for p in same if p is not function)
            raise SpecError(function.span, f"{where} says the same", "one of the two")
        with _not_too_deep(function.span):
            value = pure(self.expressions, function, {}, Reading("instant"))
        if not isinstance(value.type, ir.Bool):
            raise SpecError(
                function.span, f"{function.name} does not return a bool", "-> bool, and a condition"
            )
        when = None
        if function.when is not None:
            when = self.expressions.test(function.when, Scope(module), Reading("instant"))
        for below in (e for x in (value.expr, when) if x is not None for e in ir.walk(x)):
            if isinstance(below, ir.Self):
                raise SpecError(
                    below.span, "a property is of all memory, and of no process",
                    "an assert in the process, or a field that says who",
                )
        if self.ambiguous is not None:
            for expr in (value.expr, *((when,) if when is not None else ())):
                if any(isinstance(e, ir.AtRest) for e in ir.walk(expr)):
                    raise _no_head(self.ambiguous)
        return ir.Property(function.role, sentence, value.expr, when, function.span)

    def _one_of_a_name(self, program: ir.Program) -> None:
        """SpecError where two Enums or words of one name are used: a Program, its notation and its
        exports know them by name alone.  (What a file that is imported has besides is not used.)"""
        met: dict[str, ir.Enum | ir.Record] = {}
        for sort in sorts(program):
            if isinstance(sort, ir.Enum | ir.Record) and met.setdefault(sort.name, sort) != sort:
                module, node = next(
                    (m, n) for m in reversed(self.spec.modules) for n in m.tree.body
                    if isinstance(n, ast.ClassDef) and n.name == sort.name
                )
                raise SpecError(
                    module.span(node).first_line(),
                    f"another file has an Enum or word called {sort.name}, and both are used here",
                    "another name",
                )

    def _rest_of_the_spec(self) -> None:
        """Functions that nothing calls are checked too, where their types are plain."""
        for node in self.spec.module.tree.body:
            function = self.spec.module.scope.get(getattr(node, "name", ""))
            if isinstance(function, Function) and function.role in ("plain", "predicate"):
                self.instances.check_uncalled(function)

    # -------------------------------------------------------------------------------- variables

    def _variables(self) -> Iterator[ir.Variable]:
        for cls in self.spec.classes:
            assert cls.count is not None
            yield from self._fields(cls, {}, cls.name, ((cls.name, cls.count),))
        for found in self.spec.objects:
            match found.type:
                case ObjectType(cls, bindings):
                    yield from self._fields(cls, dict(bindings), found.name, ())
                case ArrayType(ObjectType(cls, bindings), sizes):
                    index = tuple((f"{found.name}", size) for size in sizes)
                    yield from self._fields(cls, dict(bindings), found.name, index)

    def _fields(
        self, cls: SharedClass, bindings: dict[str, Type], prefix: str,
        index: tuple[tuple[str, int], ...],
    ) -> Iterator[ir.Variable]:
        for declared in cls.fields:
            kind = field_type(self.expressions, cls, declared, bindings)
            name = f"{prefix}.{declared.name}"
            if isinstance(kind, ObjectType):
                if declared.default is not None:
                    raise SpecError(
                        declared.span, f"{declared.name} is embedded: its class has the defaults",
                        f"{declared.name}: {kind.cls.name}",
                    )
                yield from self._fields(kind.cls, dict(kind.bindings), name, index)
                continue
            sort = self.types.value_sort(declared.annotation, cls.module, bindings)
            self.declared[name] = declared, cls.module
            cells = prod(size for _, size in index)
            self.cells += cells
            within(
                self.cells, MOST_CELLS, declared.span, "memory locations up to this one",
                "smaller classes and arrays, or fewer fields",
            )
            initial: tuple[ir.Value, ...] | None = None
            if declared.default is not None:
                value = evaluate(declared.default, cls.module, self.types)
                self.types.fits(value, sort, cls.module, declared.default)
                initial = (value,) * cells
            if cls.owned and declared.name == "holder":
                self.holders[name] = index
            yield ir.Variable(
                name, sort, index, initial, is_ghost(declared.annotation, cls.module),
                passing=cls is self.types.lock and declared.name == "holder", span=declared.span,
            )

    def _modulus(self, variable: ir.Variable) -> None:
        """That each process could hold a ticket of its own."""
        sort, (declared, module) = variable.sort, self.declared[variable.name]
        least = self.types.processes
        if not (isinstance(sort, ir.Int) and sort.wraps and sort.hi + 1 < least):
            return
        instead = f"wrapping({least}), or more"
        for name in ast.walk(declared.annotation):
            given = module.scope.get(name.id) if isinstance(name, ast.Name) else None
            if isinstance(given, Parameter) and least <= given.hi:
                instead = f"--set {given.name}={least}, or more"
        raise SpecError(
            declared.span,
            f"the modulus {sort.hi + 1} is too small for {least} processes:"
            " two of them could hold the same ticket", instead,
        )


def _default(variable: ir.Variable) -> str:
    """What to write instead of a field without a default, in a spec without boot."""
    field = line_text(variable.span)
    match variable.sort:
        case ir.Bool():
            value = "False"
        case ir.Int(lo):
            value = str(lo)
        case ir.Enum(name, members):
            value = f"{name}.{members[0]}"
        case ir.Ref(nullable=True):
            value = "None"
        case ir.Ref():
            return f"a function @boot that sets {variable.name.split('.')[-1]} to an element"
        case ir.Record(name):
            value = f"{name}(...)"
    return f"{field} = {value}, or a function @boot that sets it"


def _no_head(at: Pending) -> SpecError:
    """Why at_rest() has no answer for a process that comes by this location."""
    if at.local:
        return SpecError(
            at.span,
            "this loop takes no step, since it accesses nothing that is shared: no process stands "
            "at its head, and at_rest() asks for those that stand at the head of a loop",
            "such a loop within `while True:`, behind an access",
        )
    around = loops_around(at.point)
    again = "a loop whose first access is the same on every turn"
    if around and not has_no_way_out(around[0]):
        return SpecError(
            at.span, "at_rest() cannot tell whether a process here is at the head of its loop: it "
            "comes here from the head, and from other lines of the loop",
            "the loop in a function that the process calls: who still tries again there is not at "
            f"rest; or {again}",
        )
    return SpecError(
        at.span, "at_rest() cannot tell whether a process here is at the head of its loop", again
    )


def _locals_of(block: ir.Block) -> Iterator[str]:
    for statement in ir.statements(block):
        if isinstance(statement, (ir.Assign, ir.Choose)):
            yield statement.local
        for expr in ir.statement_exprs(statement):
            yield from (e.name for e in ir.walk(expr) if isinstance(e, ir.Local))


def _used(program: ir.Program) -> set[str]:
    """The shared variables that a Program mentions."""
    exprs: list[ir.Expr] = []
    used: set[str] = set()
    for process in (*program.processes, *((program.boot,) if program.boot else ())):
        for block in (process.entry, *(a.body for a in process.actions)):
            used.update(
                s.place.variable for s in ir.statements(block) if isinstance(s, ir.SetGhost)
            )
        exprs += exprs_in(process.entry)
        for action in process.actions:
            exprs += exprs_of(action)
            if isinstance(action.access, (ir.Load, ir.Store, ir.Rmw)):
                used.add(action.access.place.variable)
    for prop in program.properties:
        exprs.append(prop.condition)
        if prop.when is not None:
            exprs.append(prop.when)
    for expr in exprs:
        for below in ir.walk(expr):
            if isinstance(below, ir.Cell):
                used.add(below.place.variable)
            if isinstance(below, ir.Quantified) and isinstance(below.domain, ir.Chain):
                used.add(below.domain.variable)
    return used
