"""The meaning of a Program: where it begins, which steps it can take, what holds in a state.

An engine that disagrees with this package is wrong.  A state is a flat tuple: every shared and
ghost cell in the order of the Program's variables, then for each process the number of its location
and its locals.  `actions.py` says what statements and accesses do, `expressions.py` what is
computed.

    semantics = Semantics(program)
    for begin in semantics.initial():
        for step in semantics.successors(begin.state): ...
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from modelcheck.ir import (
    END,
    Action,
    Expr,
    Load,
    Process,
    Program,
    Property,
    Quantified,
    Rmw,
    Value,
    Variable,
    default_value,
    walk,
)
from modelcheck.records import dataclass
from modelcheck.semantics.actions import CUT, Compiled, Do, Frame, Script, block, compiled
from modelcheck.semantics.expressions import RUNAWAY, UNSET, Fault, Faulted, Scope, expression
from modelcheck.semantics.states import State, States, numbers
from modelcheck.source import NOWHERE, SpecError

__all__ = ["Detail", "Fault", "Initial", "Made", "Semantics", "State", "Step"]

MOST_WAYS = 20_000  # that one step can fork, or that there are to begin
FEWER = "fewer choices between two accesses"
LONGEST = 10_000  # actions in one step
QUANTIFIERS = 16  # nested in each other


class Step(NamedTuple):
    """A step of process number `process` from its location at `action`.

    choices  the number of the option taken, at each Choose
    target   where it leads; None if it ends in a fault
    through  the further actions of this step, those of transit locations
    """

    process: int
    action: Action
    choices: tuple[int, ...]
    target: State | None
    fault: Fault | None
    through: tuple[Action, ...]


class Made(NamedTuple):
    """A choice that was made: the option's number, the local that it set, and its value ("?" if the
    option cannot be evaluated)."""

    option: int
    local: str
    value: str


class Initial(NamedTuple):
    """A beginning, after boot and every process's entry; `state` is None if they end in a fault."""

    state: State | None
    choices: tuple[int, ...]
    fault: Fault | None
    made: tuple[Made, ...]


class Detail(NamedTuple):
    """A step, with what it read (a text; None for a store) in which cell ("": everywhere).  `left`:
    the state after it; of a fault, as it was by then, at the location where the step began."""

    step: Step
    by: str
    cell: str
    read: str | None
    made: tuple[Made, ...]
    left: State


@dataclass(frozen=True)
class _Instance:
    """One process, compiled.  `follows`: for each location's number what a Goto there runs at once;
    END's number is the last and has no action."""

    name: str
    process: Process
    here: int
    slots: dict[str, tuple[int, Variable]]
    entry: Do
    actions: tuple[Compiled, ...]
    follows: tuple[Compiled | None, ...]


class Semantics(States):
    """A Program, compiled once into closures."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._loaded, self._ghosts, self._script = range(self.width, self.width + 3)
        self._bound = range(self.width + 3, self.width + 3 + QUANTIFIERS)
        self._scratch = (None,) * (3 + QUANTIFIERS)
        self._heads = tuple((here, _at_head(process)) for process, _, here in self.processes)
        self._instances = tuple(
            self._compile(process, me, number, here)
            for number, (process, me, here) in enumerate(self.processes)
        )
        self._boot = None if program.boot is None else self._compile(
            program.boot, 0, 0, self._bound.stop, boot=True
        )
        self._checks = {id(p): self._check(p) for p in program.properties}

    # --------------------------------------------------------------------------------- compiling

    def _scope(self, slots: dict[str, int], me: int, number: int, boot: bool = False) -> Scope:
        return Scope(self.cells, slots, me, number, self._loaded, self._bound, self._heads, boot)

    def _compile(
        self, process: Process, me: int, number: int, here: int, boot: bool = False
    ) -> _Instance:
        slots = {v.name: (here + 1 + n, v) for n, v in enumerate(process.locals)}
        live = {a.at: a.live for a in process.actions}
        ordered = numbers(process)
        frame = Frame(
            scope=self._scope({name: slot for name, (slot, _) in slots.items()}, me, number, boot),
            locals=slots,
            locations={at: n for n, at in enumerate(ordered)},
            dead={
                at: tuple(
                    (slot, default_value(v.sort)) for name, (slot, v) in slots.items()
                    if name not in live.get(at, ())
                )
                for at in ordered
            },
            ghosts=self._ghosts, script=self._script, here=here,
        )  # fmt: skip
        actions = tuple(compiled(a, frame) for a in process.actions)
        follows = (*(c if c.action.transit else None for c in actions), None)
        entry = block(process.entry, frame)
        return _Instance(process.instance(me), process, here, slots, entry, actions, follows)

    # ----------------------------------------------------------------------------------- running

    def initial(self) -> list[Initial]:
        """Every beginning, in the order of the choices made; of equal states the first.

        SpecError if boot leaves a cell without a value."""
        found: dict[tuple[State | None, Fault | None], Initial] = {}
        script: Script | None = Script()
        for way in itertools.count():
            if script is None:
                break
            if way == MOST_WAYS:
                span = NOWHERE if self._boot is None else self._boot.process.span
                raise SpecError(span, f"there are over {MOST_WAYS:,} ways to begin", FEWER)
            begin = self._begin(script)
            if begin is not None:
                found.setdefault((begin.state, begin.fault), begin)
            script = script.following()
        return list(found.values())

    def _begin(self, script: Script) -> Initial | None:
        """Boot and the entries with these choices; None if an `assume` cuts them short."""
        s: list[Any] = []
        for variable in self.program.variables:
            s += variable.initial or (UNSET,) * variable.cells
        s += (None,) * (self.width - len(s))
        s += self._scratch
        s[self._script] = script
        made: list[Made] = []
        state, fault = None, None
        booting = self._boot is not None
        try:
            if self._boot is not None:
                defaults = (default_value(v.sort) for v in self._boot.process.locals)
                if self._enter(self._boot, [*s, 0, *defaults], s, made) == CUT:
                    return None
            self._all_set(s)
            booting = False
            for instance in self._instances:
                s[self._ghosts] = None
                if self._enter(instance, s, s, made) == CUT:
                    return None
            state = tuple(s[: self.width])
        except Faulted as faulted:
            fault = faulted.fault
            if fault.kind == "runaway" and self._boot is not None and booting:
                raise SpecError(
                    fault.span if fault.span != NOWHERE else self._boot.process.span,
                    f"boot does not end within {LONGEST:,} steps",
                    "a loop that ends, or a smaller instance",
                ) from None
        return Initial(state, tuple(script.taken), fault, tuple(made))

    def _enter(
        self, instance: _Instance, s: list[Any], memory: list[Any], made: list[Made]
    ) -> int:
        """Run a process from its entry to its first step; copy what that leaves to `memory`."""
        script: Script = s[self._script]
        before = len(script.made)
        script.base = len(script.taken)
        for slot, variable in instance.slots.values():
            s[slot] = default_value(variable.sort)
        try:
            to = instance.entry(s)
            assert to is not None, "every path of an entry ends in a Goto"
            to = self._follow(to, instance, s, [])
        finally:
            made += [
                self._made(option, local, value, instance.name + ".")
                for option, local, value in script.made[before:]
            ]
        memory[: len(memory)] = s[: len(memory)]
        return to

    def _all_set(self, s: list[Any]) -> None:
        for cell, (variable, _) in enumerate(self.owners):
            if s[cell] is UNSET:
                name = self.cell_name(cell)
                raise SpecError(
                    variable.span, f"{name} has no default, and boot leaves it unset",
                    "a default in the class, or set it in @boot",
                )

    def _follow(
        self, to: int, instance: _Instance, s: list[Any], through: list[Action]
    ) -> int:
        """Go on where a Goto does not end the step; the number of the location where it ends."""
        while to >= 0 and (following := instance.follows[to]) is not None:
            if len(through) == LONGEST:
                raise Faulted("runaway", RUNAWAY, following.action.span)
            through.append(following.action)
            to = following.run(s)
        return to

    def successors(self, state: State) -> list[Step]:
        """Every step from a state: by process, then by choices."""
        steps: list[Step] = []
        for process, instance in enumerate(self._instances):
            if state[instance.here] != len(instance.actions):
                steps += self.steps(state, process)[0]
        return steps

    def steps(self, state: State, process: int) -> tuple[list[Step], bool]:
        """The steps of one process that has not ended, by choices; and whether an `assume` cuts one
        short."""
        instance = self._instances[process]
        action = instance.actions[state[instance.here]]  # type: ignore[index]
        steps, cut = [], False
        script: Script | None = None
        for way in itertools.count():
            if way == MOST_WAYS:
                span = action.action.span
                raise SpecError(span, f"this step forks over {MOST_WAYS:,} ways", FEWER)
            s: list[Any] = [*state, *self._scratch]
            s[self._script] = script
            step = self._take(process, action, s)
            if isinstance(step, Step):
                steps.append(step)
            else:
                cut |= step == CUT
            script = s[self._script]
            if script is not None:
                script = script.following()
            if script is None:
                break
        return steps, cut

    def _take(self, process: int, action: Compiled, s: list[Any]) -> Step | int:
        """One run of an action on its memory: its step, or why there is none."""
        through: list[Action] = []
        target: State | None = None
        fault: Fault | None = None
        try:
            to = action.run(s)
            if to >= 0:
                to = self._follow(to, self._instances[process], s, through)
            if to < 0:
                return to
            target = tuple(s[: self.width])
        except Faulted as faulted:
            fault = faulted.fault
            if fault.span == NOWHERE:
                fault = replace(fault, span=(through[-1] if through else action.action).span)
        script = s[self._script]
        choices = () if script is None else tuple(script.taken)
        return Step(process, action.action, choices, target, fault, tuple(through))

    def detail(self, state: State, process: int, choices: tuple[int, ...]) -> Detail | None:
        """What the step of `process` with these choices does; None if there is no such step."""
        instance = self._instances[process]
        if state[instance.here] == len(instance.actions):
            return None
        step = next((t for t in self.steps(state, process)[0] if t.choices == choices), None)
        if step is None:
            return None
        action = instance.actions[state[instance.here]]  # type: ignore[index]
        script = Script(choices)
        s: list[Any] = [*state, *self._scratch]
        s[self._script] = script
        self._take(process, action, s)
        made = tuple(self._made(*choice) for choice in script.made)
        return Detail(step, *self._touched(state, action), made, tuple(s[: self.width]))

    def _made(self, option: int, local: Variable, value: Any, owner: str = "") -> Made:
        shown = "?" if value is UNSET else self.show(value, local.sort)
        return Made(option, owner + local.name, shown)

    def _touched(self, state: State, action: Compiled) -> tuple[str, str, str | None]:
        """The operation, the cell and what is read there."""
        access = action.action.access
        by = "" if access is None else access.by
        if action.place is None:
            return by, "", None
        try:
            cell = action.place([*state, *self._scratch])
        except Faulted:
            return by, "", None
        reads = isinstance(access, Load | Rmw)
        return by, self.cell_name(cell), self.show_cell(state, cell) if reads else None

    # ------------------------------------------------------------------------------- expressions

    def evaluate(self, expr: Expr, state: State) -> Value | Fault:
        """What an expression over all of memory is worth in a state."""
        return self.reader(expr, {}, 0)(state)

    def reader(
        self, expr: Expr, slots: dict[str, int], process: int
    ) -> Callable[[State], Value | Fault]:
        """What an expression is worth, as a function of the state: over all of memory, and over the
        locals that stand at these slots.  `process`: whose `me` and `self` it means."""
        read = expression(expr, self._scope(slots, self.processes[process][1], process))

        def value(state: State) -> Value | Fault:
            try:
                found: Value = read([*state, *self._scratch])
            except Faulted as faulted:
                return faulted.fault
            return found

        return value

    def holds(self, property: Property, state: State) -> bool | Fault:
        """Whether a property is true in a state: of `always` and `lemma`, also where its `when` is
        false; of `sometimes`, only where its `when` is true."""
        check = self._checks.get(id(property)) or self._check(property)
        return check(state)

    def _check(self, property: Property) -> Callable[[State], bool | Fault]:
        scope = self._scope({}, 0, 0)
        condition = expression(property.condition, scope)
        when = None if property.when is None else expression(property.when, scope)
        where_not = property.invariant
        binds = any(
            isinstance(e, Quantified) for part in (property.condition, property.when) if part
            for e in walk(part)
        )

        def check(state: State) -> bool | Fault:
            s = [*state, *self._scratch] if binds else state
            try:
                if when is not None and not when(s):
                    return where_not
                return bool(condition(s))
            except Faulted as faulted:
                fault = faulted.fault
                return replace(fault, span=property.span) if fault.span == NOWHERE else fault

        return check


def _at_head(process: Process) -> frozenset[int]:
    """The numbers of the locations where `AtRest` takes a process to be at rest."""
    heads = {a.at for a in process.actions if a.head}
    return frozenset(n for n, at in enumerate(numbers(process)) if at == END or at in heads)
