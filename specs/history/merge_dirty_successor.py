"""Merged with a successor that was dirty, a clean buddy was taken for clean.

Read: 1e2df96088 (2018, the mending) and 1a37f33ea6 (2017, which it mends).  A buddy's head keeps
first_dirty, the first of its pages that may need a scrub, or INVALID_DIRTY_IDX: all of it is clean.
When two buddies become one, whose first_dirty is it?  free_heap_pages() answered that where the
other one stands before, and not where it stands behind: freed clean, with a dirty successor, the
whole was said to be clean.  It went to the clean end of the list, and an allocation that took it
did not look for pages to scrub.

Xen itself has the index asserted, in debug builds (DEBUG), and stops there.  In a release build the
caller receives what somebody else has left in the successor.

There is one CPU, and no choice but which page is freed first, and which of them is dirty.
"""
from modelcheck.lang import (Indexed, Lock, array, between, choose, element, free, holds, index_of,
    instances, invariant, not_null, param, process, promises, replace, shared, sometimes, spin_lock,
    spin_unlock, test_and_clear_bit, violates)
from modelcheck.xen.invariants import clean_handover, index_soundness
from modelcheck.xen.page import PGC, CountInfo, PageContents, scrub_one_page
from modelcheck.xen.page_list import (PageListHead, page_list_add, page_list_add_tail,
    page_list_del, page_list_remove_head)
from typing import Annotated

FIXED = param(False)
DEBUG = param(False)
MAX_ORDER = 1
INVALID_DIRTY_IDX = 1 << MAX_ORDER
EXPECT = (violates("no dirty page is returned to a caller", when=not FIXED and not DEBUG),
          violates("need_scrub is set only where first_dirty says so", when=not FIXED and DEBUG),
          holds(when=FIXED))

@shared(count=2)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.INUSE)
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    first_dirty: Annotated[int, between(0, INVALID_DIRTY_IDX)] = INVALID_DIRTY_IDX
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

heap = array(PageListHead[Page], MAX_ORDER + 1)
heap_lock = Lock("heap_lock")

@invariant("S3", "need_scrub is set only where first_dirty says so")
def clean_buddy_is_clean(info: CountInfo, first_dirty: int) -> bool:
    return first_dirty != INVALID_DIRTY_IDX or not info.need_scrub

PROMISES = promises(
    index_soundness(Page, heap, INVALID_DIRTY_IDX), when=FIXED and free(heap_lock))

def page_list_add_scrub(pg: Page, order: int, first_dirty: int) -> None:
    pg.order = order
    pg.first_dirty = first_dirty
    if first_dirty != INVALID_DIRTY_IDX:
        page_list_add_tail(pg, heap[order])
    else:
        page_list_add(pg, heap[order])

def free_heap_page(pg: Page, need_scrub: bool) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub)
    first_dirty = 0 if need_scrub else INVALID_DIRTY_IDX
    order = 0
    while order < MAX_ORDER:
        buddy = element(Page, index_of(pg) ^ (1 << order))
        info = buddy.count_info
        if info.state != PGC.FREE:
            break
        if buddy.order != order:
            break
        page_list_del(buddy, heap[order])
        its_first_dirty = buddy.first_dirty
        if index_of(pg) & (1 << order) != 0:  # merge with predecessor; else with successor
            if its_first_dirty != INVALID_DIRTY_IDX:
                first_dirty = its_first_dirty
            elif first_dirty != INVALID_DIRTY_IDX:
                first_dirty = (1 << order) + first_dirty
            pg = buddy
        elif FIXED and first_dirty == INVALID_DIRTY_IDX and its_first_dirty != INVALID_DIRTY_IDX:
            first_dirty = (1 << order) + its_first_dirty
        order += 1
    page_list_add_scrub(pg, order, first_dirty)
    spin_unlock(heap_lock)

def alloc_heap_pages(order: int) -> Page:
    spin_lock(heap_lock)
    head = page_list_remove_head(heap[order])
    pg = not_null(head)                       # all pages are free here, and one buddy
    first_dirty = pg.first_dirty
    for i in range(1 << order):
        info = pg[i].count_info
        if DEBUG:
            assert clean_buddy_is_clean(info, first_dirty)
        pg[i].count_info = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)
    if first_dirty != INVALID_DIRTY_IDX:
        for i in range(1 << order):
            if test_and_clear_bit(pg[i].count_info.need_scrub):
                scrub_one_page(pg[i])
    return pg

def give_back(pg: Page) -> None:
    """Of a domain that dies (dirty), or of Xen's own, which has cleared it."""
    dirty = choose(False, True)
    if not dirty:
        scrub_one_page(pg)
    free_heap_page(pg, dirty)

@process
def cpu() -> None:
    first = choose(instances(Page))
    give_back(first)
    give_back(element(Page, 1 - index_of(first)))
    pg = alloc_heap_pages(MAX_ORDER)
    for i in range(1 << MAX_ORDER):
        assert clean_handover(pg[i])

@sometimes
def a_buddy_has_one_dirty_page() -> bool:
    return heap[1].next is not None and sum(
        pg.count_info.need_scrub for pg in instances(Page)) == 1
