"""Bugs that Xen's page heap has had (specs/history), and what fails in the model of its newest
source (specs/open): each is found in the code before the fix, each fix holds.  Three that are no
bugs hold before and after.

`length`: the steps of the shortest trace.  Each is run on the executable allocator too.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec, compile_with_lines
from modelcheck.search import Engine, search
from modelcheck.trace import Limits
from modelcheck.validate import by_its_lines, validated
from tests.large import small
from tests.specs.test_specs import DIRTY, Sets, check_that_it_holds

ALL = Path(__file__).resolve().parents[2] / "specs"
FOLDERS = {path.stem: path.parent.name for kind in ("history", "open")
           for path in small(ALL / kind)}
"""In which folder a spec is."""
SPECS = list(FOLDERS)


def path_of(spec: str) -> Path:
    """The file of a spec, by its name."""
    return ALL / FOLDERS[spec] / f"{spec}.py"


AS_IT_WAS: Sets = {}
FIXED: Sets = {"FIXED": True}

RAM = "a guest with its caches off reads no dirty page"
LISTED = "a page is taken off the list that it is on"
NOT_FREE = "a page from the heap is free"
WRITES = "nobody but its owner writes to a page"

VIOLATING: tuple[tuple[str, Sets, str, int, str], ...] = (
    ("state_outside_lock", AS_IT_WAS, LISTED, 28, "memory"),
    ("state_outside_lock", {"FREE_SIDE": True}, LISTED, 31, "memory"),
    ("merge_dirty_successor", AS_IT_WAS, DIRTY, 46, "bytes"),
    ("merge_dirty_successor", {"DEBUG": True},
     "need_scrub is set only where first_dirty says so", 42, "memory"),
    ("flush_before_scrub", AS_IT_WAS, RAM, 11, "bytes"),
    ("flush_range_wraps", AS_IT_WAS, RAM, 3, "bytes"),
    ("offline_page_deadlock", AS_IT_WAS, "deadlock", 13, "stuck"),
    ("offline_page_deadlock", {"CLAIM": True}, "deadlock", 10, "stuck"),
    ("irq_heap_op", AS_IT_WAS, "deadlock", 2, "stuck"),
    ("irq_heap_op", {"CPUS": 2}, "deadlock", 2, "stuck"),
    ("scrub_lock_held", AS_IT_WAS,
     "no page is scrubbed while page scrub lock is held", 35, "memory"),
    ("claims_in_two_sections", AS_IT_WAS, "no more is claimed than is there", 6, "memory"),
    ("claims_in_two_sections", {"CLAIM": 1}, "only what is claimed is refused", 10, "memory"),
    ("page_lost", AS_IT_WAS, "no page is lost, and none is there twice", 11, "memory"),
    ("offline_free_page", AS_IT_WAS, NOT_FREE, 19, "memory"),
    ("hypervisor_pages", AS_IT_WAS, DIRTY, 25, "bytes"),
    ("stale_translation", AS_IT_WAS, WRITES, 15, "bytes"),
    ("stale_translation", {"KEEP_ENTRY": True}, WRITES, 15, "bytes"),
    ("steal_page", AS_IT_WAS, "no page is lost", 18, "memory"),
    ("steal_page", {"GIVES_BACK": True}, "a stolen page is the domain's own", 27, "memory"),
    ("merge_with_neighbour", AS_IT_WAS, LISTED, 5, "memory"),
    ("merge_with_neighbour", {"ZONES": True}, LISTED, 53, "memory"),
    ("double_free", AS_IT_WAS, "page lists are whole", 26, "memory"),
    ("buddy_around_offlined", AS_IT_WAS,
     "the heap holds the free pages and no others", 34, "memory"),
    ("buddy_around_offlined", {"ALIGNED": True},
     "no two buddies on the heap could be merged", 42, "memory"),
    ("online_dirty_page", AS_IT_WAS, DIRTY, 58, "bytes"),
    ("online_dirty_page", {"COUNTED": True},
     "node_need_scrub counts the free pages that need it", 31, "memory"),
    ("unfair_lock", AS_IT_WAS,
     "each other cpu goes before a waiting one once at most", 8, "memory"),
    ("clear_without_lock", {"PLAIN": True},
     "no page forgets that it was told to go offline", 8, "memory"),
    ("flag_of_its_own", {"ASSIGN_FIRST": True},
     "a page is its domain's until it is given back", 13, "memory"),
    ("node_bounds_check", {"LOST": True}, "a node's number is one of the array's", 4, "memory"),
)

NO_BUGS = ("clear_without_lock", "flag_of_its_own", "node_bounds_check")

HOLDING: tuple[tuple[str, Sets], ...] = (
    *((spec, AS_IT_WAS) for spec in NO_BUGS),
    ("state_outside_lock", FIXED),
    ("state_outside_lock", {**FIXED, "DOMAINS": 3}),
    ("merge_dirty_successor", FIXED),
    ("merge_dirty_successor", {**FIXED, "DEBUG": True}),
    ("flush_before_scrub", FIXED),
    ("flush_before_scrub", {**FIXED, "DOMAINS": 2}),
    ("flush_range_wraps", FIXED),
    ("offline_page_deadlock", {**FIXED, "CLAIM": True}),
    ("irq_heap_op", FIXED),
    ("irq_heap_op", {**FIXED, "CPUS": 2}),
    ("scrub_lock_held", FIXED),
    ("claims_in_two_sections", FIXED),
    ("claims_in_two_sections", {**FIXED, "CLAIM": 1}),
    ("page_lost", FIXED),
    ("offline_free_page", FIXED),
    ("hypervisor_pages", FIXED),
    ("stale_translation", FIXED),
    ("steal_page", FIXED),
    ("steal_page", {**FIXED, "GIVES_BACK": True}),
    ("merge_with_neighbour", FIXED),
    ("merge_with_neighbour", {**FIXED, "ZONES": True}),
    ("double_free", FIXED),
    ("buddy_around_offlined", FIXED),
    ("online_dirty_page", {**FIXED, "COUNTED": True}),
    ("unfair_lock", FIXED),
    ("clear_without_lock", FIXED),
    ("flag_of_its_own", FIXED),
    ("flag_of_its_own", {**FIXED, "ASSIGN_FIRST": True}),
    ("node_bounds_check", {**FIXED, "CPUS": 1}),
    ("node_bounds_check", {**FIXED, "LOST": True}),
)


@pytest.mark.parametrize(("spec", "sets", "sentence", "length", "by"), VIOLATING)
def test_as_it_was_it_fails(spec: str, sets: Sets, sentence: str, length: int, by: str) -> None:
    declared, program, unmerged = compile_with_lines(str(path_of(spec)), sets)
    verdict = by_its_lines(explore(program, Limits()), unmerged)
    assert [
        "deadlock" if p.kind == "deadlock" else p.sentence
        for p in verdict.properties if p.status == "violated"
    ] == [sentence]
    assert [e.violates for e in declared.expectations] == [sentence]
    assert verdict.trace is not None
    assert len(verdict.trace.steps) == length
    found = validated(verdict, declared, program).validation
    assert found is not None
    assert (found.mark, found.by) == ("validated", by)


@pytest.mark.parametrize(("spec", "sets"), HOLDING)
def test_mended_it_holds(spec: str, sets: Sets) -> None:
    check_that_it_holds(f"{FOLDERS[spec]}/{spec}", sets)


def test_each_is_in_the_tables() -> None:
    assert {spec for spec, sets in HOLDING if sets.get("FIXED")} == set(SPECS)
    assert {spec for spec, sets, *_ in VIOLATING if not sets} == {*SPECS} - {*NO_BUGS}


@pytest.mark.parametrize("spec", SPECS)
def test_each_says_what_was_read(spec: str) -> None:
    """Which commits, in prose, before the first line of the spec; and it is one bug's size."""
    text = path_of(spec).read_text(encoding="utf-8")
    prose = text[: text.index('"""', 3)]
    assert re.search(r"\b[0-9a-f]{10}\b", prose)
    assert re.search(r"\b(19|20)\d\d\b", prose)
    assert len(text.splitlines()) <= 200


@pytest.mark.parametrize("spec", SPECS)
def test_no_line_is_dead(spec: str) -> None:
    """What one instance that holds never reaches, another does."""
    taken: set[int] = set()
    never: set[int] = set()
    for sets in (s for name, s in HOLDING if name == spec):
        path = str(path_of(spec))
        _, program = compile_spec(path, sets)
        verdict = search(program, Engine("quick"), Limits(), (), lambda *_: None)
        assert verdict.exhaustive
        missed = {(n.process, n.action) for n in verdict.never_taken}
        for process in program.processes:
            for action in process.actions:
                lines = {s.line for s in (action.span, *action.also) if s.file == path}
                if (process.name, action.at) in missed:
                    never |= lines
                else:
                    taken |= lines
    assert never - taken == set()
