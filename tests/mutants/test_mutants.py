"""One line of a design changed, and the property that must fail for it.

A mutant replaces one line (the text in `line`, which is the whole line and, unless `nth` says
otherwise, the first such) by `by`: another line, a few lines, or `pass`.  The design holds at the
same instance when it is not changed: tests/specs/test_specs.py shows that.  The check looks at the
named property, at every assert and for deadlock; the other invariants are left out, so that each
property is seen to fail by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.declare import sentences
from modelcheck.frontend.definitions import HELD_AT_END, RELEASED
from modelcheck.trace import Limits, Verdict
from tests.mutants.changed_line import with_line_changed

SPECS = Path(__file__).resolve().parents[2] / "specs"

DIRTY = "no dirty page is returned to a caller"
OWNER = "no page is scrubbed under its owner"
FAILS = "an allocation fails only when no page is free"
LISTED = "a page on the heap list is free"
DEADLOCK = "deadlock"
LABEL = "a free page that is not scrubbed says need_scrub"
WHOLE = "page lists are whole"
HELD = "the heap holds the free pages and no others"
LOST_AT_REST = "no page is lost: when nobody is at work, all are free"
TWICE = "page_list_add_tail(pg, heap)\npage_list_add_tail(pg, heap)"


@dataclass(frozen=True)
class Mutant:
    spec: str
    story: str
    line: str
    by: str
    fails: str
    sets: dict[str, int | bool] = field(default_factory=dict)
    nth: int = 1


SYNC_SCRUB = (
    Mutant(
        "sync_scrub", "an allocation does not take heap_lock",
        "spin_lock(heap_lock)", "pass", RELEASED,
    ),
    Mutant(
        "sync_scrub", "nobody scrubs",
        "scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked", "pass",
        DIRTY,
    ),
    Mutant(
        "sync_scrub", "nobody scrubs: seen on the heap, before any caller",
        "scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked", "pass",
        LABEL,
    ),
    Mutant(
        "sync_scrub", "the page is scrubbed after it is back on the heap",
        "free_heap_pages(pg)", "free_heap_pages(pg)\nscrub_one_page(pg)", OWNER,
    ),
    Mutant(
        "sync_scrub", "the page is freed and forgotten (Xen, 2009: 428dc303f5)",
        "page_list_add_tail(pg, heap)", "pass", FAILS, {"PAGES": 1}, nth=2,
    ),
    Mutant(
        "sync_scrub", "the page is freed and forgotten: seen at once",
        "page_list_add_tail(pg, heap)", "pass", HELD, nth=2,
    ),
    Mutant(
        "sync_scrub", "the page goes to the heap in use",
        "pg.count_info = CountInfo(PGC.FREE)", "pass", LISTED,
    ),
    Mutant(
        "sync_scrub", "the page is freed twice",
        "free_heap_pages(pg)", "free_heap_pages(pg)\nfree_heap_pages(pg)", "no page is freed twice",
    ),
    Mutant(
        "sync_scrub", "a domain that dies frees nothing",
        "free_heap_pages(pg)", "pass", LOST_AT_REST,
    ),
    Mutant(
        "sync_scrub", "the page is put on the list twice",
        "page_list_add_tail(pg, heap)", TWICE, WHOLE, nth=2,
    ),
    Mutant(
        "sync_scrub", "the page is off its domain's list, and counted still",
        "d.tot_pages = tot_pages - 1", "pass", "tot_pages counts the pages on its domain's list",
    ),
    Mutant(
        "sync_scrub", "heap_lock is held when the domain's page_alloc_lock is taken",
        "relinquish(pg, me)",
        "spin_lock(heap_lock)\nrelinquish(pg, me)\nspin_unlock(heap_lock)",
        "heap_lock is taken after page_alloc_lock, never before it",
    ),
    Mutant(
        "sync_scrub", "a failing allocation keeps heap_lock",
        "spin_unlock(heap_lock)", "pass", DEADLOCK, {"PAGES": 1},
    ),
    Mutant(
        "sync_scrub", "the scrub is done under heap_lock",
        "scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked",
        "spin_lock(heap_lock)\nscrub_one_page(pg)\nspin_unlock(heap_lock)",
        "two pages are being scrubbed at once",
    ),
)

IDLE_SCRUB_LOCKED = (
    Mutant(
        "idle_scrub_locked", "the allocation does not scrub a dirty page",
        "scrub_one_page(pg)", "pass", DIRTY, nth=2,
    ),
    Mutant(
        "idle_scrub_locked", "nor under the lock",
        "scrub_one_page(pg)", "pass", DIRTY, {"ALLOC_LOCKED": True}, nth=1,
    ),
    Mutant(
        "idle_scrub_locked", "the allocation scrubs, and leaves the mark: the page is scrubbed"
        " again when it is freed", "pg.count_info = CountInfo(PGC.INUSE)",
        "pg.count_info = CountInfo(PGC.INUSE, need_scrub=info.need_scrub)",
        "no domain has a page that says need_scrub",
    ),
    Mutant(
        "idle_scrub_locked", "a domain that dies frees nothing",
        "free_heap_pages(pg)", "pass", LOST_AT_REST,
    ),
    Mutant(
        "idle_scrub_locked", "a freed page is not marked",
        "pg.count_info = CountInfo(PGC.FREE, need_scrub=True)",
        "pg.count_info = CountInfo(PGC.FREE, need_scrub=False)", LABEL,
    ),
    Mutant(
        "idle_scrub_locked", "the idle CPU clears need_scrub before the scrub",
        "if info.need_scrub:",
        "if info.need_scrub:\n    clear_bit(pg.count_info.need_scrub)", LABEL,
    ),
    Mutant(
        "idle_scrub_locked", "the idle CPU goes on scrubbing after it has dropped heap_lock",
        "pg = pg.next", "pg = pg.next\nif pg is not None:\n    spin_unlock(heap_lock)\n"
        "    scrub_one_page(pg)\n    spin_lock(heap_lock)", OWNER,
    ),
    Mutant(
        "idle_scrub_locked", "the allocation leaves the page on the list",
        "pg = page_list_remove_head(heap)", "pg = heap.next", LISTED,
    ),
    Mutant(
        "idle_scrub_locked", "the state is flipped outside heap_lock (Xen, 2017: dab6a84aad)",
        "pg.count_info = CountInfo(PGC.INUSE)",
        "spin_unlock(heap_lock)\npg.count_info = CountInfo(PGC.INUSE)\nspin_lock(heap_lock)",
        HELD,
    ),
    Mutant(
        "idle_scrub_locked", "the page is put on the list twice",
        "page_list_add_tail(pg, heap)", TWICE, WHOLE, nth=2,
    ),
    Mutant(
        "idle_scrub_locked", "the state of a freed page is flipped before heap_lock is taken",
        "spin_lock(heap_lock)",
        "pg.count_info = CountInfo(PGC.FREE, need_scrub=True)\nspin_lock(heap_lock)",
        FAILS, {"PAGES": 1}, nth=2,
    ),
    Mutant(
        "idle_scrub_locked", "a failing allocation keeps heap_lock",
        "spin_unlock(heap_lock)", "pass", DEADLOCK, {"PAGES": 1},
    ),
    Mutant(
        "idle_scrub_locked", "the idle CPU never scrubs",
        "if info.need_scrub:", "if info.need_scrub and DROP_LOCK:",
        "a page on the heap list is half scrubbed",
    ),
)

IDLE_CMPXCHG = "if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == Scrub.NEED_SCRUB:"
LOAD_THEN_STORE = "if pg.scrub == Scrub.NEED_SCRUB:\n    pg.scrub = Scrub.SCRUBBING"
LEAVES = "a page leaves the list while being scrubbed"
NONE_IN_USE = "no page in use is on the heap list"

PER_PAGE_CMPXCHG = (
    Mutant(
        "per_page_cmpxchg", "the allocation waits for the wrong thing",
        "while pg.scrub == Scrub.SCRUBBING:    # \"won't get passed to the caller until",
        "while pg.scrub == Scrub.NEED_SCRUB:", DIRTY, {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the idle CPU says CLEAN before it has scrubbed",
        "scrub_one_page(pg)", "pg.scrub = Scrub.CLEAN\nscrub_one_page(pg)",
        "a clean page is scrubbed", {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the idle CPU's cmpxchg is a load and a store",
        IDLE_CMPXCHG, LOAD_THEN_STORE, OWNER, {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the allocation's cmpxchg is a load and a store",
        "if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.IN_USE) == Scrub.NEED_SCRUB:",
        "if pg.scrub == Scrub.NEED_SCRUB:\n    pg.scrub = Scrub.IN_USE", OWNER, {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the page goes to the heap in use",
        "pg.scrub = Scrub.NEED_SCRUB", "pass", NONE_IN_USE, {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the idle CPU never says that it has done",
        "pg.scrub = Scrub.CLEAN", "pass", DEADLOCK, {"WAIT": True},
    ),
    Mutant(
        "per_page_cmpxchg", "the idle CPU never scrubs",
        IDLE_CMPXCHG, "if pg.scrub == Scrub.SCRUBBING:", LEAVES, {"WAIT": True},
    ),
)

PER_PAGE_CMPXCHG_LISTS = (
    Mutant(
        "per_page_cmpxchg_lists", "the domain's list uses the heap's links",
        "if OWN_LINKS:", "if not OWN_LINKS:", "the walk stays on the heap list",
        {"OWN_LINKS": True},
    ),
    Mutant(
        "per_page_cmpxchg_lists", "the allocation does not wait",
        "wait_until(pg.scrub != Scrub.SCRUBBING)", "pass", DIRTY, {"OWN_LINKS": True},
    ),
    Mutant(
        "per_page_cmpxchg_lists", "the idle CPU's cmpxchg is a load and a store",
        IDLE_CMPXCHG, LOAD_THEN_STORE, OWNER, {"OWN_LINKS": True},
    ),
    Mutant(
        "per_page_cmpxchg_lists", "the page goes to the heap in use",
        "pg.scrub = Scrub.NEED_SCRUB", "pass", NONE_IN_USE, {"OWN_LINKS": True},
    ),
    Mutant(
        "per_page_cmpxchg_lists", "the idle CPU never says that it has done",
        "pg.scrub = Scrub.CLEAN", "pass", DEADLOCK, {"OWN_LINKS": True, "PAGES": 1},
    ),
    Mutant(
        "per_page_cmpxchg_lists", "the idle CPU never scrubs",
        IDLE_CMPXCHG, "if pg.scrub == Scrub.SCRUBBING:", LEAVES, {"OWN_LINKS": True, "PAGES": 1},
    ),
)

SCRUB_IN_PLACE = (
    Mutant(
        "scrub_in_place", "the allocation does not scrub a dirty page",
        "scrub_one_page(pg)", "pass", DIRTY,
    ),
    Mutant(
        "scrub_in_place", "the allocation does not wait for the scrub's end",
        "if not WAIT_LOCKED:", "if WAIT_LOCKED:", OWNER,
    ),
    Mutant(
        "scrub_in_place", "the page is marked SCRUBBING after heap_lock is dropped",
        "pg.scrub_state = Buddy.SCRUBBING",
        "spin_unlock(heap_lock)\npg.scrub_state = Buddy.SCRUBBING\nspin_lock(heap_lock)", OWNER,
    ),
    Mutant(
        "scrub_in_place", "two idle CPUs scrub one page",
        "if info.need_scrub and pg.scrub_state == Buddy.NOT_SCRUBBING:", "if info.need_scrub:",
        OWNER, {"IDLE_CPUS": 2},
    ),
    Mutant(
        "scrub_in_place", "the idle CPU clears need_scrub before the scrub",
        "pg.scrub_state = Buddy.SCRUBBING",
        "pg.scrub_state = Buddy.SCRUBBING\nclear_bit(pg.count_info.need_scrub)", LABEL,
    ),
    Mutant(
        "scrub_in_place", "the allocation leaves the page on the list",
        "pg = page_list_remove_head(heap)", "pg = heap.next", LISTED,
    ),
    Mutant(
        "scrub_in_place", "the page is freed and forgotten (Xen, 2009: 428dc303f5)",
        "page_list_add_tail(pg, heap)", "pass", HELD, nth=2,
    ),
    Mutant(
        "scrub_in_place", "the page is put on the list twice",
        "page_list_add_tail(pg, heap)", TWICE, WHOLE, nth=2,
    ),
    Mutant(
        "scrub_in_place", "a page in use looks free: an allocation fails beside it",
        "pg.count_info = replace(info, state=PGC.INUSE)    # may undo an idle CPU's clear_bit,"
        " and then", "pass", FAILS, {"PAGES": 1},
    ),
    Mutant(
        "scrub_in_place", "the idle CPU never says that it has done",
        "pg.scrub_state = Buddy.NOT_SCRUBBING", "pass", DEADLOCK,
    ),
    Mutant(
        "scrub_in_place", "the allocation waits with heap_lock, which the idle CPU needs",
        "if DONE_LOCKED:", "if not DONE_LOCKED:", DEADLOCK, {"WAIT_LOCKED": True},
    ),
    Mutant(
        "scrub_in_place", "the idle CPU never scrubs",
        "if info.need_scrub and pg.scrub_state == Buddy.NOT_SCRUBBING:",
        "if info.need_scrub and pg.scrub_state == Buddy.SCRUBBING:", LEAVES,
    ),
)

MUTANTS = (
    *SYNC_SCRUB, *IDLE_SCRUB_LOCKED, *PER_PAGE_CMPXCHG, *PER_PAGE_CMPXCHG_LISTS, *SCRUB_IN_PLACE,
)


def mutated(mutant: Mutant) -> str:
    """The spec's text with the one line replaced."""
    return with_line_changed(SPECS / f"{mutant.spec}.py", mutant.line, mutant.by, mutant.nth)


def verdict_of(text: str, mutant: Mutant, folder: Path) -> Verdict:
    """What the search says of this text: the property that is named, and every assert."""
    path = folder / f"{Path(mutant.spec).name}.py"
    path.write_text(text, encoding="utf-8")
    _, program = compile_spec(str(path), mutant.sets)
    named = tuple(p for p in program.properties if p.sentence == mutant.fails)
    return explore(replace(program, properties=named), Limits())


def failed(verdict: Verdict) -> set[str]:
    """The properties that fail, by sentence."""
    return {
        DEADLOCK if p.kind == "deadlock" else p.sentence
        for p in verdict.properties if p.status in ("violated", "not reached")
    }


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.spec}: {m.story}")
def test_a_mutant_fails_as_named(mutant: Mutant, tmp_path: Path) -> None:
    assert failed(verdict_of(mutated(mutant), mutant, tmp_path)) == {mutant.fails}


@pytest.mark.parametrize("spec", sorted({m.spec for m in MUTANTS}))
def test_every_property_has_a_mutant(spec: str) -> None:
    declared, _ = compile_spec(str(SPECS / f"{spec}.py"), {})
    mutants = {m.fails for m in MUTANTS if m.spec == spec}
    promised = {s for s in sentences(declared) if not s.startswith(HELD_AT_END)}
    assert mutants >= {*promised, DEADLOCK} - {RELEASED}
