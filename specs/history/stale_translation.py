"""XSA-346, XSA-480, XSA-393: a page's old owner could still write to it when it was someone else's.

Read: dea460d869 (XSA-346, 2020), 4bc2e5333a (XSA-480, 2026) and a428b913a0 (XSA-393, 2021), each a
mending.  A domain gives a page back: Xen takes the page out of the domain's p2m, flushes the
translations of it that CPUs (or an IOMMU) have cached, and frees the page.  Flushes are dear, and
so some were put off, to be made once for many pages; but the page was freed at once (346, 480).
Until the flush the old owner writes through the translation that is cached: also after the page is
scrubbed, and another domain's.  With KEEP_ENTRY (393) the entry in the p2m itself was left there,
and the flush is in time for nothing.

A scrub cannot help, whenever it is made: it is a promise about who can write.  `tlb` is the one
translation that the CPU of domain[0]'s other vCPU may have cached.
"""
from modelcheck.lang import (Ghost, Lock, Process, atomic, boot, element, free, holds, invariant,
    param, pattern_of, process, promises, shared, sometimes, spin_lock, spin_unlock, this_process,
    violates)
from modelcheck.xen.invariants import no_stale_access
from modelcheck.xen.page import PGC, PageContents, fill_page, is_pattern_of, scrub_one_page

FIXED = param(False)
KEEP_ENTRY = param(False)
EXPECT = violates("nobody but its owner writes to a page", when=not FIXED), holds(when=FIXED)

@shared(count=1)
class Page:
    count_info: PGC = PGC.INUSE               # at boot domain[0]'s
    contents: PageContents
    owner: Ghost[Process | None] = None
    writer: Ghost[Process | None] = None      # through a translation that is cached

@shared
class Translations:
    p2m: Page | None = None
    tlb: Page | None = None
    whose: Ghost[Process | None] = None       # domain[0]

of_domain_0 = Translations()
heap_lock = Lock("heap_lock")

@invariant("S5", "nobody but its owner writes to a page")
def written_by_its_owner(pg: Page, me: int) -> bool:
    return is_pattern_of(pg, me)

PROMISES = promises(no_stale_access(Page), when=FIXED and free(heap_lock))

@boot
def domain_0_has_the_page() -> None:
    of_domain_0.p2m = element(Page, 0)

def flush_tlb() -> None:
    of_domain_0.tlb = None
    element(Page, 0).writer = None

def decrease_reservation(pg: Page) -> None:
    if FIXED or not KEEP_ENTRY:
        of_domain_0.p2m = None
    if FIXED or KEEP_ENTRY:
        flush_tlb()
    free_heap_page(pg)
    if not FIXED and not KEEP_ENTRY:
        flush_tlb()                           # once for all pages of the hypercall

def free_heap_page(pg: Page) -> None:
    spin_lock(heap_lock)
    pg.count_info = PGC.FREE
    pg.owner = None
    spin_unlock(heap_lock)

def alloc_heap_page() -> Page | None:
    pg = element(Page, 0)
    spin_lock(heap_lock)
    if pg.count_info != PGC.FREE:
        spin_unlock(heap_lock)
        return None
    pg.count_info = PGC.INUSE
    spin_unlock(heap_lock)
    scrub_one_page(pg)
    return pg

@process(count=2)
def domain(me: int) -> None:
    """The first gives its page back; the second is given it."""
    if me == 0:
        of_domain_0.whose = this_process()
        element(Page, 0).owner = this_process()
        decrease_reservation(element(Page, 0))
        return
    pg = alloc_heap_page()
    if pg is not None:
        pg.owner = this_process()
        fill_page(pg, me)
        assert written_by_its_owner(pg, me)

@process
def vcpu_of_domain_0() -> None:
    while True:
        with atomic("the CPU walks the page tables and fills its TLB in one step"):
            mapped = of_domain_0.p2m
            if mapped is not None:
                of_domain_0.tlb = mapped
                mapped.writer = of_domain_0.whose
        with atomic("a flush waits for the store that goes through the translation"):
            pg = of_domain_0.tlb
            if pg is not None:
                pg.contents.first = pattern_of(0)

@sometimes(when=FIXED)
def a_translation_outlives_the_entry() -> bool:
    return of_domain_0.tlb is not None and of_domain_0.p2m is None
