"""A page's state was changed outside heap_lock: found in 2010, and made again in 2017.

Read: 8b8b7e6c90 (2010, the mending), dab6a84aad (30 August 2017, the same mistake) and dfe280c17d
(its revert, an hour later).  An allocation takes a page off the heap under heap_lock, drops the
lock, and only then changes the page's state from free to in use.  In between its buddy is freed:
there is a free neighbour of the right order, so it is taken off the list, on which it is no more,
and both are put on the heap as one buddy.  The page is then on the heap, and its owner's.

Xen's page_list_del() looks at nothing but the links: of a page that is not on the list it writes
through what they were.  So the promise is checked where the merge is about to do that.

In 2010 free_heap_pages() made the same mistake at the other end: it said that a page is free, and
then took the lock to put it on the heap.  FREE_SIDE is that half alone.  Two orders, two pages and
two domains are enough.  What the allocation did in the gap, in 2017 also a scrub, only makes it
wider, and is left out.
"""
from modelcheck.lang import (Ghost, Indexed, Lock, Process, array, between, boot, chain, element,
    free, holds, index_of, instances, invariant, param, process, promises, shared, sometimes,
    spin_lock, spin_unlock, this_process, violates)
from modelcheck.xen.invariants import buddies, no_page_is_free, page_lists
from modelcheck.xen.page import PGC, CountInfo
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)
from typing import Annotated

FIXED = param(False)
FREE_SIDE = param(False)
DOMAINS = param(2, 1, 3)
MAX_ORDER = 1
EXPECT = (violates("a page is taken off the list that it is on", when=not FIXED),
          holds(when=FIXED))

@shared(count=2)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.INUSE)
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None
    owner: Ghost[Process | None] = None

heap = array(PageListHead[Page], MAX_ORDER + 1)
heap_lock = Lock("heap_lock")

PROMISES = promises(
    page_lists(heap), buddies(Page, heap, MAX_ORDER), when=FIXED and free(heap_lock))

@boot
def boot_allocator() -> None:
    """One buddy of both pages."""
    for pg in instances(Page):
        pg.count_info = CountInfo(PGC.FREE)
    head = element(Page, 0)
    head.order = MAX_ORDER
    page_list_add_tail(head, heap[MAX_ORDER])

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap[0])
    if pg is None:
        pg = page_list_remove_head(heap[1])
        if pg is None:
            assert no_page_is_free(Page)
            spin_unlock(heap_lock)
            return None
        pg.order = 0                          # halve it: the lower page goes back
        page_list_add_tail(pg, heap[0])
        pg = pg[1]
    if not FIXED and not FREE_SIDE:
        spin_unlock(heap_lock)
    assert pg.count_info.state == PGC.FREE, "a page from the heap is free"
    pg.count_info = CountInfo(PGC.INUSE)
    assert pg.owner is None, "no page has two owners"
    pg.owner = this_process()
    if FIXED or FREE_SIDE:
        spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    if FREE_SIDE and not FIXED:
        set_free(pg)
        spin_lock(heap_lock)
    else:
        spin_lock(heap_lock)
        set_free(pg)
    order = 0
    while order < MAX_ORDER:
        buddy = element(Page, index_of(pg) ^ (1 << order))
        if buddy.count_info.state != PGC.FREE:
            break
        if buddy.order != order:
            break
        assert is_on_list(buddy, order)
        page_list_del(buddy, heap[order])
        if index_of(pg) & (1 << order) != 0:
            pg = buddy                        # the predecessor: it is the head now
        order += 1
    pg.order = order
    page_list_add_tail(pg, heap[order])
    spin_unlock(heap_lock)

def set_free(pg: Page) -> None:
    pg.count_info = CountInfo(PGC.FREE)
    pg.owner = None

@process(count=DOMAINS)
def domain() -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            free_heap_page(pg)

@invariant("L1", "a page is taken off the list that it is on")
def is_on_list(pg: Page, order: int) -> bool:
    return pg in chain(heap[order].next, "next")

@sometimes
def the_pages_are_apart() -> bool:
    return heap[0].next is not None

@sometimes(when=FIXED)
def both_pages_have_owners() -> bool:
    return all(pg.owner is not None for pg in instances(Page))
