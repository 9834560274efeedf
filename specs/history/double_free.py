"""A page that was freed twice went unnoticed, until the heap's lists were in ruins.

Read: f882fadbeb (2019, the mending).  free_heap_pages() asked of a page only that it be not
offlined, and said that it is free.  Freed a second time, the page is linked into the list that it
is on already.  Nothing happens; some later allocation stumbles over it, and its trace does not lead
to who freed the page twice.  Since the mending a page must be in use to be freed, and Xen stops
(BUG) where it is not: that does not mend the caller, and keeps the heap whole until all stops.

BUG() is a return here, behind which nothing is done any more but to drop heap_lock: so it is asked
whether the heap is whole then.
"""
from modelcheck.lang import (Lock, boot, choose, free, holds, instances, param, process, promises,
    shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import page_list
from modelcheck.xen.page import PGC
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

FIXED = param(False)
PAGES = param(2, 1, 4)
EXPECT = violates("page lists are whole", when=not FIXED), holds(when=FIXED)

@shared(count=PAGES)
class Page:
    count_info: PGC = PGC.FREE
    next: "Page | None" = None
    prev: "Page | None" = None

@shared
class Machine:
    has_stopped: bool = False

machine = Machine()
heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")

PROMISES = promises(page_list(heap), when=free(heap_lock))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def bug() -> None:
    machine.has_stopped = True

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is not None:
        pg.count_info = PGC.INUSE
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> bool:
    """Whether the machine goes on."""
    spin_lock(heap_lock)
    if FIXED and pg.count_info != PGC.INUSE:
        bug()
        spin_unlock(heap_lock)
        return False
    pg.count_info = PGC.FREE
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)
    return True

@process
def cpu() -> None:
    goes_on = True
    while goes_on:
        pg = alloc_heap_page()
        if pg is not None:
            goes_on = free_heap_page(pg)
            if choose(False, True):           # the caller's mistake
                goes_on = free_heap_page(pg)

@sometimes(when=FIXED)
def the_mistake_is_noticed() -> bool:
    return machine.has_stopped
