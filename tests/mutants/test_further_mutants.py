"""As test_mutants, for the designs of tests/specs/test_further_designs.py, which hold unchanged.

They are searched by the quick engine: the reference engine would take minutes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.engines.asked import NO_DEADLOCK, sentences
from modelcheck.engines.quick.search import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import RELEASED
from modelcheck.trace import Limits
from tests.large import small
from tests.mutants.test_mutants import (
    DEADLOCK,
    DIRTY,
    FAILS,
    HELD,
    LABEL,
    MUTANTS,
    OWNER,
    SPECS,
    WHOLE,
    Mutant,
    failed,
    mutated,
)

PLACE = "each page is in one place"
LOST = "no page is lost, and none is there twice"
MERGED = "no two buddies on the heap could be merged"
LISTED = "what is taken off a heap list is on it"
TWICE = "no page is freed twice"
UNLOCKED = "no page is scrubbed under page_scrub_lock"

FREED = "pg.count_info = CountInfo(PGC.FREE, need_scrub=True)"
UNLABELLED = "pg.count_info = CountInfo(PGC.FREE)"
SCRUB = "scrub_one_page(pg)"
FILL = "fill_page(pg, me)"
ADD = "page_list_add_tail(pg, heap)"


def rows(spec: str, sets: dict[str, int | bool], *mutants: tuple[object, ...]) -> list[Mutant]:
    """A mutant each: its story, the line, what stands there instead, what fails, and which of
    such lines it is; `sets` is the instance, and a mutant may add to it."""
    made = []
    for story, line, by, fails, *more in mutants:
        nth = next((m for m in more if isinstance(m, int)), 1)
        added = next((m for m in more if isinstance(m, dict)), {})
        text = (str(story), str(line), str(by), str(fails))
        made.append(Mutant(spec, *text, {**sets, **added}, nth))
    return made


FURTHER = (
    *rows(
        "per_cpu_batch", {"RETRY": True, "DOMAINS": 1},
        ("the allocation does not scrub", SCRUB, "pass", DIRTY),
        ("the chunk is in the batch and on the heap", "page_list_del(pg, heap[order])", "pass",
         OWNER),
        ("what is delisted is not counted", "node.delisted = delisted + taken", "pass", FAILS),
        ("what is delisted looks free", "if not LOOKS_FREE:", "if LOOKS_FREE:", LISTED),
        ("the buddy that is merged stays on its list", "page_list_del(buddy, heap[order])", "pass",
         WHOLE),
        ("a freed page is not marked", FREED, UNLABELLED, LABEL),
        ("the batch is forgotten", "merge_and_list(pg, order)", "pass", PLACE),
        ("so that there is less", "merge_and_list(pg, order)", "pass", LOST),
        ("what is delisted looks free, and is not on the heap",
         "set_state(pg, order, PGC.INUSE)", "pass", HELD),
        ("nothing is merged", "while order < MAX_ORDER:", "while order > MAX_ORDER:", MERGED),
        ("heap_lock is kept when the batch is back", "spin_unlock(heap_lock)", "pass", DEADLOCK, 6),
        ("the batch is not scrubbed", "scrub_batch(me)", "pass",
         "a page is half scrubbed in a batch"),
        ("the batch goes back as it came", "scrub_batch(me)", "pass",
         "a scrubbed chunk is back on the heap"),
    ),
    *rows(
        "page_fault_scrub", {},
        ("the fault scrubs nothing", SCRUB, "pass", DIRTY, 2),
        ("the second vCPU scrubs again", "pg.count_info = replace(info, need_scrub=False)", "pass",
         OWNER),
        ("a freed page is not marked", FREED, UNLABELLED, LABEL),
        ("the page is put on the list twice", ADD, f"{ADD}\n{ADD}", WHOLE, 2),
        ("the page is freed and forgotten", ADD, "pass", HELD, 2),
        ("the page is freed and in no place", ADD, "pass", PLACE, 2),
        ("the page is freed, and there is one less", ADD, "pass", LOST, 2),
        ("the page is freed, and an allocation fails", ADD, "pass", FAILS, 2),
        ("a dirty page is present at once", "entry.present = not info.need_scrub",
         "entry.present = True", "a page that is present is scrubbed"),
        ("a vCPU never stops", "vcpus[me].now = False", "pass", DEADLOCK),
        ("one vCPU runs at a time", "runs.now = True",
         "runs.now = True\nwait_until(not runs.now)", "a vCPU waits while another scrubs"),
        ("every page is touched", "if choose(True, False):", "if True:",
         "a page is freed as dirty as it came"),
    ),
    *rows(
        "clean_dirty_lists", {"WAIT": True},
        ("the allocation does not scrub a dirty page", SCRUB, "pass", DIRTY),
        ("the idle CPU scrubs what it has put on the clean list", "fetch_add(node.in_hands, -1)",
         "fetch_add(node.in_hands, -1)\nspin_unlock(locks[CLEAN])\nscrub_one_page(pg)\n"
         "spin_lock(locks[CLEAN])", OWNER),
        ("the page stays on the dirty list", "pg = page_list_remove_head(heap[DIRTY])",
         "pg = heap[DIRTY].next", "no clean page is scrubbed again", 2),
        ("the page in hand is not counted", "fetch_add(node.in_hands, 1)", "pass", FAILS),
        ("the page is put on the clean list twice", "page_list_add_tail(pg, heap[CLEAN])",
         "page_list_add_tail(pg, heap[CLEAN])\npage_list_add_tail(pg, heap[CLEAN])", WHOLE),
        ("the scrubbed page is forgotten", "page_list_add_tail(pg, heap[CLEAN])", "pass", PLACE),
        ("the idle CPU does not scrub", SCRUB, "pass", "every page on the clean list is scrubbed",
         2),
        ("the idle CPU keeps the lock", "spin_unlock(locks[CLEAN])", "pass", DEADLOCK, 3),
        ("nobody is said to have the page", "pg.holder = this_process()", "pass",
         "a page is scrubbed in an idle CPUs hands", 3),
        ("the idle CPU looks for clean pages", "pg = page_list_remove_head(heap[DIRTY])",
         "pg = page_list_remove_head(heap[CLEAN])", "there are clean and dirty pages",
         {"PAGES": 2}, 2),
        ("clean pages are not taken", "pg = page_list_remove_head(heap[CLEAN])",
         "pg = heap[CLEAN].next\nif pg is not None:\n    pg = None",
         "a dirty page is allocated only when no page is clean", {"PAGES": 2}),
    ),
    *rows(
        "clean_dirty_buddies", {"HIGH_ORDER": False},
        ("the allocation does not scrub a dirty page", "scrub(pg[i])", "pass", DIRTY),
        ("the idle CPU scrubs what it has given back", "give_back(pg, 0, dirty=False)",
         "give_back(pg, 0, dirty=False)\nspin_unlock(heap_lock)\n"
         "scrub_one_page(pg)\nspin_lock(heap_lock)", OWNER),
        ("a freed buddy is put on its list twice",
         "page_list_add_tail(pg, heap[list_of(dirty, order)])",
         "page_list_add_tail(pg, heap[list_of(dirty, order)])\n"
         "page_list_add_tail(pg, heap[list_of(dirty, order)])", WHOLE, 2),
        ("what is in hand is not counted", "node.in_hands = in_hands + 1", "pass",
         "an allocation fails only when no buddy of its order is free",
         {"HIGH_ORDER": True, "MERGE_MIXED": True}),
        ("what is allocated looks free", "pg[i].state = PGC.INUSE", "pass", HELD),
        ("buddies of two lists merge", "if its == dirty or MERGE_MIXED:", "if True:",
         "no clean page is scrubbed again"),
        ("the idle CPU looks for clean ones", "pg = take_buddy(True, 0)",
         "pg = take_buddy(False, 0)", "a clean buddy is beside a dirty one"),
        ("the idle CPU keeps the lock", "spin_unlock(heap_lock)", "pass", DEADLOCK, 6),
    ),
    *rows(
        "deferred_populate", {},
        ("populate_physmap does not scrub", "scrub_one_page(pg[j])", "pass", DIRTY),
        ("it scrubs when the guest runs", "guest_physmap_add_page(pg, order)",
         "guest_physmap_add_page(pg, order)\nscrub_one_page(pg)", OWNER),
        ("a freed page is not marked", "pg[i].count_info = CountInfo(PGC.FREE, need_scrub=True)",
         "pg[i].count_info = CountInfo(PGC.FREE)", LABEL),
        ("the extent is put on the list twice", "page_list_add_tail(pg, heap[order])",
         "page_list_add_tail(pg, heap[order])\npage_list_add_tail(pg, heap[order])", WHOLE),
        ("the stash is not emptied", "d.pending_scrub = None", "pass", PLACE),
        ("the extent is freed and forgotten", "page_list_add_tail(pg, heap[order])", "pass",
         "an allocation fails only when no extent is free"),
        ("an extent is stashed for a dead domain", "refused = d.is_dying", "pass",
         "nothing is left in the stash of a dead domain"),
        ("page_alloc_lock is kept where the domain is dying", "spin_unlock(page_alloc_lock)",
         "pass", DEADLOCK, 4),
        ("nothing is preempted", "preempt = choose(False, True)", "preempt = False",
         "an extent is stashed"),
        ("nothing is preempted, with two callers", "preempt = choose(False, True)",
         "preempt = False", "an extent is stashed while another is scrubbed", {"CALLERS": 2}),
        ("creation never ends", "d.creation_finished = True", "pass", "a guest runs",
         {"UNPAUSE": True, "FIXED": True}),
    ),
    *rows(
        "scrub_softirq", {"RETRY": True, "COUNT_LATE": True},
        ("a domain never frees", "free_domheap_page(pg)", "pass",
         "a page comes back from the scrub list"),
        ("the softirq does not scrub", SCRUB, "pass", DIRTY, 2),
        ("the page is scrubbed once more", FILL, f"{FILL}\n{SCRUB}", OWNER),
        ("what is in hand is not counted", "if not COUNT_LATE:", "if COUNT_LATE:", FAILS),
        ("page_scrub_lock is kept after the peeling", "if VERSION != 1:", "if VERSION == 1:",
         UNLOCKED, 2),
        ("the page is freed twice", "free_heap_page(pg)", "free_heap_page(pg)\nfree_heap_page(pg)",
         TWICE),
        ("the heap has a dirty page", SCRUB, "pass", LABEL, 2),
        ("the page is put on the list twice", ADD, f"{ADD}\n{ADD}", WHOLE, 2),
        ("the page is freed and forgotten", ADD, "pass", HELD, 2),
        ("the page is in no place", ADD, "pass", PLACE, 2),
        ("a free keeps page_scrub_lock", "spin_unlock(page_scrub_lock)", "pass", DEADLOCK),
        ("the scrub is done under heap_lock", SCRUB,
         f"spin_lock(heap_lock)\n{SCRUB}\nspin_unlock(heap_lock)", "two CPUs scrub at once", 2,
         {"CPUS": 2, "PAGES": 2}),
        ("nothing is freed", "free_domheap_page(pg)", "pass", "a page is on the scrub list"),
    ),
    *rows(
        "boot_scrub", {},
        ("nobody scrubs", SCRUB, "pass", DIRTY),
        ("a page in use is not skipped", "if pg.count_info.state == PGC.FREE:",
         "if pg.count_info.state != PGC.OFFLINED:", OWNER),
        ("the boot CPU does not wait", "wait_until(not calls[cpu].pending)", "pass", LABEL),
        ("the page is put on the list twice", ADD, f"{ADD}\n{ADD}", WHOLE, 2),
        ("the page is freed and forgotten", ADD, "pass", HELD, 2),
        ("the page is in no place", ADD, "pass", PLACE, 2),
        ("there is one less", ADD, "pass", LOST, 2),
        ("an allocation fails beside it", ADD, "pass", FAILS, 2),
        ("the page is freed twice", "free_heap_page(pg)", "free_heap_page(pg)\nfree_heap_page(pg)",
         TWICE),
        ("a CPU never says that it has done", "calls[me + 1].pending = False", "pass", DEADLOCK),
        ("one CPU at a time", "calls[cpu].pending = True",
         "calls[cpu].pending = True\nwait_until(not calls[cpu].pending)",
         "all CPUs scrub at once"),
        ("nobody has a page before", "scrubbed = system.scrubbed",
         "wait_until(system.scrubbed)\nscrubbed = True",
         "a page is skipped and the heap said to be scrubbed"),
    ),
)


LARGE = ("deferred_populate", "per_cpu_batch")  # seconds each


@pytest.mark.parametrize("mutant", [
    pytest.param(m, id=f"{m.spec}: {m.story}",
                 marks=pytest.mark.slow if m.spec in LARGE else ())
    for m in FURTHER
])
def test_a_mutant_fails_as_named(mutant: Mutant, tmp_path: Path) -> None:
    path = tmp_path / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    _, program = compile_spec(str(path), mutant.sets)
    named = tuple(p for p in program.properties if p.sentence == mutant.fails)
    verdict = explore(replace(program, properties=named), Limits())
    assert mutant.fails in failed(verdict)
    assert failed(verdict) <= {mutant.fails, DEADLOCK}


@pytest.mark.parametrize("spec", sorted({m.spec for m in FURTHER}))
def test_every_property_has_a_mutant(spec: str) -> None:
    """Whatever an instance promises that a mutant is made of."""
    mutants = [m for m in FURTHER if m.spec == spec]
    promised = {
        said for sets in {tuple(m.sets.items()) for m in mutants}
        for _, said, _ in sentences(compile_spec(str(SPECS / f"{spec}.py"), dict(sets))[1])
    }
    assert {m.fails for m in mutants} >= {*promised - {NO_DEADLOCK, RELEASED}, DEADLOCK}


def test_every_spec_has_mutants() -> None:
    assert {p.stem for p in small(SPECS)} == {m.spec for m in (*MUTANTS, *FURTHER)}
