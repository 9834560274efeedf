"""What two verdicts on one Program must have in common."""

from __future__ import annotations

import dataclasses
from typing import Any

from modelcheck.engines.native.left_out import PERHAPS
from modelcheck.trace import Limits, Verdict


def whole(verdict: Verdict) -> dict[str, Any]:
    """All that a verdict says, but by which engine, in how long and within which limits."""
    plain = dataclasses.replace(verdict, engine="", seconds=None, limits=Limits())
    return {f.name: getattr(plain, f.name) for f in dataclasses.fields(plain)}


def what_matters(verdict: Verdict) -> dict[str, Any]:
    """What a reduction has to leave as it is."""
    return {
        "outcome": verdict.outcome,
        "properties": [(p.sentence, p.status) for p in verdict.properties],
        "never taken": [(n.process, n.action) for n in verdict.never_taken],
        "trace": verdict.trace,
    }


def misnamed(found: Verdict, expected: Verdict) -> str | None:
    """What is wrong with the reductions that a verdict names: one that is named has left states or
    steps out, and without any nothing is left out.  `expected`: of a search without reductions."""
    if not (found.exhaustive and expected.exhaustive):
        return None
    counts = (found.states, found.transitions), (expected.states, expected.transitions)
    fewer = counts[0][0] < counts[1][0] or counts[0][1] < counts[1][1]
    sure = [name for name in found.reductions if not name.startswith(PERHAPS)]
    if fewer and not found.reductions:
        return f"no reduction is named, and of {counts[1]} states and steps {counts[0]} are left"
    if sure and not fewer:
        return f"reduced by {', '.join(sure)}, which left out none of {counts[1]} states and steps"
    return None
