"""cmpxchg guards each page, but not the list that idle CPUs walk (e-mail, 5.2).

Xen links a page in use into its domain's list, with the fields that linked it into the heap.  An
idle CPU that stands on a page while it is allocated follows its new owner's link off the heap list;
no cmpxchg can tell: "it's difficult to protect kinds of race conditions against a list".

With OWN_LINKS a domain's list has link fields of its own, and the walk follows the heap's alone.
"""
from modelcheck.lang import (Enum, Ghost, Lock, always, array, auto, boot, chain, cmpxchg, holds,
    instances, param, process, shared, sometimes, spin_lock, spin_unlock, violates, wait_until)
from modelcheck.xen.invariants import clean_handover, no_live_scrub
from modelcheck.xen.page import PageContents, fill_page, scrub_one_page

PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
OWN_LINKS = param(False)
EXPECT = violates("the walk stays on the heap list", when=not OWN_LINKS), holds(when=OWN_LINKS)

class Scrub(Enum):
    IN_USE = auto()
    NEED_SCRUB = auto()
    SCRUBBING = auto()
    CLEAN = auto()

@shared(count=PAGES)
class Page:
    scrub: Scrub = Scrub.NEED_SCRUB
    next: "Page | None" = None                # of the heap list; and of its owner's list ...
    own_next: "Page | None" = None            # ... unless that has its own: more memory a page
    next_is_of_heap: Ghost[bool] = True
    contents: PageContents

@shared
class PageList:
    head: Page | None = None

heap = PageList()
heap_lock = Lock("heap_lock")
page_lists = array(PageList, DOMAINS)         # each touched by its own domain's CPU only

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
    if pg is not None:
        if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.IN_USE) == Scrub.NEED_SCRUB:
            scrub_one_page(pg)
        else:
            wait_until(pg.scrub != Scrub.SCRUBBING)
            pg.scrub = Scrub.IN_USE
    return pg

def free_heap_pages(pg: Page) -> None:
    pg.scrub = Scrub.NEED_SCRUB
    spin_lock(heap_lock)
    first = heap.head
    pg.next = first
    pg.next_is_of_heap = True
    heap.head = pg
    spin_unlock(heap_lock)

def assign_page(pg: Page, page_list: PageList) -> None:
    first = page_list.head
    if OWN_LINKS:
        pg.own_next = first
    else:
        pg.next = first
        pg.next_is_of_heap = False
    page_list.head = pg

def relinquish_memory(page_list: PageList, me: int) -> None:
    pg = page_list.head
    while pg is not None:
        rest = pg.own_next if OWN_LINKS else pg.next
        page_list.head = rest
        assert no_live_scrub(pg, me)
        free_heap_pages(pg)
        pg = rest

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert clean_handover(pg)
            fill_page(pg, me)
            assign_page(pg, page_lists[me])
        else:                                 # as large as it gets: tear it down
            relinquish_memory(page_lists[me], me)

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        pg = heap.head
        while pg is not None:
            if cmpxchg(pg.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING) == Scrub.NEED_SCRUB:
                scrub_one_page(pg)
                pg.scrub = Scrub.CLEAN
            rest = pg.next
            assert pg.next_is_of_heap, "the walk stays on the heap list"
            pg = rest

@always
def no_page_in_use_is_on_the_heap_list() -> bool:
    return all(pg.scrub != Scrub.IN_USE for pg in chain(heap.head, "next"))

@sometimes
def a_page_leaves_the_list_while_being_scrubbed() -> bool:
    return any(pg.scrub == Scrub.SCRUBBING and pg not in chain(heap.head, "next")
               for pg in instances(Page))
