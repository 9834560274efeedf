"""XSA-364: a page was written out to RAM before it was scrubbed.

Read: 3b1cc15f19 (2021, the mending) and 307c3be3cc (2017, which it mends).  On Arm a guest may run
with its caches off, and does so when it boots: it reads RAM, whatever the caches hold.  So an
allocation cleans the page from the caches to RAM before it hands it out.  When the scrub was moved
behind heap_lock's release, the flush stayed where it was, under the lock.  Then the zeros are in
the cache, the old bytes are in RAM, and RAM is what the guest reads.

No second CPU is needed, but a second memory: `contents` is what a CPU reads and writes through its
caches, `ram` is what lies behind them.  A cache may write a line back whenever it likes (`cache`).
A guest that writes with its caches off is left out.
"""
from modelcheck.lang import (Lock, choose, holds, instances, param, process, promises, replace,
    shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, violates)
from modelcheck.xen.cache import LINES, flush_page_to_ram, ram_is_scrubbed, write_back
from modelcheck.xen.invariants import clean_handover, clean_in_ram, conservative_label
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_scrubbed,
    scrub_one_page)

FIXED = param(False)
PAGES = param(1, 1, 2)
DOMAINS = param(1, 1, 2)
EXPECT = (violates("a guest with its caches off reads no dirty page", when=not FIXED),
          holds(when=FIXED))

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    contents: PageContents
    ram: PageContents

heap_lock = Lock("heap_lock")

PROMISES = promises(conservative_label(Page))

def alloc_heap_page() -> Page | None:
    """Of a heap without lists: any page will do."""
    spin_lock(heap_lock)
    pg = choose(instances(Page))
    info = pg.count_info
    if info.state != PGC.FREE:
        spin_unlock(heap_lock)
        return None
    pg.count_info = replace(info, state=PGC.INUSE)
    if not FIXED:
        flush_page_to_ram(pg)
    spin_unlock(heap_lock)
    if test_and_clear_bit(pg.count_info.need_scrub):
        scrub_one_page(pg)
    if FIXED:
        flush_page_to_ram(pg)
    return pg

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            assert clean_handover(pg)
            assert clean_in_ram(pg)
            fill_page(pg, me)
            free_heap_page(pg)

@process
def cache() -> None:
    while True:
        pg = choose(instances(Page))
        line = choose(range(LINES))
        write_back(pg, line)

@sometimes
def the_cache_holds_zeros_that_ram_does_not() -> bool:
    return any(is_scrubbed(pg) and not ram_is_scrubbed(pg) for pg in instances(Page))
