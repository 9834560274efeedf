"""Whether a counter that wraps is a ticket lock's: each process that draws a ticket from it then
waits until that is the one which is served, so that no two may hold the same.

A ticket is what a process has read of a counter that it counts up: by a fetch_add, or by a load and
a cmpxchg or store of one more.  It is awaited where the process goes on once a counter is equal to
it.  The index of a ring, a generation, a sequence count are counted too, and nobody waits to be
equal to what he drew: those may wrap as early as the spec says."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.flow import gotos
from modelcheck.ir import (
    Action, Assign, Binary, Block, Cond, Expr, If, Int, Load, Loaded, Local, Process, Program, Rmw,
    Store, Unary, statements, walk,
)

Holder = tuple[str, str]
"""What holds a ticket: a local of a template, or ("", a variable)."""


def tickets(program: Program) -> frozenset[str]:
    """The variables that wrap, from which a ticket is drawn that is awaited, or by which it is."""
    wraps = {v.name for v in program.variables if isinstance(v.sort, Int) and v.sort.wraps}
    drawn = _drawn(program, wraps)
    found: set[str] = set()
    for process in program.processes:
        for action in process.actions:
            match action.access:
                case Load(place) if place.variable in wraps:
                    for local in _awaited(process, action):
                        sources = drawn.get((process.name, local), frozenset())
                        found |= sources | ({place.variable} if sources else set())
                case _:
                    pass
    return frozenset(found)


def _drawn(program: Program, wraps: set[str]) -> dict[Holder, frozenset[str]]:
    """Of each holder of a ticket, the counters that it may be of."""
    drawn: dict[Holder, frozenset[str]] = {}
    for process in program.processes:
        for action in process.actions:
            for local, counter in _draws(process, action, wraps):
                at = process.name, local
                drawn[at] = drawn.get(at, frozenset()) | {counter}
    while True:  # tickets are copied, and kept in memory
        before = dict(drawn)
        for process in program.processes:
            for action in process.actions:
                for to, of in _copies(process, action):
                    if of in drawn and not (to[0] == "" and to[1] in drawn[of]):
                        drawn[to] = drawn.get(to, frozenset()) | drawn[of]
        if drawn == before:
            return drawn


def _draws(process: Process, action: Action, wraps: set[str]) -> Iterator[tuple[str, str]]:
    """The locals that hold what a counter was, when it was counted up here."""
    match action.access:
        case Rmw(place, value) if place.variable in wraps:
            if _counted(value) == Loaded():
                yield from ((to, place.variable) for to in _loaded_into(action.body))
            match value:
                case Cond(Binary("==", Loaded(), Local(name))):  # cmpxchg
                    yield name, place.variable
                case _:
                    pass
        case Store(place, value) if place.variable in wraps:
            of = _counted(value)
            if isinstance(of, Local):
                yield of.name, place.variable
        case _:
            pass


def _counted(value: Expr) -> Expr | None:
    """What one or more is added to."""
    match value:
        case Binary("+", of, _):
            return of
        case _:
            return None


def _loaded_into(body: Block) -> Iterator[str]:
    for statement in statements(body):
        if isinstance(statement, Assign) and statement.value == Loaded():
            yield statement.local


def _copies(process: Process, action: Action) -> Iterator[tuple[Holder, Holder]]:
    for statement in statements(action.body):
        match statement:
            case Assign(to, Local(of)):
                yield (process.name, to), (process.name, of)
            case _:
                pass
    match action.access:
        case Store(place, Local(of)):
            yield ("", place.variable), (process.name, of)
        case Load(place):
            for to in _loaded_into(action.body):
                yield (process.name, to), ("", place.variable)
        case _:
            pass


def _awaited(process: Process, action: Action) -> Iterator[str]:
    """The locals to which what is loaded must be equal for the process to go on."""
    if action.wait is not None:
        for e in walk(action.wait):
            match e:
                case Binary("==", Loaded(), Local(name)) | Binary("==", Local(name), Loaded()):
                    yield name
                case _:
                    pass
    for statement in statements(action.body):
        match statement:
            case If(Unary("not", condition), other, then) | If(condition, then, other):
                pass
            case _:
                continue
        match condition:
            case Binary("==", Loaded(), Local(name)) | Binary("==", Local(name), Loaded()):
                equal, unequal = then, other
            case Binary("!=", Loaded(), Local(name)) | Binary("!=", Local(name), Loaded()):
                equal, unequal = other, then
            case _:
                continue
        if _stays(action, unequal, process) and not _stays(action, equal, process):
            yield name


def _stays(action: Action, arm: Block, process: Process) -> bool:
    """Whether this arm may go on in the innermost loop that the action stands in."""
    inside = {a.at for a in process.actions if action.loops and action.loops[-1] in a.loops}
    return any(g.location in inside for g in gotos(arm))
