"""offline_page() held heap_lock while it dropped what may be the last reference to a page.

Read: d4837a56da (2013, the mending), and page_alloc.c as it was before.  To offline a page that a
domain owns, offline_page() took heap_lock, marked the page, took a reference, and dropped it again.
The domain may have dropped its own meanwhile; then that put_page() frees the page, which takes
heap_lock: a CPU waits for itself.

With CLAIM there is a second way to stand still.  Freeing takes the owner's page_alloc_lock, here
with heap_lock held; staking a claim takes page_alloc_lock first, and heap_lock then.

It is mended by holding heap_lock only around the mark (and around taking a free page off the heap).
Left out: the lists, which no lock order depends on, and populate-on-demand.
"""
from modelcheck.lang import (Ghost, Lock, between, cmpxchg, holds, invariant, param,
    process, promises, replace, shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.page import PGC
from dataclasses import dataclass
from typing import Annotated

FIXED = param(False)
CLAIM = param(False)
EXPECT = violates("deadlock", when=not FIXED), holds(when=FIXED)

@dataclass(frozen=True)
class CountInfo:
    state: PGC
    count: Annotated[int, between(0, 2)]

@shared
class PageInfo:
    count_info: CountInfo = CountInfo(PGC.INUSE, 1)
    was_told: Ghost[bool] = False

@shared
class Domain:
    tot_pages: Annotated[int, between(0, 1)] = 1
    outstanding_pages: Annotated[int, between(0, 1)] = 0

pg = PageInfo()
d = Domain()
heap_lock = Lock("heap_lock")
page_alloc_lock = Lock("page_alloc_lock")

def mark_page_offline() -> PGC:
    """The state that the page is in then."""
    old = pg.count_info
    while True:
        state = PGC.OFFLINED if old.state == PGC.FREE else PGC.OFFLINING
        found = cmpxchg(pg.count_info, old, replace(old, state=state))
        if found == old:
            pg.was_told = True
            return state
        old = found

def page_get_owner_and_reference() -> bool:
    old = pg.count_info
    while old.count > 0:                      # of a page without references there is no owner
        found = cmpxchg(pg.count_info, old, replace(old, count=old.count + 1))
        if found == old:
            return True
        old = found
    return False

def put_page() -> None:
    old = pg.count_info
    while True:
        found = cmpxchg(pg.count_info, old, replace(old, count=old.count - 1))
        if found == old:
            break
        old = found
    if old.count == 1:
        free_domheap_page()

def free_domheap_page() -> None:
    spin_lock(page_alloc_lock)
    tot_pages = d.tot_pages
    d.tot_pages = tot_pages - 1
    spin_unlock(page_alloc_lock)
    spin_lock(heap_lock)
    info = pg.count_info
    state = PGC.OFFLINED if info.state == PGC.OFFLINING else PGC.FREE
    pg.count_info = CountInfo(state, 0)
    spin_unlock(heap_lock)

@process
def offline_page() -> None:
    spin_lock(heap_lock)
    state = mark_page_offline()
    if FIXED or state == PGC.OFFLINED:
        spin_unlock(heap_lock)
    if state == PGC.OFFLINED:
        return
    if page_get_owner_and_reference():
        put_page()
    if not FIXED:
        spin_unlock(heap_lock)

@process
def domain() -> None:
    """Gives its page back."""
    put_page()

@process
def domain_set_outstanding_pages() -> None:
    if CLAIM:
        spin_lock(page_alloc_lock)
        spin_lock(heap_lock)
        d.outstanding_pages = 1
        spin_unlock(heap_lock)
        spin_unlock(page_alloc_lock)

@invariant("S8", "a page that was told to go offline is never free")
def never_free_again() -> bool:
    return not pg.was_told or pg.count_info.state != PGC.FREE

PROMISES = promises(never_free_again())

@sometimes
def both_have_a_reference() -> bool:
    return pg.count_info.count == 2
