"""A dirty page that was offline comes back to the heap as a clean one: what the model shows.

Open: the model shows it of page_alloc.c as of c447b7308b (August 2026), no commit that we have read
fixes it, and it was not reproduced on a machine.  The code is so since 2017 (1a37f33ea6 and its
series).  A free page that needs a scrub keeps need_scrub when it goes offline (mark_page_offline
leaves all flags); so does one that is in use then, and is freed by a dying domain later.
online_page() makes it a page in use, and frees it with free_heap_pages(pg, 0, false): the last
argument says that it needs no scrub, and the flag is dropped with the state.  In the model, whoever
allocates it next receives what the dead domain has left.

COUNTED looks at node_need_scrub instead, which says how many free pages are dirty, and tells idle
CPUs whether there is work.  It counts a dirty page that went offline, for ever.

FIXED is a proposal, and in no Xen: online_page() hands on the flag that it found, and a dirty page
that goes offline is taken off the count.  Left out: buddies, the idle CPUs' scrub.
"""
from modelcheck.lang import (Lock, at_rest, between, boot, choose, cmpxchg, holds, instances, param,
    process, promises, replace, shared, sometimes, spin_lock, spin_unlock, test_and_clear_bit,
    violates)
from modelcheck.xen.invariants import clean_handover, conservative_label, need_scrub_counts
from modelcheck.xen.page import PGC, CountInfo, PageContents, fill_page, scrub_one_page
from modelcheck.xen.page_list import (PageListHead, page_list_add, page_list_add_tail,
    page_list_del, page_list_remove_head)
from typing import Annotated

FIXED = param(False)
COUNTED = param(False)
PAGES = param(1, 1, 2)
EXPECT = (
    violates("no dirty page is returned to a caller", when=not FIXED and not COUNTED),
    violates("node_need_scrub counts the free pages that need it", when=not FIXED and COUNTED),
    holds(when=FIXED),
)

@shared(count=PAGES)
class Page:
    count_info: CountInfo = CountInfo(PGC.FREE)
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

@shared
class Node:
    need_scrub: Annotated[int, between(0, 2 * PAGES)] = 0

node = Node()
heap = PageListHead[Page]()
page_offlined_list = PageListHead[Page]()
heap_lock = Lock("heap_lock")

PROMISES = (promises(need_scrub_counts(node, Page), when=COUNTED and at_rest()),
            promises(conservative_label(Page), when=FIXED))

@boot
def scrub_heap_pages() -> None:
    for pg in instances(Page):
        scrub_one_page(pg)
        page_list_add_tail(pg, heap)

def count_dirty_page(by: int) -> None:
    need_scrub = node.need_scrub
    node.need_scrub = need_scrub + by

def alloc_heap_page() -> Page | None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        spin_unlock(heap_lock)
        return None
    info = pg.count_info
    assert info.state == PGC.FREE, "a page from the heap is free"
    pg.count_info = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)
    if test_and_clear_bit(pg.count_info.need_scrub):
        scrub_one_page(pg)
        spin_lock(heap_lock)
        count_dirty_page(-1)
        spin_unlock(heap_lock)
    return pg

def free_heap_page(pg: Page, need_scrub: bool) -> None:
    spin_lock(heap_lock)
    info = pg.count_info
    goes_offline = info.state == PGC.OFFLINING
    pg.count_info = CountInfo(PGC.OFFLINED if goes_offline else PGC.FREE, need_scrub)
    if need_scrub and not (FIXED and goes_offline):
        count_dirty_page(1)
    if goes_offline:
        page_list_add_tail(pg, page_offlined_list)
    elif need_scrub:
        page_list_add_tail(pg, heap)
    else:
        page_list_add(pg, heap)
    spin_unlock(heap_lock)

def mark_page_offline(pg: Page) -> CountInfo:
    """What the page's word was."""
    old = pg.count_info
    while old.state == PGC.FREE or old.state == PGC.INUSE:
        new = PGC.OFFLINED if old.state == PGC.FREE else PGC.OFFLINING
        found = cmpxchg(pg.count_info, old, replace(old, state=new))
        if found == old:
            break
        old = found
    return old

def offline_page(pg: Page) -> None:
    spin_lock(heap_lock)
    info = mark_page_offline(pg)
    if info.state == PGC.FREE:
        page_list_del(pg, heap)
        page_list_add_tail(pg, page_offlined_list)
        if FIXED and info.need_scrub:
            count_dirty_page(-1)
    spin_unlock(heap_lock)

def online_page(pg: Page) -> None:
    spin_lock(heap_lock)
    info = pg.count_info
    if info.state == PGC.OFFLINED:
        page_list_del(pg, page_offlined_list)
    if info.state == PGC.OFFLINED or info.state == PGC.OFFLINING:
        pg.count_info = replace(info, state=PGC.INUSE)
    spin_unlock(heap_lock)
    if info.state == PGC.OFFLINED:
        free_heap_page(pg, FIXED and info.need_scrub)

@process(count=2)
def domain(me: int) -> None:
    pg = alloc_heap_page()
    if pg is not None:
        assert clean_handover(pg)
        fill_page(pg, me)
        free_heap_page(pg, True)              # it dies

@process
def administrator() -> None:
    while True:
        pg = choose(instances(Page))
        if choose(False, True):
            offline_page(pg)
        else:
            online_page(pg)

@sometimes
def a_dirty_page_is_offline() -> bool:
    return any(pg.count_info == CountInfo(PGC.OFFLINED, True) for pg in instances(Page))
