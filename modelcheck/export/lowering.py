"""Program -> Model: a command for each location of each process, and for each way to choose there.

What a step does is followed as `semantics` does it, path by path: through the locations where it
does not end, with dead locals reset where it arrives, and with every fault as a Check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modelcheck.export.bodies import guard, tidied
from modelcheck.export.expressions import (
    Scope, Tree, constant, enum_name, expression, none_name, term,
)
from modelcheck.export.model import Command, Invariant, Model, Names, terms_in
from modelcheck.export.paths import Instance, Paths, refusal
from modelcheck.export.terms import (
    FALSE, LEAST, MOST, TRUE, Beyond, Cells, Num, Term, Truth, and_, equal, named, not_, or_,
    read,
)
from modelcheck.ir import (
    Action, Bool, Enum, Int, Process, Program, Property, Record, Ref, Sort, Value, Variable,
)
from modelcheck.semantics import Semantics
from modelcheck.semantics.states import numbers
from modelcheck.source import NOWHERE, Span, SpecError

MOST_BEGINNINGS = 1_000
MOST_COMMANDS = 20_000


def lowered(program: Program, spec: str, name: str, keywords: str) -> Model:
    """The Model of a Program, to be called `name`; `keywords` are names that the target language
    has no room for.

    SpecError for what cannot be said there."""
    return _Lowering(program, name, Names(keywords)).model(spec)


class _Lowering:
    def __init__(self, program: Program, name: str, names: Names) -> None:
        self.program = program
        self.name = names.given(name)
        self.names = names
        self.semantics = Semantics(program)
        self.variables: list[Cells] = []
        self.shared = {
            v.name: (v, self._tree(v.name, v.sort, v.cells, bool(v.index), v.span))
            for v in program.variables
        }
        self.instances = tuple(self._instances())

    # -------------------------------------------------------------------------------- variables

    def _tree(self, shown: str, sort: Sort, size: int, array: bool, span: Span) -> Tree:
        """The variables that hold the values of a variable of the Program."""
        if isinstance(sort, Record):
            return tuple(
                self._tree(f"{shown}.{name}", part, size, array, span)
                for name, part in sort.fields
            )
        made = Cells(self.names.given(shown), shown, size, array, 0, 0)
        match sort:
            case Bool():
                made = replace(made, truth=True, hi=1)
            case Int(lo, hi):
                if lo < LEAST or hi > MOST:
                    raise SpecError(
                        span, f"{shown} is {lo}..{hi}, and the peers count in 32 bits",
                        "a smaller range, between(lo, hi)",
                    )
                made = replace(made, lo=lo, hi=hi)
            case Enum(_, members):
                names = tuple((n, enum_name(sort, n)) for n in range(len(members)))
                made = replace(made, hi=len(members) - 1, names=names)
            case Ref(cls, size_of, nullable):
                made = replace(made, hi=size_of - 1)
                if nullable:
                    none = none_name(cls)
                    made = replace(made, hi=size_of, none=none, names=((size_of, none),))
        self.variables.append(made)
        return made

    def _instances(self) -> Iterator[Instance]:
        templates: dict[str, tuple[Cells, dict[str, tuple[Variable, Tree]]]] = {}
        for number, (process, me, _) in enumerate(self.semantics.processes):
            if process.name not in templates:
                templates[process.name] = self._template(process)
            pc, own = templates[process.name]
            yield Instance(process, me, number, process.instance(me), pc, own)

    def _template(self, process: Process) -> tuple[Cells, dict[str, tuple[Variable, Tree]]]:
        """Where the processes of a template stand, and their locals: an array each."""
        names = tuple(enumerate(f"{process.name} at {at}" for at in numbers(process)))
        size, array = process.count, process.indexed
        pc = Cells(
            self.names.given(f"{process.name}_pc"), f"{process.name}, its location", size, array,
            0, len(names) - 1, names=names,
        )
        self.variables.append(pc)
        own = {}
        for v in process.locals:
            shown = v.name if v.name.startswith(f"{process.name}.") else f"{process.name}.{v.name}"
            own[v.name] = (v, self._tree(shown, v.sort, size, array, v.span))
        return pc, own

    # ------------------------------------------------------------------------------- beginnings

    def _beginnings(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        begins = self.semantics.initial()
        span = NOWHERE if self.program.boot is None else self.program.boot.span
        for begin in begins:
            if begin.fault is not None:
                raise SpecError(
                    begin.fault.span, f"before the first step: {begin.fault.sentence}",
                    "mend this first: the peers would have nothing to explore",
                )
        if not begins:
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")
        if len(begins) > MOST_BEGINNINGS:
            raise SpecError(
                span, f"there are {len(begins):,} ways to begin, each of which would be written "
                f"out: at most {MOST_BEGINNINGS:,} are", "fewer choices in boot",
            )
        return tuple(self._values(begin.state) for begin in begins if begin.state is not None)

    def _values(self, state: tuple[Value, ...]) -> tuple[tuple[int, ...], ...]:
        held: dict[str, list[int]] = {cells.name: [] for cells in self.variables}
        for number, (variable, _) in enumerate(self.semantics.owners):
            _spread(self.shared[variable.name][1], variable.sort, state[number], held)
        for instance, (_, _, here) in zip(self.instances, self.semantics.processes, strict=True):
            at = state[here]
            assert isinstance(at, int)
            held[instance.pc.name].append(at)
            for n, (variable, tree) in enumerate(instance.own.values()):
                _spread(tree, variable.sort, state[here + 1 + n], held)
        return tuple(tuple(held[cells.name]) for cells in self.variables)

    # ---------------------------------------------------------------------------------- commands

    def model(self, spec: str) -> Model:
        """The whole."""
        program = self.program
        beginnings = self._beginnings()
        commands: list[Command] = []
        for instance in self.instances:
            for action in instance.process.actions:
                if not action.transit:
                    commands += self._commands(instance, action)
                if len(commands) > MOST_COMMANDS:
                    raise SpecError(
                        action.span, f"the design has over {MOST_COMMANDS:,} steps to write out",
                        "fewer processes, or fewer choices",
                    )
        if not commands:
            raise SpecError(NOWHERE, "no process takes a step", "a process that does something")
        invariants = tuple(
            self._invariant(p) for p in program.properties if p.kind == "always"
        )
        return Model(
            name=self.name, spec=spec,
            instance=" ".join(f"{name}={value}" for name, value in program.parameters),
            memory=program.memory or "sc",
            constants=self._constants(commands, invariants),
            variables=tuple(self.variables), beginnings=beginnings, commands=tuple(commands),
            invariants=invariants,
            sometimes=tuple(p.sentence for p in program.properties if p.kind == "sometimes"),
        )

    def _constants(
        self, commands: list[Command], invariants: tuple[Invariant, ...]
    ) -> tuple[tuple[str, str, int], ...]:
        found = {name: value for cells in self.variables for value, name in cells.names}
        for command in commands:
            for each in (command.guard, *terms_in(command.body)):
                found |= named(each)
        for invariant in invariants:
            found |= named(invariant.holds)
        return tuple((name, self.names.given(name), value) for name, value in found.items())

    def _commands(self, instance: Instance, action: Action) -> Iterator[Command]:
        number = numbers(instance.process).index(action.at)
        stands = equal(
            read(instance.pc, Num(instance.me if instance.pc.array else 0)),
            Num(number, instance.pc.names[number][1]),
        )
        paths = Paths(instance, self.shared)
        for choices, through, body in paths.of(action):
            spans = (action.span, *action.also, *through)
            yield Command(
                instance.name, action.at,
                self.names.given(" ".join(map(str, (instance.name, action.at, *choices)))),
                choices, _lines(spans),
                and_(stands, guard(body)), tidied(body),
            )

    # -------------------------------------------------------------------------------- properties

    def _at_rest(self) -> Term:
        rest: Term = TRUE
        for instance in self.instances:
            heads = {a.at for a in instance.process.actions if a.head}
            pc = read(instance.pc, Num(instance.me if instance.pc.array else 0))
            here: Term = FALSE
            for n, at in enumerate(numbers(instance.process)):
                if at in heads or n == len(instance.process.actions):
                    here = or_(here, equal(pc, Num(n, instance.pc.names[n][1])))
            rest = and_(rest, here)
        return rest

    def _invariant(self, property: Property) -> Invariant:
        scope = Scope(self.shared, self._at_rest())
        try:
            found = expression(property.condition, scope)
            holds = and_(not_(found.bad), term(found.worth))
            if property.when is not None:
                when = expression(property.when, scope)
                holds = and_(not_(when.bad), or_(not_(term(when.worth)), holds))
        except Beyond as beyond:
            raise refusal(beyond, property.span) from None
        name = self.names.given(property.sentence)
        return Invariant(name, property.sentence, holds, property.span)


def _spread(tree: Tree, sort: Sort, value: Value, held: dict[str, list[int]]) -> None:
    """Add a value to the lists of the variables that hold it."""
    if isinstance(tree, tuple):
        assert isinstance(sort, Record) and isinstance(value, tuple)
        for part, (_, inner), v in zip(tree, sort.fields, value, strict=True):
            _spread(part, inner, v, held)
        return
    found = constant(value, sort)
    assert isinstance(found, Num | Truth)
    held[tree.name].append(int(found.value))


def _lines(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The spans, each line once; the first always."""
    lines: dict[tuple[str, int], Span] = {}
    for span in spans:
        lines.setdefault((span.file, span.line), span)
    return tuple(lines.values())
