"""Which locals matter at each location.

Preserves everything that can be observed: a local that is not live at a location is set before it
is read on every path from there, so that resetting it there (as semantics does) changes no step.
"""

from __future__ import annotations

from dataclasses import replace

from modelcheck.flow import exprs_in, exprs_of, live_locals, locals_read
from modelcheck.ir import (
    Assign,
    Choose,
    Process,
    Program,
    statements,
)


def liveness(program: Program) -> Program:
    """The Program with `live` of every action as the code implies it, in the order of the locals,
    and without the locals that nothing sets or reads."""
    return replace(
        program,
        boot=None if program.boot is None else _process(program.boot),
        processes=tuple(map(_process, program.processes)),
    )


def _process(process: Process) -> Process:
    used = _mentioned(process)
    kept = tuple(v for v in process.locals if v.name in used)
    live = live_locals(process)
    actions = tuple(
        replace(a, live=tuple(v.name for v in kept if v.name in live[a.at]))
        for a in process.actions
    )
    return replace(process, locals=kept, actions=actions)


def _mentioned(process: Process) -> frozenset[str]:
    found: set[str] = set()
    for expr in (*exprs_in(process.entry), *(e for a in process.actions for e in exprs_of(a))):
        found |= locals_read(expr)
    for block in (process.entry, *(a.body for a in process.actions)):
        found.update(s.local for s in statements(block) if isinstance(s, Assign | Choose))
    return frozenset(found)
