"""A schedule -> a Trace, by walking it on `semantics`."""

from __future__ import annotations

import itertools

from modelcheck.ir import Property
from modelcheck.semantics import Detail, Fault, Semantics, State, Step
from modelcheck.trace.data import (
    Change, Choice, Failure, Schedule, Touch, Trace, TraceStep, line_of, parameters_of,
)


class NotPossible(Exception):
    """A schedule that the Program cannot follow: which step, and what it was to do."""


class Disagreement(Exception):
    """An engine says of a run what `semantics` does not: a defect of the tool, never a verdict."""


def replay(semantics: Semantics, schedule: Schedule, failure: Failure | None = None) -> Trace:
    """Walk a schedule from the start.  NotPossible at the first step that cannot be taken.

    The trace's failure is the one given (a deadlock is no matter of one run), else the fault in the
    last step, else the first `always` or `lemma` that is false after
    it, else none."""
    begin = next((b for b in semantics.initial() if b.choices == schedule.initial), None)
    if begin is None:
        raise NotPossible(f"no run begins with the choices {list(schedule.initial)}")
    state, fault, steps = begin.state, begin.fault, list[TraceStep]()
    for process, choices in schedule.steps:
        where = f"step {len(steps) + 1}"
        if state is None:
            raise NotPossible(f"{where} comes after a fault: {fault.sentence if fault else ''}")
        if process not in range(len(semantics.names)):
            raise NotPossible(f"{where}: there is no process number {process}")
        detail = semantics.detail(state, process, choices)
        if detail is None:
            at = f"{semantics.names[process]} at {semantics.location(state, process)}"
            with_choices = f" with the choices {list(choices)}" if choices else ""
            raise NotPossible(f"{where} is not possible: {at}{with_choices}")
        steps.append(step_shown(semantics, state, detail))
        state, fault = detail.step.target, detail.step.fault
    start = begin.state
    return Trace(
        spec=semantics.program.name,
        parameters=parameters_of(semantics.program),
        processes=semantics.names,
        initial=tuple(Choice(*m) for m in begin.made),
        cells=() if start is None else semantics.show_cells(start),
        steps=tuple(steps),
        failure=failure or _failure(semantics, state, fault, steps[-1].process if steps else ""),
        switches=sum(a.number != b.number for a, b in itertools.pairwise(steps)),
    )


def end_of(semantics: Semantics, schedule: Schedule) -> State | None:
    """The state that a schedule leads to; None if it ends in a fault, or cannot be followed."""
    begin = next((b for b in semantics.initial() if b.choices == schedule.initial), None)
    state = None if begin is None else begin.state
    for process, choices in schedule.steps:
        detail = None if state is None else semantics.detail(state, process, choices)
        state = None if detail is None else detail.step.target
    return state


def failure_of_fault(fault: Fault, process: str) -> Failure:
    """A fault in a step of this process (or in a property: "")."""
    return Failure(fault.kind, fault.sentence, line_of(fault.span), process)


def failure_of_property(property: Property, held: bool | Fault) -> Failure:
    """An `always` or a `lemma` that is false, or that cannot be evaluated."""
    if isinstance(held, bool):
        return Failure("safety", property.sentence, line_of(property.span))
    sentence = f"{held.sentence}, in the property '{property.sentence}'"
    return Failure(held.kind, sentence, line_of(held.span))


def failure_of_deadlock(semantics: Semantics, state: State, process: int) -> Failure | None:
    """What is said of a process that is stuck in this state; None for one that has ended."""
    action = semantics.process_action(state, process)
    if action is None:
        return None
    name = semantics.names[process]
    sentence = f"{name} is stuck for ever at {action.at}"
    chain = tuple(line_of(call) for call in action.chain)
    return Failure("deadlock", sentence, line_of(action.span), name, chain)


def _failure(
    semantics: Semantics, state: State | None, fault: Fault | None, process: str
) -> Failure | None:
    if fault is not None:
        return failure_of_fault(fault, process)
    for property in semantics.program.properties:
        if property.invariant and state is not None:
            held = semantics.holds(property, state)
            if held is not True:
                return failure_of_property(property, held)
    return None


def step_shown(semantics: Semantics, state: State, detail: Detail) -> TraceStep:
    """A step from a state, in texts."""
    step = detail.step
    action, target = step.action, step.target
    return TraceStep(
        process=semantics.names[step.process],
        number=step.process,
        action=action.at,
        arrives=None if target is None else semantics.location(target, step.process),
        source=line_of(action.span),
        chain=tuple(line_of(call) for call in action.chain),
        touch=Touch(detail.by, detail.cell, detail.read) if detail.by else None,
        choices=tuple(Choice(*m) for m in detail.made),
        changed=_changed_cells(semantics, state, detail.left),
        locals=_changed_locals(semantics, state, detail.left, step),
        through=tuple(line_of(a.span) for a in step.through),
    )


def _changed_cells(semantics: Semantics, old: State, new: State) -> tuple[Change, ...]:
    return tuple(
        Change(semantics.cell_name(cell), semantics.show_cell(old, cell),
               semantics.show_cell(new, cell), variable.ghost)
        for cell, (variable, _) in enumerate(semantics.owners) if old[cell] != new[cell]
    )


def _changed_locals(
    semantics: Semantics, old: State, new: State, step: Step
) -> tuple[Change, ...]:
    """Of those that live, for that a dead one was reset tells nobody a thing.  A fault resets none.
    """
    before, after = semantics.locals(old, step.process), semantics.locals(new, step.process)
    action = semantics.process_action(new, step.process)
    live = () if action is None else action.live
    names = tuple(after) if step.fault is not None else live
    return tuple(Change(n, before[n], after[n]) for n in names if before[n] != after[n])
