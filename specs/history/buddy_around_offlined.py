"""What was left of a buddy beside an offlined page went back to the heap in the wrong pieces.

Read: 71c6a62317 and 5cb7ff13ee (June 2026; both mend e4865c2315, of 2009).  When a page in a buddy
goes offline, reserve_offlined_page() takes the buddy off the heap and puts the pages beside it
back, in buddies as large as they can be.  It grew such a buddy from where the last one ended,
whether a buddy may begin there or not: with page 0 of four offline it made one of pages 1 and 2.
Whoever splits or merges that finds its other half at the wrong place, and in the end a page is
allocated twice.

With ALIGNED that alone is mended, as it was for a minute; then the second is seen, by which a buddy
never grew to the very end of the old one: with page 1 offline, 2 and 3 were put back one by one,
and never merged.  That costs only large buddies.

There is one CPU, which takes pages offline, one after the other.
"""
from modelcheck.lang import (Indexed, Lock, array, between, boot, choose, element, free, holds,
    index_of, instances, param, process, promises, shared, sometimes, spin_lock, spin_unlock,
    violates)
from modelcheck.xen.invariants import buddies, maximal_merge, page_lists
from modelcheck.xen.page import PGC, CountInfo
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_del
from typing import Annotated

FIXED = param(False)
ALIGNED = param(False)
MAX_ORDER = param(2, 1, 3)
EXPECT = (violates("the heap holds the free pages and no others", when=not FIXED and not ALIGNED),
          violates("no two buddies on the heap could be merged", when=not FIXED and ALIGNED),
          holds(when=FIXED))

@shared(count=1 << MAX_ORDER)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.FREE)
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None

heap = array(PageListHead[Page], MAX_ORDER + 1)
page_offlined_list = PageListHead[Page]()
heap_lock = Lock("heap_lock")

PROMISES = (
    promises(page_lists(heap), buddies(Page, heap, MAX_ORDER), when=free(heap_lock)),
    promises(maximal_merge(heap, MAX_ORDER), when=(FIXED or ALIGNED) and free(heap_lock)),
)

@boot
def boot_allocator() -> None:
    head = element(Page, 0)
    head.order = MAX_ORDER
    page_list_add_tail(head, heap[MAX_ORDER])

def buddy_of(pg: Page) -> Page | None:
    """The head of the buddy on the heap that the page is in."""
    for order in range(MAX_ORDER + 1):
        head = heap[order].next
        while head is not None:
            distance = index_of(pg) - index_of(head)
            if distance >= 0 and distance < 1 << order:
                return head
            head = head.next
    return None

def all_free(pg: Page, count: int) -> bool:
    i = 0
    while i < count and pg[i].count_info.state == PGC.FREE:
        i += 1
    return i == count

def order_from(head: Page, head_order: int, at: int) -> int:
    """How large a buddy may begin at head[at]."""
    order = 0
    while order < head_order:
        end = at + (2 << order)
        if end > 1 << head_order or (end == 1 << head_order and not FIXED):
            break
        if (FIXED or ALIGNED) and (index_of(head) + at) & (1 << order) != 0:
            break
        whole = all_free(head[at + (1 << order)], 1 << order)
        if not whole:
            break
        order += 1
    return order

def reserve_offlined_page(head: Page) -> None:
    head_order = head.order
    page_list_del(head, heap[head_order])
    at = 0
    while at < 1 << head_order:
        if head[at].count_info.state == PGC.OFFLINED:
            page_list_add_tail(head[at], page_offlined_list)
            at += 1
        else:
            order = order_from(head, head_order, at)
            head[at].order = order
            page_list_add_tail(head[at], heap[order])
            at += 1 << order

def offline_page(pg: Page) -> None:
    spin_lock(heap_lock)
    head = buddy_of(pg)
    if head is not None:
        pg.count_info = CountInfo(PGC.OFFLINED)
        reserve_offlined_page(head)
    spin_unlock(heap_lock)

@process
def administrator() -> None:
    for _ in range(2):
        pg = choose(instances(Page))
        offline_page(pg)

@sometimes(when=FIXED)
def two_pages_are_offline_and_a_larger_buddy_is_left() -> bool:
    return heap[1].next is not None and sum(
        pg.count_info.state == PGC.OFFLINED for pg in instances(Page)) == 2
