"""What two verdicts on one Program must have in common."""

from __future__ import annotations

import dataclasses
from typing import Any

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
