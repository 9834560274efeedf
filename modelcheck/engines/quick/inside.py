"""What stands in one step: an action, and those of the transit locations behind it."""

from __future__ import annotations

from dataclasses import replace

from modelcheck.engines.places import Places
from modelcheck.flow import exprs_of, gotos
from modelcheck.ir import (
    END, Action, Assign, Choose, Goto, Local, Process, Rmw, SetGhost, Store, statements, walk,
)


def needs(places: Places, process: Process, action: Action) -> int:
    """What a process has to leave from here on: also where it rests within a loop, for from there
    it may come back to where it does not."""
    return places.needs(process, replace(action, resting=action.resting and not action.loops))


class Inside:
    """What can be said of the step before it is written.

    targets     the actions of the process, by their locations
    actions     those of the step, the one where it begins first
    statements  of all of them
    turns       it may come by the same location again, as far as is known here
    set_twice   the ghosts that it may come to set twice
    writes      it may store
    named       the locals that matter in here
    changed     those of them that may change on the way
    """

    def __init__(self, process: Process, action: Action) -> None:
        self.targets = {a.at: a for a in process.actions}
        self.actions = self._reached(action)
        self.statements = [s for a in self.actions for s in statements(a.body)]
        self.turns = any(self.transit(g) for a in self.actions[1:] for g in gotos(a.body))
        sets = [s.place.variable for s in self.statements if isinstance(s, SetGhost)]
        self.set_twice = {v for v in sets if sets.count(v) > 1 or self.turns}
        self.writes = any(isinstance(a.access, Store | Rmw) for a in self.actions)
        self.changed = self._changed(process)
        self.named = self._named() | self.changed

    def transit(self, goto: Goto) -> Action | None:
        """Where a Goto leads, if the step goes on there."""
        target = self.targets.get(goto.location)
        return target if target is not None and target.transit else None

    def _reached(self, action: Action) -> list[Action]:
        found = {action.at: action}
        todo = [action]
        while todo:
            for goto in gotos(todo.pop().body):
                target = self.transit(goto)
                if target is not None and target.at not in found:
                    found[target.at] = target
                    todo.append(target)
        return list(found.values())

    def _changed(self, process: Process) -> set[str]:
        """What is set; and what is dead at a transit location, for there it is reset."""
        changed = {s.local for s in self.statements if isinstance(s, Assign | Choose)}
        for target in self.actions[1:]:
            changed.update(v.name for v in process.locals if v.name not in target.live)
        return changed

    def _named(self) -> set[str]:
        roots = [expr for action in self.actions for expr in exprs_of(action)]
        named = set[str]()
        for statement in self.statements:
            if isinstance(statement, Goto) and statement.location != END:
                named.update(self.targets[statement.location].live)
        return named | {e.name for root in roots for e in walk(root) if isinstance(e, Local)}
