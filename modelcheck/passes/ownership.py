"""What is never accessed by two at once: its accesses take no step of their own.

Preserves whether each property holds, which assert can fail, and which process is stuck for ever;
not the length of runs, nor the number of states; and all that only if the search that uses it never
meets a state in which two processes are about to access the same cell, one of them writing it.
(Nobody need say who owns what: a page that is being scrubbed, or that is allocated, is found to be
accessed by one CPU alone.)  A search that meets such a state, or a state within a step in which a
property is false, must be done again without this pass.

`Owned.program` has, behind each access to owned memory, the steps that follow it up to and with the
next one on other memory, in one step: the copies of locations that this needs are `transit`, and
their names end in `COPY`.  A process then stands in front of all that it is about to access, so
that two who are about to access the same cell are seen in some state.

Memory may be owned if it is an array over a class, accessed by plain loads and stores and by
@predicates in asserts, each at an element that a local names, and by nothing else; and if of the
properties only such read it as say something of `all` elements, each by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from modelcheck.flow import exprs_in, gotos, memory_of, memory_read, with_gotos
from modelcheck.ir import (
    END, Action, Assign, Assume, AtRest, Binary, Block, Cell, Choose, Const, Expr, Goto, If,
    Instances, Load, Local, NotNull, Observe, Place, Process, Program, Property, Quantified,
    SetGhost, Store, Value, statements, walk,
)

COPY = "_at_once"


Cell_ = tuple[str, int]
"""A cell of owned memory: the variable, and the number of the element."""


@dataclass(frozen=True)
class Touches:
    """The cells that are read and those that are written."""

    reads: frozenset[Cell_] = frozenset()
    writes: frozenset[Cell_] = frozenset()


@dataclass(frozen=True)
class Owned:
    """The Program whose accesses to owned memory take no step of their own.

    variables  the owned memory"""

    program: Program
    variables: tuple[str, ...]

    def touches(self, process: Process, at: str, locals: Mapping[str, Value]) -> Touches:
        """What a process that stands somewhere with these locals accesses of owned memory before
        its next step ends; of an element that depends on what it loads, any."""
        found = _Touching(self.program, process, frozenset(self.variables))
        found.action(next(a for a in process.actions if a.at == at), dict(locals))
        return Touches(frozenset(found.reads), frozenset(found.writes))


def ownership(program: Program, but: frozenset[str] = frozenset()) -> Owned:
    """A Program with all its memory owned that may be, `but` some variables."""
    variables = _may_be_owned(program, but)
    processes = tuple(_Chained(process, variables).process() for process in program.processes)
    return Owned(replace(program, processes=processes), tuple(sorted(variables)))


# ------------------------------------------------------------------------------ what may be owned


def _may_be_owned(program: Program, but: frozenset[str]) -> frozenset[str]:
    """The variables that may be owned, all together: one @predicate may read several."""
    actions = [a for p in program.processes for a in p.actions]
    names = frozenset(
        v.name for v in program.variables
        if v.name not in but and not v.ghost and len(v.index) == 1
        and v.name in memory_of(actions)
        and all(_says_it_of_each(p, v.name) for p in program.properties)
    )
    while True:
        fewer = frozenset(
            name for name in names
            if all(is_access(a, names) for a in actions if name in memory_of([a]))
        )
        if fewer == names:
            return names
        names = fewer


def is_access(action: Action, names: frozenset[str]) -> bool:
    """Whether an action accesses these variables, does nothing else to memory, and cannot be made
    to wait."""
    if action.wait is not None or (action.transit and not action.at.endswith(COPY)):
        return False
    if action.reason is not None:
        return False
    inner = [*statements(action.body)]
    if any(isinstance(s, Assume | Choose | SetGhost) for s in inner):
        return False
    if any(isinstance(e, Cell | Quantified) for root in exprs_in(action.body) for e in walk(root)):
        return False
    match action.access:
        case Load(Place(variable, (Local(),))) | Store(Place(variable, (Local(),))):
            return variable in names
        case Observe(value):
            cells = [e.place for e in walk(value) if isinstance(e, Cell)]
            others = any(isinstance(e, Quantified | AtRest) for e in walk(value))
            return bool(cells) and not others and all(
                place.variable in names and isinstance(place.index[0], Local) for place in cells
            )
        case _:
            return False


def _says_it_of_each(property: Property, name: str) -> bool:
    """Whether a property does not read a variable, or says something of all elements of a class,
    reading of each only its own."""
    parts = [property.condition, *((property.when,) if property.when is not None else ())]
    if not any(name in memory_read(part) for part in parts):
        return True
    if not property.invariant or property.when is not None:
        return False
    return all(_is_of_each(part, name) for part in _conjuncts(property.condition))


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Binary) and expr.op == "and":
        yield from _conjuncts(expr.left)
        yield from _conjuncts(expr.right)
    else:
        yield expr


def _is_of_each(part: Expr, name: str) -> bool:
    if name not in memory_read(part):
        return True
    match part:
        case Quantified("all", bound, Instances(), body):
            return all(
                e.place.index == (Local(bound),)
                for e in walk(body) if isinstance(e, Cell) and e.place.variable == name
            ) and not any(isinstance(e, Quantified | AtRest) for e in walk(body))
        case _:
            return False


# --------------------------------------------------------------------------------- steps in a row


class _Chained:
    """A template, its accesses to owned memory followed at once by what comes after them."""

    def __init__(self, template: Process, variables: frozenset[str]) -> None:
        self.template = template
        self.variables = variables
        self.actions = {a.at: a for a in template.actions}
        self.copied: dict[str, Action] = {}

    def process(self) -> Process:
        """The template with its copies."""
        kept = [self._onward(a) for a in self.template.actions]
        return replace(self.template, actions=(*kept, *self.copied.values()))

    def _onward(self, action: Action) -> Action:
        """The action; behind an access to owned memory it goes on to copies."""
        if not self.touched(action):
            return action
        return replace(action, body=with_gotos(action.body, self._instead))

    def _instead(self, goto: Goto) -> Block:
        target = self.actions.get(goto.location)
        if target is None or not self._follows(target):
            return (goto,)
        name = target.at + COPY
        if name not in self.copied:
            self.copied[name] = target  # a circle ends here: see _follows
            copy = replace(self._onward(target), at=name, transit=True)
            self.copied[name] = copy
        return (replace(goto, location=name),)

    def touched(self, action: Action) -> bool:
        """Whether an action is an access to owned memory."""
        return is_access(action, self.variables)

    def _follows(self, target: Action) -> bool:
        """Whether a location may follow at once: it waits for nothing, is nothing that has to be
        seen, and no circle leads back to it over owned memory alone."""
        plain = target.wait is None and not target.head and target.reason is None
        chooses = any(isinstance(s, Choose | Assume) for s in statements(target.body))
        return plain and not target.transit and not chooses and not self._turns(target)

    def _turns(self, target: Action) -> bool:
        seen: set[str] = set()
        todo = [target]
        while todo:
            action = todo.pop()
            if not self.touched(action):
                continue
            for goto in gotos(action.body):
                if goto.location == target.at:
                    return True
                if goto.location != END and goto.location not in seen:
                    seen.add(goto.location)
                    todo.append(self.actions[goto.location])
        return False


# ---------------------------------------------------------------------------------- what is touched


class _Unknown:
    """What depends on memory."""


UNKNOWN = _Unknown()
Known = Value | _Unknown


class _Touching:
    """Goes along the steps that follow each other at once, with what is known of the locals."""

    def __init__(self, program: Program, process: Process, names: frozenset[str]) -> None:
        self.program = program
        self.actions = {a.at: a for a in process.actions}
        self.names = names
        self.reads: set[Cell_] = set()
        self.writes: set[Cell_] = set()

    def action(self, action: Action, locals: dict[str, Known]) -> None:
        """What this action accesses, and those that follow it at once."""
        if not is_access(action, self.names):
            return
        match action.access:
            case Load(place):
                self._note(self.reads, place, locals)
            case Store(place):
                self._note(self.writes, place, locals)
            case Observe(value):
                for e in walk(value):
                    if isinstance(e, Cell):
                        self._note(self.reads, e.place, locals)
            case _:
                pass
        self._block(action.body, locals)

    def _note(self, into: set[Cell_], place: Place, locals: dict[str, Known]) -> None:
        assert isinstance(place.index[0], Local)
        element = locals.get(place.index[0].name, UNKNOWN)
        cells = self.program.variable(place.variable).cells
        if isinstance(element, int) and 0 <= element < cells:  # else the step fails
            into.add((place.variable, element))
        elif element is UNKNOWN:
            into.update((place.variable, n) for n in range(cells))

    def _block(self, block: Block, locals: dict[str, Known]) -> bool:
        """Whether it falls through."""
        for n, statement in enumerate(block):
            match statement:
                case Assign(local, value):
                    locals[local] = _value(value, locals)
                case Goto(location):
                    target = self.actions.get(location)
                    if target is not None and location.endswith(COPY):
                        self.action(target, locals)
                    return False
                case If(_, then, other):
                    for arm in (then, other):
                        self._block((*arm, *block[n + 1 :]), dict(locals))
                    return False
                case _:
                    pass
        return True


def _value(expr: Expr, locals: dict[str, Known]) -> Known:
    """The value of a local that is copied, or of a constant; of all else nothing is known."""
    match expr:
        case Const(value):
            return value
        case Local(name):
            return locals.get(name, UNKNOWN)
        case NotNull(operand):
            return _value(operand, locals)
        case _:
            return UNKNOWN
