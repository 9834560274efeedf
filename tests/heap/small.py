"""Small specs, written beside their tests, on the model and on the allocator."""

from __future__ import annotations

import random
import textwrap
from pathlib import Path

from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.follow import Follower
from modelcheck.heap.walk import Walk, walk
from modelcheck.ir import Program
from modelcheck.semantics import Semantics
from modelcheck.trace import Schedule, Trace
from modelcheck.trace import replay as trace_of

SPECS = Path(__file__).parents[2] / "specs"


def compiled(folder: Path, text: str) -> tuple[Spec, Program]:
    """A spec that is given as its text.  All words of the language are imported."""
    path = folder / "small.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return compile_spec(str(path), {})


def agreed(spec: Spec, program: Program, schedules: int = 40, steps: int = 60) -> list[Walk]:
    """Random schedules, on which model and allocator must not part."""
    with Allocator(spec) as allocator:
        follower = Follower(allocator, Semantics(program))
        found = [walk(follower, seed, steps) for seed in range(schedules)]
    assert [w for w in found if w.difference] == []
    return found


def a_run(
    program: Program, steps: list[int | tuple[int, tuple[int, ...]]], initial: tuple[int, ...] = ()
) -> Trace:
    """The model's trace of a schedule: process numbers, or (process, choices)."""
    plain = tuple((s, ()) if isinstance(s, int) else s for s in steps)
    return trace_of(Semantics(program), Schedule(initial, plain))


def failing_run(spec: Spec, program: Program, schedules: int = 200) -> Trace:
    """The shortest of the random schedules that end in a failed step."""
    semantics = Semantics(program)
    found: list[Schedule] = []
    for seed in range(schedules):
        chance, steps = random.Random(seed), list[tuple[int, tuple[int, ...]]]()
        begin = chance.choice(semantics.initial())
        state = begin.state
        while state is not None and len(steps) < 100:
            ways = semantics.successors(state)
            if not ways:
                break
            step = chance.choice(ways)
            steps.append((step.process, step.choices))
            state = step.target
        if state is None:
            found.append(Schedule(begin.choices, tuple(steps)))
    assert found, f"no schedule of {spec.path} fails"
    return trace_of(semantics, min(found, key=lambda s: len(s.steps)))
