"""An idle CPU clears a flag in a page's word, while the page is told to go offline and back."""
from modelcheck.lang import (Ghost, Lock, clear_bit, cmpxchg, instances, process, promises, replace,
    shared, spin_lock, spin_unlock)
from modelcheck.xen.invariants import offline_mark_stays
from modelcheck.xen.page import PGC, CountInfo

@shared(count=1)
class Page:
    count_info: CountInfo = CountInfo(PGC.INUSE, need_scrub=True)
    was_told: Ghost[bool] = False

heap_lock = Lock("heap_lock")
PROMISES = promises(offline_mark_stays(Page))

@process
def administrator() -> None:
    for pg in instances(Page):
        spin_lock(heap_lock)
        info = pg.count_info
        found = cmpxchg(pg.count_info, info, replace(info, state=PGC.OFFLINING))
        if found == info:
            pg.was_told = True
        spin_unlock(heap_lock)

@process
def idle_loop() -> None:
    for pg in instances(Page):
        clear_bit(pg.count_info.need_scrub)
