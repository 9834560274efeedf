"""The pages of a dying domain were scrubbed, and never freed.

Read: 428dc303f5 (2 July 2009) and d918a60f89 (the next day, the mending).  Until then a dying
domain's pages were put on a list, to be scrubbed and freed by a softirq.  The list went, the scrub
came to where the list had been, and the call that frees stayed in the other branch.  Nothing is
unsafe, and each domain that dies takes its memory with it.

One CPU and one page show it: a page that is not on the heap, and with nobody, is lost.  `holder`
says who has it, and is cleared where the CPU returns from the free.
"""
from modelcheck.lang import (Ghost, Lock, Process, boot, choose, free, holds, instances, param,
    process, promises, shared, sometimes, spin_lock, spin_unlock, this_process, violates)
from modelcheck.xen.invariants import listed_or_held
from modelcheck.xen.page import PageContents, fill_page, is_scrubbed, scrub_one_page
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

FIXED = param(False)
PAGES = param(1, 1, 4)
DOMAINS = param(1, 1, 4)
EXPECT = (violates("no page is lost, and none is there twice", when=not FIXED),
          holds(when=FIXED))

@shared(count=PAGES)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    holder: Ghost[Process | None] = None

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")

PROMISES = promises(listed_or_held(Page, heap), when=free(heap_lock))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is not None:
        pg.holder = this_process()
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

def free_domheap_page(pg: Page, is_dying: bool) -> None:
    if is_dying:
        scrub_one_page(pg)                    # else the domain clears what it must not leak
    if FIXED or not is_dying:
        free_heap_page(pg)
    pg.holder = None

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            fill_page(pg, me)
            is_dying = choose(False, True)
            free_domheap_page(pg, is_dying)

@sometimes
def a_page_is_scrubbed() -> bool:
    return any(is_scrubbed(pg) for pg in instances(Page))
