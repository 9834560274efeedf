"""Dying domains' pages go to a list of their own, and a softirq scrubs them (Xen, 2005 to 2009).

A free puts the page on page_scrub_list, under page_scrub_lock.  The softirq, on any CPU, peels up
to BATCH pages off the list, scrubs them with no lock held, and frees each to the heap, which holds
clean pages only.  Xen had three VERSIONs of it: in 0 (16ca18af90) the CPUs take page_scrub_lock to
peel; in 1 (b87e597231) one CPU takes it by trylock, and holds it for its whole millisecond; in 2
(42b54bfe29) that is another lock, which no free wants, and page_scrub_lock is for peeling again.

All three are clean, and lose no page.  Version 1 breaks a bound: every free of a dying domain spins
while another CPU clears pages (B5).  And all three hide free memory, as per_cpu_batch.py does, but
without bound: an allocation fails while gigabytes wait on the list.  So toolstacks tried again as
long as Xen said that scrub_pages is not zero (RETRY; 5c896ea1a5).  That is not enough, for the
softirq subtracts what it peels, and has it in its hands while scrub_pages is zero already.  With
COUNT_LATE as well (which Xen never had) scrub_pages is subtracted when the pages are free.

Simplified: the softirq is always raised; a millisecond is over after any batch; single pages; the
batch is a list of its own, for pointer surgery.  P1 is asked when an allocation fails: with RETRY
that is two looks, and is fair if nobody else frees meanwhile, so DOMAINS=1.
"""
from typing import Annotated

from modelcheck.lang import (Ghost, Lock, Process, array, between, boot, chain, choose,
    free, holds, instances, invariant, param, process, promises, shared, sometimes, spin_lock,
    spin_trylock, spin_unlock, this_process, violates)
from modelcheck.xen.invariants import (clean_handover, comes_back, conservative_label,
    every_page_is_owned, free_list, freed_once, no_live_scrub, page_list)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import (PageListHead, page_list_add, page_list_add_tail,
    page_list_remove_head)

PAGES = param(1, 1, 8)
DOMAINS = param(1, 1, 4)
CPUS = param(1, 1, 4)
BATCH = param(1, 1, 8)
VERSION = param(0, 0, 2)
RETRY = param(False)
COUNT_LATE = param(False)
EXPECT = (violates("an allocation fails only when no page is free",
                   when=not (RETRY and COUNT_LATE)),
          violates("no page is scrubbed under page_scrub_lock", when=RETRY and VERSION == 1),
          holds(when=RETRY and COUNT_LATE and VERSION != 1))

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None       # the domain that it is allocated to
    holder: Ghost[Process | None] = None      # that, or the CPU that scrubs it

@shared
class Counts:
    scrub_pages: Annotated[int, between(0, PAGES + CPUS * BATCH)] = 0
    comes_back: Ghost[bool] = False

counts = Counts()
heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
page_scrub_list = PageListHead[Page]()
page_scrub_lock = Lock("page_scrub_lock")
serialise_lock = Lock("serialise_lock")
batch = array(PageListHead[Page], CPUS)

@boot
def scrub_heap_pages() -> None:
    for pg in instances(Page):
        scrub_one_page(pg)
        page_list_add_tail(pg, heap)

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        if not RETRY:
            assert every_page_is_owned(Page)
        spin_unlock(heap_lock)
        return None
    pg.count_info = CountInfo(PGC.INUSE)
    pg.owner = this_process()
    pg.holder = this_process()
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    info = pg.count_info
    assert freed_once(info.state)
    pg.count_info = CountInfo(PGC.FREE)
    page_list_add_tail(pg, heap)
    pg.holder = None
    counts.comes_back = True
    spin_unlock(heap_lock)
    counts.comes_back = False

def free_domheap_page(pg: Page) -> None:
    """Of a dying domain."""
    spin_lock(page_scrub_lock)
    page_list_add(pg, page_scrub_list)
    pg.owner = None
    pg.holder = None
    scrub_pages = counts.scrub_pages
    counts.scrub_pages = scrub_pages + 1
    spin_unlock(page_scrub_lock)

def peel(me: int) -> int:
    """page_scrub_lock is held."""
    n = 0
    while n < BATCH:
        pg = page_list_remove_head(page_scrub_list)
        if pg is None:
            break
        page_list_add_tail(pg, batch[me])
        pg.holder = this_process()
        n += 1
    if not COUNT_LATE:
        subtract(n)
    return n

def subtract(n: int) -> None:
    scrub_pages = counts.scrub_pages
    counts.scrub_pages = scrub_pages - n

def scrub_and_free(me: int) -> None:
    pg = page_list_remove_head(batch[me])
    while pg is not None:
        assert page_scrub_lock.holder != this_process(), "no page is scrubbed under page_scrub_lock"
        scrub_one_page(pg)
        free_heap_page(pg)
        pg = page_list_remove_head(batch[me])

def scrub_batches(me: int) -> None:
    """A millisecond of it."""
    while True:
        if VERSION != 1:
            spin_lock(page_scrub_lock)
        n = peel(me)
        if VERSION != 1:
            spin_unlock(page_scrub_lock)
        if n == 0:
            return
        scrub_and_free(me)
        if COUNT_LATE:
            if VERSION != 1:
                spin_lock(page_scrub_lock)
            subtract(n)
            if VERSION != 1:
                spin_unlock(page_scrub_lock)
        over = choose(False, True)
        if over:
            return

@process(count=CPUS)
def page_scrub_softirq(me: int) -> None:
    while True:
        if VERSION == 0:
            scrub_batches(me)
        elif VERSION == 1:
            if spin_trylock(page_scrub_lock):
                scrub_batches(me)
                spin_unlock(page_scrub_lock)
        else:
            if spin_trylock(serialise_lock):
                scrub_batches(me)
                spin_unlock(serialise_lock)

def populate() -> Page | None:
    while True:
        pending = 0
        if RETRY:
            pending = counts.scrub_pages
        pg = alloc_heap_page()
        if pg is not None or not RETRY:
            return pg
        if pending == 0:
            assert every_page_is_owned(Page)
            return None

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = populate()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_domheap_page(pg)

@invariant("S7", "each page is in one place")
def in_one_place() -> bool:
    return all((1 if pg in chain(heap.next, "next") else 0)
               + (1 if pg in chain(page_scrub_list.next, "next") else 0)
               + (1 if pg.holder is not None else 0) == 1 for pg in instances(Page))

PROMISES = (promises(conservative_label(Page)),
            promises(page_list(heap), free_list(Page, heap), when=free(heap_lock)),
            promises(in_one_place(), when=free(heap_lock) and free(page_scrub_lock)))

@sometimes(when=CPUS > 1 and PAGES > 1 and VERSION == 0)
def two_CPUs_scrub_at_once() -> bool:
    return sum(is_half_scrubbed(pg) for pg in instances(Page)) > 1

@sometimes
def a_page_is_on_the_scrub_list() -> bool:
    return page_scrub_list.next is not None

@sometimes
def a_page_comes_back_from_the_scrub_list() -> bool:
    return comes_back(counts)
