"""A lock's holder runs on where what it does next concerns nobody else before it releases the lock.

Preserves whether each property holds, which assert can fail, and which process is stuck for ever;
not the length of runs, nor the number of states.

A step is made of one action that may concern others; before it, in the same step, may stand those
that might as well be done later, and behind it those that might as well be done at once (Lipton):

- to take a lock may be done later: while it is held nobody does anything to it;
- to load what is written nowhere but under a lock that is held, or to store what is accessed
  nowhere but under it (or what no other process accesses at all), may be done sooner or later;
- to release the lock may be done at once.

That is so where nobody does anything to the lock but wait for it and release it who holds it.  And
no property and no @predicate may see what is done sooner or later; one that asks only when the lock
is free sees nothing while it is held.  Nothing behind the first action of a step waits: a process
that has begun one can end it.  So each run is, but for the order of such actions, a run of whole
steps: what has not come to its action that concerns others is done later, and the rest at once.

What a process holds is read off the program: the locks that it has taken, and not released, on
every path.  That is an inference, so it is checked in the same search: each action that is done
sooner or later asserts first that its process is the lock's holder (`HELD`).  Of each circle of
such actions one remains a step of its own, so that no step is without end.
"""

from __future__ import annotations

from dataclasses import field, replace

from modelcheck.flow import gotos, with_gotos
from modelcheck.ir import (
    END, Action, Assert, Assume, Binary, Block, Cell, Choose, Const, Goto, Int, Observe, Place,
    Process, Program, Self, statements,
)
from modelcheck.passes.circles import without_circles
from modelcheck.passes.copies import BEFORE, BEHIND, without_unreached
from modelcheck.passes.locks import (
    HOLDER, LOCKED, Lock, acquired, asks_of_rest, asks_when_free, ghosts_set, held_at, read_by,
    read_in, released, written_in,
)
from modelcheck.records import dataclass

HELD = "a lock that protects what is accessed here is held by who accesses it"


def lock_protected(program: Program) -> Program:
    """The Program in which the holder of a lock runs on where it may."""
    facts = _Facts(program)
    return replace(
        program, processes=tuple(_Steps(process, facts).process() for process in program.processes)
    )


class _Steps:
    """A template, and the copies of its locations that follow at once.

    either   what may be done sooner or later, or at once, where it follows; and under which lock
    """

    def __init__(self, template: Process, facts: _Facts) -> None:
        self.template = template
        self.facts = facts
        self.actions = {a.at: a for a in template.actions}
        either = {
            a.at: lock for a in template.actions
            if (lock := facts.follows(template, a)) is not None
        }
        targets = {a.at: [g.location for g in gotos(a.body)] for a in template.actions}
        self.either = {at: either[at] for at in without_circles(either, targets)}
        self.copied: dict[str, Action] = {}

    def process(self) -> Process:
        """The template with its copies."""
        kept = tuple(
            self._onward(a, not a.transit and self.facts.may_wait(self.template, a))
            for a in self.template.actions
        )
        if not self.copied:
            return self.template
        return without_unreached(
            replace(self.template, actions=(*kept, *self.copied.values()))
        )

    def _onward(self, action: Action, later: bool) -> Action:
        """The action, going on to copies.  `later`: all of its step up to here may be done later.
        """
        return replace(
            action, body=with_gotos(action.body, lambda goto: self._instead(goto, later))
        )

    def _instead(self, goto: Goto, later: bool) -> Block:
        target = self.actions.get(goto.location)
        if target is None:
            return (goto,)
        lock = self.either.get(target.at)
        if lock is None and not (later and self.facts.is_plain(self.template, target)):
            return (goto,)
        still = later and lock is not None and released(target) is None
        name = target.at + (BEFORE if still else BEHIND)
        if name not in self.copied:
            self.copied[name] = target  # a circle would end here: see without_circles
            copy = replace(self._onward(target, still), at=name, transit=True)
            self.copied[name] = copy if lock is None else _asserting(copy, lock)
        return (replace(goto, location=name),)


def _asserting(action: Action, lock: Lock) -> Action:
    """The action, if its process holds the lock."""
    name, index = lock
    holder = Cell(Place(name + HOLDER, tuple(Const(i, Int(i, i)) for i in index)))
    return replace(action, body=(Assert(Binary("==", holder, Self()), HELD), *action.body))


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
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.counts = {p.name: p.count for p in program.processes}
        self.held = {p.name: held_at(p) for p in program.processes}
        self.locks = self._locks()
        self.uses: dict[str, _Uses] = {v.name: _Uses() for v in program.variables}
        self.asks_of_rest = asks_of_rest(program)
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
                for variable in read_in(action) | written_in(action):
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
        for variable in read_in(action):
            self.uses[variable].reads.append(held)
            self.uses[variable].by.add(process.name)
        for variable in written_in(action):
            self.uses[variable].writes.append(held)
            self.uses[variable].by.add(process.name)

    def _note_entry(self, process: Process) -> None:
        """The entry is part of the initial state; what it reads or writes is noted all the same."""
        for variable in ghosts_set(process.entry):
            self.uses[variable].writes.append(frozenset())
            self.uses[variable].by.add(process.name)

    # ---------------------------------------------------------------------- who may follow at once

    def follows(self, process: Process, action: Action) -> Lock | None:
        """The lock under which this action may be done sooner or later, or at once if it releases
        the lock; None if it may not."""
        if not self.is_plain(process, action) or isinstance(action.access, Observe):
            return None
        if not self._may_move(process, action):
            return None
        return self._moves(process, action, self.certain(process, action))

    def may_wait(self, process: Process, action: Action) -> bool:
        """Whether an action that begins a step may be done later."""
        taken = acquired(action)
        if taken is None:
            follows = self.follows(process, action)
            return follows is not None and released(action) is None
        if action.reason is not None or taken not in self.locks:
            return False
        if not self._may_move(process, action):
            return False
        return self._moves(process, action, frozenset([taken])) is not None

    def _may_move(self, process: Process, action: Action) -> bool:
        """Whether it chooses nothing, and does nothing that must be seen or done once in a step."""
        passing = all(self.program.variable(v).passing for v in ghosts_set(action.body))
        chooses = any(isinstance(s, Choose | Assume) for s in statements(action.body))
        return passing and not chooses and not self._moves_rest(process, action)

    def _moves(self, process: Process, action: Action, locks: frozenset[Lock]) -> Lock | None:
        for lock in sorted(locks):
            if self._concerns_nobody(process, action, lock) and self._is_unseen(action, lock):
                return lock
        return None

    def is_plain(self, process: Process, action: Action) -> bool:
        """It waits for nothing, is cut short by nothing, and is no part of an atomic; nor is it
        where the process rests between its turns."""
        actions = {a.at: a for a in process.actions}
        targets = [actions[g.location] for g in gotos(action.body) if g.location != END]
        if action.transit or action.head or action.wait is not None or action.reason is not None:
            return False
        if any(a.transit for a in targets):
            return False
        return not any(isinstance(s, Assume) for s in statements(action.body))

    def _moves_rest(self, process: Process, action: Action) -> bool:
        """Whether a property can tell that the process comes to rest here, or sets out."""
        heads = {END, *(a.at for a in process.actions if a.head)}
        return self.asks_of_rest and any(
            (g.location in heads) != action.head for g in gotos(action.body)
        )

    def _concerns_nobody(self, process: Process, action: Action, lock: Lock) -> bool:
        """No step that others can take meanwhile has to do with this one."""
        written = written_in(action)
        if lock in (acquired(action), released(action)):
            written = written - {lock[0] + LOCKED}
        read = read_in(action) - written - {lock[0] + LOCKED}
        return all(
            self._is_ours(process, v) or all(lock in held for held in self.uses[v].writes)
            for v in read
        ) and all(
            self._is_ours(process, v)
            or all(lock in held for held in (*self.uses[v].writes, *self.uses[v].reads))
            for v in written
        )

    def _is_ours(self, process: Process, variable: str) -> bool:
        """Nobody else ever accesses it."""
        return self.uses[variable].by == {process.name} and self.counts[process.name] == 1

    def _is_unseen(self, action: Action, lock: Lock) -> bool:
        """No property can tell whether it was done.  (A @predicate is a read like others: it cannot
        look at what is stored under a lock, but under that lock.)"""
        written = written_in(action)
        releases = released(action) == lock
        return not any(
            written & read_by(property)
            for property in self.program.properties
            if releases or not asks_when_free(property, lock)
        )
