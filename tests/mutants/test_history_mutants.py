"""specs/history and specs/open: what the code before the fix keeps is broken by one changed line.

As in test_mutants.py.  What the bug itself breaks is in tests/specs/test_history.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.declare import sentences
from modelcheck.frontend.definitions import HELD_AT_END, RELEASED
from tests.mutants.test_mutants import (
    DIRTY, TWICE, Mutant, failed, mutated, verdict_of,
)
from tests.specs.test_history import FOLDERS, VIOLATING, path_of

FIXED: dict[str, int | bool] = {"FIXED": True}
NOT_FREE = "a page from the heap is free"

MUTANTS = (
    Mutant(
        "history/state_outside_lock", "a freed page is on no list",
        "page_list_add_tail(pg, heap[order])", "pass",
        "the heap holds the free pages and no others", FIXED,
    ),
    Mutant(
        "history/state_outside_lock", "a freed page is put on its list twice",
        "page_list_add_tail(pg, heap[order])",
        "page_list_add_tail(pg, heap[order])\npage_list_add_tail(pg, heap[order])",
        "page lists are whole", FIXED,
    ),
    Mutant(
        "history/state_outside_lock", "a freed page goes to the heap in use",
        "set_free(pg)", "pass", NOT_FREE, FIXED, nth=2,
    ),
    Mutant(
        "history/state_outside_lock", "the lower page of a halved buddy is on no list",
        "page_list_add_tail(pg, heap[0])", "pass",
        "an allocation fails only when no page is free", FIXED,
    ),
    Mutant(
        "history/state_outside_lock", "a freed page keeps its owner",
        "pg.owner = None", "pass", "no page has two owners", FIXED,
    ),
    Mutant(
        "history/irq_heap_op", "a freed page is left in use",
        "pg.count_info = replace(info, state=PGC.FREE)", "pass",
        "the heap holds the free pages and no others", FIXED,
    ),
    Mutant(
        "history/irq_heap_op", "a freed page is put on the list twice",
        "page_list_add_tail(pg, heap)", TWICE, "page lists are whole", FIXED, nth=2,
    ),
    Mutant(
        "history/irq_heap_op", "the handler uses the heap all the same",
        "element(Cpu, me).softirq_pending = True", "refill(element(Cpu, me))",
        "the heap is used outside of interrupts, and with interrupts on", FIXED,
    ),
    Mutant(
        "history/merge_dirty_successor", "the merged buddy's index is not the successor's",
        "first_dirty = (1 << order) + its_first_dirty", "pass",
        "first_dirty stands at or before the first page that needs a scrub", FIXED,
    ),
    Mutant(
        "history/flush_before_scrub", "a freed page is not marked",
        "pg.count_info = CountInfo(PGC.FREE, need_scrub=True)",
        "pg.count_info = CountInfo(PGC.FREE, need_scrub=False)",
        "a free page that is not scrubbed says need_scrub", FIXED,
    ),
    Mutant(
        "history/flush_before_scrub", "the allocation does not scrub",
        "scrub_one_page(pg)", "pass", DIRTY, FIXED,
    ),
    Mutant(
        "history/offline_page_deadlock", "a freed page forgets that it goes offline",
        "state = PGC.OFFLINED if info.state == PGC.OFFLINING else PGC.FREE", "state = PGC.FREE",
        "a page that was told to go offline is never free", FIXED,
    ),
    Mutant(
        "history/scrub_lock_held", "the page is put on the scrub list twice",
        "page_list_add(pg, page_scrub_list)",
        "page_list_add(pg, page_scrub_list)\npage_list_add(pg, page_scrub_list)",
        "page lists are whole", FIXED,
    ),
    Mutant(
        "history/scrub_lock_held", "the softirq does not scrub",
        "scrub_one_page(pg)", "pass", DIRTY, FIXED, nth=2,
    ),
    Mutant(
        "history/claims_in_two_sections", "who has no claim is not refused",
        "if claims + 1 > total and outstanding < 1:", "if total < 1 and outstanding < 1:",
        "a claim is honoured", FIXED,
    ),
    Mutant(
        "history/offline_free_page", "the offlined page is on no list",
        "page_list_add_tail(head[i], page_offlined_list)", "pass",
        "an offlined page is on its list and nowhere else", FIXED,
    ),
    Mutant(
        "history/hypervisor_pages", "what Xen has used is not scrubbed: seen on the heap",
        "scrub_one_page(pg)                    # anonymous: of Xen's own", "pass",
        "every page on the heap is scrubbed", FIXED,
    ),
    Mutant(
        "history/stale_translation", "the translations are not flushed",
        "flush_tlb()", "pass", "nobody can write to a page that is not his", FIXED,
    ),
    Mutant(
        "history/steal_page", "a stolen page keeps a reference",
        "found = cmpxchg(pg.count_info, old, replace(old, count=0, allocated=False))",
        "found = cmpxchg(pg.count_info, old, replace(old, count=1, allocated=False))",
        "a page with references has an owner, and an allocated one has references", FIXED,
    ),
    Mutant(
        "history/steal_page", "a stolen page is not freed",
        "free_domheap_page()", "pass", "no page is lost", FIXED, nth=2,
    ),
    Mutant(
        "history/steal_page", "any domain's page is stolen",
        "if owner != Owner.DOMAIN_0:", "if owner == Owner.NOBODY:",
        "a stolen page is the domain's own", {**FIXED, "GIVES_BACK": True},
    ),
    Mutant(
        "history/merge_with_neighbour", "a freed page is on no list",
        "page_list_add_tail(pg, heap[list_of(page_to_zone(pg), order)])", "pass",
        "the heap holds the free pages that are not static, and no others", FIXED,
    ),
    Mutant(
        "history/merge_with_neighbour", "a freed page goes to the heap in use",
        "pg.count_info = CountInfo(PGC.FREE)", "pass", NOT_FREE, FIXED,
    ),
    Mutant(
        "history/buddy_around_offlined", "what is left of a buddy does not come back",
        "page_list_add_tail(head[at], heap[order])", "pass",
        "the heap holds the free pages and no others", FIXED,
    ),
    Mutant(
        "history/buddy_around_offlined", "what is left of a buddy comes back twice",
        "page_list_add_tail(head[at], heap[order])",
        "page_list_add_tail(head[at], heap[order])\npage_list_add_tail(head[at], heap[order])",
        "page lists are whole", FIXED,
    ),
    Mutant(
        "open/online_dirty_page", "the page that comes online forgets its flag",
        "free_heap_page(pg, FIXED and info.need_scrub)", "free_heap_page(pg, False)",
        "a free page that is not scrubbed says need_scrub", FIXED,
    ),
    Mutant(
        "open/online_dirty_page", "the page that goes offline stays on the heap",
        "page_list_del(pg, heap)", "pass", NOT_FREE, FIXED,
    ),
    Mutant(
        "history/unfair_lock", "a ticket lock is released twice",
        "ticket_unlock(heap_lock)", "ticket_unlock(heap_lock)\nticket_unlock(heap_lock)",
        "a ticket lock is released by its holder", FIXED,
    ),
    Mutant(
        "history/unfair_lock", "a lock of one byte is released twice",
        "tas_unlock(byte_lock)", "tas_unlock(byte_lock)\ntas_unlock(byte_lock)",
        "a test-and-set lock is released by its holder",
    ),
    Mutant(
        "history/clear_without_lock", "the allocation does not scrub",
        "scrub_one_page(pg)", "pass", "what an allocation returns is scrubbed, and says so",
        FIXED, nth=2,
    ),
    Mutant(
        "history/flag_of_its_own", "the allocation does not scrub",
        "scrub_one_page(pg)", "pass", DIRTY, FIXED,
    ),
    Mutant(
        "history/flag_of_its_own", "the idle CPU does not scrub",
        "scrub_one_page(pg)", "pass", "a free page without the flag is scrubbed", FIXED, nth=2,
    ),
    Mutant(
        "history/node_bounds_check", "a node's bit is looked at, and not set",
        "was = test_and_set_bit(element(Node, node).scrubbing)",
        "was = element(Node, node).scrubbing",
        "one CPU at most scrubs a node, and node_scrubbing says so", FIXED,
    ),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.spec}: {m.story}")
def test_a_mutant_fails_as_named(mutant: Mutant, tmp_path: Path) -> None:
    assert failed(verdict_of(mutated(mutant), mutant, tmp_path)) == {mutant.fails}


@pytest.mark.parametrize("spec", FOLDERS)
def test_every_promise_is_broken_by_the_bug_or_by_a_mutant(spec: str) -> None:
    declared, _ = compile_spec(str(path_of(spec)), {})
    hopes = {declared.sentence(p) for p in declared.properties if p.role == "sometimes"}
    broken = {m.fails for m in MUTANTS if m.spec == f"{FOLDERS[spec]}/{spec}"}
    broken |= {sentence for name, _, sentence, *_ in VIOLATING if name == spec}
    promised = {s for s in sentences(declared) if not s.startswith(HELD_AT_END)}
    assert promised - {*hopes, RELEASED} <= broken
