"""Each idle CPU takes a batch of dirty chunks off the heap, and scrubs it in private (e-mail, 5.1).

An idle CPU takes heap_lock, moves up to BATCH dirty chunks to a list of its own, and drops the
lock.  The chunks are now nobody else's: it scrubs them and clears need_scrub with no lock and no
atomic.  Then it takes heap_lock once more, and frees them as anyone frees, merging each with its
buddy.

No secret leaks; but what is on a CPU's own list is free memory that no allocation can find, up to
IDLE_CPUS * BATCH chunks of it, and one fails beside them.  That was Jan Beulich's objection, and is
the first trace here.  With RETRY an allocation that finds nothing, while something is on its way,
lets go of heap_lock and tries again: it keeps every promise, and may wait for a whole batch.

The trap is in the word "delisted".  A free decides from its buddy's count_info and order alone
whether the two can merge.  With LOOKS_FREE a delisted chunk goes on saying that it is free, and a
free of its buddy deletes it from a heap list that it is not on: page_list_del patches whatever the
links name, on whichever list that is (the same mistake: dab6a84aad, taken back the same day).

Every access is a step, also under heap_lock.  Simplified: single pages are allocated, from chunks
of up to 2^MAX_ORDER; one node and zone; a chunk is dirty if a page in it is, without first_dirty;
a CPU that goes offline, and would have to return its batch, is left out.
"""
from typing import Annotated

from modelcheck.lang import (Ghost, Indexed, Lock, Process, array, between, boot, chain, element,
    free, holds, index_of, instance, param, process, promises, replace, shared, sometimes,
    spin_lock, spin_unlock, this_process, violates)
from modelcheck.xen.buddy import MAX_ORDER, Order, is_free_buddy
from modelcheck.xen.invariants import (buddies, clean_handover, conservation, conservative_label,
    every_page_is_owned, is_listed, maximal_merge, no_live_scrub, page_lists, unique_place)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    is_scrubbed, scrub_one_page)
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)

INSTANCE = instance(MAX_ORDER=1)
PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
BATCH = param(1, 1, 8)
RETRY = param(False)
LOOKS_FREE = param(False)
EXPECT = (violates("an allocation fails only when no page is free", when=not RETRY),
          violates("what is taken off a heap list is on it", when=RETRY and LOOKS_FREE),
          holds(when=RETRY and not LOOKS_FREE))

@shared(count=PAGES)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    order: Order = 0
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None       # the domain that it is allocated to
    holder: Ghost[Process | None] = None      # that, or the CPU in whose batch it is

@shared
class Node:
    delisted: Annotated[int, between(0, IDLE_CPUS * BATCH)] = 0

node = Node()
heap = array(PageListHead[Page], MAX_ORDER + 1)
batch = array(PageListHead[Page], IDLE_CPUS)
heap_lock = Lock("heap_lock")

@boot
def init_heap_pages() -> None:
    order: Order = MAX_ORDER
    n: Annotated[int, between(0, PAGES)] = 0
    while n < PAGES:
        while n + (1 << order) > PAGES:
            order -= 1
        element(Page, n).order = order
        page_list_add_tail(element(Page, n), heap[order])
        n += 1 << order

def get_free_page() -> Page | None:
    for order in range(MAX_ORDER + 1):
        pg = page_list_remove_head(heap[order])
        if pg is not None:
            below: Order = order
            while below > 0:                  # the lower half goes back
                below -= 1
                pg.order = below
                page_list_add_tail(pg, heap[below])
                pg = pg[1 << below]
            return pg
    return None

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = get_free_page()
    while RETRY and pg is None and node.delisted > 0:
        spin_unlock(heap_lock)
        spin_lock(heap_lock)
        pg = get_free_page()
    if pg is None:
        assert every_page_is_owned(Page)
        spin_unlock(heap_lock)
        return None
    info = pg.count_info
    pg.count_info = CountInfo(PGC.INUSE)
    pg.owner = this_process()
    pg.holder = this_process()
    spin_unlock(heap_lock)
    if info.need_scrub:
        scrub_one_page(pg)
    return pg

def merge_and_list(pg: Page, order: Order) -> None:
    """The end of free_heap_pages: pg's 2^order pages are FREE, and on no list."""
    while order < MAX_ORDER:
        neighbour = index_of(pg) ^ (1 << order)
        if neighbour >= PAGES:
            break
        buddy = element(Page, neighbour)
        if not is_free_buddy(buddy, order):
            break
        assert is_listed(buddy, heap[order])
        page_list_del(buddy, heap[order])
        if index_of(buddy) < index_of(pg):
            pg = buddy
        order += 1
    pg.order = order
    page_list_add_tail(pg, heap[order])

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    pg.owner = None
    pg.holder = None
    merge_and_list(pg, 0)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_page(pg)

def needs_scrub(pg: Page, order: Order) -> bool:
    for i in range(1 << order):
        info = pg[i].count_info
        if info.need_scrub:
            return True
    return False

def set_state(pg: Page, order: Order, state: PGC) -> None:
    for i in range(1 << order):
        info = pg[i].count_info
        pg[i].count_info = replace(info, state=state)

def delist_batch(me: int) -> int:
    taken = 0
    spin_lock(heap_lock)
    for n in range(MAX_ORDER + 1):
        order = MAX_ORDER - n
        pg = heap[order].next
        while pg is not None and taken < BATCH:
            after = pg.next
            if needs_scrub(pg, order):
                page_list_del(pg, heap[order])
                if not LOOKS_FREE:
                    set_state(pg, order, PGC.INUSE)
                page_list_add_tail(pg, batch[me])
                for i in range(1 << order):
                    pg[i].holder = this_process()
                taken += 1
            pg = after
    delisted = node.delisted
    node.delisted = delisted + taken
    spin_unlock(heap_lock)
    return taken

def scrub_batch(me: int) -> None:
    pg = batch[me].next
    while pg is not None:
        order = pg.order
        for i in range(1 << order):
            info = pg[i].count_info           # plain: nobody else changes it
            if info.need_scrub:
                scrub_one_page(pg[i])
                pg[i].count_info = replace(info, need_scrub=False)
        pg = pg.next

def return_batch(me: int, taken: int) -> None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(batch[me])
    while pg is not None:
        order = pg.order
        set_state(pg, order, PGC.FREE)
        for i in range(1 << order):
            pg[i].holder = None
        merge_and_list(pg, order)
        pg = page_list_remove_head(batch[me])
    delisted = node.delisted
    node.delisted = delisted - taken
    spin_unlock(heap_lock)

@process(count=IDLE_CPUS)
def idle_loop(me: int) -> None:
    while True:
        taken = delist_batch(me)
        if taken > 0:
            scrub_batch(me)
            return_batch(me, taken)

PROMISES = (promises(conservative_label(Page)),
            promises(page_lists(heap), unique_place(Page, heap),
                     conservation(Page, heap), when=free(heap_lock)),
            promises(buddies(Page, heap, MAX_ORDER), maximal_merge(heap, MAX_ORDER),
                     when=free(heap_lock) and not LOOKS_FREE))

@sometimes
def a_page_is_half_scrubbed_in_a_batch() -> bool:
    return any(is_half_scrubbed(pg) for own in batch for pg in chain(own.next, "next"))

@sometimes
def a_scrubbed_chunk_is_back_on_the_heap() -> bool:
    return any(is_scrubbed(pg) for head in heap for pg in chain(head.next, "next"))
