"""Not a bug: need_scrub shared a bit with another flag, and was given one of its own.

Read: cbb484d008 (2026).  A page that a domain owns has the flag `allocated`; a page that needs a
scrub has `need_scrub`.  They were one and the same bit, since only a free page needs a scrub.  An
allocation keeps need_scrub for a while in a page that is in use; but until it has cleared it, the
page is not assigned, and so not allocated.  It must hold with one bit (FIXED=False) and with two.

The commit says that later changes will want both flags in one page.  ASSIGN_FIRST is such a one:
the page is assigned to its domain, and scrubbed then.  With two bits that is sound; with one,
whoever clears need_scrub takes the page away from its domain.
"""
from modelcheck.lang import (Lock, boot, element, holds, invariant, param, process,
    promises, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, violates)
from modelcheck.xen.invariants import clean_handover
from modelcheck.xen.page import PGC, PageContents, fill_page, is_scrubbed, scrub_one_page
from dataclasses import dataclass

FIXED = param(False)
ASSIGN_FIRST = param(False)
EXPECT = (
    violates("a page is its domain's until it is given back", when=ASSIGN_FIRST and not FIXED),
    holds(when=FIXED or not ASSIGN_FIRST),
)

@dataclass(frozen=True)
class CountInfo:
    state: PGC
    allocated: bool = False                   # with FIXED=False: or needs a scrub
    need_scrub: bool = False

@shared(count=1)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    contents: PageContents

heap_lock = Lock("heap_lock")

@boot
def the_page_is_dirty() -> None:
    element(Page, 0).count_info = free_word()

def free_word() -> CountInfo:
    """Of a page that is freed dirty."""
    return CountInfo(PGC.FREE, allocated=not FIXED, need_scrub=FIXED)

def needs_scrub(info: CountInfo) -> bool:
    return info.need_scrub if FIXED else info.allocated

def test_and_clear_need_scrub(pg: Page) -> bool:
    if FIXED:
        return test_and_clear_bit(pg.count_info.need_scrub)
    return test_and_clear_bit(pg.count_info.allocated)

def alloc_heap_page(pg: Page) -> bool:
    spin_lock(heap_lock)
    info = pg.count_info
    if info.state == PGC.FREE:
        pg.count_info = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)
    return info.state == PGC.FREE

def scrub_if_needed(pg: Page) -> None:
    if test_and_clear_need_scrub(pg):
        scrub_one_page(pg)

def assign_page(pg: Page) -> None:
    info = pg.count_info
    pg.count_info = replace(info, allocated=True)

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = free_word()
    spin_unlock(heap_lock)

@process(count=2)
def domain(me: int) -> None:
    pg = element(Page, 0)
    while True:
        if alloc_heap_page(pg):
            if ASSIGN_FIRST:
                assign_page(pg)
                scrub_if_needed(pg)
            else:
                scrub_if_needed(pg)
                assign_page(pg)
            assert clean_handover(pg)
            fill_page(pg, me)
            was_allocated = test_and_clear_bit(pg.count_info.allocated)
            assert was_allocated, "a page is its domain's until it is given back"
            free_heap_page(pg)

@process
def idle_loop() -> None:
    pg = element(Page, 0)
    while True:
        spin_lock(heap_lock)
        info = pg.count_info
        if info.state == PGC.FREE and needs_scrub(info):
            scrub_one_page(pg)
            pg.count_info = CountInfo(PGC.FREE)
        spin_unlock(heap_lock)

@invariant("S2", "a free page without the flag is scrubbed")
def unflagged_is_scrubbed() -> bool:
    return element(Page, 0).count_info != CountInfo(PGC.FREE) or is_scrubbed(element(Page, 0))

PROMISES = promises(unflagged_is_scrubbed())

@sometimes
def an_allocation_keeps_the_flag_for_a_while() -> bool:
    return element(Page, 0).count_info == replace(free_word(), state=PGC.INUSE)
