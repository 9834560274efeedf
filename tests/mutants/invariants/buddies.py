"""One CPU takes pages from a heap of buddies and gives them back, clean or dirty.

Each operation is one step, so that what is promised between any two is promised under no
condition."""
from typing import Annotated

from modelcheck.lang import (Ghost, Indexed, Process, array, atomic, between, boot, choose, element,
    index_of, instances, param, process, promises, shared, this_process)
from modelcheck.xen.invariants import (avail_counts, buddies, clean_before_dirty, conservation,
    index_soundness, is_listed, maximal_merge, page_lists, unique_place)
from modelcheck.xen.page import PGC, CountInfo
from modelcheck.xen.page_list import (PageListHead, page_list_add, page_list_add_tail,
    page_list_del, page_list_remove_head)

PAGES = param(2, 2, 4)
MAX_ORDER = 1
INVALID = 2

@shared(count=PAGES)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.FREE)
    order: Annotated[int, between(0, MAX_ORDER)] = MAX_ORDER
    first_dirty: Annotated[int, between(0, INVALID)] = INVALID
    next: "Page | None" = None
    prev: "Page | None" = None
    holder: Ghost[Process | None] = None

@shared
class Node:
    avail: Annotated[int, between(0, PAGES)] = PAGES

heap = array(PageListHead[Page], MAX_ORDER + 1)
node = Node()

PROMISES = promises(
    index_soundness(Page, heap, INVALID), unique_place(Page, heap), page_lists(heap),
    buddies(Page, heap, MAX_ORDER), maximal_merge(heap, MAX_ORDER),
    clean_before_dirty(heap, INVALID), conservation(Page, heap), avail_counts(node, heap))

@boot
def init_heap_pages() -> None:
    for n in range(PAGES // 2):
        page_list_add_tail(element(Page, 2 * n), heap[1])

def page_list_add_scrub(pg: Page, order: int, first_dirty: int) -> None:
    pg.order = order
    pg.first_dirty = first_dirty
    if first_dirty != INVALID:
        page_list_add_tail(pg, heap[order])
    else:
        page_list_add(pg, heap[order])

def alloc_heap_pages() -> None:
    pg = page_list_remove_head(heap[0])
    if pg is None:
        pg = page_list_remove_head(heap[1])
        if pg is not None:
            first_dirty = pg.first_dirty
            page_list_add_scrub(pg, 0, 0 if first_dirty == 0 else INVALID)
            pg = pg[1]
    if pg is not None:
        pg.count_info = CountInfo(PGC.INUSE)
        pg.holder = this_process()
        avail = node.avail
        node.avail = avail - 1

def free_heap_pages(pg: Page, need_scrub: bool) -> None:
    pg.count_info = CountInfo(PGC.FREE, need_scrub)
    pg.holder = None
    avail = node.avail
    node.avail = avail + 1
    first_dirty = 0 if need_scrub else INVALID
    buddy = element(Page, index_of(pg) ^ 1)
    info = buddy.count_info
    if info.state != PGC.FREE:
        page_list_add_scrub(pg, 0, first_dirty)
        return
    assert is_listed(buddy, heap[0])
    page_list_del(buddy, heap[0])
    dirty = buddy.first_dirty
    if index_of(buddy) < index_of(pg):
        pg = buddy
        if dirty == INVALID and first_dirty != INVALID:
            dirty = 1
        first_dirty = dirty
    elif first_dirty == INVALID and dirty != INVALID:
        first_dirty = 1
    page_list_add_scrub(pg, 1, first_dirty)

@process
def domain() -> None:
    while True:
        pg = choose(instances(Page))
        need_scrub = choose(False, True)
        with atomic("what heap_lock protects"):
            info = pg.count_info
            if info.state == PGC.INUSE:
                free_heap_pages(pg, need_scrub)
            else:
                alloc_heap_pages()
