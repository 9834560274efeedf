"""A claim was reduced after the memory that it was for, with the lock dropped in between.

Read: 75d29d9b5e (2025, the mending), and 65c9792df6 (2013, which it mends).  A domain that is being
built may claim memory before it allocates it: outstanding_claims is what all of them have claimed
and do not have yet, and who has no claim may only have what is more than that.  alloc_heap_pages()
reduced total_avail_pages under heap_lock; the claim was reduced later, when the pages were assigned
to the domain, under heap_lock again.  In between the same page counts twice: as gone, and as
claimed.

With CLAIM=2 of two pages more is claimed than there is.  Xen subtracts the two, in an unsigned
word, to see whether another claim fits.  With CLAIM=1 a domain without a claim is refused a page
that nobody has claimed.

Counters are all that is here: which pages they count does not matter.
"""
from modelcheck.lang import (Ghost, Lock, array, between, boot, free, holds, param, process,
    promises, shared, sometimes, spin_lock, spin_unlock, violates)
from modelcheck.xen.invariants import claims_are_backed
from typing import Annotated

FIXED = param(False)
PAGES = param(2, 2, 4)
CLAIM = param(2, 1, 4)
EXPECT = (
    violates("no more is claimed than is there", when=not FIXED and CLAIM >= PAGES),
    violates("only what is claimed is refused", when=not FIXED and CLAIM < PAGES),
    holds(when=FIXED),
)

@shared
class Heap:
    total_avail_pages: Annotated[int, between(0, PAGES)] = PAGES
    outstanding_claims: Annotated[int, between(0, CLAIM)] = CLAIM
    owed: Ghost[Annotated[int, between(0, CLAIM)]] = CLAIM      # what the claim should be

@shared
class Domain:
    outstanding_pages: Annotated[int, between(0, CLAIM)] = 0
    tot_pages: Annotated[int, between(0, PAGES)] = 0

heap = Heap()
domains = array(Domain, 2)                    # the first has the claim
heap_lock = Lock("heap_lock")

PROMISES = promises(claims_are_backed(heap), when=free(heap_lock))

@boot
def domain_set_outstanding_pages() -> None:
    domains[0].outstanding_pages = CLAIM

def alloc_heap_page(me: int) -> bool:
    spin_lock(heap_lock)
    claims = heap.outstanding_claims
    outstanding = domains[me].outstanding_pages
    total = heap.total_avail_pages
    if claims + 1 > total and outstanding < 1:
        assert heap.owed + 1 > total, "only what is claimed is refused"
        spin_unlock(heap_lock)
        return False
    assert total > 0, "a claim is honoured"
    heap.total_avail_pages = total - 1
    if me == 0:
        heap.owed = heap.owed - 1
    if FIXED and outstanding > 0:
        reduce_claim(me)
    spin_unlock(heap_lock)
    return True

def reduce_claim(me: int) -> None:
    claims = heap.outstanding_claims
    heap.outstanding_claims = claims - 1
    outstanding = domains[me].outstanding_pages
    domains[me].outstanding_pages = outstanding - 1

def domain_adjust_tot_pages(me: int) -> None:
    """On assignment.  Left out: page_alloc_lock, since each domain has one CPU."""
    tot_pages = domains[me].tot_pages
    domains[me].tot_pages = tot_pages + 1
    if not FIXED:
        outstanding = domains[me].outstanding_pages
        if outstanding > 0:
            spin_lock(heap_lock)
            reduce_claim(me)
            spin_unlock(heap_lock)

def free_heap_page(me: int) -> None:
    tot_pages = domains[me].tot_pages
    domains[me].tot_pages = tot_pages - 1
    spin_lock(heap_lock)
    total = heap.total_avail_pages
    heap.total_avail_pages = total + 1
    spin_unlock(heap_lock)

@process(count=2)
def domain(me: int) -> None:
    """The first is built; the second takes a page and gives it back, time and again."""
    while me == 1:
        if alloc_heap_page(me):
            domain_adjust_tot_pages(me)
            free_heap_page(me)
    for _ in range(CLAIM):
        if alloc_heap_page(me):
            domain_adjust_tot_pages(me)

@sometimes(when=FIXED)
def the_claim_is_used_up() -> bool:
    return domains[0].tot_pages == CLAIM and heap.outstanding_claims == 0
