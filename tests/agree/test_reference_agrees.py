"""The reference engine against a naive interpreter, on random Programs."""

from __future__ import annotations

import pytest

from modelcheck.engines.reference import searched
from modelcheck.semantics import Semantics
from modelcheck.trace import Limits
from tests.agree.naive_graph import agrees
from tests.agree.random_programs import random_program


LARGE = (81, 146)  # of some thousand states, at which the naive one takes as long as at all others


@pytest.mark.parametrize("seed", [
    pytest.param(seed, marks=pytest.mark.slow if seed in LARGE else ()) for seed in range(200)
])
def test_the_reference_engine_agrees_with_a_naive_one(seed: int) -> None:
    print(f"seed {seed}")
    agrees(random_program(seed))


@pytest.mark.slow
def test_a_campaign() -> None:
    """The same on many more; of those with thousands of states the naive one would take hours."""
    small = Limits(states=1_000)
    for seed in range(200, 4000):
        print(f"seed {seed}")
        program = random_program(seed)
        if Semantics(program).initial() and searched(program, small).stopped is None:
            agrees(program)
