"""Not a bug: need_scrub is cleared without heap_lock, by one atomic instruction.

Read: 025eacc13f (2021).  An allocation clears the need_scrub of a page that it has taken off the
heap.  It took heap_lock to do so, for the word has other flags, and whoever takes a page offline
writes it too.  But that is done with cmpxchg in a loop, so that a test_and_clear_bit needs no lock:
neither can undo the other.  It must hold before (FIXED=False) and after, and does.

What it rests on is shown by PLAIN: an instruction that is not atomic, and no lock.  Then a page that
was told to go offline may forget it.
"""
from modelcheck.lang import (Enum, Lock, always, at_rest, auto, cmpxchg, element, holds, param,
    process, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, violates)
from modelcheck.xen.page import PageContents, is_half_scrubbed, is_scrubbed, scrub_one_page
from dataclasses import dataclass

FIXED = param(False)
PLAIN = param(False)
EXPECT = holds(when=not PLAIN), violates("no change of count_info is lost", when=PLAIN)

class PGC(Enum):
    INUSE = auto()
    OFFLINING = auto()

@dataclass(frozen=True)
class CountInfo:
    state: PGC
    need_scrub: bool

@shared(count=1)
class Page:
    count_info: CountInfo = CountInfo(PGC.INUSE, True)
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
            break
        old = found
    spin_unlock(heap_lock)

@always(when=at_rest())
def no_change_of_count_info_is_lost() -> bool:
    return element(Page, 0).count_info == CountInfo(PGC.OFFLINING, False) and is_scrubbed(
        element(Page, 0))

@sometimes
def the_page_is_marked_while_it_is_scrubbed() -> bool:
    return is_half_scrubbed(element(Page, 0)) and element(
        Page, 0).count_info.state == PGC.OFFLINING
