"""What a statement and an access do: each is compiled once into a closure that works on a step's
memory.  A closure of a block says where it goes: a location's number, or why there is no step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from modelcheck.ir import (
    Access,
    Action,
    Assert,
    Assign,
    Assume,
    Block,
    Choose,
    Expr,
    Fence,
    Goto,
    If,
    Load,
    Observe,
    Place,
    Record,
    Rmw,
    SetGhost,
    Sort,
    Statement,
    Store,
    Variable,
)
from modelcheck.records import dataclass
from modelcheck.semantics.expressions import (
    CHOOSE,
    GHOST,
    MANY_CHOICES,
    UNSET,
    Faulted,
    Read,
    Scope,
    cell,
    domain,
    expression,
    fit,
    fitted,
    offset,
)
from modelcheck.source import NOWHERE

WAITS = -1  # the action's condition is false
CUT = -2  # an `assume` is false

MOST_CHOICES = 64  # in one step

Write: TypeAlias = Callable[[Any], None]
Run: TypeAlias = Callable[[Any], int]
Do: TypeAlias = Callable[[Any], int | None]


class Script:
    """The choices of one run: those given first, then the first option each time.

    base  how many were made before the present step or beginning
    made  each choice so far: the option taken, the local that it set, and its value (UNSET if the
          option cannot be evaluated)
    """

    def __init__(self, given: tuple[int, ...] = ()) -> None:
        self.given = given
        self.base = 0
        self.taken: list[int] = []
        self.counts: list[int] = []
        self.made: list[tuple[int, Variable, Any]] = []

    def pick(self, options: int) -> int:
        """The option to take at the next choice; the fault 'runaway' at one too many."""
        at = len(self.taken)
        if at - self.base == MOST_CHOICES:
            raise Faulted("runaway", MANY_CHOICES, NOWHERE)
        self.taken.append(self.given[at] if at < len(self.given) else 0)
        self.counts.append(options)
        return self.taken[at]

    def following(self) -> Script | None:
        """The script of the next run, in lexicographic order; None after the last."""
        for at in range(len(self.taken) - 1, -1, -1):
            if self.taken[at] + 1 < self.counts[at]:
                return Script((*self.taken[:at], self.taken[at] + 1))
        return None


@dataclass(frozen=True)
class Frame:
    """A Scope, and what statements need beside it.

    locals     the declared locals, with their slots
    locations  each location's number; `dead` the slots that arriving there resets, with the values
    ghosts     the slot of the ghosts set in this step: a dict, or None for none yet
    script     the slot of the Script, None before the first choice
    here       the slot of the process's location
    """

    scope: Scope
    locals: Mapping[str, tuple[int, Variable]]
    locations: Mapping[str, int]
    dead: Mapping[str, tuple[tuple[int, Any], ...]]
    ghosts: int
    script: int
    here: int


def block(statements: Block, frame: Frame) -> Do:
    """The closure of a block: where its Goto goes, a negative number for no step, None if it falls
    through to what follows."""
    todo = [_statement(s, frame) for s in statements]
    if len(todo) == 1:
        return todo[0]

    def run(s: Any) -> int | None:
        for do in todo:
            to = do(s)
            if to is not None:
                return to
        return None

    return run


def _statement(statement: Statement, frame: Frame) -> Do:
    match statement:
        case Assign(local, value, span):
            slot, variable = frame.locals[local]
            read = fitted(expression(value, frame.scope), variable.sort, variable.checked, span)

            def assign(s: Any) -> None:
                s[slot] = read(s)

            return assign
        case SetGhost():
            return _set_ghost(statement, frame)
        case Assert(condition, sentence, span):
            holds = expression(condition, frame.scope)

            def check(s: Any) -> None:
                if not holds(s):
                    raise Faulted("assert", sentence, span)

            return check
        case Assume(condition, _):
            assumed = expression(condition, frame.scope)
            return lambda s: None if assumed(s) else CUT
        case Choose():
            return _choose(statement, frame)
        case If(condition, then, other, _):
            test = expression(condition, frame.scope)
            yes, no = block(then, frame), block(other, frame)
            return lambda s: yes(s) if test(s) else no(s)
        case Goto(location, _):
            return _goto(location, frame)


def _goto(location: str, frame: Frame) -> Do:
    number, here, dead = frame.locations[location], frame.here, frame.dead[location]

    def arrive(s: Any) -> int:
        for slot, default in dead:
            s[slot] = default
        s[here] = number
        return number

    return arrive


def _set_ghost(statement: SetGhost, frame: Frame) -> Do:
    at, ghosts = offset(statement.place, frame.scope), frame.ghosts
    _, variable = frame.scope.cells[statement.place.variable]
    free = frame.scope.boot or variable.passing
    value = fitted(
        expression(statement.value, frame.scope), variable.sort, variable.checked, statement.span
    )

    def set_ghost(s: Any) -> None:
        here, new = at(s), value(s)
        if not free:
            if s[ghosts] is None:
                s[ghosts] = {}
            if s[ghosts].setdefault(here, new) != new:
                raise Faulted("ghost", GHOST, statement.span)
        s[here] = new

    return set_ghost


def _choose(statement: Choose, frame: Frame) -> Do:
    slot, variable = frame.locals[statement.local]
    into = fit(variable.sort, variable.checked, statement.span) or (lambda value: value)
    options, read = _options(statement, frame)

    def choose(s: Any) -> None:
        found = options(s)
        if not found:
            raise Faulted("choose", CHOOSE, statement.span)
        script: Script = s[frame.script] or Script()
        s[frame.script] = script
        option = script.pick(len(found))
        script.made.append((option, variable, UNSET))
        s[slot] = into(read(found[option], s))
        script.made[-1] = (option, variable, s[slot])

    return choose


def _options(
    statement: Choose, frame: Frame
) -> tuple[Callable[[Any], list[Any]], Callable[[Any, Any], Any]]:
    """What can be chosen, and what such an option is worth: of expressions, only the chosen one is
    evaluated."""
    if isinstance(statement.options, tuple):
        each: list[Any] = [expression(option, frame.scope) for option in statement.options]
        return lambda _: each, lambda read, s: read(s)
    elements = domain(statement.options, frame.scope)
    return lambda s: list(elements(s)), lambda element, _: element


# ---------------------------------------------------------------------------------------- actions


@dataclass(frozen=True)
class Compiled:
    """An action of one process, ready to run."""

    action: Action
    run: Run
    place: Read | None  # finds the cell of its access


def compiled(action: Action, frame: Frame) -> Compiled:
    """An action of the process that `frame` is of."""
    do = block(action.body, frame)
    read, write = _access(action.access, frame)
    place = _place(action.access)
    run = _stages(
        read, None if action.wait is None else expression(action.wait, frame.scope), write, do
    )
    return Compiled(action, run, None if place is None else offset(place, frame.scope))


def _place(access: Access | None) -> Place | None:
    match access:
        case Load(place) | Store(place) | Rmw(place):
            return place
        case None | Observe() | Fence():
            return None


def _stages(read: Write | None, wait: Read | None, write: Write | None, do: Do) -> Run:
    """What is read, then the condition to go on, then what is written, then local work."""

    def run(s: Any) -> int:
        if read is not None:
            read(s)
        if wait is not None and not wait(s):
            return WAITS
        if write is not None:
            write(s)
        to = do(s)
        assert to is not None, "every path of an action's body ends in a Goto"
        return to

    return run


def _access(access: Access | None, frame: Frame) -> tuple[Write | None, Write | None]:
    """What an access does before the wait (it sets `$`) and after it (it stores)."""
    scope, loaded = frame.scope, frame.scope.loaded
    match access:
        case None | Fence():
            return None, None
        case Load(place):
            return _load(place, scope), None
        case Observe(value):
            observe = expression(value, scope)

            def observes(s: Any) -> None:
                s[loaded] = observe(s)

            return observes, None
        case Store(place, value, part):
            return None, _store(place, _new(place, value, part, scope), part, scope)
        case Rmw(place, value):
            new = _new(place, value, (), scope)
            return _load(place, scope), _store(place, new, (), scope)


def _load(place: Place, scope: Scope) -> Write:
    read, loaded = cell(place, scope), scope.loaded

    def load(s: Any) -> None:
        s[loaded] = read(s)

    return load


def _new(place: Place, value: Expr, part: tuple[str, ...], scope: Scope) -> Read:
    """What is stored, as its cell (or the part of it) takes it."""
    _, variable = scope.cells[place.variable]
    sort: Sort = variable.sort
    for name in part:
        assert isinstance(sort, Record)
        sort = dict(sort.fields)[name]
    return fitted(expression(value, scope), sort, variable.checked, place.span)


def _store(place: Place, new: Read, part: tuple[str, ...], scope: Scope) -> Write:
    at = offset(place, scope)
    _, variable = scope.cells[place.variable]
    if not part:

        def store(s: Any) -> None:
            s[at(s)] = new(s)

        return store

    def store_part(s: Any) -> None:
        here = at(s)
        s[here] = with_part(s[here], variable.sort, part, new(s))

    return store_part


def with_part(word: Any, sort: Sort, part: tuple[str, ...], value: Any) -> Any:
    """A word's value with the part at this path of fields replaced."""
    if not part:
        return value
    assert isinstance(sort, Record)
    at, fields = sort.position(part[0]), dict(sort.fields)
    return (*word[:at], with_part(word[at], fields[part[0]], part[1:], value), *word[at + 1 :])

