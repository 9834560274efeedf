"""What the designs between the e-mail's first idea and today's Xen do, at each promised instance.

As test_specs, by the quick engine: these are larger."""

from __future__ import annotations

import pytest

from modelcheck.engines.quick.search import explore
from modelcheck.frontend.compile import compile_spec
from tests.specs.test_specs import (
    DIRTY, OWNER, SPECS, Sets, check_that_it_holds, check_that_it_violates,
)

FAILS = "an allocation fails only when no page is free"
LABEL = "a free page that is not scrubbed says need_scrub"

HOLDING: tuple[tuple[str, Sets], ...] = (
    ("per_cpu_batch", {"RETRY": True, "DOMAINS": 1}),
    ("per_cpu_batch", {"RETRY": True, "PAGES": 1}),
    ("per_cpu_batch", {"RETRY": True, "PAGES": 3, "DOMAINS": 1, "BATCH": 2}),
    ("page_fault_scrub", {}),
    ("page_fault_scrub", {"P2M_LOCK": False, "CLAIM": True}),
    ("page_fault_scrub", {"PV": True, "SCRUB_FIRST": True}),
    ("page_fault_scrub", {"DMA": True, "SCRUB_FIRST": True}),
    ("clean_dirty_lists", {"WAIT": True, "PAGES": 2}),
    ("clean_dirty_lists", {"WAIT": True, "DOMAINS": 2}),
    ("clean_dirty_lists", {"WAIT": True, "IDLE_CPUS": 2}),
    ("clean_dirty_buddies", {"HIGH_ORDER": False}),
    ("deferred_populate", {}),
    ("scrub_softirq", {"RETRY": True, "COUNT_LATE": True}),
    ("scrub_softirq", {"RETRY": True, "COUNT_LATE": True, "VERSION": 2, "CPUS": 2}),
    ("boot_scrub", {}),
    ("boot_scrub", {"ROUNDS": 2}),
    ("boot_scrub", {"USERS": 3}),
)
LARGER: tuple[tuple[str, Sets], ...] = (
    ("per_cpu_batch", {"RETRY": True}),
    ("per_cpu_batch", {"RETRY": True, "DOMAINS": 1, "IDLE_CPUS": 2}),
    ("page_fault_scrub", {"FOREIGN_MAP": True, "SCRUB_FIRST": True}),
    ("clean_dirty_lists", {"WAIT": True, "DOMAINS": 2, "PAGES": 2}),
    ("deferred_populate", {"UNPAUSE": True, "FIXED": True}),
    ("deferred_populate", {"SINGLES": 1}),
    ("deferred_populate", {"CALLERS": 2}),
    ("scrub_softirq", {"RETRY": True, "COUNT_LATE": True, "CPUS": 2, "PAGES": 2}),
)
VIOLATING: tuple[tuple[str, Sets, str, int], ...] = (
    ("per_cpu_batch", {}, FAILS, 27),
    ("per_cpu_batch", {"RETRY": True, "LOOKS_FREE": True},
     "what is taken off a heap list is on it", 46),
    ("page_fault_scrub", {"P2M_LOCK": False}, OWNER, 35),
    ("page_fault_scrub", {"PV": True}, DIRTY, 18),
    ("page_fault_scrub", {"FOREIGN_MAP": True}, DIRTY, 20),
    ("page_fault_scrub", {"DMA": True}, OWNER, 28),
    ("clean_dirty_lists", {}, FAILS, 12),
    ("clean_dirty_lists", {"WAIT": True, "OWN_LOCKS": True}, FAILS, 25),
    ("clean_dirty_buddies", {},
     "an allocation fails only when no buddy of its order is free", 40),
    ("clean_dirty_buddies", {"MERGE_MIXED": True}, "no clean page is scrubbed again", 55),
    ("deferred_populate", {"UNPAUSE": True}, DIRTY, 42),
    ("deferred_populate", {"STASH_LOCK": False}, LABEL, 38),
    ("scrub_softirq", {}, FAILS, 24),
    ("scrub_softirq", {"VERSION": 2}, FAILS, 24),
    ("scrub_softirq", {"RETRY": True}, FAILS, 40),
    ("scrub_softirq", {"RETRY": True, "COUNT_LATE": True, "VERSION": 1},
     "no page is scrubbed under page_scrub_lock", 38),
    ("boot_scrub", {"HEAP_LOCK": False}, OWNER, 15),
    ("boot_scrub", {"SCRUB_FREES": False}, LABEL, 26),
)


@pytest.mark.parametrize(("spec", "sets"), HOLDING)
def test_holds(spec: str, sets: Sets) -> None:
    check_that_it_holds(spec, sets, explore)


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "sets"), LARGER)
def test_holds_where_it_is_larger(spec: str, sets: Sets) -> None:
    check_that_it_holds(spec, sets, explore)


@pytest.mark.parametrize(("spec", "sets", "sentence", "length"), VIOLATING)
def test_violates(spec: str, sets: Sets, sentence: str, length: int) -> None:
    check_that_it_violates(spec, sets, sentence, length, explore)


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in HOLDING}))
def test_a_design_says_what_it_is(spec: str) -> None:
    """Up to 300 lines, prose first, and something that must happen."""
    text = (SPECS / f"{spec}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert text.startswith('"""')
    _, program = compile_spec(str(SPECS / f"{spec}.py"), {})
    assert any(p.kind == "sometimes" for p in program.properties)
