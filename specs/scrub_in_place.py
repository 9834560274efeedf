"""Pages stay on the heap list while they are scrubbed, and an allocation waits (Jan's rule).

An idle CPU marks a page SCRUBBING under heap_lock, drops the lock, scrubs, and says NOT_SCRUBBING.
No allocation fails for a page that is merely being scrubbed: it takes the page off the list, drops
heap_lock and waits, for a page "won't get passed to the caller until the scrubbing finished".

Two choices are open: the allocation waits with heap_lock held (WAIT_LOCKED), and the idle CPU takes
heap_lock to say NOT_SCRUBBING (DONE_LOCKED).  Each is sound alone; together they are a deadlock.
"""
from modelcheck.lang import (Lock, boot, chain, clear_bit, free, holds, instances, param, process,
    promises, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, violates,
    wait_until)
from modelcheck.xen.invariants import (clean_handover, conservative_label, free_list, no_live_scrub,
    no_page_is_free, page_list)
from modelcheck.xen.page import PGC, Buddy, CountInfo, PageContents, fill_page, scrub_one_page
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
WAIT_LOCKED = param(False)
DONE_LOCKED = param(False)
EXPECT = (holds(when=not (WAIT_LOCKED and DONE_LOCKED)),
          violates("deadlock", when=WAIT_LOCKED and DONE_LOCKED))

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    scrub_state: Buddy = Buddy.NOT_SCRUBBING
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
PROMISES = (promises(conservative_label(Page)),
            promises(page_list(heap), free_list(Page, heap), when=free(heap_lock)))

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
    if WAIT_LOCKED:
        wait_until(pg.scrub_state == Buddy.NOT_SCRUBBING)
    info = pg.count_info
    assert info.state == PGC.FREE, "a page on the heap list is free"
    pg.count_info = replace(info, state=PGC.INUSE)    # may undo an idle CPU's clear_bit, and then
    spin_unlock(heap_lock)                            # the page is scrubbed twice; never not at all
    if not WAIT_LOCKED:
        wait_until(pg.scrub_state == Buddy.NOT_SCRUBBING)
    if test_and_clear_bit(pg.count_info.need_scrub):
        scrub_one_page(pg)
    return pg

def free_heap_pages(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_pages(pg)

def page_to_scrub() -> Page | None:
    spin_lock(heap_lock)
    pg = heap.next
    while pg is not None:
        info = pg.count_info
        if info.need_scrub and pg.scrub_state == Buddy.NOT_SCRUBBING:
            pg.scrub_state = Buddy.SCRUBBING
            break
        pg = pg.next
    spin_unlock(heap_lock)
    return pg

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        pg = page_to_scrub()
        if pg is not None:
            scrub_one_page(pg)
            clear_bit(pg.count_info.need_scrub)
            if DONE_LOCKED:
                spin_lock(heap_lock)
            pg.scrub_state = Buddy.NOT_SCRUBBING
            if DONE_LOCKED:
                spin_unlock(heap_lock)

@sometimes
def a_page_leaves_the_list_while_being_scrubbed() -> bool:
    return any(pg.scrub_state == Buddy.SCRUBBING and pg not in chain(heap.next, "next")
               for pg in instances(Page))
