"""A hypercall that scrubs what it populates is preempted, and stashes the extent (Xen 4.22).

While a domain is built, populate_physmap takes extents as dirty as they are, and scrubs them page
by page itself.  If it is to be preempted, it leaves extent, order and index in the domain's stash,
under page_alloc_lock; the continuation finds them there.  A clean extent is assigned to the domain,
and mapped.  One that finds the stash full, or the domain dying, is freed, as is one in the stash of
another order than is asked for.  Teardown frees the stash, and a first unpause fails beside it.

Read: 83a784a15b and cbb484d008, and memory.c, domain.c and page_alloc.c as of c447b7308b (2026-08).
That is meant "for single-threaded domain creation"; several callers are safe, and so is a
domain_kill at any time.  Not so UNPAUSE, a first unpause while another CPU populates:

  populate_physmap sees creation_finished clear, takes a dirty extent, and is to be preempted;
  unpause sees an empty stash, without page_alloc_lock, and sets creation_finished;
  the extent is stashed; the continuation fetches it, but sees creation_finished, and that such an
  extent comes from the heap scrubbed and assigned: it does neither, and maps the extent.

The guest reads what another domain has left.  (Both calls are the toolstack's, which is trusted not
to do that.)  FIXED: creation_finished changes under page_alloc_lock, and nothing is stashed then.
With STASH_LOCK off a caller fetches an extent that teardown (or another caller) has in its hands,
and scrubs it when it is on the heap, or elsewhere, already.

Simplified: extents of two orders, which the heap neither splits nor merges, freed as a whole; a
preemption after any dirty page, not each 256th; the guest first writes under page_alloc_lock, so
that teardown waits for it (Xen: paused vCPUs, references).  Left out: TLBs, caches, NUMA, limits.
"""
from dataclasses import dataclass
from typing import Annotated

from modelcheck.lang import (Enum, Ghost, Indexed, Lock, Process, array, auto, between, boot, chain,
    choose, element, free, holds, instances, invariant, not_null, param, predicate, process,
    promises, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, this_process,
    violates)
from modelcheck.xen.invariants import (clean_handover, conservative_label, in_buddy, page_lists)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    is_pattern_of, scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

EXTENTS = param(1, 1, 3)              # of order 1, that is: of two pages
SINGLES = param(0, 0, 3)              # of order 0
CALLERS = param(1, 1, 4)
UNPAUSE = param(False)
STASH_LOCK = param(True)
FIXED = param(False)
LEAKS = UNPAUSE and not FIXED
EXPECT = (violates("no dirty page is returned to a caller", when=STASH_LOCK and LEAKS),
          violates("a free page that is not scrubbed says need_scrub",
                   when=not STASH_LOCK and not LEAKS),
          holds(when=STASH_LOCK and not LEAKS))

GUEST = 0
Order = Annotated[int, between(0, 1)]

@shared(count=2 * EXTENTS + SINGLES)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    order: Order = 0                  # of the extent that it is in
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    holder: Ghost[Process | None] = None
    written: Ghost[bool] = False      # by the guest

@shared
class Domain:
    pending_scrub: Page | None = None
    pending_scrub_order: Order = 0
    pending_scrub_index: Annotated[int, between(0, 1)] = 0
    creation_finished: bool = False
    is_dying: bool = False

@dataclass(frozen=True)
class Stashed:
    page: Page | None = None
    index: Annotated[int, between(0, 1)] = 0

class Extent(Enum):
    MAPPED = auto()
    PREEMPTED = auto()
    FAILED = auto()

d = Domain()
page_list = PageListHead[Page]()      # the domain's
page_alloc_lock = Lock("page_alloc_lock")
heap = array(PageListHead[Page], 2)
heap_lock = Lock("heap_lock")

@boot
def init_heap_pages() -> None:
    for n in range(EXTENTS):
        element(Page, 2 * n).order = 1
        element(Page, 2 * n + 1).order = 1
        page_list_add_tail(element(Page, 2 * n), heap[1])
    for n in range(SINGLES):
        page_list_add_tail(element(Page, 2 * EXTENTS + n), heap[0])

def alloc_heap_pages(order: Order, no_scrub: bool) -> Page | None:
    """With no_scrub, also keep_scrub: need_scrub stays for the caller to see."""
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap[order])
    if pg is None:
        assert no_extent_is_free(order)
        spin_unlock(heap_lock)
        return None
    for i in range(1 << order):
        info = pg[i].count_info
        pg[i].count_info = replace(info, state=PGC.INUSE)
        pg[i].holder = this_process()
    spin_unlock(heap_lock)
    if not no_scrub:
        for i in range(1 << order):
            if test_and_clear_bit(pg[i].count_info.need_scrub):
                scrub_one_page(pg[i])
    return pg

def free_pages(pg: Page, order: Order) -> None:
    """free_domheap_pages of what has no owner, or a dying one."""
    spin_lock(heap_lock)
    for i in range(1 << order):
        pg[i].count_info = CountInfo(PGC.FREE, need_scrub=True)
        pg[i].holder = None
    page_list_add_tail(pg, heap[order])
    spin_unlock(heap_lock)

def stash_allocation(pg: Page, order: Order, index: int) -> None:
    spin_lock(page_alloc_lock)
    refused = d.pending_scrub is not None
    if not refused:
        refused = d.is_dying
    if FIXED and not refused:
        refused = d.creation_finished
    if refused:
        free_pages(pg, order)
    else:
        d.pending_scrub_index = index
        d.pending_scrub_order = order
        d.pending_scrub = pg
        for i in range(1 << order):
            pg[i].holder = None
    spin_unlock(page_alloc_lock)

def get_stashed_allocation(order: Order) -> Stashed:
    found = Stashed()
    if STASH_LOCK:
        spin_lock(page_alloc_lock)
    pg = d.pending_scrub
    if pg is not None:
        pending_order = d.pending_scrub_order
        if pending_order == order:
            index = d.pending_scrub_index
            found = Stashed(pg, index)
        else:
            free_pages(pg, pending_order)
        d.pending_scrub_index = 0
        d.pending_scrub_order = 0
        d.pending_scrub = None
        if pending_order == order:
            for i in range(1 << order):
                pg[i].holder = this_process()
    if STASH_LOCK:
        spin_unlock(page_alloc_lock)
    return found

def pending_scrub_free() -> None:
    spin_lock(page_alloc_lock)
    pg = d.pending_scrub
    if pg is not None:
        order = d.pending_scrub_order
        free_pages(pg, order)
        d.pending_scrub = None
    spin_unlock(page_alloc_lock)

def assign_pages(pg: Page, order: Order) -> bool:
    """Or frees them: its callers do that."""
    spin_lock(page_alloc_lock)
    if d.is_dying:
        spin_unlock(page_alloc_lock)
        free_pages(pg, order)
        return False
    page_list_add_tail(pg, page_list)
    for i in range(1 << order):
        pg[i].holder = None
    spin_unlock(page_alloc_lock)
    return True

def guest_physmap_add_page(pg: Page, order: Order) -> None:
    spin_lock(page_alloc_lock)
    if not d.is_dying:                # else the guest never runs again
        for i in range(1 << order):
            assert clean_handover(pg[i])
            fill_page(pg[i], GUEST)
            pg[i].written = True
    spin_unlock(page_alloc_lock)

def populate_physmap(order: Order) -> Extent:
    finished = d.creation_finished
    stashed = get_stashed_allocation(order)
    pg = stashed.page
    if pg is None:
        pg = alloc_heap_pages(order, not finished)
        if pg is None:
            return Extent.FAILED
    if not finished:
        for j in range(stashed.index, 1 << order):
            if test_and_clear_bit(pg[j].count_info.need_scrub):
                scrub_one_page(pg[j])
                if j + 1 < 1 << order:
                    preempt = choose(False, True)
                    if preempt:
                        stash_allocation(pg, order, j + 1)
                        return Extent.PREEMPTED
    assigned = True
    if not finished or stashed.page is None:      # else alloc_domheap_pages has: so it is thought
        assigned = assign_pages(pg, order)
    if not assigned:
        return Extent.FAILED
    guest_physmap_add_page(pg, order)
    return Extent.MAPPED

@process(count=CALLERS)
def toolstack() -> None:
    while True:
        order = choose(0, 1)
        result = populate_physmap(order)
        while result == Extent.PREEMPTED:
            result = populate_physmap(order)

@process
def unpause() -> None:
    if UNPAUSE:
        if FIXED:
            spin_lock(page_alloc_lock)
        pending = d.pending_scrub is not None
        if not pending:
            d.creation_finished = True
        if FIXED:
            spin_unlock(page_alloc_lock)
        if pending:
            pending_scrub_free()

@process
def domain_kill() -> None:
    d.is_dying = True
    pending_scrub_free()
    spin_lock(page_alloc_lock)        # relinquish_memory
    pg = page_list_remove_head(page_list)
    while pg is not None:
        order = pg.order
        for i in range(1 << order):
            pg[i].written = False
        free_pages(pg, order)
        pg = page_list_remove_head(page_list)
    spin_unlock(page_alloc_lock)
    assert d.pending_scrub is None, "nothing is left in the stash of a dead domain"

@invariant("P1", "an allocation fails only when no extent is free")
def no_extent_is_free(order: Order) -> bool:
    return all(pg.count_info.state != PGC.FREE or pg.order != order for pg in instances(Page))

@invariant("S7", "each page is in one place")
def in_one_place() -> bool:
    """In an extent on the heap or of the domain, in the stash, or in a CPU's hands."""
    return all(
        sum(in_buddy(pg, first, first.order) for head in heap for first in chain(head.next, "next"))
        + sum(in_buddy(pg, first, first.order) for first in chain(page_list.next, "next"))
        + (1 if is_stashed(pg) else 0) + (1 if pg.holder is not None else 0) == 1
        for pg in instances(Page))

@predicate
def is_stashed(pg: Page) -> bool:
    return d.pending_scrub is not None and in_buddy(
        pg, not_null(d.pending_scrub), d.pending_scrub_order)

@invariant("S6", "no page is scrubbed under its owner")
def what_the_guest_wrote_is_there() -> bool:
    return all(is_pattern_of(pg, GUEST) for pg in instances(Page) if pg.written)

PROMISES = (promises(conservative_label(Page), what_the_guest_wrote_is_there()),
            promises(page_lists(heap), in_one_place(),
                     when=free(heap_lock) and free(page_alloc_lock) and STASH_LOCK))

@sometimes
def an_extent_is_stashed() -> bool:
    return d.pending_scrub is not None

@sometimes(when=CALLERS > 1)
def an_extent_is_stashed_while_another_is_scrubbed() -> bool:
    return d.pending_scrub is not None and any(is_half_scrubbed(pg) for pg in instances(Page))

@sometimes(when=UNPAUSE)
def a_guest_runs() -> bool:
    return d.creation_finished and any(pg.written for pg in instances(Page))
