"""Not a bug: need_scrub is cleared without heap_lock, by one atomic instruction.

Read: 025eacc13f (2021).  An allocation clears the need_scrub of a page that it has taken off the
heap.  It took heap_lock to do so, for the word has other flags, and whoever takes a page offline
writes it too.  But that is done with cmpxchg in a loop, so that a test_and_clear_bit needs no lock:
neither can undo the other.  It must hold before (FIXED=False) and after, and does.

What it rests on is shown by PLAIN: an instruction that is not atomic, and no lock.  Then a page
that was told to go offline may forget it.
"""
from modelcheck.lang import (Ghost, Lock, cmpxchg, element, holds, instances, param, predicate,
    process, promises, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit,
    violates)
from modelcheck.xen.invariants import offline_mark_stays
from modelcheck.xen.page import (PGC, CountInfo, PageContents, is_half_scrubbed, is_scrubbed,
    scrub_one_page)

FIXED = param(False)
PLAIN = param(False)
EXPECT = holds(when=not PLAIN), violates(
    "no page forgets that it was told to go offline", when=PLAIN)

@shared(count=1)
class Page:
    count_info: CountInfo = CountInfo(PGC.INUSE, True)
    was_told: Ghost[bool] = False
    contents: PageContents

heap_lock = Lock("heap_lock")

@process
def alloc_heap_page() -> None:
    """What it does behind heap_lock's release."""
    pg = element(Page, 0)
    if PLAIN:
        info = pg.count_info
        if info.need_scrub:
            scrub_one_page(pg)
            clear_need_scrub(pg)
    elif FIXED:
        if test_and_clear_bit(pg.count_info.need_scrub):
            scrub_one_page(pg)
    elif pg.count_info.need_scrub:
        scrub_one_page(pg)
        spin_lock(heap_lock)
        clear_need_scrub(pg)
        spin_unlock(heap_lock)
    assert needs_no_scrub(pg), "what an allocation returns is scrubbed, and says so"

@predicate
def needs_no_scrub(pg: Page) -> bool:
    return is_scrubbed(pg) and not pg.count_info.need_scrub

def clear_need_scrub(pg: Page) -> None:
    """Not atomic: a load and a store."""
    info = pg.count_info
    pg.count_info = replace(info, need_scrub=False)

@process
def mark_page_offline() -> None:
    pg = element(Page, 0)
    spin_lock(heap_lock)
    old = pg.count_info
    while old.state == PGC.INUSE:
        found = cmpxchg(pg.count_info, old, replace(old, state=PGC.OFFLINING))
        if found == old:
            pg.was_told = True
            break
        old = found
    spin_unlock(heap_lock)

PROMISES = promises(offline_mark_stays(Page))

@sometimes
def a_page_is_told_while_it_is_scrubbed() -> bool:
    return any(is_half_scrubbed(pg) and pg.was_told for pg in instances(Page))
