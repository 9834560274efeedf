"""A freed page was merged with a neighbour that is free, and is not of the same heap.

Read: 7d3f8a2a26 (2022) and 762b9a2d99 (2019), each a mending.  free_heap_pages() merges a buddy
with the one beside it if that is free and as large, and takes that one off the list on which it
should be.  Static memory (Arm) is set aside for domains that name it; its pages are free, of order
0, and on no list.  A page of the heap that was freed beside one was merged with it: the static page
is then on the heap, and the domain that names it is given it all the same.

ZONES: the heap keeps lists for each zone, a power of two of addresses.  A buddy is aligned, so that
it reaches over a zone's border in one case: if all of memory up to there is free, from page 0 on.
Then the lower half was taken off a list of the upper half's zone, and stayed on that of its own.

It is mended by asking whether the neighbour is static; and by never giving page 0 to the heap.
There is one CPU; what is allocated stays so.  Pages 0 and 1 are zone 0, pages 2 and 3 zone 1.
"""
from dataclasses import dataclass
from typing import Annotated

from modelcheck.lang import (Indexed, Lock, array, between, boot, chain, choose, element, free,
    holds, index_of, instances, invariant, param, predicate, process, promises, replace, shared,
    sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import in_buddy
from modelcheck.xen.page import PGC
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)

FIXED = param(False)
ZONES = param(False)
MAX_ORDER = 2 if ZONES else 1
NR_ZONES = 2
FIRST = 1 if FIXED and ZONES else 0           # the pages that the heap is given
BEHIND = 4 if ZONES else 1
EXPECT = (violates("a page is taken off the list that it is on", when=not FIXED),
          holds(when=FIXED))

@dataclass(frozen=True)
class CountInfo:
    state: PGC
    static: bool = False

@shared(count=1 << MAX_ORDER)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.INUSE)
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None

heap = array(PageListHead[Page], NR_ZONES * (MAX_ORDER + 1))
heap_lock = Lock("heap_lock")

def page_to_zone(pg: Page) -> int:
    return 1 if index_of(pg) >= 2 else 0

def list_of(zone: int, order: int) -> int:
    return zone * (MAX_ORDER + 1) + order

@invariant("L1", "a page is taken off the list that it is on")
def is_on(head: PageListHead[Page], pg: Page) -> bool:
    return pg in chain(head.next, "next")

@predicate
def is_on_heap(pg: Page) -> bool:
    return any(in_buddy(pg, head, order) for zone in range(NR_ZONES)
               for order in range(MAX_ORDER + 1)
               for head in chain(heap[zone * (MAX_ORDER + 1) + order].next, "next"))

@invariant("L2", "the heap holds the free pages that are not static, and no others")
def heap_pages() -> bool:
    return all((pg.count_info == CountInfo(PGC.FREE)) == is_on_heap(pg) for pg in instances(Page))

PROMISES = promises(heap_pages(), when=FIXED and free(heap_lock))

@boot
def boot_allocator() -> None:
    if not ZONES:
        element(Page, 1).count_info = CountInfo(PGC.FREE, static=True)

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    zone = page_to_zone(pg)
    pg.count_info = CountInfo(PGC.FREE)
    order = 0
    while order < MAX_ORDER:
        buddy = element(Page, index_of(pg) ^ (1 << order))
        info = buddy.count_info
        if info.state != PGC.FREE or (FIXED and info.static):
            break
        if buddy.order != order:
            break
        at = list_of(zone, order)
        assert is_on(heap[at], buddy)
        page_list_del(buddy, heap[at])
        if index_of(buddy) < index_of(pg):
            pg = buddy
        order += 1
    pg.order = order
    page_list_add_tail(pg, heap[list_of(page_to_zone(pg), order)])
    spin_unlock(heap_lock)

def alloc_heap_pages(order: int) -> None:
    spin_lock(heap_lock)
    for zone in range(NR_ZONES):
        for o in range(order, MAX_ORDER + 1):
            pg = page_list_remove_head(heap[list_of(zone, o)])
            if pg is not None:
                half = o
                while half > order:           # halve it: the lower part goes back
                    half -= 1
                    pg.order = half
                    page_list_add_tail(pg, heap[list_of(zone, half)])
                    pg = pg[1 << half]
                for i in range(1 << order):
                    info = pg[i].count_info
                    assert info == CountInfo(PGC.FREE), "a page from the heap is free"
                    pg[i].count_info = replace(info, state=PGC.INUSE)
                spin_unlock(heap_lock)
                return
    spin_unlock(heap_lock)

@process
def cpu() -> None:
    for i in range(FIRST, BEHIND):            # init_heap_pages
        free_heap_page(element(Page, i))
    while True:
        order = choose(0, 1)
        alloc_heap_pages(order)

@sometimes(when=FIXED)
def a_page_is_on_the_heap() -> bool:
    return any(is_on_heap(pg) for pg in instances(Page))
