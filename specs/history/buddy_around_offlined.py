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
from modelcheck.lang import (Enum, Indexed, Lock, always, array, auto, between, boot, chain, choose,
    element, free, holds, index_of, instances, param, process, shared, sometimes, spin_lock,
    spin_unlock, violates)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_del
from typing import Annotated

FIXED = param(False)
ALIGNED = param(False)
MAX_ORDER = param(2, 1, 3)
EXPECT = (violates("a buddy begins where one of its order may", when=not FIXED and not ALIGNED),
          violates("no two buddies on the heap could be one", when=not FIXED and ALIGNED),
          holds(when=FIXED))

class PGC(Enum):
    OFFLINED = auto()
    FREE = auto()

@shared(count=1 << MAX_ORDER)
class Page(Indexed):
    count_info: PGC = PGC.FREE
    order: Annotated[int, between(0, MAX_ORDER)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None

heap = array(PageListHead[Page], MAX_ORDER + 1)
page_offlined_list = PageListHead[Page]()
heap_lock = Lock("heap_lock")

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
    while i < count and pg[i].count_info == PGC.FREE:
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
        if head[at].count_info == PGC.OFFLINED:
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
        pg.count_info = PGC.OFFLINED
        reserve_offlined_page(head)
    spin_unlock(heap_lock)

@process
def administrator() -> None:
    for _ in range(2):
        pg = choose(instances(Page))
        offline_page(pg)

@always(when=free(heap_lock))
def a_buddy_begins_where_one_of_its_order_may() -> bool:
    return all(all(index_of(pg) % (1 << order) == 0 for pg in chain(heap[order].next, "next"))
               for order in range(MAX_ORDER + 1))

@always(when=(FIXED or ALIGNED) and free(heap_lock))
def no_two_buddies_on_the_heap_could_be_one() -> bool:
    return all(all(element(Page, index_of(pg) ^ (1 << order)) not in chain(heap[order].next, "next")
                   for pg in chain(heap[order].next, "next"))
               for order in range(MAX_ORDER))

@always(when=free(heap_lock))
def no_page_is_lost() -> bool:
    return sum(sum(1 << order for pg in chain(heap[order].next, "next"))
               for order in range(MAX_ORDER + 1)) == sum(
        pg.count_info == PGC.FREE for pg in instances(Page))

@sometimes(when=FIXED)
def two_pages_are_offline_and_a_larger_buddy_is_left() -> bool:
    return heap[1].next is not None and sum(
        pg.count_info == PGC.OFFLINED for pg in instances(Page)) == 2
