"""XSA-100: what Xen itself had used was freed without a scrub.

Read: 4bd78937ec (2014, the mending).  Freed pages were scrubbed if the domain that owned them was
dying; who lives clears what it must not leak.  A page without an owner, which Xen has used for
itself, belonged to nobody who would: it went back to the heap with what Xen had written there, and
the next domain could read it.  It is scrubbed now, like the pages of the dead.

Two kinds of owner, and one page, are enough.  A domain's own bytes are in sync_scrub.py: here
domains only read.
"""
from modelcheck.lang import (Lock, boot, chain, free, holds, instances, invariant, param, process,
    promises, shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import clean_handover
from modelcheck.xen.page import (PageContents, fill_page, is_half_scrubbed, is_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

FIXED = param(False)
PAGES = param(1, 1, 4)
EXPECT = violates("no dirty page is returned to a caller", when=not FIXED), holds(when=FIXED)

@shared(count=PAGES)
class Page:
    is_owned: bool = False                    # by a domain
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

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)

def free_domheap_page(pg: Page) -> None:
    if pg.is_owned:
        pg.is_owned = False
        scrub_one_page(pg)                    # of a domain that is dying
    elif FIXED:
        scrub_one_page(pg)                    # anonymous: of Xen's own
    free_heap_page(pg)

@process
def hypervisor(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            fill_page(pg, me)
            free_domheap_page(pg)

@process
def domain() -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            assert clean_handover(pg)
            pg.is_owned = True
            free_domheap_page(pg)

@invariant("S2", "every page on the heap is scrubbed")
def heap_is_scrubbed() -> bool:
    return all(is_scrubbed(pg) for pg in chain(heap.next, "next"))

PROMISES = promises(heap_is_scrubbed(), when=FIXED and free(heap_lock))

@sometimes(when=FIXED)
def what_xen_has_used_is_half_scrubbed() -> bool:
    return any(is_half_scrubbed(pg) and not pg.is_owned for pg in instances(Page))
