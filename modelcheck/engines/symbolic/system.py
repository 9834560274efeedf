"""A Program as a transition system in z3: the variables of a state, one step, what may be asked.

`Frames` makes the constants of the states after 0, 1, 2, ... steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from modelcheck.engines.symbolic.actions import Inputs, Outcome, Way, arrived, merged
from modelcheck.engines.symbolic.expressions import Scope, Slot, Wrong, expression
from modelcheck.engines.symbolic.terms import (
    NIL, Bit, Num, Sym, Terms, both, either, is_const, no, num,
)
from modelcheck.ir import END, Bool, Enum, Int, Process, Property, Record, Ref, Sort, Value
from modelcheck.records import dataclass
from modelcheck.semantics import Semantics, State
from modelcheck.semantics.states import States, numbers


@dataclass(frozen=True)
class Asked:
    """A property in a state: whether it is true, and whether it cannot be evaluated."""

    holds: Bit
    faults: Bit


class System:
    """One step, over `state` (the present one) and `inputs`.

    who     the input that says who takes the step
    steps   there is a step: `next` is the state that it leads to
    faults  the step is there, and ends in a fault
    beyond  it does more than the terms follow
    asked   the Program's properties in the present state, in order
    """

    def __init__(self, semantics: Semantics) -> None:
        self.terms = Terms()
        self.semantics = semantics
        self.sorts = state_sorts(semantics)
        self.state: list[Sym] = [
            self.terms.variable(f"s{slot}", sort) for slot, sort in enumerate(self.sorts)
        ]
        self.inputs = Inputs(self.terms)
        self.heads = tuple((here, at_head(p)) for p, _, here in semantics.processes)
        self.who = self.inputs.number("who", len(semantics.processes))
        self.steps: Bit = False
        self.faults: Bit = False
        self.beyond: Bit = False
        ways: list[Way] = []
        for number in range(len(semantics.processes)):
            mine = self.terms.equal(self.who, num(number))
            way, wrong = self._process(number)
            self.faults = either(self.faults, both(mine, wrong.fault))
            self.beyond = either(self.beyond, both(mine, wrong.beyond))
            ways.append(Way(both(mine, way.test), way.memory))
        end = merged(self.terms, ways)
        self.steps = end.test
        self.next = [end.memory[slot] for slot in range(semantics.width)]
        present: dict[Slot, Sym] = dict(enumerate(self.state))
        self.asked = tuple(
            property_in(p, self.terms, semantics, present, self.heads)
            for p in semantics.program.properties
        )

    def _process(self, number: int) -> tuple[Way, Wrong]:
        """All that one process can do."""
        process, _, here = self.semantics.processes[number]
        present: dict[Slot, Sym] = dict(enumerate(self.state))
        wrong, ways = Wrong(), [Way(False, present)]
        for at, action in enumerate(process.actions):
            if action.transit:
                continue
            stands = self.terms.equal(self.state[here], num(at))
            memory = arrived(self.terms, process, here, at, present)
            outcome = Outcome(
                self.semantics, number, action, memory, self.inputs, self.heads
            )
            wrong.fault = either(wrong.fault, both(stands, outcome.wrong.fault))
            wrong.beyond = either(wrong.beyond, both(stands, outcome.wrong.beyond))
            ways += [Way(both(stands, end.test), end.memory) for end in outcome.ends]
        return merged(self.terms, ways), wrong


def property_in(
    property: Property, terms: Terms, states: States, memory: Mapping[Slot, Sym],
    heads: tuple[tuple[int, frozenset[int]], ...],
) -> Asked:
    """What a property is on a memory."""
    wrong = Wrong()
    scope = Scope(terms, states, memory, {}, 0, 0, heads, True, wrong)
    when = True if property.when is None else expression(property.when, scope)
    holds = expression(property.condition, scope.where(when))
    if not property.invariant:
        return Asked(both(when, holds), wrong.fault)
    return Asked(either(no(when), holds), wrong.fault)


def state_sorts(semantics: Semantics) -> list[Sort]:
    """The sort of each number of a state; a location is an Int."""
    sorts: list[Sort] = [variable.sort for variable, _ in semantics.owners]
    for process, _, _ in semantics.processes:
        sorts += [Int(0, len(process.actions)), *(v.sort for v in process.locals)]
    return sorts


def at_head(process: Process) -> frozenset[int]:
    """The numbers of the locations where `AtRest` takes a process to be at rest."""
    heads = {a.at for a in process.actions if a.head}
    return frozenset(n for n, at in enumerate(numbers(process)) if at == END or at in heads)


def flat(sym: Sym) -> list[Any]:
    """The z3 constants of a variable."""
    if isinstance(sym, tuple):
        return [term for part in sym for term in flat(part)]
    if isinstance(sym, Num):
        return [] if sym.term is None else [sym.term]
    return [sym]


STEPS, FAULTS, BEYOND = "steps", "faults", "beyond"


def holds(number: int) -> str:
    """The name of: property number `number` is true."""
    return f"holds{number}"


def cannot(number: int) -> str:
    """The name of: property number `number` cannot be evaluated."""
    return f"cannot{number}"


class Frames:
    """The states after 0, 1, 2, ... steps, each with its own constants.

    `literal(name, k)` is true where what has that name is so in the state after k steps, or (STEPS,
    FAULTS, BEYOND) of the step from there.  Only what `about_...` returns says so to a solver.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        terms = system.terms
        of_step = {STEPS: system.steps, FAULTS: system.faults, BEYOND: system.beyond}
        of_state: dict[str, Bit] = {}
        for number, asked in enumerate(system.asked):
            of_state[holds(number)] = asked.holds
            of_state[cannot(number)] = asked.faults
        self.constant = {n: b for n, b in (*of_step.items(), *of_state.items()) if is_const(b)}
        self._after = [terms.variable(f"s{slot}'", s) for slot, s in enumerate(system.sorts)]
        self._inputs = [term for number in system.inputs.known.values() for term in flat(number)]
        equal = (terms.equal(a, b) for a, b in zip(self._after, system.next, strict=True))
        self._leads = terms.bit(both(*equal))
        self._step = terms.bit(both(
            *(terms.in_domain(number) for number in system.inputs.known.values()),
            *self._named(of_step),
        ))
        self._state = terms.bit(both(
            *(terms.in_domain(a) for a in system.state), *self._named(of_state)
        ))
        self._names = [z3.Bool(n, terms.context) for n in (*of_step, *of_state)]
        self._states: list[list[Sym]] = []
        self._pairs: list[list[tuple[Any, Any]]] = []

    def _named(self, bits: dict[str, Bit]) -> list[Bit]:
        context = self.system.terms.context
        return [z3.Bool(n, context) == b for n, b in bits.items() if n not in self.constant]

    def state(self, depth: int) -> list[Sym]:
        """The constants of the state after `depth` steps."""
        while len(self._states) <= depth:
            k, terms = len(self._states), self.system.terms
            made = [
                terms.variable(f"s{slot}@{k}", sort) for slot, sort in enumerate(self.system.sorts)
            ]
            others = [*self._inputs, *self._names]
            self._states.append(made)
            self._pairs.append([
                *zip(_terms(self.system.state), _terms(made), strict=True),
                *((term, z3.Const(f"{term}@{k}", term.sort())) for term in others),
            ])
        return self._states[depth]

    def _at(self, formula: Any, depth: int) -> Any:
        self.state(depth)
        return z3.substitute(formula, *self._pairs[depth])

    def begins(self, states: list[State]) -> Any:
        """That the first state is one of these."""
        terms = self.system.terms
        return terms.bit(either(*(
            both(*(
                terms.equal(a, terms.constant(value, sort))
                for a, value, sort in zip(self.state(0), state, self.system.sorts, strict=True)
            ))
            for state in states
        )))

    def about_state(self, depth: int) -> Any:
        """What its names mean in a state, and that its codes are those of values."""
        return self._at(self._state, depth)

    def about_step(self, depth: int) -> Any:
        """What its names mean of the step from a state, and that its inputs are no spare codes."""
        return self._at(self._step, depth)

    def leads_on(self, depth: int) -> Any:
        """That there is a step from a state, and leads to the next."""
        after = zip(_terms(self._after), _terms(self.state(depth + 1)), strict=True)
        return z3.And(
            self.literal(STEPS, depth), z3.substitute(self._at(self._leads, depth), *after)
        )

    def literal(self, name: str, depth: int) -> Any:
        """The literal of a name."""
        terms = self.system.terms
        if name in self.constant:
            return terms.bit(self.constant[name])
        return z3.Bool(f"{name}@{depth}", terms.context)

    def read(self, model: Any, depth: int) -> State:
        """The state after `depth` steps, in a model."""
        pairs = zip(self.state(depth), self.system.sorts, strict=True)
        return tuple(value_of(a, sort, model) for a, sort in pairs)

    def who(self, depth: int) -> list[Any]:
        """The constant that says who takes the step from there; none if there is one process."""
        return [z3.Const(f"{term}@{depth}", term.sort()) for term in flat(self.system.who)]

    def switches(self, depth: int) -> Any:
        """That the step from there and the one that follows are of two processes."""
        pairs = zip(self.who(depth), self.who(depth + 1), strict=True)
        return self.system.terms.bit(either(*(a != b for a, b in pairs)))

    def process(self, model: Any, depth: int) -> int:
        """Who takes the step from there, in a model."""
        return next((_number(term, model) for term in self.who(depth)), 0)


def _terms(state: list[Sym]) -> list[Any]:
    return [term for sym in state for term in flat(sym)]


def _number(term: Any, model: Any) -> int:
    return int(model.eval(term, model_completion=True).as_signed_long())


def value_of(sym: Sym, sort: Sort, model: Any) -> Value:
    """The value of a variable of this sort in a model."""
    match sort:
        case Bool():
            return bool(z3.is_true(model.eval(sym, model_completion=True)))
        case Record(_, fields):
            return tuple(value_of(p, s, model) for p, (_, s) in zip(sym, fields, strict=True))
        case Int() | Enum() | Ref():
            number: int = sym.lo if sym.term is None else _number(sym.term, model)
            return None if isinstance(sort, Ref) and number == NIL else number
