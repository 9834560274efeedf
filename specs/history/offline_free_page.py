"""A free page that was taken offline stayed on the heap.

Read: 51402ed609 (2011, the mending), and page_alloc.c as it was before.  To take a page offline,
offline_page() marks it: a free page becomes offlined, one in use becomes offlining, and offlined
when it is freed.  Then it looked whether the page was free, to take it off the heap.  But it had
just been marked: a page that is free no longer says so, and the heap kept it.  The next allocation
that comes upon it stops the machine, since what it takes off the heap must be free.

Taking one page off the heap breaks its buddy up: what is whole beside it goes back in smaller
buddies (reserve_offlined_page), and the page goes to page_offlined_list.
"""
from modelcheck.lang import (Indexed, Lock, array, between, boot, chain, choose, cmpxchg,
    element, free, holds, index_of, instances, invariant, param, process, promises, shared,
    sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.page import PGC
from modelcheck.xen.page_list import (PageListHead, is_page_list, page_list_add_tail,
    page_list_del, page_list_remove_head)
from typing import Annotated

FIXED = param(False)
MAX_ORDER = 1
EXPECT = violates("a page from the heap is free", when=not FIXED), holds(when=FIXED)

@shared(count=1 << MAX_ORDER)
class Page(Indexed):
    count_info: PGC = PGC.FREE
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None

heap = array(PageListHead[Page], MAX_ORDER + 1)
page_offlined_list = PageListHead[Page]()
heap_lock = Lock("heap_lock")

@invariant("L2", "a page from the heap is free")
def is_free(pg: Page) -> bool:
    return pg.count_info == PGC.FREE

@invariant("S7", "an offlined page is on its list and nowhere else")
def in_its_place() -> bool:
    return is_page_list(page_offlined_list) and all(
        (pg.count_info == PGC.OFFLINED) == (pg in chain(page_offlined_list.next, "next"))
        for pg in instances(Page))

PROMISES = promises(in_its_place(), when=FIXED and free(heap_lock))

@boot
def boot_allocator() -> None:
    head = element(Page, 0)
    head.order = MAX_ORDER
    page_list_add_tail(head, heap[MAX_ORDER])

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap[0])
    if pg is None:
        pg = page_list_remove_head(heap[1])
        if pg is None:
            spin_unlock(heap_lock)
            return None
        pg.order = 0                          # halve it: the lower page goes back
        page_list_add_tail(pg, heap[0])
        pg = pg[1]
    assert is_free(pg)
    pg.count_info = PGC.INUSE
    spin_unlock(heap_lock)
    return pg

def mark_page_offline(pg: Page) -> None:
    old = pg.count_info
    while old == PGC.FREE or old == PGC.INUSE:
        new = PGC.OFFLINED if old == PGC.FREE else PGC.OFFLINING
        found = cmpxchg(pg.count_info, old, new)
        if found == old:
            break
        old = found

def buddy_of(pg: Page) -> Page | None:
    """The head of the buddy on the heap that the page is in.  Of two pages, no list has two."""
    for order in range(MAX_ORDER + 1):
        head = heap[order].next
        if head is not None and index_of(head) >> order == index_of(pg) >> order:
            return head
    return None

def reserve_offlined_page(head: Page) -> None:
    """The buddy leaves the heap; what is whole of it comes back, page by page."""
    order = head.order
    page_list_del(head, heap[order])
    for i in range(1 << order):
        if head[i].count_info == PGC.OFFLINED:
            page_list_add_tail(head[i], page_offlined_list)
        else:
            head[i].order = 0
            page_list_add_tail(head[i], heap[0])

@process
def offline_page() -> None:
    pg = choose(instances(Page))
    spin_lock(heap_lock)
    mark_page_offline(pg)
    state = pg.count_info
    if state == (PGC.OFFLINED if FIXED else PGC.FREE):
        head = buddy_of(pg)
        if head is not None:
            reserve_offlined_page(head)
    spin_unlock(heap_lock)

@process
def domain() -> None:
    while True:
        alloc_heap_page()

@sometimes(when=FIXED)
def a_page_goes_offline_and_the_one_beside_it_is_allocated() -> bool:
    return page_offlined_list.next is not None and any(
        pg.count_info == PGC.INUSE for pg in instances(Page))
