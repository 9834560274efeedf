"""A heap of one list, scrubbed by its allocations, that promises whatever is said of such a heap.

Each page keeps ghosts of what its invariants ask about: its owner, who can write to it, and who has
it."""
from typing import Annotated

from modelcheck.lang import (Ghost, Lock, Process, array, at_rest, between, boot, free, instances,
    element, param, process, promises, replace, shared, spin_lock, spin_unlock, this_process)
from modelcheck.xen.invariants import (all_are_free, claims_are_backed, clean_handover,
    conservative_label, free_list, freed_once, in_order, legal_transition, listed_or_held,
    need_scrub_counts, need_scrub_suffices, no_live_scrub, no_page_is_free, no_stale_access,
    not_held, one_place, page_list, references, tot_pages_counts, under_lock,
    unreachable_while_dirty)
from modelcheck.xen.page import PGC, CountInfo, PageContents, fill_page, scrub_one_page
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_remove_head)

PAGES = param(1, 1, 2)
DOMAINS = param(2, 1, 2)

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    references: Annotated[int, between(0, 1)] = 0
    next: "Page | None" = None
    prev: "Page | None" = None
    owner: Ghost[Process | None] = None
    writer: Ghost[Process | None] = None
    holder: Ghost[Process | None] = None
    contents: PageContents

@shared(count=DOMAINS)
class Domain:
    tot_pages: Annotated[int, between(0, PAGES)] = 0

@shared
class Heap:
    total_avail_pages: Annotated[int, between(0, PAGES)] = PAGES
    outstanding_claims: Annotated[int, between(0, 1)] = 1
    need_scrub: Annotated[int, between(0, 2 * PAGES)] = PAGES

heap = PageListHead[Page]()
counts = Heap()
page_lists = array(PageListHead[Page], DOMAINS)
heap_lock = Lock("heap_lock")
page_alloc_lock = array(Lock, DOMAINS)

PROMISES = (
    promises(conservative_label(Page), unreachable_while_dirty(Page), no_stale_access(Page)),
    promises(references(Page)),
    promises(page_list(heap), free_list(Page, heap), one_place(Page, heap), when=free(heap_lock)),
    promises(listed_or_held(Page, heap), claims_are_backed(counts), when=free(heap_lock)),
    promises(need_scrub_suffices(counts, Page), when=free(heap_lock)),
    promises(all_are_free(Page), when=at_rest()),
    promises(need_scrub_counts(counts, Page), tot_pages_counts(Domain, page_lists), when=at_rest()),
)

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

def alloc_heap_pages() -> Page | None:
    assert not_held(heap_lock)
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert no_page_is_free(Page)
        spin_unlock(heap_lock)
        return None
    avail = counts.total_avail_pages
    counts.total_avail_pages = avail - 1
    counts.outstanding_claims = 0
    info = pg.count_info
    assert legal_transition(info.state, PGC.INUSE)
    pg.count_info = replace(info, state=PGC.INUSE)
    assert under_lock(heap_lock)
    pg.holder = this_process()
    spin_unlock(heap_lock)
    scrub_one_page(pg)
    pg.count_info = CountInfo(PGC.INUSE)
    spin_lock(heap_lock)
    need_scrub = counts.need_scrub
    counts.need_scrub = need_scrub - 1
    spin_unlock(heap_lock)
    return pg

def assign_page(pg: Page, me: int) -> None:
    assert in_order(heap_lock)
    spin_lock(page_alloc_lock[me])
    pg.references = 1
    pg.owner = this_process()
    pg.writer = this_process()
    page_list_add_tail(pg, page_lists[me])
    tot_pages = element(Domain, me).tot_pages
    element(Domain, me).tot_pages = tot_pages + 1
    spin_unlock(page_alloc_lock[me])

def free_heap_pages(pg: Page, me: int) -> None:
    spin_lock(page_alloc_lock[me])
    page_list_del(pg, page_lists[me])
    tot_pages = element(Domain, me).tot_pages
    element(Domain, me).tot_pages = tot_pages - 1
    pg.references = 0
    pg.owner = None
    pg.writer = None
    spin_unlock(page_alloc_lock[me])
    spin_lock(heap_lock)
    info = pg.count_info
    assert freed_once(info.state)
    pg.count_info = CountInfo(PGC.FREE, need_scrub=True)
    pg.holder = None
    page_list_add_tail(pg, heap)
    need_scrub = counts.need_scrub
    counts.need_scrub = need_scrub + 1
    avail = counts.total_avail_pages
    counts.total_avail_pages = avail + 1
    spin_unlock(heap_lock)

@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        pg = alloc_heap_pages()
        if pg is not None:
            assert clean_handover(pg)
            assign_page(pg, me)
            fill_page(pg, me)
            assert no_live_scrub(pg, me)
            free_heap_pages(pg, me)
