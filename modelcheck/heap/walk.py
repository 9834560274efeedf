"""Random schedules: the model and the allocator side by side, any step that the model can take."""

from __future__ import annotations

import random

from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.faults import Difference
from modelcheck.heap.follow import Follower
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import Semantics


@dataclass(frozen=True)
class Walk:
    """How many steps a random schedule had, how it ended, and where the two sides parted, if so.

    ended  "steps" (there could be more), "failed" (a fault, the same on both sides) or "nothing
           more" (every process has ended or waits, on both sides)
    """

    seed: int
    steps: int
    ended: str
    difference: str | None


def random_walk(spec: Spec, program: Program, semantics: Semantics, seed: int, steps: int) -> Walk:
    """One random schedule of at most this many steps."""
    assert semantics.program is program
    with Allocator(spec) as allocator:
        return walk(Follower(allocator, semantics), seed, steps)


def walk(follower: Follower, seed: int, steps: int) -> Walk:
    """As random_walk, on an allocator that is there already."""
    chance = random.Random(seed)
    taken = 0
    try:
        begin = chance.choice(follower.begins)
        follower.begin(begin)
        state = begin.state
        while state is not None and taken < steps:
            follower.same_properties(state)
            ways = follower.same_ways(state)
            if not ways:
                return Walk(seed, taken, "nothing more", None)
            step = chance.choice(ways)
            follower.step(step)
            taken += 1
            state = step.target
    except Difference as difference:
        return Walk(seed, taken, "parted", f"after step {taken}: {difference}")
    return Walk(seed, taken, "steps" if state is not None else "failed", None)
