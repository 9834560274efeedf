"""What a Program's locks are, what is held where, and what an action reads and writes.

A lock is a class with a field `locked`, and a ghost `holder`, that is taken with `spin_lock`.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.flow import exprs_of, gotos, memory_read
from modelcheck.ir import (
    END, Action, AtRest, Binary, Block, Cell, Chain, Choose, Const, Expr, Load, Loaded, Place,
    Process, Program, Property, Rmw, SetGhost, Store, Unary, statements, walk,
)

LOCKED, HOLDER = ".locked", ".holder"

Lock = tuple[str, tuple[int, ...]]
"""A lock's name, and its index where there are several."""


def acquired(action: Action) -> Lock | None:
    """The lock that an action waits for and takes."""
    access = action.access
    waits = action.wait == Unary("not", Loaded())
    if not (isinstance(access, Rmw) and waits and access.by == "spin_lock"):
        return None
    takes = isinstance(access.value, Const) and access.value.value is True
    return _lock(access.place) if takes else None


def released(action: Action) -> Lock | None:
    """The lock that an action releases."""
    access = action.access
    if not (isinstance(access, Store) and access.by == "spin_unlock" and not access.part):
        return None
    frees = isinstance(access.value, Const) and access.value.value is False
    return _lock(access.place) if frees else None


def _lock(place: Place) -> Lock | None:
    """A lock by its place, where that is the same each time."""
    index = [i.value for i in place.index if isinstance(i, Const) and isinstance(i.value, int)]
    if len(index) != len(place.index) or not place.variable.endswith(LOCKED):
        return None
    return place.variable.removesuffix(LOCKED), tuple(int(i) for i in index)


def held_at(process: Process) -> dict[str, frozenset[Lock]]:
    """For each location that can be reached: the locks taken, and not released, on every path."""
    held: dict[str, frozenset[Lock]] = {}
    actions = {a.at: a for a in process.actions}
    todo = [(g.location, frozenset[Lock]()) for g in gotos(process.entry)]
    while todo:
        at, coming = todo.pop()
        if at == END:
            continue
        now = coming if at not in held else held[at] & coming
        if at in held and held[at] == now:
            continue
        held[at] = now
        after = _after(actions[at], now)
        todo += [(g.location, after) for g in gotos(actions[at].body)]
    return held


def _after(action: Action, held: frozenset[Lock]) -> frozenset[Lock]:
    taken = acquired(action)
    if taken is not None:
        return held | {taken}
    names = {v.removesuffix(LOCKED) for v in written_in(action) if v.endswith(LOCKED)}
    return frozenset(lock for lock in held if lock[0] not in names)


# ---------------------------------------------------------------------- what is read and written


def read_in(action: Action) -> set[str]:
    found: set[str] = set()
    if isinstance(action.access, Load | Rmw):
        found.add(action.access.place.variable)
    for expr in exprs_of(action):
        found.update(memory_read(expr))
    found.update(
        s.options.variable for s in statements(action.body)
        if isinstance(s, Choose) and isinstance(s.options, Chain)
    )
    return found


def written_in(action: Action) -> set[str]:
    found = ghosts_set(action.body)
    if isinstance(action.access, Store | Rmw):
        found.add(action.access.place.variable)
    return found


def ghosts_set(block: Block) -> set[str]:
    return {s.place.variable for s in statements(block) if isinstance(s, SetGhost)}


def read_by(property: Property) -> set[str]:
    when = () if property.when is None else memory_read(property.when)
    return {*when, *memory_read(property.condition)}


def asks_when_free(property: Property, lock: Lock) -> bool:
    """Whether the property is asked only while this lock is free."""
    return property.when is not None and _says_free(property.when, lock)


def _says_free(when: Expr, lock: Lock) -> bool:
    match when:
        case Binary("and", left, right):
            return _says_free(left, lock) or _says_free(right, lock)
        case Binary("==", Cell(Place(variable, index)), Const(None)):
            numbers = tuple(i.value for i in index if isinstance(i, Const))
            return (variable, numbers) == (lock[0] + HOLDER, lock[1])
        case _:
            return False


def asks_of_rest(program: Program) -> bool:
    """Whether a property tells states apart by whether all processes are at rest there, other than
    by being asked only if they are."""
    return any(
        isinstance(e, AtRest)
        for p in program.properties
        for root in (p.condition, *_conjuncts(p.when)) if root != AtRest()
        for e in walk(root)
    )


def _conjuncts(expr: Expr | None) -> Iterator[Expr]:
    match expr:
        case None:
            return
        case Binary("and", left, right):
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case _:
            yield expr
