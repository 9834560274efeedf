"""D8 as it stands: what holds at which instance, and how many states there are.

The default instance, four pages in one buddy, and allocations and frees of all kinds are instances
of the gate (pyproject.toml)."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines import reference
from modelcheck.engines.native import reduced
from modelcheck.engines.quick import search as quick
from modelcheck.frontend.compile import compile_spec
from modelcheck.passes.symmetry import symmetry
from modelcheck.passes.tickets import tickets
from modelcheck.trace import Limits
from tests.agree.said import what_matters

SPEC = str(Path(__file__).resolve().parents[2] / "specs" / "xen_idle_scrub.py")


@pytest.mark.parametrize(("sets", "states"), [
    ({"DOMAINS": 1}, 33_996),
    ({"DOMAINS": 1, "PAGES": 1}, 5_728),
    pytest.param({"DOMAINS": 1, "PAGES": 3}, 95_389, marks=pytest.mark.slow),
    pytest.param({"DOMAINS": 1, "IDLE_CPUS": 2}, 183_684, marks=pytest.mark.slow),
    pytest.param({"DOMAINS": 2}, 1_219_078, marks=pytest.mark.slow),
])
def test_holds(sets: dict[str, int | bool], states: int) -> None:
    verdict = quick.explore(compile_spec(SPEC, sets)[1], Limits())
    assert (verdict.outcome, verdict.states) == ("HOLDS", states)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", sorted(reduced.REDUCTIONS))
def test_the_engines_agree(wanted: str) -> None:
    _, program = compile_spec(SPEC, {"DOMAINS": 1})
    expected = what_matters(reference.explore(program, Limits()))
    found = reduced.explore(program, Limits(), wanted=frozenset([wanted]))
    assert what_matters(found) == expected


def test_what_may_be_exchanged() -> None:
    """Pages are neighbours, and told apart; domains, and the counters of heap_lock, are not."""
    _, program = compile_spec(SPEC, {})
    assert [t.name for t in symmetry(program).templates] == ["domain"]
    assert [c.size for c in tickets(program)] == [4]
