"""The front end against CPython: random specs, compiled to a Program on one side, and run as they
stand by real threads on the allocator on the other, agree at each step of random schedules."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.follow import Follower
from modelcheck.heap.walk import walk
from modelcheck.notation import parse_program, print_program
from modelcheck.semantics import Semantics
from modelcheck.source import SpecError, lines_of
from tests.agree.random_specs import random_spec

SHARE = range(120)


def agrees(seed: int, folder: Path) -> int | None:
    """The steps on which model and allocator agree; None if the front end refuses the spec."""
    path = folder / f"spec{seed}.py"
    path.write_text(random_spec(seed), encoding="utf-8")
    lines_of.cache_clear()
    try:
        spec, program = compile_spec(str(path), {})
        semantics = Semantics(program)
        if any(len(begin.choices) > 40 for begin in semantics.initial()):
            return None  # a loop that chooses and does not end
        assert parse_program(print_program(program)) == program
        with Allocator(spec) as allocator:
            follower = Follower(allocator, semantics)
            walks = [walk(follower, number, 60) for number in range(6)]
    except SpecError:  # refused, or a step forks too often
        return None
    assert [w for w in walks if w.difference] == [], f"seed {seed}"
    return sum(w.steps for w in walks)


def campaign(seeds: range, folder: Path) -> None:
    """Most specs are accepted, and they run."""
    found = [agrees(seed, folder) for seed in seeds]
    accepted = [steps for steps in found if steps is not None]
    print(f"{len(accepted)} of {len(found)} specs accepted, {sum(accepted)} steps")
    assert len(accepted) > len(found) // 2
    assert sum(steps > 20 for steps in accepted) > len(accepted) // 2


def test_model_and_allocator_agree_on_random_specs(tmp_path: Path) -> None:
    campaign(SHARE, tmp_path)


@pytest.mark.slow
def test_model_and_allocator_agree_on_many_random_specs(tmp_path: Path) -> None:
    campaign(range(len(SHARE), 3000), tmp_path)
