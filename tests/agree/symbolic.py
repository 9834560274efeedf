"""z3 against the reference engine on one Program: the same shortest violation, and none to the
depth to which there is none.  `wrong` and `step_wrong` say what differs, or None."""

from __future__ import annotations

from typing import Any

import z3

from modelcheck.engines import reference
from modelcheck.engines.symbolic.bounded import explore
from modelcheck.engines.symbolic.system import BEYOND, FAULTS, Frames, System, flat
from modelcheck.ir import Program
from modelcheck.semantics import Semantics, State
from modelcheck.trace import Disagreement, Limits, Verdict

FEW = Limits(states=3_000)
AHEAD = 8  # steps that z3 looks ahead where there is no violation


def wrong(program: Program, limits: Limits = FEW, ahead: int = AHEAD) -> str | None:
    """What the engines say differently, if anything."""
    return against(reference.explore(program, limits), program, ahead)


def against(
    expected: Verdict, program: Program, ahead: int, farthest: int | None = None
) -> str | None:
    """What z3 says otherwise than a verdict of the reference engine.

    ahead     the steps that z3 looks ahead where there is no violation
    farthest  the most that it looks at to find one; None: as many as there are"""
    length = violation(expected)
    if length is not None and farthest is not None and length > farthest:
        length, looked = None, length - 1
    else:
        looked = expected.depth + 1 if expected.stopped is None else expected.stopped.depth - 1
    depth = min(looked, ahead) if length is None else length
    try:
        found = explore(program, Limits(), depth=depth)
    except Disagreement as error:
        return f"z3 is refuted: {error}"
    beyond = found.stopped is not None and found.stopped.reason == "encoding"
    if beyond and runaway(expected):
        return None  # it says so itself: a step does more than its terms follow
    if violation(found) != length:
        return f"the shortest violation: reference {length}, z3 {violation(found)}"
    if length is None and (found.stopped is None or found.stopped.reason != "depth"):
        return f"z3 did not get on: {found.stopped}"
    before = depth if length is None else length - 1
    if reached(found, before) != reached(expected, before):
        return f"what is reached: {reached(expected, before)}, z3 {reached(found, before)}"
    return None


def violation(verdict: Verdict) -> int | None:
    """The length of the violation that was found; a deadlock is not what z3 looks for."""
    trace = verdict.trace
    deadlock = trace is not None and trace.failure is not None and trace.failure.kind == "deadlock"
    return None if trace is None or deadlock else len(trace.steps)


def runaway(verdict: Verdict) -> bool:
    """Whether a step without an end was found."""
    failure = None if verdict.trace is None else verdict.trace.failure
    return failure is not None and failure.kind == "runaway"


def reached(verdict: Verdict, depth: int) -> dict[str, int]:
    """Which `sometimes` is reached within so many steps, and where."""
    return {
        p.sentence: p.depth for p in verdict.properties
        if p.status == "reached" and p.depth is not None and p.depth <= depth
    }


# -------------------------------------------------------------------------------- step by step


def step_wrong(program: Program, states: int = 4) -> str | None:
    """Where the terms of one step part from `semantics`, in some states that are reached: other
    steps, or no fault where there is one."""
    semantics = Semantics(program)
    frames = Frames(System(semantics))
    for state in some_states(semantics, states):
        solver = z3.SolverFor("QF_FD", ctx=frames.system.terms.context)
        solver.add(frames.begins([state]), frames.about_state(0), frames.about_step(0))
        steps = semantics.successors(state)
        if any(step.fault is not None and step.fault.kind == "runaway" for step in steps):
            if solver.check(frames.literal(BEYOND, 0)) != z3.sat:
                return f"z3 follows a step without an end from {state}"
            continue
        if any(step.fault for step in steps) != (solver.check(frames.literal(FAULTS, 0)) == z3.sat):
            return f"a fault in a step from {state}"
        solver.add(frames.leads_on(0))
        expected = {(step.process, step.target) for step in steps if step.target is not None}
        found: set[tuple[int, State]] = set()
        while len(found) <= len(expected) and solver.check() == z3.sat:
            model = solver.model()
            found.add((frames.process(model, 0), frames.read(model, 1)))
            solver.add(differs(frames, model))
        if found != expected:
            return f"from {state}: {sorted(map(str, found ^ expected))}"
    return None


def differs(frames: Frames, model: Any) -> Any:
    """Another process, or another next state, than in this model."""
    terms = [*frames.who(0), *(term for sym in frames.state(1) for term in flat(sym))]
    return z3.Or(*(t != model.eval(t, model_completion=True) for t in terms))


def some_states(semantics: Semantics, count: int) -> list[State]:
    """States that are reached, spread over the first hundreds."""
    met = dict.fromkeys(b.state for b in semantics.initial() if b.state is not None)
    queue = list(met)
    while queue and len(met) < 300:
        for step in semantics.successors(queue.pop(0)):
            if step.target is not None and step.target not in met:
                met[step.target] = None
                queue.append(step.target)
    every = list(met)
    return every[:: max(1, len(every) // count)]
