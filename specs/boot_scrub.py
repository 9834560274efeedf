"""All CPUs scrub the heap at boot, in step, while the boot CPU holds heap_lock (Xen 4.5).

Each CPU has a part of memory.  In each round the boot CPU takes heap_lock, has every CPU scrub the
next CHUNK pages of its part (and does so itself), waits for all of them, drops the lock, and sees
to its softirqs.  A page that is not free is skipped: Xen, or dom0, has it already.  When all rounds
are done the heap is clean, and from then on an allocation returns clean pages.

It is right, and holds heap_lock for as long as the slowest CPU takes to scrub CHUNK pages, which
were 128 MiB: some 70 ms.  Two things are needed for it.  HEAP_LOCK: without, a page is allocated
between a CPU's look at its state and the scrub.  SCRUB_FREES: a page that was taken before its turn
was skipped as dirty as it was, and may be given back when its turn is over; Xen scrubs such pages
when they are freed, since XSA-100 also those that have no domain.

Read: 7430a86de0 (2014).  (Since 0b24ef7853, 2018, the heap is dirty at boot and idle CPUs scrub
it.)  Simplified: one list of single pages; who uses the heap at boot uses it later; a flag for each
CPU calls it; SMT siblings, and nodes without CPUs, are left out.
"""
from modelcheck.lang import (Ghost, Lock, Pattern, Process, array, boot, element, free, holds,
    instances, param, process, promises, shared, sometimes, spin_lock, spin_unlock, this_process,
    violates, wait_until)
from modelcheck.xen.invariants import (clean_handover, conservative_label, free_list, freed_once,
    listed_or_held, no_live_scrub, no_page_is_free, one_place, page_list)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

CPUS = param(2, 2, 4)
ROUNDS = param(1, 1, 4)
CHUNK = param(1, 1, 4)
USERS = param(1, 1, 4)
HEAP_LOCK = param(True)
SCRUB_FREES = param(True)
EXPECT = (violates("no page is scrubbed under its owner", when=not HEAP_LOCK),
          violates("a free page that is not scrubbed says need_scrub",
                   when=HEAP_LOCK and not SCRUB_FREES),
          holds(when=HEAP_LOCK and SCRUB_FREES))

@shared(count=CPUS * ROUNDS * CHUNK)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    holder: Ghost[Process | None] = None

@shared
class Call:
    pending: bool = False             # the boot CPU wants this CPU to scrub its next chunk

@shared
class System:
    scrubbed: bool = False            # guests may come

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
calls = array(Call, CPUS)
system = System()
PROMISES = (promises(conservative_label(Page), when=system.scrubbed),
            promises(page_list(heap), free_list(Page, heap), one_place(Page, heap),
                     listed_or_held(Page, heap), when=free(heap_lock)))

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def smp_scrub_heap_pages(cpu: int, scrub_round: int) -> None:
    for i in range(CHUNK):
        pg = element(Page, (cpu * ROUNDS + scrub_round) * CHUNK + i)
        if pg.count_info.state == PGC.FREE:
            scrub_one_page(pg)

@process
def boot_cpu() -> None:
    """scrub_heap_pages"""
    for scrub_round in range(ROUNDS):
        if HEAP_LOCK:
            spin_lock(heap_lock)
        for cpu in range(1, CPUS):
            calls[cpu].pending = True
        smp_scrub_heap_pages(0, scrub_round)
        for cpu in range(1, CPUS):
            wait_until(not calls[cpu].pending)
        if HEAP_LOCK:
            spin_unlock(heap_lock)    # and sees to softirqs
    system.scrubbed = True

@process(count=CPUS - 1)
def other_cpu(me: int) -> None:
    for scrub_round in range(ROUNDS):
        wait_until(calls[me + 1].pending)
        smp_scrub_heap_pages(me + 1, scrub_round)
        calls[me + 1].pending = False

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(Page)
        spin_unlock(heap_lock)
        return None
    pg.count_info = CountInfo(PGC.INUSE)
    pg.holder = this_process()
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    if SCRUB_FREES:
        scrub_one_page(pg)
    spin_lock(heap_lock)
    info = pg.count_info
    assert freed_once(info.state)
    pg.count_info = CountInfo(PGC.FREE)
    page_list_add_tail(pg, heap)
    pg.holder = None
    spin_unlock(heap_lock)

@process(count=USERS)
def user(me: int) -> None:
    """Xen and dom0 at first, guests once the heap is scrubbed."""
    while True:
        scrubbed = system.scrubbed
        pg = alloc_heap_page()
        if pg is not None:
            if scrubbed:
                assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_page(pg)

@sometimes
def all_CPUs_scrub_at_once() -> bool:
    return sum(pg.holder is None and is_half_scrubbed(pg) for pg in instances(Page)) == CPUS

@sometimes
def a_page_is_skipped_and_the_heap_said_to_be_scrubbed() -> bool:
    return system.scrubbed and any(
        pg.holder is not None and pg.contents.first == Pattern.EARLIER for pg in instances(Page))
