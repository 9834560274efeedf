"""By which locals one knows, where a step ends, what it has accessed on its way.

The steps of a template are walked with symbols in the place of values: two locals that have the
same symbol have the same value.  Where no local that matters has the symbol of an element that was
accessed, one that has it is kept, so that it matters there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from modelcheck.ir import (
    END, Action, After, Assign, Block, Cell, Choose, Const, Expr, Fit, Goto, If, Load, Loaded,
    Local, NotNull, Observe, Place, Process, Ref, Store, walk,
)
from modelcheck.records import dataclass

ANY = ""
MOST_WAYS = 2000  # through the steps of a template


@dataclass(frozen=True)
class Touched:
    """An access to the element of `variable` that `local` names, or to one that is not known."""

    variable: str
    local: str
    writes: bool


Symbol = object
IsAccess = Callable[[Action, frozenset[str]], bool]


@dataclass(frozen=True)
class _Access:
    variable: str
    symbol: Symbol
    writes: bool


@dataclass(frozen=True)
class _Way:
    """A way through a step: what it accesses, and after how many locations; those that it comes by
    without end; where it ends, and what the locals are there."""

    accesses: tuple[tuple[int, _Access], ...]
    through: tuple[str, ...]
    end: str
    locals: tuple[tuple[str, Symbol], ...]


def behind_steps(
    process: Process, variables: frozenset[str], is_access: IsAccess
) -> tuple[dict[str, frozenset[Touched]], Process] | None:
    """What the step that ended at each location accessed behind its first action; and the process
    that keeps the locals by which that is known.  None if there are too many ways."""
    actions = {a.at: a for a in process.actions}
    every_way = (
        way for a in process.actions if not a.transit
        for way in _Walk(process, variables, is_access).ways(a)
    )
    ways = [*itertools.islice(every_way, MOST_WAYS + 1)]
    if len(ways) > MOST_WAYS or any(way.end in way.through for way in ways):
        return None
    found: dict[str, set[Touched]] = {}
    kept: dict[str, set[str]] = {}
    for way in ways:
        live = actions[way.end].live if way.end != END else ()
        locals = dict(way.locals)
        for after, access in way.accesses:
            if not after:
                continue
            names = [v.name for v in process.locals if locals.get(v.name) == access.symbol]
            name = next((n for n in names if n in live), names[0] if names else ANY)
            if way.end == END:
                name = ANY
            found.setdefault(way.end, set()).add(Touched(access.variable, name, access.writes))
            if name not in (ANY, *live):
                for at in (*way.through, way.end):
                    kept.setdefault(at, set()).add(name)
    return {at: frozenset(some) for at, some in found.items()}, _keeping(process, kept)


def about_to_touch(
    process: Process, action: Action, variables: frozenset[str], is_access: IsAccess
) -> frozenset[Touched]:
    """What a process accesses in its next step, if that begins with an access to owned memory."""
    if not is_access(action, variables):
        return frozenset()
    initial = {_initial(name): name for name in action.live}
    return frozenset(
        Touched(access.variable, initial.get(access.symbol, ANY), access.writes)
        for way in _Walk(process, variables, is_access).ways(action) for _, access in way.accesses
    )


def _keeping(process: Process, kept: dict[str, set[str]]) -> Process:
    """The same, with these locals kept at these locations.  On other ways there they are None:
    that names no element, and an exchange of elements leaves it as it is."""
    names = set().union(*kept.values())
    return replace(
        process,
        locals=tuple(
            replace(v, sort=replace(v.sort, nullable=True))
            if v.name in names and isinstance(v.sort, Ref) else v
            for v in process.locals
        ),
        actions=tuple(
            replace(a, live=tuple(
                v.name for v in process.locals
                if v.name in a.live or v.name in kept.get(a.at, ())
            ))
            for a in process.actions
        ),
    )


def _initial(local: str) -> Symbol:
    return ("at first", local)


class _Walk:
    """Goes along the actions of a step."""

    def __init__(
        self, process: Process, variables: frozenset[str], is_access: IsAccess
    ) -> None:
        self.process = process
        self.variables = variables
        self.is_access = is_access
        self.actions = {a.at: a for a in process.actions}
        self.fresh = itertools.count()

    def ways(self, action: Action) -> Iterator[_Way]:
        """Every way through the step that begins here."""
        locals = {v.name: _initial(v.name) for v in self.process.locals}
        yield from self._action(action, locals, (), ())

    def _action(
        self, action: Action, locals: dict[str, Symbol],
        accesses: tuple[tuple[int, _Access], ...], through: tuple[str, ...],
    ) -> Iterator[_Way]:
        if self.is_access(action, self.variables):
            here = [_Access(v, locals[name], writes) for v, name, writes in _cells(action)]
            accesses = (*accesses, *((len(through), access) for access in here))
        loaded = next(self.fresh)
        for after, goto in self._block(action.body, dict(locals), loaded):
            target = self.actions.get(goto.location)
            if target is not None and target.transit:
                if target.at in through:  # an atomic that turns: there is no end of ways
                    yield _Way(accesses, through, target.at, ())
                    continue
                yield from self._action(target, after, accesses, (*through, target.at))
            else:
                yield _Way(accesses, through, goto.location, tuple(after.items()))

    def _block(
        self, block: Block, locals: dict[str, Symbol], loaded: Symbol
    ) -> Iterator[tuple[dict[str, Symbol], Goto]]:
        """The ways through a block to its gotos."""
        for n, statement in enumerate(block):
            match statement:
                case Assign(local, value):
                    locals[local] = self._symbol(value, locals, loaded)
                case Choose(local):
                    locals[local] = next(self.fresh)
                case Goto():
                    yield locals, statement
                    return
                case If(_, then, other):
                    for arm in (then, other):
                        yield from self._block((*arm, *block[n + 1 :]), dict(locals), loaded)
                    return
                case _:
                    pass

    def _symbol(self, expr: Expr, locals: dict[str, Symbol], loaded: Symbol) -> Symbol:
        match expr:
            case Local(name):
                return locals[name]
            case Loaded():
                return loaded
            case NotNull(operand) | Fit(Ref(), operand) | After(_, operand):
                return self._symbol(operand, locals, loaded)
            case Const(value):
                return ("always", value)
            case _:
                return next(self.fresh)


def _cells(action: Action) -> Iterator[tuple[str, str, bool]]:
    """Each access of an action: the variable, the local that names the element, whether it writes.
    """
    match action.access:
        case Load(place):
            yield place.variable, _named(place), False
        case Store(place):
            yield place.variable, _named(place), True
        case Observe(value):
            for e in walk(value):
                if isinstance(e, Cell):
                    yield e.place.variable, _named(e.place), False
        case _:
            pass


def _named(place: Place) -> str:
    (index,) = place.index
    assert isinstance(index, Local)
    return index.name
