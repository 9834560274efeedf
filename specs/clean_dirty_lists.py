"""Two lists: freed pages go to a dirty one, idle CPUs move them to a clean one (George Dunlap).

A free puts the page on the dirty list.  An idle CPU takes it off, scrubs it with no lock held, and
puts it on the clean list.  An allocation takes a clean page; only where there is none (T4) a dirty
one, and scrubs it.  No page is scrubbed again that is clean (T7).  What
a page needs is told by the list that it is on, and by no flag: so there is nothing in it that two
CPUs could change at once, and no secret leaks.

But the page that an idle CPU has in its hands is on neither list, and an allocation that comes by
fails though memory is free: the hole of per_cpu_batch.py, of a page for each idle CPU.  With WAIT
the idle CPU counts what it has in its hands, and an allocation that finds nothing looks again.

That is enough with one heap_lock, which every move then takes.  With OWN_LOCKS each list has a lock
of its own, and "no clean page, no dirty page, none in anyone's hands" are three looks at three
moments: a page that was dirty at the first can be clean by the third.  It went by behind the
allocation's back, the way that it had looked, and the allocation fails beside it even with WAIT.

Simplified: single pages.  The design's other price, buddies of which one half is clean, is the
subject of clean_dirty_buddies.py.  P1 is asked at the instant at which an allocation fails; with
OWN_LOCKS that is fair if nobody else frees, so there: DOMAINS=1.
"""
from typing import Annotated

from modelcheck.lang import (Ghost, Lock, Process, array, between, boot, chain, fetch_add,
    free, holds, instances, invariant, param, process, promises, shared, sometimes, spin_lock,
    spin_unlock, this_process, violates)
from modelcheck.xen.invariants import (clean_handover, clean_pages_first, every_page_is_owned,
    no_live_scrub, page_lists, scrubbed_once)
from modelcheck.xen.page import (PageContents, fill_page, is_half_scrubbed, is_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(1, 1, 8)
DOMAINS = param(1, 1, 4)
IDLE_CPUS = param(1, 1, 4)
WAIT = param(False)
OWN_LOCKS = param(False)
HOLE = PAGES < DOMAINS + IDLE_CPUS            # all that is free can be in idle CPUs' hands
EXPECT = (violates("an allocation fails only when no page is free",
                   when=OWN_LOCKS or (HOLE and not WAIT)),
          holds(when=not OWN_LOCKS and (WAIT or not HOLE)))

CLEAN = 0
DIRTY = 1
OF_DIRTY = DIRTY if OWN_LOCKS else CLEAN      # the dirty list's lock

@shared(count=PAGES)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None       # the domain that it is allocated to
    holder: Ghost[Process | None] = None      # that, or the idle CPU that has it in its hands

@shared
class Node:
    in_hands: Annotated[int, between(0, IDLE_CPUS)] = 0

node = Node()
heap = array(PageListHead[Page], 2)
locks = array(Lock, 2)                        # the first alone is heap_lock, without OWN_LOCKS

@invariant("S7", "each page is in one place")
def on_one_list_or_held() -> bool:
    return all(sum(pg in chain(pages.next, "next") for pages in heap)
               == (0 if pg.holder is not None else 1) for pg in instances(Page))

@invariant("S2", "every page on the clean list is scrubbed")
def clean_list_is_clean() -> bool:
    return all(is_scrubbed(pg) for pg in chain(heap[CLEAN].next, "next"))

PROMISES = (promises(clean_list_is_clean()),
            promises(page_lists(heap), on_one_list_or_held(),
                     when=free(locks[CLEAN]) and free(locks[DIRTY])))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap[DIRTY])

def alloc_heap_page() -> Page | None:
    while True:
        spin_lock(locks[CLEAN])
        pg = page_list_remove_head(heap[CLEAN])
        if pg is not None:
            pg.owner = this_process()
            pg.holder = this_process()
            spin_unlock(locks[CLEAN])
            return pg
        if OWN_LOCKS:
            spin_unlock(locks[CLEAN])
            spin_lock(locks[DIRTY])
        pg = page_list_remove_head(heap[DIRTY])
        if pg is not None:
            pg.owner = this_process()
            pg.holder = this_process()
            assert clean_pages_first(heap[CLEAN])
            spin_unlock(locks[OF_DIRTY])
            assert scrubbed_once(pg)
            scrub_one_page(pg)
            return pg
        if not WAIT or node.in_hands == 0:
            assert every_page_is_owned(Page)
            spin_unlock(locks[OF_DIRTY])
            return None
        spin_unlock(locks[OF_DIRTY])

def free_heap_page(pg: Page) -> None:
    spin_lock(locks[OF_DIRTY])
    page_list_add_tail(pg, heap[DIRTY])
    pg.owner = None
    pg.holder = None
    spin_unlock(locks[OF_DIRTY])

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_page(pg)

def page_to_scrub() -> Page | None:
    spin_lock(locks[OF_DIRTY])
    pg = page_list_remove_head(heap[DIRTY])
    if pg is not None:
        pg.holder = this_process()
        fetch_add(node.in_hands, 1)
    spin_unlock(locks[OF_DIRTY])
    return pg

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        pg = page_to_scrub()
        if pg is not None:
            assert scrubbed_once(pg)
            scrub_one_page(pg)
            spin_lock(locks[CLEAN])
            page_list_add_tail(pg, heap[CLEAN])
            pg.holder = None
            fetch_add(node.in_hands, -1)
            spin_unlock(locks[CLEAN])

@sometimes
def a_page_is_scrubbed_in_an_idle_CPUs_hands() -> bool:
    return any(pg.holder is not None and pg.owner is None and is_half_scrubbed(pg)
               for pg in instances(Page))

@sometimes(when=PAGES > 1)
def there_are_clean_and_dirty_pages() -> bool:
    return heap[CLEAN].next is not None and heap[DIRTY].next is not None
