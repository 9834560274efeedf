"""A lock's holder runs on where what it does next concerns nobody else before it releases the lock.

Preserves whether each property holds, which assert can fail, and which process is stuck for ever;
not the length of runs, nor the number of states.

A step may follow at once upon the one before it if no step that others can take meanwhile has to do
with it, and no property sees it: then each run is, but for the order of such steps, one in which it
follows at once.  That is so of a process that holds a lock for certain, and there

- loads what is written nowhere but under that lock, or stores what is accessed nowhere but under it
  (or what no other process accesses at all), or releases the lock itself,
- where nobody does anything to the lock but wait for it and release it who holds it, and
- what the step writes is read by no property and no @predicate; one that asks only when the lock is
  free reads nothing while it is held.

What a process holds is read off the program: the locks that it has taken, and not released, on
every path.  That is an inference, so it is checked in the same search: each step that follows at
once asserts first that its process is the lock's holder (`HELD`).  Of each circle of such steps one
remains a step of its own, so that no step is without end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from modelcheck.flow import exprs_of, gotos, memory_read
from modelcheck.ir import (
    END, Action, Assert, Assume, Binary, Block, Cell, Choose, Const, Expr, Int, Load, Loaded,
    Observe, Place, Process, Program, Property, Rmw, Self, SetGhost, Store, Unary,
    statements,
)

HELD = "a lock that protects what is accessed here is held by who accesses it"
LOCKED, HOLDER = ".locked", ".holder"

Lock = tuple[str, tuple[int, ...]]
"""A lock's name, and its index where there are several."""


def lock_protected(program: Program) -> Program:
    """The Program in which the holder of a lock runs on where it may."""
    facts = _Facts(program)
    return replace(
        program, processes=tuple(_process(process, facts) for process in program.processes)
    )


def _process(process: Process, facts: _Facts) -> Process:
    onward = _without_circles(process, {
        a.at: lock for a in process.actions if (lock := facts.follows(process, a)) is not None
    })
    return replace(process, actions=tuple(
        _following(a, onward[a.at]) if a.at in onward else a for a in process.actions
    ))


def _following(action: Action, lock: Lock) -> Action:
    """The action as it follows at once."""
    name, index = lock
    holder = Cell(Place(name + HOLDER, tuple(Const(i, Int(i, i)) for i in index)))
    return replace(
        action, body=(Assert(Binary("==", holder, Self()), HELD), *action.body), transit=True
    )


def _without_circles(process: Process, onward: dict[str, Lock]) -> dict[str, Lock]:
    """Fewer locations, such that each circle goes through another one, or one that is new."""
    targets = {a.at: [g.location for g in gotos(a.body)] for a in process.actions}
    kept = dict(onward)
    done: set[str] = set()

    def visit(at: str, above: tuple[str, ...]) -> None:
        for target in targets.get(at, ()):
            if target in above:
                kept.pop(target, None)
            elif target in kept and target not in done:
                visit(target, (*above, target))
        done.add(at)

    for at in onward:
        if at in kept and at not in done:
            visit(at, (at,))
    return kept


# ------------------------------------------------------------------------------------ what is known


@dataclass
class _Uses:
    """Where a variable is read and where it is written: the locks held there for certain, and the
    process template and action; and whether each access is at the process's own index."""

    reads: list[frozenset[Lock]] = field(default_factory=list)
    writes: list[frozenset[Lock]] = field(default_factory=list)
    by: set[str] = field(default_factory=set)


class _Facts:
    """What the pass knows of a Program.

    held     the locks that a process holds for certain at a location
    uses     where each variable is read and written
    seen     the variables that some @predicate reads
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.counts = {p.name: p.count for p in program.processes}
        self.held = {p.name: _held(p) for p in program.processes}
        self.locks = self._locks()
        self.uses: dict[str, _Uses] = {v.name: _Uses() for v in program.variables}
        self.seen: set[str] = set()
        for process in program.processes:
            self._note_entry(process)
            for action in process.actions:
                self._note(process, action)

    def certain(self, process: Process, action: Action) -> frozenset[Lock]:
        """The locks that it holds while this action is done."""
        held = self.held[process.name].get(action.at, frozenset())
        taken = acquired(action)
        return (held if taken is None else held | {taken}) & self.locks

    def _locks(self) -> frozenset[Lock]:
        """The locks that nobody touches but to wait for them, and to release what he holds."""
        found: set[Lock] = set()
        spoilt: set[str] = set()
        for process in self.program.processes:
            for action in process.actions:
                held = self.held[process.name].get(action.at, frozenset())
                for variable in _read_in(action) | _written_in(action):
                    if not variable.endswith(LOCKED):
                        continue
                    lock = acquired(action) or released(action)
                    name = variable.removesuffix(LOCKED)
                    taken = acquired(action) is not None
                    if lock is None or lock[0] != name or not (taken or lock in held):
                        spoilt.add(name)
                    else:
                        found.add(lock)
        ghosts = {v.name for v in self.program.variables if v.ghost}
        return frozenset(
            lock for lock in found if lock[0] not in spoilt and lock[0] + HOLDER in ghosts
        )

    def _note(self, process: Process, action: Action) -> None:
        held = self.certain(process, action)
        for variable in _read_in(action):
            self.uses[variable].reads.append(held)
            self.uses[variable].by.add(process.name)
        for variable in _written_in(action):
            self.uses[variable].writes.append(held)
            self.uses[variable].by.add(process.name)
        if isinstance(action.access, Observe):
            self.seen.update(memory_read(action.access.value))

    def _note_entry(self, process: Process) -> None:
        """The entry is part of the initial state; what it reads or writes is noted all the same."""
        for variable in _ghosts_set(process.entry):
            self.uses[variable].writes.append(frozenset())
            self.uses[variable].by.add(process.name)

    # ---------------------------------------------------------------------- who may follow at once

    def follows(self, process: Process, action: Action) -> Lock | None:
        """The lock under which this action may follow at once; None if it may not."""
        if not self._is_plain(process, action):
            return None
        for lock in sorted(self.certain(process, action)):
            if self._concerns_nobody(process, action, lock) and self._is_unseen(action, lock):
                return lock
        return None

    def _is_plain(self, process: Process, action: Action) -> bool:
        """It waits for nothing, chooses nothing, is cut short by nothing, and is no part of an
        atomic; nor is it where the process rests between its turns."""
        actions = {a.at: a for a in process.actions}
        targets = [actions[g.location] for g in gotos(action.body) if g.location != END]
        if action.transit or action.head or action.wait is not None or action.reason is not None:
            return False
        if any(a.transit for a in targets) or isinstance(action.access, Observe):
            return False
        ghosts = {self.program.variable(v).passing for v in _ghosts_set(action.body)}
        return ghosts <= {True} and not any(
            isinstance(s, Choose | Assume) for s in statements(action.body)
        )

    def _concerns_nobody(self, process: Process, action: Action, lock: Lock) -> bool:
        """No step that others can take meanwhile has to do with this one."""
        written = _written_in(action)
        if released(action) == lock:
            written = written - {lock[0] + LOCKED}
        return all(
            self._is_ours(process, v) or all(lock in held for held in self.uses[v].writes)
            for v in _read_in(action) - written
        ) and all(
            self._is_ours(process, v)
            or all(lock in held for held in (*self.uses[v].writes, *self.uses[v].reads))
            for v in written
        )

    def _is_ours(self, process: Process, variable: str) -> bool:
        """Nobody else ever accesses it."""
        return self.uses[variable].by == {process.name} and self.counts[process.name] == 1

    def _is_unseen(self, action: Action, lock: Lock) -> bool:
        """No property, and no @predicate of any process, can tell whether it was done."""
        written = _written_in(action)
        if written & self.seen:
            return False
        releases = released(action) == lock
        return not any(
            written & _read_by(property)
            for property in self.program.properties
            if releases or not _asks_when_free(property, lock)
        )


# ----------------------------------------------------------------------------------------- locks


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


def _held(process: Process) -> dict[str, frozenset[Lock]]:
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
    names = {v.removesuffix(LOCKED) for v in _written_in(action) if v.endswith(LOCKED)}
    return frozenset(lock for lock in held if lock[0] not in names)


# ---------------------------------------------------------------------- what is read and written


def _read_in(action: Action) -> set[str]:
    found: set[str] = set()
    if isinstance(action.access, Load | Rmw):
        found.add(action.access.place.variable)
    for expr in exprs_of(action):
        found.update(memory_read(expr))
    return found


def _written_in(action: Action) -> set[str]:
    found = _ghosts_set(action.body)
    if isinstance(action.access, Store | Rmw):
        found.add(action.access.place.variable)
    return found


def _ghosts_set(block: Block) -> set[str]:
    return {s.place.variable for s in statements(block) if isinstance(s, SetGhost)}


def _read_by(property: Property) -> set[str]:
    when = () if property.when is None else memory_read(property.when)
    return {*when, *memory_read(property.condition)}


def _asks_when_free(property: Property, lock: Lock) -> bool:
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
