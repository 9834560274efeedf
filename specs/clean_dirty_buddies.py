"""Two lists and buddies: what becomes of a clean page beside a dirty one (George Dunlap's, 2014).

clean_dirty_lists.py moves single pages from a dirty list to a clean one.  But the heap is made of
buddies: two free ones of one order, side by side, become one of the next.  On which list is that,
if one half is clean and the other dirty?  The design has two answers, and both cost something:

  apart        (MERGE_MIXED off) Buddies of two lists do not merge.  All of memory is free, and an
               allocation of order 1 fails: the first series of patches had that, and high orders
               ran out (Boris Ostrovsky, 2017).
  MERGE_MIXED  They merge, and the whole counts as dirty.  Then a clean page is scrubbed again.

What landed in Xen is a third: one list, and each buddy's first_dirty (xen_idle_scrub.py).

Simplified: two pages, orders 0 and 1; a list is asked for a buddy of the wanted order first.  An
allocation that finds nothing waits for what idle CPUs have in their hands (the other hole, which
clean_dirty_lists.py is about).
"""
from typing import Annotated

from modelcheck.lang import (Ghost, Indexed, Lock, Process, array, between, boot, chain,
    choose,
    element, free, holds, index_of, instances, invariant, param, process, promises, shared,
    sometimes, spin_lock, spin_unlock, this_process, violates)
from modelcheck.xen.invariants import clean_handover, no_live_scrub, page_lists, scrubbed_once
from modelcheck.xen.page import PGC, PageContents, fill_page, scrub_one_page
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)

DOMAINS = param(1, 1, 2)
IDLE_CPUS = param(1, 1, 2)
MERGE_MIXED = param(False)
HIGH_ORDER = param(True)                      # what domains ask for, besides single pages
EXPECT = (violates("an allocation fails only when no buddy of its order is free",
                   when=HIGH_ORDER and not MERGE_MIXED),
          violates("no clean page is scrubbed again", when=MERGE_MIXED),
          holds(when=not HIGH_ORDER and not MERGE_MIXED))

MAX_ORDER = 1
Order = Annotated[int, between(0, MAX_ORDER)]

@shared(count=1 << MAX_ORDER)
class Page(Indexed):
    state: PGC = PGC.FREE
    order: Order = 0
    dirty: bool = True                        # of a buddy's first page: the list that it is on
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None

@shared
class Node:
    in_hands: Annotated[int, between(0, IDLE_CPUS)] = 0

node = Node()
heap = array(PageListHead[Page], 2 * (MAX_ORDER + 1))
heap_lock = Lock("heap_lock")

@invariant("L2", "the heap holds the free pages and no others")
def each_is_in_a_buddy() -> bool:
    return all(
        sum(index_of(first) <= index_of(pg) and index_of(pg) < index_of(first) + (1 << first.order)
            for pages in heap for first in chain(pages.next, "next"))
        == (1 if pg.state == PGC.FREE else 0) for pg in instances(Page))

PROMISES = promises(page_lists(heap), each_is_in_a_buddy(), when=free(heap_lock))

def list_of(dirty: bool, order: Order) -> int:
    """Clean ones of order 0 and 1, then dirty ones."""
    return MAX_ORDER + 1 + order if dirty else order

@invariant("P1", "an allocation fails only when no buddy of its order is free")
def none_is_free(order: Order) -> bool:
    """With what idle CPUs have in their hands, and however it is cut up."""
    return sum(pg.owner is None for pg in instances(Page)) < 1 << order

@boot
def init_heap_pages() -> None:
    head = element(Page, 0)
    head.order = MAX_ORDER
    page_list_add_tail(head, heap[2 * MAX_ORDER + 1])

def take_buddy(dirty: bool, order: Order) -> Page | None:
    """A larger one is halved: its lower half goes back."""
    for o in range(order, MAX_ORDER + 1):
        pg = page_list_remove_head(heap[list_of(dirty, o)])
        if pg is not None:
            if o > order:
                pg.order = order
                page_list_add_tail(pg, heap[list_of(dirty, order)])
                pg = pg[1]
            for i in range(1 << order):
                pg[i].state = PGC.INUSE
            return pg
    return None

def give_back(pg: Page, order: Order, dirty: bool) -> None:
    for i in range(1 << order):
        pg[i].state = PGC.FREE
    if order < MAX_ORDER:
        buddy = element(Page, index_of(pg) ^ 1)
        if buddy.state == PGC.FREE and buddy.order == order:
            its = buddy.dirty
            if its == dirty or MERGE_MIXED:
                page_list_del(buddy, heap[list_of(its, order)])
                dirty = dirty or its
                order += 1
                if index_of(buddy) < index_of(pg):
                    pg = buddy
    pg.order = order
    pg.dirty = dirty
    page_list_add_tail(pg, heap[list_of(dirty, order)])

def scrub(pg: Page) -> None:
    assert scrubbed_once(pg)
    scrub_one_page(pg)

def alloc_heap_pages(order: Order) -> Page | None:
    while True:
        spin_lock(heap_lock)
        dirty = False
        pg = take_buddy(False, order)
        if pg is None:
            dirty = True
            pg = take_buddy(True, order)
        if pg is not None:
            for i in range(1 << order):
                pg[i].owner = this_process()
            spin_unlock(heap_lock)
            if dirty:
                for i in range(1 << order):
                    scrub(pg[i])
            return pg
        if node.in_hands == 0:
            assert none_is_free(order)
            spin_unlock(heap_lock)
            return None
        spin_unlock(heap_lock)

def free_heap_pages(pg: Page, order: Order) -> None:
    spin_lock(heap_lock)
    for i in range(1 << order):
        pg[i].owner = None
    give_back(pg, order, dirty=True)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        order = choose(0, 1) if HIGH_ORDER else 0
        pg = alloc_heap_pages(order)
        if pg is not None:
            for i in range(1 << order):
                assert clean_handover(pg[i])
                fill_page(pg[i], me)
                assert no_live_scrub(pg[i], me)
            free_heap_pages(pg, order)

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        spin_lock(heap_lock)
        pg = take_buddy(True, 0)
        if pg is not None:
            in_hands = node.in_hands
            node.in_hands = in_hands + 1
        spin_unlock(heap_lock)
        if pg is not None:
            scrub(pg)
            spin_lock(heap_lock)
            give_back(pg, 0, dirty=False)
            in_hands = node.in_hands
            node.in_hands = in_hands - 1
            spin_unlock(heap_lock)

@sometimes(when=not MERGE_MIXED)
def a_clean_buddy_is_beside_a_dirty_one() -> bool:
    return heap[0].next is not None and heap[MAX_ORDER + 1].next is not None
