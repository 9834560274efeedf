"""Idle CPUs scrub free pages where they are, and hold heap_lock to do it (e-mail, 2.1-2.3).

Freeing a page only sets its need_scrub.  An idle CPU takes heap_lock, walks the heap list for
pages that need it, scrubs up to BATCH of them, and lets go of the lock.  No page changes lists.
An allocation that meets need_scrub scrubs the page itself: after it has dropped heap_lock, when
the page is nobody else's, or with ALLOC_LOCKED before.  Every one of these variants is safe.

Each is slow in the same way: a CPU that wants a page waits for a scrub it did not ask for, and
each scrub is preceded by a walk of the list.  So the tempting step is DROP_LOCK: find the page
under heap_lock, drop it to scrub, take it again to clear need_scrub.  Meanwhile the page is
allocated, scrubbed again and written to, and the idle CPU's last store zeroes live data.
"""
from modelcheck.lang import (Ghost, Lock, Process, at_rest, boot, chain, clear_bit, free, holds,
    instances, param, process, promises, shared, sometimes, spin_lock, spin_unlock, this_process,
    violates)
from modelcheck.xen.invariants import (all_are_free, clean_handover, conservative_label, free_list,
    no_live_scrub, no_page_is_free, page_list, unreachable_while_dirty)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
BATCH = param(1, 1, 8)
ALLOC_LOCKED = param(False)
DROP_LOCK = param(False)
EXPECT = holds(when=not DROP_LOCK), violates("no page is scrubbed under its owner", when=DROP_LOCK)

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
PROMISES = (promises(conservative_label(Page), unreachable_while_dirty(Page)),
            promises(page_list(heap), free_list(Page, heap), when=free(heap_lock)),
            promises(all_are_free(Page), when=at_rest()))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def alloc_heap_pages() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(Page)
        spin_unlock(heap_lock)
        return None
    info = pg.count_info
    assert info.state == PGC.FREE, "a page on the heap list is free"
    pg.count_info = CountInfo(PGC.INUSE)
    if ALLOC_LOCKED and info.need_scrub:
        scrub_one_page(pg)
    spin_unlock(heap_lock)
    if not ALLOC_LOCKED and info.need_scrub:
        scrub_one_page(pg)
    return pg

def free_heap_pages(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    pg.owner = None
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert clean_handover(pg)
            pg.owner = this_process()
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_pages(pg)

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        spin_lock(heap_lock)
        pg = heap.next
        scrubbed = 0
        while pg is not None and scrubbed < BATCH:
            info = pg.count_info
            if info.need_scrub:
                if DROP_LOCK:
                    spin_unlock(heap_lock)
                scrub_one_page(pg)
                if DROP_LOCK:
                    spin_lock(heap_lock)
                clear_bit(pg.count_info.need_scrub)
                scrubbed += 1
            pg = pg.next
        spin_unlock(heap_lock)

@sometimes
def a_page_on_the_heap_list_is_half_scrubbed() -> bool:
    return any(is_half_scrubbed(pg) for pg in chain(heap.next, "next"))
