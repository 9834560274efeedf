"""What each shipped design does, at every instance that it is promised for.

Its own EXPECT must say the same.  `length`: the steps of the shortest trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore as reference
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.trace import Limits, Verdict

SPECS = Path(__file__).resolve().parents[2] / "specs"

Sets = Mapping[str, int | bool]
Explore = Callable[[Program, Limits], Verdict]
TWO_IDLE: Sets = {"IDLE_CPUS": 2}
ONE_PAGE: Sets = {"PAGES": 1}

HOLDING: tuple[tuple[str, Sets], ...] = (
    ("sync_scrub", {}),
    ("idle_scrub_locked", {}),
    ("idle_scrub_locked", {"ALLOC_LOCKED": True}),
    ("idle_scrub_locked", {"BATCH": 2}),
    ("per_page_cmpxchg", {"WAIT": True}),
    ("per_page_cmpxchg_lists", {"OWN_LINKS": True}),
    ("scrub_in_place", {}),
    ("scrub_in_place", {"WAIT_LOCKED": True}),
    ("scrub_in_place", {"DONE_LOCKED": True}),
)

DIRTY = "no dirty page is returned to a caller"
OWNER = "no page is scrubbed under its owner"
TRAP: Sets = {"WAIT_LOCKED": True, "DONE_LOCKED": True}

VIOLATING: tuple[tuple[str, Sets, str, int], ...] = (
    ("sync_scrub", {"BALLOON": True}, DIRTY, 60),
    ("idle_scrub_locked", {"DROP_LOCK": True}, OWNER, 20),
    ("per_page_cmpxchg", {}, DIRTY, 10),
    ("per_page_cmpxchg_lists", {}, "the walk stays on the heap list", 16),
    ("scrub_in_place", TRAP, "deadlock", 15),
)


def check_that_it_holds(spec: str, sets: Sets, explore: Explore = reference) -> None:
    declared, program = compile_spec(str(SPECS / f"{spec}.py"), sets)
    verdict = explore(program, Limits())
    assert (verdict.outcome, verdict.exhaustive) == ("HOLDS", True)
    assert {p.status for p in verdict.properties} <= {"holds", "reached"}
    assert [e.violates for e in declared.expectations] == [None]


@pytest.mark.parametrize(("spec", "sets"), HOLDING)
def test_holds(spec: str, sets: Sets) -> None:
    check_that_it_holds(spec, sets)


@pytest.mark.parametrize(("spec", "sets"), HOLDING)
def test_holds_with_one_page_so_that_allocations_fail(spec: str, sets: Sets) -> None:
    check_that_it_holds(spec, {**sets, **ONE_PAGE})


@pytest.mark.parametrize(
    ("spec", "sets"),
    [
        pytest.param(spec, sets, marks=pytest.mark.slow if spec.endswith("_lists") else ())
        for spec, sets in HOLDING if spec != "sync_scrub"  # no idle CPU scrubs there
    ],
)
def test_holds_with_two_idle_cpus(spec: str, sets: Sets) -> None:
    check_that_it_holds(spec, {**sets, **TWO_IDLE})


def test_the_walk_holds_with_two_idle_cpus_and_one_page() -> None:
    """With two pages it takes half a minute: marked slow, above."""
    check_that_it_holds("per_page_cmpxchg_lists", {"OWN_LINKS": True, **ONE_PAGE, **TWO_IDLE})


def check_that_it_violates(
    spec: str, sets: Sets, sentence: str, length: int, explore: Explore = reference
) -> None:
    declared, program = compile_spec(str(SPECS / f"{spec}.py"), sets)
    verdict = explore(program, Limits())
    assert verdict.outcome == "VIOLATED"
    assert [
        "deadlock" if p.kind == "deadlock" else p.sentence
        for p in verdict.properties if p.status == "violated"
    ] == [sentence]
    assert verdict.trace is not None
    assert len(verdict.trace.steps) == length
    assert [e.violates for e in declared.expectations] == [sentence]


@pytest.mark.parametrize(("spec", "sets", "sentence", "length"), VIOLATING)
def test_violates(spec: str, sets: Sets, sentence: str, length: int) -> None:
    check_that_it_violates(spec, sets, sentence, length)


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in HOLDING}))
def test_a_design_is_short_and_says_what_it_is(spec: str) -> None:
    """60 to 120 lines, prose first, a verdict that is expected, and something that must happen."""
    text = (SPECS / f"{spec}.py").read_text(encoding="utf-8")
    assert 60 <= len(text.splitlines()) <= 120
    assert text.startswith('"""')
    declared, program = compile_spec(str(SPECS / f"{spec}.py"), {})
    assert declared.expectations
    assert any(p.kind == "sometimes" for p in program.properties)


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in HOLDING}))
def test_every_action_is_taken_at_some_instance(spec: str) -> None:
    """No line of a design is dead: what two pages never reach, one page does."""
    never: list[set[tuple[str, str]]] = []
    for sets in [s for name, s in HOLDING if name == spec][:1]:
        for more in ({}, ONE_PAGE):
            _, program = compile_spec(str(SPECS / f"{spec}.py"), {**sets, **more})
            verdict = reference(program, Limits())
            never.append({  # what no caller here needs of the library is not the design's
                (n.process, n.action) for n in verdict.never_taken
                if Path(n.source.file).stem == spec
            })
    assert set.intersection(*never) == set()
