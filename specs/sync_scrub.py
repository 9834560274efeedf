"""Scrub synchronously, before a freed page can be seen (Xen in 2014).

The CPU that tears a domain down scrubs each of its pages itself.  No lock is held meanwhile: the
page is on no list, its state is still in use, and nobody else knows of it.  Only then does the
page go back to the heap, under heap_lock, and so every page on the heap is clean.

Safe, and slow: the destroyer pays for every page, about ten minutes for a terabyte.  That cost is
where the other designs in this directory begin.

With BALLOON the domain is not dying but gives a page back.  Xen leaves it to that domain to have
scrubbed the page (its later option scrub-domheap does not), and whoever is next reads what it left.
"""
from modelcheck.lang import (Lock, boot, free, holds, instances, param, process, promises, shared,
    sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import (clean_handover, conservative_label, free_list, freed_once,
    no_live_scrub, no_page_is_free, page_list)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
BALLOON = param(False)
EXPECT = holds(when=not BALLOON), violates("no dirty page is returned to a caller", when=BALLOON)

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
PROMISES = (promises(page_list(heap), free_list(Page, heap), when=free(heap_lock)),
            promises(conservative_label(Page), when=not BALLOON))

@boot
def scrub_heap_pages() -> None:
    for pg in instances(Page):
        scrub_one_page(pg)
        page_list_add_tail(pg, heap)

def alloc_heap_pages() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(Page)
        spin_unlock(heap_lock)
        return None
    assert pg.count_info.state == PGC.FREE, "a page on the heap list is free"
    pg.count_info = CountInfo(PGC.INUSE)
    spin_unlock(heap_lock)
    return pg

def free_heap_pages(pg: Page) -> None:
    spin_lock(heap_lock)
    info = pg.count_info
    assert freed_once(info.state)
    pg.count_info = CountInfo(PGC.FREE)
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
            if not BALLOON:
                scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked
            free_heap_pages(pg)

@sometimes(when=PAGES > 1 and DOMAINS > 1 and not BALLOON)
def two_pages_are_being_scrubbed_at_once() -> bool:
    return sum(is_half_scrubbed(pg) for pg in instances(Page)) > 1
