"""Defects that an export might have, each planted into a Model: a function that makes the Model
worse, or gives None where there is no place for the defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from modelcheck.export.model import Body, Branch, Check, Command, Model, Set
from modelcheck.export.terms import FALSE, Num, Op, Read, Term

Plant = Callable[[Model], Model | None]


def a_guard_is_dropped(model: Model) -> Model | None:
    """A step that waits does not."""
    for n, command in enumerate(model.commands):
        guard = command.guard
        if isinstance(guard, Op) and guard.op == "and":
            return _with(model, n, replace(command, guard=guard.args[0]))
    return None


def dead_locals_are_not_reset(model: Model) -> Model | None:
    """Locals keep what they held where they matter no more."""
    kept = tuple(replace(c, body=_without_resets(c.body, model)) for c in model.commands)
    return None if kept == model.commands else replace(model, commands=kept)


def _without_resets(body: Body, model: Model) -> Body:
    return tuple(
        replace(s, then=_without_resets(s.then, model), other=_without_resets(s.other, model))
        if isinstance(s, Branch) else s
        for s in body if not (isinstance(s, Set) and _is_reset(s, model))
    )


def _is_reset(statement: Set, model: Model) -> bool:
    """Whether a Set gives a local what it held in the beginning."""
    cells = statement.cells
    if not isinstance(statement.value, Num) or not isinstance(statement.index, Num):
        return False
    begin = model.beginnings[0][model.variables.index(cells)][statement.index.value]
    is_local = any(cells.shown.startswith(c.process.partition("[")[0]) for c in model.commands)
    return is_local and statement.value.value == begin and not cells.name.endswith("_pc")


def two_steps_are_one(model: Model) -> Model | None:
    """A step goes on with the next of the same process at once."""
    for n, command in enumerate(model.commands):
        for onward in model.commands:
            if onward.process == command.process and _leads_to(command.body, onward):
                body = (*command.body[:-1], *onward.body)
                return _with(model, n, replace(command, body=body))
    return None


def _leads_to(body: Body, onward: Command) -> bool:
    """Whether a body ends by going to where the other command, which never waits, begins."""
    if not body or not isinstance(body[-1], Set) or onward.choices:
        return False
    last, guard = body[-1], onward.guard
    if not isinstance(guard, Op) or guard.op != "==" or not isinstance(guard.args[0], Read):
        return False
    stands: Term = guard.args[0]
    return (
        isinstance(stands, Read) and stands.cells == last.cells and stands.index == last.index
        and guard.args[1] == last.value
    )


def no_promise_is_exported(model: Model) -> Model | None:
    """Neither invariants nor what a step may not do."""
    dropped = tuple(replace(c, body=_unchecked(c.body)) for c in model.commands)
    return replace(model, commands=dropped, invariants=())


def _unchecked(body: Body) -> Body:
    return tuple(
        replace(s, then=_unchecked(s.then), other=_unchecked(s.other)) if isinstance(s, Branch)
        else s
        for s in body if not isinstance(s, Check)
    )


def a_step_is_lost(model: Model) -> Model | None:
    """One command is never taken."""
    return _with(model, 0, replace(model.commands[0], guard=FALSE))


def _with(model: Model, n: int, command: Command) -> Model:
    return replace(model, commands=(*model.commands[:n], command, *model.commands[n + 1 :]))


PLANTED: tuple[Plant, ...] = (
    a_guard_is_dropped, dead_locals_are_not_reset, two_steps_are_one, a_step_is_lost,
)
"""What shows in the states of a Program that holds."""
