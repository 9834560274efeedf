"""Scrub synchronously, before a freed page can be seen (Xen in 2014).

The CPU that tears a domain down takes each page off the domain's list, under page_alloc_lock, and
scrubs it itself.  No lock is held meanwhile: the page is on no list, its state is still in use, and
nobody else knows of it.  Only then does the page go back to the heap, under heap_lock, and so every
page on the heap is clean.

Safe, and slow: the destroyer pays for every page, about ten minutes for a terabyte.  That cost is
where the other designs in this directory begin.

With BALLOON the domain is not dying but gives a page back.  Xen leaves it to that domain to have
scrubbed the page (its later option scrub-domheap does not), and whoever is next reads what it left.
"""
from typing import Annotated

from modelcheck.lang import (Lock, array, at_rest, between, boot, element, free, holds, instances,
    param, process, promises, shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import (all_are_free, clean_handover, conservative_label, free_list,
    freed_once, in_order, no_live_scrub, no_page_is_free, page_list, tot_pages_counts)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)

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

@shared(count=DOMAINS)
class Domain:
    tot_pages: Annotated[int, between(0, PAGES)] = 0
    page_alloc_lock: Lock

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
of_domain = array(PageListHead[Page], DOMAINS)
PROMISES = (promises(page_list(heap), free_list(Page, heap), when=free(heap_lock)),
            promises(all_are_free(Page), when=at_rest()),
            promises(conservative_label(Page), when=not BALLOON),
            promises(tot_pages_counts(Domain, of_domain),
                     when=all(free(d.page_alloc_lock) for d in instances(Domain))))

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

def assign_pages(pg: Page, me: int) -> None:
    d = element(Domain, me)
    assert in_order(heap_lock)
    spin_lock(d.page_alloc_lock)
    tot_pages = d.tot_pages
    d.tot_pages = tot_pages + 1
    page_list_add_tail(pg, of_domain[me])
    spin_unlock(d.page_alloc_lock)

def relinquish(pg: Page, me: int) -> None:
    d = element(Domain, me)
    assert in_order(heap_lock)
    spin_lock(d.page_alloc_lock)
    page_list_del(pg, of_domain[me])
    tot_pages = d.tot_pages
    d.tot_pages = tot_pages - 1
    spin_unlock(d.page_alloc_lock)

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
            assign_pages(pg, me)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            relinquish(pg, me)
            if not BALLOON:
                scrub_one_page(pg)            # the domain is dying: its CPU scrubs, unlocked
            free_heap_pages(pg)

@sometimes(when=PAGES > 1 and DOMAINS > 1 and not BALLOON)
def two_pages_are_being_scrubbed_at_once() -> bool:
    return sum(is_half_scrubbed(pg) for pg in instances(Page)) > 1
