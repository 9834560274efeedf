"""What can go wrong in a step of itself, by the sentence under which EXPECT and a gate know it."""

from __future__ import annotations

from modelcheck.ir import NO_DEADLOCK
from modelcheck.semantics.expressions import (
    CHOOSE, GHOST, INDEX, NONE, NOT_NONE, RUNAWAY, SHIFT, ZERO,
)  # fmt: skip

DEADLOCK = "deadlock"
RANGE = "a value leaves its range"


def without_details(sentence: str) -> str:
    """The sentence of a fault without what differs from one run to the next: the value and its
    range, the property in which it was met."""
    return sentence.partition(", in the property '")[0].partition(":")[0]


FAULTS = tuple(
    without_details(s) for s in (NONE, NOT_NONE, INDEX, RANGE, ZERO, SHIFT, CHOOSE, GHOST, RUNAWAY)
)


def as_named(sentence: str) -> str | None:
    """What EXPECT calls a deadlock or a fault that a verdict words so; None for what is neither."""
    short = without_details(sentence)
    if sentence == NO_DEADLOCK or short == DEADLOCK:
        return DEADLOCK
    return short if short in FAULTS else None
