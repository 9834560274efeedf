"""A page is scrubbed when its new owner first touches it: in the path of the fault (the e-mail).

A freed page says need_scrub, and goes to its next domain as it is, with a p2m entry that is not
present.  The first access faults; Xen takes p2m_lock, scrubs the page if it still says need_scrub,
and makes the entry present.  A page that is never touched is never scrubbed.

S4 of the heap's invariants, that nobody owns a page that says need_scrub, is given up here by
design: that no secret leaks rests on the entry alone.  So look at who goes round it:

  PV           the guest has no p2m: its own page tables name the frame, and nothing faults
  FOREIGN_MAP  the toolstack maps a frame by its number, before the guest has touched it
  DMA          a device is given the page, and no IOMMU waits for a fault: what the device writes
               there is scrubbed away when the guest comes to look at it
  P2M_LOCK     (off) two vCPUs fault at once; the second scrubs what the first has written by then

With SCRUB_FIRST each of those ways is closed, and each costs what the design was to save: a PV
guest, and one with a device, have their pages scrubbed by the allocation; a foreign mapping goes
through the fault path.  Instead of p2m_lock an atomic claim does (CLAIM), if the vCPU that comes
second waits for the first to have done: need_scrub alone cannot say "being scrubbed".

Simplified: one guest with one page of memory; a second domain that uses the heap, and is not
looked at.  The guest is torn down when its vCPUs and devices have stopped, perhaps before any of
them touched the page, so TLBs and page references play no part.  Left out: grants, an emulator's
accesses, changes of page type.
"""
from modelcheck.lang import (Ghost, Lock, Pattern, Process, always, array, boot, choose, free,
    holds, instances, invariant, not_null, param, pattern_of, predicate, process, promises, replace,
    shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit, this_process, violates,
    wait_until)
from modelcheck.xen.invariants import (conservative_label, free_list, listed_or_held, no_live_scrub,
    no_page_is_free, one_place, page_list)
from modelcheck.xen.page import (PGC, CountInfo, PageContents, fill_page, is_half_scrubbed,
    scrub_one_page)
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

PAGES = param(1, 1, 8)
VCPUS = param(2, 1, 4)
PV = param(False)
FOREIGN_MAP = param(False)
DMA = param(False)
P2M_LOCK = param(True)
CLAIM = param(False)
SCRUB_FIRST = param(False)
LEAKS = (PV or FOREIGN_MAP) and not SCRUB_FIRST
EXPECT = (violates("no dirty page is returned to a caller", when=LEAKS),
          violates("no page is scrubbed under its owner", when=not LEAKS and (
              (DMA and not SCRUB_FIRST) or not (P2M_LOCK or CLAIM))),
          holds(when=not LEAKS and not (DMA and not SCRUB_FIRST) and (P2M_LOCK or CLAIM)))

GUEST = 0                             # whose pattern is whose
NEIGHBOUR = 1

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    holder: Ghost[Process | None] = None

@shared
class P2mEntry:
    mfn: Page | None = None
    present: bool = False
    untouched: Ghost[bool] = False    # the page that was last here

@shared
class Runs:
    now: bool = False                 # until it has stopped by itself

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")
entry = P2mEntry()                    # the guest's p2m, of one page
p2m_lock = Lock("p2m_lock")
vcpus = array(Runs, VCPUS)
other = Runs()                        # the toolstack's mapping, or the device
PROMISES = (promises(conservative_label(Page)),
            promises(page_list(heap), free_list(Page, heap), one_place(Page, heap),
                     listed_or_held(Page, heap), when=free(heap_lock)))

@predicate
def is_zero_or_the_guests(half: Pattern) -> bool:
    return half == Pattern.ZERO or half == pattern_of(GUEST)

@invariant("S1", "no dirty page is returned to a caller")
def guest_sees_its_own(pg: Page) -> bool:
    """Where several may write, and all of them for the guest: zeros, or what they wrote."""
    return is_zero_or_the_guests(pg.contents.first) and is_zero_or_the_guests(pg.contents.second)

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(Page)
        spin_unlock(heap_lock)
        return None
    info = pg.count_info
    pg.count_info = replace(info, state=PGC.INUSE)
    pg.holder = this_process()
    spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    page_list_add_tail(pg, heap)
    pg.holder = None
    spin_unlock(heap_lock)

def resolve_page_fault() -> None:
    """What ept_handle_violation comes to; two vCPUs may be in here for the same entry."""
    if P2M_LOCK:
        spin_lock(p2m_lock)
    pg = not_null(entry.mfn)
    if CLAIM:
        if test_and_clear_bit(pg.count_info.need_scrub):
            scrub_one_page(pg)
            entry.present = True
        else:
            wait_until(entry.present)         # another vCPU is at it
    else:
        info = pg.count_info
        if info.need_scrub:
            scrub_one_page(pg)
            pg.count_info = replace(info, need_scrub=False)
        entry.present = True
    if P2M_LOCK:
        spin_unlock(p2m_lock)

def touch_memory() -> None:
    if not PV:
        while not entry.present:
            resolve_page_fault()
    pg = not_null(entry.mfn)
    assert guest_sees_its_own(pg)
    fill_page(pg, GUEST)
    assert no_live_scrub(pg, GUEST)

@process(count=VCPUS)
def vcpu(me: int) -> None:
    while True:
        wait_until(vcpus[me].now)
        if choose(True, False):
            touch_memory()
        vcpus[me].now = False

def map_foreign_page() -> None:
    if SCRUB_FIRST:
        while not entry.present:
            resolve_page_fault()
    pg = not_null(entry.mfn)
    assert guest_sees_its_own(pg)

def receive_packet() -> None:
    pg = not_null(entry.mfn)                  # the IOMMU has it, present or not
    fill_page(pg, GUEST)
    assert no_live_scrub(pg, GUEST)

@process
def toolstack_or_device() -> None:
    while FOREIGN_MAP or DMA:
        wait_until(other.now)
        if FOREIGN_MAP:
            map_foreign_page()
        if DMA:
            receive_packet()
        other.now = False

def populate(pg: Page) -> None:
    info = pg.count_info
    if SCRUB_FIRST and (PV or DMA):
        scrub_one_page(pg)
        info = CountInfo(PGC.INUSE)
        pg.count_info = info
    spin_lock(p2m_lock)
    entry.mfn = pg
    entry.present = not info.need_scrub
    spin_unlock(p2m_lock)

@process
def guest() -> None:
    """Is built, runs, and is torn down; and so on."""
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            populate(pg)
            for runs in vcpus:
                runs.now = True
            if FOREIGN_MAP or DMA:
                other.now = True
                wait_until(not other.now)
            for runs in vcpus:
                wait_until(not runs.now)
            spin_lock(p2m_lock)
            entry.present = False
            entry.mfn = None
            spin_unlock(p2m_lock)
            entry.untouched = pg.count_info.need_scrub
            free_heap_page(pg)

@process
def neighbour() -> None:
    while True:
        pg = alloc_heap_page()
        if pg is not None:
            fill_page(pg, NEIGHBOUR)
            free_heap_page(pg)

@always(when=not PV)
def a_page_that_is_present_is_scrubbed() -> bool:
    return not entry.present or not not_null(entry.mfn).count_info.need_scrub

@sometimes(when=VCPUS > 1 and P2M_LOCK and not PV and not (DMA and SCRUB_FIRST))
def a_vCPU_waits_while_another_scrubs() -> bool:
    return any(is_half_scrubbed(pg) for pg in instances(Page)) and all(r.now for r in vcpus)

@sometimes(when=not SCRUB_FIRST)
def a_page_is_freed_as_dirty_as_it_came() -> bool:
    return entry.untouched
