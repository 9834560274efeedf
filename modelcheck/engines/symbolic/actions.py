"""What a process can do in one step from one location, as terms.

The counterpart of `semantics/actions.py`.  Runs that meet again (after an If, or at a `transit`
location) are merged, so that a step has one term for each cell however many ways lead through it.
"""

from __future__ import annotations

from dataclasses import field

from modelcheck.engines.symbolic.expressions import (
    Scope, Slot, Wrong, elements, expression, fitted, offset,
)
from modelcheck.engines.symbolic.terms import Bit, Num, Sym, Terms, both, either, no, num
from modelcheck.ir import (
    Access, Action, Assert, Assign, Assume, Block, Choose, Expr, Fence, Goto, If, Load, Observe,
    Place, Process, Record, Rmw, SetGhost, Sort, Statement, Store, default_value,
)
from modelcheck.records import dataclass
from modelcheck.semantics.states import States, numbers

ROUNDS = 64  # transit locations in one step: a longer one is `beyond`
CHOICES = 64  # in one step, likewise


@dataclass(frozen=True)
class Way:
    """Runs at one point of a step: the condition on which there is one, and its memory."""

    test: Bit
    memory: dict[Slot, Sym]


@dataclass
class Inputs:
    """What is free in a step: who takes it, and which options he chooses.  The numbers of options
    are shared by all processes and locations, of which only one is at work in a step."""

    terms: Terms
    known: dict[str, Num] = field(default_factory=dict)

    def number(self, name: str, count: int) -> Num:
        """A free number below `count`, by its name."""
        return self.known.setdefault(name, self.terms.number(name, 0, count - 1))


class Outcome:
    """What a process can do from one location, `begin`.

    ends   the runs that end a step, at a location that is not transit
    wrong  the conditions on which there is a fault, or more than is followed here
    """

    def __init__(
        self, states: States, number: int, begin: Action, memory: dict[Slot, Sym], inputs: Inputs,
        heads: tuple[tuple[int, frozenset[int]], ...],
    ) -> None:
        self.terms = inputs.terms
        self.states = states
        self.number = number
        self.process, self.me, self.here = states.processes[number]
        self.inputs = inputs
        self.heads = heads
        self.slots = {v.name: self.here + 1 + n for n, v in enumerate(self.process.locals)}
        self.sorts = {v.name: v for v in self.process.locals}
        self.locations = {at: n for n, at in enumerate(numbers(self.process))}
        self.choices = 0
        self.ends: list[Way] = []
        self.wrong = Wrong()
        self.pending: dict[int, list[Way]] = {}
        self._action(begin, Way(True, memory))
        for _ in range(ROUNDS):
            todo, self.pending = self.pending, {}
            for at in sorted(todo):
                self._action(self.process.actions[at], merged(self.terms, todo[at]))
        for ways in self.pending.values():
            self.wrong.beyond = either(self.wrong.beyond, *(way.test for way in ways))

    # ------------------------------------------------------------------------------------- actions

    def _scope(self, way: Way) -> Scope:
        return Scope(
            self.terms, self.states, way.memory, self.slots, self.me, self.number, self.heads,
            way.test, Wrong(),
        )

    def _on(self, way: Way, scope: Scope, test: Bit = True) -> Way:
        """The runs that go on after what was evaluated in this scope, where `test` holds."""
        wrong = scope.wrong
        self.wrong.fault = either(self.wrong.fault, wrong.fault)
        self.wrong.beyond = either(self.wrong.beyond, wrong.beyond)
        return Way(both(way.test, no(wrong.fault), no(wrong.beyond), test), way.memory)

    def _action(self, action: Action, way: Way) -> None:
        way = self._reads(action.access, Way(way.test, dict(way.memory)))
        if action.wait is not None:
            scope = self._scope(way)
            way = self._on(way, scope, expression(action.wait, scope))
        way = self._writes(action.access, way)
        self._block(action.body, way)

    def _reads(self, access: Access | None, way: Way) -> Way:
        scope = self._scope(way)
        match access:
            case None | Fence() | Store():
                return way
            case Load(place) | Rmw(place):
                tests = offset(place, scope)
                way.memory["$"] = self.terms.select((t, way.memory[at]) for t, at in tests)
            case Observe(value):
                way.memory["$"] = expression(value, scope)
        return self._on(way, scope)

    def _writes(self, access: Access | None, way: Way) -> Way:
        match access:
            case None | Fence() | Load() | Observe():
                return way
            case Store(place, value, part):
                return self._store(place, value, part, way)
            case Rmw(place, value):
                return self._store(place, value, (), way)

    def _store(self, place: Place, value: Expr, part: tuple[str, ...], way: Way) -> Way:
        scope = self._scope(way)
        _, variable = self.states.cells[place.variable]
        sort: Sort = variable.sort
        for name in part:
            assert isinstance(sort, Record)
            sort = dict(sort.fields)[name]
        cells = offset(place, scope)
        new = fitted(expression(value, scope), sort, variable.checked, scope)
        for test, at in cells:
            old = way.memory[at]
            whole = with_part(old, variable.sort, part, new)
            way.memory[at] = self.terms.ite(test, whole, old)
        return self._on(way, scope)

    # ---------------------------------------------------------------------------------- statements

    def _block(self, block: Block, way: Way) -> Way:
        for statement in block:
            if way.test is False:
                break
            way = self._statement(statement, way)
        return way

    def _statement(self, statement: Statement, way: Way) -> Way:
        scope = self._scope(way)
        match statement:
            case Assign(local, value):
                variable = self.sorts[local]
                found = fitted(expression(value, scope), variable.sort, variable.checked, scope)
                way.memory[self.slots[local]] = found
                return self._on(way, scope)
            case SetGhost():
                return self._set_ghost(statement, way)
            case Assert(condition):
                scope.fault(no(expression(condition, scope)))
                return self._on(way, scope)
            case Assume(condition):
                return self._on(way, scope, expression(condition, scope))
            case Choose():
                return self._choose(statement, way)
            case If(condition, then, other):
                test = expression(condition, scope)
                way = self._on(way, scope)
                arms = (
                    self._block(arm, Way(both(way.test, taken), dict(way.memory)))
                    for arm, taken in ((then, test), (other, no(test)))
                )
                return merged(self.terms, list(arms))
            case Goto(location):
                self._goto(location, way)
                return Way(False, way.memory)

    def _set_ghost(self, statement: SetGhost, way: Way) -> Way:
        scope, terms = self._scope(way), self.terms
        _, variable = self.states.cells[statement.place.variable]
        cells = offset(statement.place, scope)
        value = expression(statement.value, scope)
        new = fitted(value, variable.sort, variable.checked, scope)
        for test, at in cells:
            if not variable.passing:
                done = way.memory.get(("set", at), False)
                first = way.memory.get(("first", at), new)
                scope.fault(both(test, done, no(terms.equal(first, new))))
                way.memory["first", at] = terms.ite(done, first, new)
                way.memory["set", at] = either(done, test)
            way.memory[at] = terms.ite(test, new, way.memory[at])
        return self._on(way, scope)

    def _choose(self, statement: Choose, way: Way) -> Way:
        scope, terms = self._scope(way), self.terms
        variable = self.sorts[statement.local]
        self.choices += 1
        if self.choices > CHOICES:
            scope.beyond(True)
            return self._on(way, scope)
        options: list[tuple[Bit, Expr | Sym]]
        if isinstance(statement.options, tuple):
            options = [(True, option) for option in statement.options]
        else:
            options = list(elements(statement.options, scope))
        scope.fault(no(either(*(there for there, _ in options))))
        if not options:
            return self._on(way, scope, False)
        pick = self.inputs.number(f"choice{self.choices}of{len(options)}", len(options))
        chosen: list[tuple[Bit, Sym]] = []
        possible: list[Bit] = []
        for n, (there, option) in enumerate(options):
            picked = terms.equal(pick, num(n))
            within = scope.where(both(there, picked))
            given = isinstance(statement.options, tuple)
            value = expression(option, within) if given else option
            chosen.append((picked, fitted(value, variable.sort, variable.checked, within)))
            possible.append(both(picked, there))
        way.memory[self.slots[statement.local]] = terms.select(chosen)
        return self._on(way, scope, either(*possible))

    def _goto(self, location: str, way: Way) -> None:
        if way.test is False:
            return
        number = self.locations[location]
        memory = arrived(self.terms, self.process, self.here, number, way.memory)
        memory.pop("$", None)
        ended = number == len(self.process.actions) or not self.process.actions[number].transit
        if ended:
            self.ends.append(Way(way.test, memory))
        else:
            self.pending.setdefault(number, []).append(Way(way.test, memory))


def arrived(
    terms: Terms, process: Process, here: int, number: int, memory: dict[Slot, Sym]
) -> dict[Slot, Sym]:
    """The memory of a process at a location: its dead locals hold their defaults there."""
    live = () if number == len(process.actions) else process.actions[number].live
    reset: dict[Slot, Sym] = {
        here + 1 + n: terms.constant(default_value(v.sort), v.sort)
        for n, v in enumerate(process.locals) if v.name not in live
    }
    return {**memory, **reset, here: num(number)}


def merged(terms: Terms, ways: list[Way]) -> Way:
    """Several runs at one point as one."""
    some = [way for way in ways if way.test is not False]
    if len(some) <= 1:
        return some[0] if some else Way(False, ways[0].memory)
    memory: dict[Slot, Sym] = {}
    for slot in dict.fromkeys(slot for way in some for slot in way.memory):
        missing = False if isinstance(slot, tuple) and slot[0] == "set" else None
        values = [(way.test, way.memory.get(slot, missing)) for way in some]
        memory[slot] = terms.select(grouped([v for v in values if v[1] is not None]))
    return Way(either(*(way.test for way in some)), memory)


def grouped(values: list[tuple[Bit, Sym]]) -> list[tuple[Bit, Sym]]:
    """Each value once; the most frequent, which then needs no condition, comes last."""
    found: dict[object, tuple[list[Bit], Sym]] = {}
    for test, value in values:
        constant = isinstance(value, Num) and value.term is None
        found.setdefault(value.lo if constant else id(value), ([], value))[0].append(test)
    ordered = sorted(found.values(), key=lambda group: len(group[0]))
    return [(either(*tests), value) for tests, value in ordered]


def with_part(word: Sym, sort: Sort, part: tuple[str, ...], new: Sym) -> Sym:
    """A word with the part at this path of fields replaced."""
    if not part:
        return new
    assert isinstance(sort, Record)
    at, fields = sort.position(part[0]), dict(sort.fields)
    inner = with_part(word[at], fields[part[0]], part[1:], new)
    return (*word[:at], inner, *word[at + 1 :])
