"""Scrub synchronously, before a freed page can be seen (Xen in 2014).

The CPU that tears a domain down scrubs each of its pages itself.  No lock is held meanwhile: the
page is on no list, its state is still in use, and nobody else knows of it.  Only then does the
page go back to the heap, under heap_lock, and so every page on the heap is clean.

Safe, and slow: the destroyer pays for every page, about ten minutes for a terabyte.  That cost is
where the other designs in this directory begin.

With BALLOON the domain is not dying but gives a page back.  Xen leaves it to that domain to have
scrubbed the page (its later option scrub-domheap does not), and whoever is next reads what it left.
"""
from modelcheck.lang import (Lock, always, boot, chain, free, holds, instances, param, predicate,
    process, shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.page import (PGC, PageContents, fill_page, is_half_scrubbed, is_pattern_of,
    is_scrubbed, scrub_one_page)
from modelcheck.xen.page_list import (PageListHead, is_page_list, page_list_add_tail,
    page_list_remove_head)

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
BALLOON = param(False)
EXPECT = holds(when=not BALLOON), violates("no dirty page is returned to a caller", when=BALLOON)

@shared(count=PAGES)
class Page:
    count_info: PGC = PGC.FREE
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")

@boot
def scrub_heap_pages() -> None:
    for pg in instances(Page):
        scrub_one_page(pg)
        page_list_add_tail(pg, heap)

def alloc_heap_pages() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(), "an allocation fails only when no page is free"
        spin_unlock(heap_lock)
        return None
    assert pg.count_info == PGC.FREE, "a page on the heap list is free"
    pg.count_info = PGC.INUSE
    spin_unlock(heap_lock)
    return pg

def free_heap_pages(pg: Page) -> None:
    spin_lock(heap_lock)
    assert pg.count_info == PGC.INUSE, "no page is freed twice"
    pg.count_info = PGC.FREE
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert is_scrubbed(pg), "no dirty page is returned to a caller"
            fill_page(pg, me)
            assert is_pattern_of(pg, me), "no page is scrubbed under its owner"
            if not BALLOON:
                scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked
            free_heap_pages(pg)

@predicate
def no_page_is_free() -> bool:
    return all(pg.count_info != PGC.FREE for pg in instances(Page))

@always(when=free(heap_lock))
def the_heap_list_is_well_formed() -> bool:
    return is_page_list(heap)

@always(when=free(heap_lock))
def the_heap_list_holds_the_free_pages() -> bool:
    return all((pg in chain(heap.next, "next")) == (pg.count_info == PGC.FREE)
               for pg in instances(Page))

@always(when=not BALLOON and free(heap_lock))
def every_page_on_the_heap_list_is_scrubbed() -> bool:
    return all(is_scrubbed(pg) for pg in chain(heap.next, "next"))

@sometimes(when=PAGES > 1 and DOMAINS > 1 and not BALLOON)
def two_pages_are_being_scrubbed_at_once() -> bool:
    return sum(is_half_scrubbed(pg) for pg in instances(Page)) > 1
