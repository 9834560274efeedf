"""The lines that a run really went through.

Where equal locations were merged, an engine's trace names the first line of them.  The same choices
make the same run of the Program in which nothing was merged, and there each location is one line.
"""

from __future__ import annotations

from dataclasses import replace

from modelcheck.semantics import Semantics, State
from modelcheck.trace.data import Failure, Line, Trace, Verdict, line_of
from modelcheck.trace.replay import Disagreement, end_of, failure_of_fault, step_shown


def told(verdict: Verdict, unmerged: Semantics) -> Verdict:
    """The verdict, its trace and who is stuck at its end by the lines of that run.  (What else is
    broken at the same length is broken in other runs, and keeps the line that it has.)"""
    if verdict.trace is None:
        return verdict
    trace = with_lines(verdict.trace, unmerged)
    end = end_of(unmerged, trace.schedule)
    others = tuple(_where_it_stands(failure, unmerged, end) for failure in verdict.others)
    return replace(verdict, trace=trace, others=others)


def with_lines(trace: Trace, unmerged: Semantics) -> Trace:
    """The trace by the lines of that run.  Disagreement if there is no such run."""
    schedule, steps = trace.schedule, []
    begin = next((b for b in unmerged.initial() if b.choices == schedule.initial), None)
    if begin is None:
        raise Disagreement("a run begins otherwise where equal locations are merged")
    state, failure = begin.state, trace.failure
    for shown, (process, choices) in zip(trace.steps, schedule.steps, strict=True):
        detail = None if state is None else unmerged.detail(state, process, choices)
        if state is None or detail is None:
            raise Disagreement(f"{shown.action}: no such step where no locations are merged")
        step = step_shown(unmerged, state, detail)
        if (step.touch, step.changed) != (shown.touch, shown.changed):
            raise Disagreement(f"{shown.action} does something else where no locations are merged")
        steps.append(replace(shown, source=step.source, chain=step.chain, through=step.through))
        state, fault = detail.step.target, detail.step.fault
        if fault is not None and failure is not None:
            failure = _of_the_run(failure, failure_of_fault(fault, step.process))
    if failure is not None:
        failure = _where_it_stands(failure, unmerged, state)
    return replace(trace, steps=tuple(steps), failure=failure)


def _of_the_run(failure: Failure, there: Failure) -> Failure:
    """A fault in a step, at the line where it is met."""
    if (there.kind, there.sentence) != (failure.kind, failure.sentence):
        raise Disagreement(f"{failure.sentence}: where no locations are merged, {there.sentence}")
    return replace(failure, source=there.source)


def _where_it_stands(failure: Failure, unmerged: Semantics, end: State | None) -> Failure:
    """Of who is stuck, the line where it stands at the end of the run."""
    if failure.kind != "deadlock" or end is None:
        return failure
    action = unmerged.process_action(end, unmerged.names.index(failure.process))
    if action is None:
        raise Disagreement(f"{failure.sentence}: it has ended where no locations are merged")
    chain: tuple[Line, ...] = tuple(line_of(call) for call in action.chain)
    return replace(failure, source=line_of(action.span), chain=chain)
