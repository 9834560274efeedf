"""XSA-287: a page was taken from a domain that had it no more, or never had it.

Read: 3d4868a481 (2019, the mending), and mm.c, memory.c and page_alloc.c before it.  A domain may
exchange a page for another (memory_exchange): steal_page() takes it from the domain, and it is
freed.  Two rules hold for a page: only one with an owner has references, and only one with
references is allocated.  steal_page() broke both, to keep others out: it put the count to 0 while
the page was allocated, its owner to nobody, and the count to 1 again.

Who takes a reference then (get_page, of whoever maps a foreign page) has it, and finds no owner;
but "no owner" is also what it is told if it has got none.  So it never drops it: the page is lost.

And the owner was looked at first, without a reference, under page_alloc_lock.  But a page that is
freed keeps its owner until free_heap_pages() has heap_lock, and page_alloc_lock is free by then.
With GIVES_BACK another vCPU of the domain gives the same page back: it is freed, and allocated to
the next domain, between the look at its owner and that at its count; and is stolen from there.

It is mended by a reference that holds the page; both are dropped with PGC_allocated, at once.
Simplified: one page, neither typed nor mapped; domain 1's page_alloc_lock, which nobody waits for.
"""
from dataclasses import dataclass
from typing import Annotated

from modelcheck.lang import (Enum, Lock, at_rest, auto, between, cmpxchg, holds, invariant, param,
    process, promises, replace, shared, sometimes, spin_lock, spin_unlock,
    test_and_clear_bit, violates)
from modelcheck.xen.page import PGC

FIXED = param(False)
GIVES_BACK = param(False)
EXPECT = (violates("no page is lost", when=not FIXED and not GIVES_BACK),
          violates("a stolen page is the domain's own", when=not FIXED and GIVES_BACK),
          holds(when=FIXED))

class Owner(Enum):
    NOBODY = auto()
    DOMAIN_0 = auto()
    DOMAIN_1 = auto()

@dataclass(frozen=True)
class CountInfo:
    state: PGC
    allocated: bool
    count: Annotated[int, between(0, 4)]

@shared
class PageInfo:
    count_info: CountInfo = CountInfo(PGC.INUSE, True, 1)
    owner: Owner = Owner.DOMAIN_0

pg = PageInfo()
page_alloc_lock = Lock("page_alloc_lock")     # domain 0's
heap_lock = Lock("heap_lock")

@invariant("S10", "a page with references has an owner, and an allocated one has references")
def references() -> bool:
    info = pg.count_info
    return ((info.count == 0 or pg.owner != Owner.NOBODY)
            and (not info.allocated or info.count > 0))

@invariant("A1", "no page is lost")
def free_or_owned() -> bool:
    return pg.count_info.state == PGC.FREE or pg.owner != Owner.NOBODY

PROMISES = (promises(references(), when=FIXED),
            promises(free_or_owned(), when=(FIXED or not GIVES_BACK) and at_rest()))

def page_get_owner_and_reference() -> Owner:
    """NOBODY if there is no reference to be had."""
    old = pg.count_info
    while old.count > 0:
        found = cmpxchg(pg.count_info, old, replace(old, count=old.count + 1))
        if found == old:
            return pg.owner
        old = found
    return Owner.NOBODY

def get_page(domain: Owner) -> bool:
    owner = page_get_owner_and_reference()
    if owner != Owner.NOBODY and owner != domain:
        put_page()
    return owner == domain

def put_page() -> None:
    old = pg.count_info
    while True:
        found = cmpxchg(pg.count_info, old, replace(old, count=old.count - 1))
        if found == old:
            break
        old = found
    if old.count == 1:
        free_domheap_page()

def give_page_back() -> None:
    if test_and_clear_bit(pg.count_info.allocated):
        put_page()

def free_domheap_page() -> None:
    if pg.owner == Owner.DOMAIN_0:
        spin_lock(page_alloc_lock)            # off the domain's page_list
        spin_unlock(page_alloc_lock)
    spin_lock(heap_lock)                      # free_heap_pages
    info = pg.count_info
    pg.count_info = replace(info, state=PGC.FREE)
    pg.owner = Owner.NOBODY
    spin_unlock(heap_lock)

def steal_page_as_it_was() -> bool:
    spin_lock(page_alloc_lock)
    if pg.owner != Owner.DOMAIN_0:
        spin_unlock(page_alloc_lock)
        return False
    old = pg.count_info
    while True:
        if old.count != 1 or not old.allocated:
            spin_unlock(page_alloc_lock)
            return False
        found = cmpxchg(pg.count_info, old, replace(old, count=0))
        if found == old:
            break
        old = found
    was = pg.owner
    assert was == Owner.DOMAIN_0, "a stolen page is the domain's own"
    pg.owner = Owner.NOBODY
    old = pg.count_info
    while True:
        found = cmpxchg(pg.count_info, old, replace(old, count=old.count + 1))
        if found == old:
            break
        old = found
    spin_unlock(page_alloc_lock)
    return True

def steal_page() -> bool:
    owner = page_get_owner_and_reference()
    if owner != Owner.DOMAIN_0:
        if owner != Owner.NOBODY:
            put_page()
        return False
    old = pg.count_info
    while True:
        if old.count != 2 or not old.allocated:
            put_page()
            return False
        found = cmpxchg(pg.count_info, old, replace(old, count=0, allocated=False))
        if found == old:
            break
        old = found
    spin_lock(page_alloc_lock)
    was = pg.owner
    assert was == Owner.DOMAIN_0, "a stolen page is the domain's own"
    pg.owner = Owner.NOBODY
    spin_unlock(page_alloc_lock)
    return True

@process
def memory_exchange() -> None:
    """A vCPU of domain 0.  (What it is given for the page is left out.)"""
    if FIXED:
        if steal_page():
            free_domheap_page()
    elif steal_page_as_it_was():
        give_page_back()

@process
def decrease_reservation() -> None:
    """Another vCPU of domain 0."""
    if GIVES_BACK and get_page(Owner.DOMAIN_0):
        give_page_back()
        put_page()

@process
def map_foreign_page() -> None:
    """The toolstack's, which maps a page of domain 0, and unmaps it."""
    if (FIXED or not GIVES_BACK) and get_page(Owner.DOMAIN_0):
        put_page()

@process
def domain_1() -> None:
    spin_lock(heap_lock)                      # alloc_heap_pages
    info = pg.count_info
    is_free = info.state == PGC.FREE
    if is_free:
        pg.count_info = CountInfo(PGC.INUSE, False, 0)
    spin_unlock(heap_lock)
    if is_free:                               # assign_pages
        pg.owner = Owner.DOMAIN_1
        pg.count_info = CountInfo(PGC.INUSE, True, 1)

@sometimes
def the_page_is_exchanged_and_another_domain_has_it() -> bool:
    return pg.owner == Owner.DOMAIN_1
