"""The scrub softirq held page_scrub_lock while it scrubbed.

Read: b87e597231 (11 August 2008) and 42b54bfe29 (an hour later, the mending).  Xen then had the
pages of dying domains on a list of their own, and a softirq that peeled some off it, scrubbed them
and freed them to the heap.  Since heap_lock was contended by all these frees, the softirq was made
to run on one CPU at a time: it tried page_scrub_lock, and kept it for as long as it worked, a
millisecond.  But whoever tears a domain down takes that lock for each page that it frees, and so
waits that millisecond, for each page.  The mending gives the softirq a lock of its own to be alone
(serialise_lock), and takes page_scrub_lock only to peel.

Nothing is unsafe here: what is broken is a bound, on how many pages are scrubbed while a lock is
held.  The ghost `scrubs` counts them, from taking the lock to releasing it.
"""
from modelcheck.lang import (Ghost, Lock, always, between, boot, choose, free, holds, instances,
    param, process, promises, shared, sometimes, spin_lock, spin_trylock, spin_unlock,
    this_process, violates)
from modelcheck.xen.invariants import clean_handover, page_list
from modelcheck.xen.page import PageContents, fill_page, is_half_scrubbed, scrub_one_page
from modelcheck.xen.page_list import (PageListHead, page_list_add, page_list_add_tail,
    page_list_remove_head)
from typing import Annotated

FIXED = param(False)
PAGES = param(2, 1, 4)
BATCH = param(1, 1, 4)                        # pages peeled at once: 16 in Xen
EXPECT = (violates("no page is scrubbed while page scrub lock is held", when=not FIXED),
          holds(when=FIXED))

@shared(count=PAGES)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

@shared
class Bound:
    scrubs: Ghost[Annotated[int, between(0, PAGES)]] = 0

bound = Bound()
heap = PageListHead[Page]()
page_scrub_list = PageListHead[Page]()
heap_lock = Lock("heap_lock")
page_scrub_lock = Lock("page_scrub_lock")
serialise_lock = Lock("serialise_lock")
batch = PageListHead[Page]()                  # the softirq's own, which runs on one CPU at a time

PROMISES = promises(page_list(page_scrub_list), when=free(page_scrub_lock))

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
    """Of a domain that is dying."""
    spin_lock(page_scrub_lock)
    page_list_add(pg, page_scrub_list)
    unlock_page_scrub_lock()

def unlock_page_scrub_lock() -> None:
    spin_unlock(page_scrub_lock)
    bound.scrubs = 0

def peel() -> None:
    for _ in range(BATCH):
        pg = page_list_remove_head(page_scrub_list)
        if pg is None:
            break
        page_list_add_tail(pg, batch)

def scrub_and_free() -> bool:
    """All that was peeled.  Whether there was anything."""
    pg = page_list_remove_head(batch)
    if pg is None:
        return False
    while pg is not None:
        scrub_one_page(pg)
        bound.scrubs = bound.scrubs + (1 if page_scrub_lock.holder == this_process() else 0)
        free_heap_page(pg)
        pg = page_list_remove_head(batch)
    return True

def scrub_with_the_lock_held() -> None:
    if spin_trylock(page_scrub_lock):
        in_time = True
        while in_time:
            peel()
            some = scrub_and_free()
            time_is_left = choose(False, True)
            in_time = some and time_is_left
        unlock_page_scrub_lock()

def scrub_with_a_lock_to_serialise() -> None:
    if spin_trylock(serialise_lock):
        in_time = True
        while in_time:                        # "aim to do 1 ms of work"
            spin_lock(page_scrub_lock)
            peel()
            unlock_page_scrub_lock()
            some = scrub_and_free()
            time_is_left = choose(False, True)
            in_time = some and time_is_left
        spin_unlock(serialise_lock)

@process(count=2)
def page_scrub_softirq() -> None:
    while True:
        if FIXED:
            scrub_with_a_lock_to_serialise()
        else:
            scrub_with_the_lock_held()

@process
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            free_domheap_page(pg)

@always
def no_page_is_scrubbed_while_page_scrub_lock_is_held() -> bool:
    return bound.scrubs == 0

@sometimes
def a_page_is_half_scrubbed_while_another_waits() -> bool:
    return any(is_half_scrubbed(pg) for pg in instances(Page)) and page_scrub_list.next is not None
