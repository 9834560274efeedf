"""Idle CPUs walk the heap list without heap_lock; cmpxchg guards each page (e-mail, 5.2).

heap_lock still guards the list.  A CPU scrubs a page only after it has moved that page's own scrub
state with cmpxchg, and an idle CPU never keeps an allocation waiting for the lock.
As first proposed nobody waits for a scrub that is under way: an allocation that meets SCRUBBING
takes the page as it is, and a dirty page is returned.  With WAIT it waits for the scrub's end.

What cmpxchg cannot guard is the list that the idle CPUs walk: see per_page_cmpxchg_lists.py.
"""
from modelcheck.lang import (Enum, Lock, always, auto, boot, chain, cmpxchg, cpu_relax, holds,
    instances, invariant, param, process, promises, shared, sometimes, spin_lock, spin_unlock,
    violates)
from modelcheck.xen.invariants import clean_handover, no_live_scrub
from modelcheck.xen.page import PageContents, fill_page, is_scrubbed, scrub_one_page

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
WAIT = param(False)
EXPECT = violates("no dirty page is returned to a caller", when=not WAIT), holds(when=WAIT)

class Scrub(Enum):
    IN_USE = auto()
    NEED_SCRUB = auto()
    SCRUBBING = auto()
    CLEAN = auto()

@shared(count=PAGES)
class Page:
    scrub: Scrub = Scrub.NEED_SCRUB
    next: "Page | None" = None
    contents: PageContents

@shared
class Heap:
    head: Page | None = None

heap = Heap()
heap_lock = Lock("heap_lock")

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        pg.next = heap.head
        heap.head = pg

def alloc_heap_pages() -> Page | None:
    spin_lock(heap_lock)
    pg = heap.head
    if pg is not None:
        rest = pg.next
        heap.head = rest
    spin_unlock(heap_lock)
    if pg is None:
        return None
    if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.IN_USE) == Scrub.NEED_SCRUB:
        scrub_one_page(pg)                    # nobody has begun: scrub it ourselves
        return pg
    if WAIT:
        while pg.scrub == Scrub.SCRUBBING:    # "won't get passed to the caller until
            cpu_relax()                       #  the scrubbing finished"
    pg.scrub = Scrub.IN_USE
    return pg

def free_heap_pages(pg: Page) -> None:
    pg.scrub = Scrub.NEED_SCRUB
    spin_lock(heap_lock)
    first = heap.head
    pg.next = first
    heap.head = pg
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_pages(pg)

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        pg = heap.head                        # no lock: the point of the design
        while pg is not None:
            if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == Scrub.NEED_SCRUB:
                scrub_one_page(pg)
                pg.scrub = Scrub.CLEAN
            pg = pg.next                      # may be stale: pg can have left the list

@invariant("S2", "a clean page is scrubbed")
def clean_is_scrubbed() -> bool:
    return all(is_scrubbed(pg) for pg in instances(Page) if pg.scrub == Scrub.CLEAN)

PROMISES = promises(clean_is_scrubbed())

@always
def no_page_in_use_is_on_the_heap_list() -> bool:
    return all(pg.scrub != Scrub.IN_USE for pg in chain(heap.head, "next"))

@sometimes
def a_page_leaves_the_list_while_being_scrubbed() -> bool:
    return any(pg.scrub == Scrub.SCRUBBING and pg not in chain(heap.head, "next")
               for pg in instances(Page))
