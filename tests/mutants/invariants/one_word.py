"""An allocation and an idle CPU change parts of one word, each under heap_lock."""
from modelcheck.lang import (Ghost, Lock, clear_bit, process, replace, shared, spin_lock,
    spin_unlock)
from modelcheck.xen.invariants import no_lost_update
from modelcheck.xen.page import PGC, CountInfo

@shared
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    was: Ghost[CountInfo] = CountInfo(PGC.FREE, need_scrub=True)

page = Page()
heap_lock = Lock("heap_lock")

@process
def alloc_heap_pages() -> None:
    spin_lock(heap_lock)
    info = page.count_info
    page.count_info = replace(info, state=PGC.INUSE)
    assert no_lost_update(page.was, info)
    page.was = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)

def clear_need_scrub() -> None:
    clear_bit(page.count_info.need_scrub)
    page.was = replace(page.was, need_scrub=False)

def clear_need_scrub_locked() -> None:
    spin_lock(heap_lock)
    clear_need_scrub()
    spin_unlock(heap_lock)

@process
def idle_loop() -> None:
    clear_need_scrub_locked()
