"""Clean and dirty pages on two lists: an idle CPU scrubs dirty ones, an allocation takes clean ones
first, and a page that is freed comes back by way of the dirty list."""
from modelcheck.lang import (Ghost, Lock, array, boot, instances, process, shared, sometimes,
    spin_lock, spin_unlock)
from modelcheck.xen.invariants import clean_pages_first, comes_back, scrubbed_once
from modelcheck.xen.page import PageContents, fill_page, scrub_one_page
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

CLEAN = 0
DIRTY = 1

@shared(count=2)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents

@shared
class Node:
    comes_back: Ghost[bool] = False

node = Node()
heap = array(PageListHead[Page], 2)
heap_lock = Lock("heap_lock")

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap[DIRTY])

@process
def domain() -> None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap[CLEAN])
    if pg is None:
        pg = page_list_remove_head(heap[DIRTY])
        if pg is not None:
            assert clean_pages_first(heap[CLEAN])
            scrub_one_page(pg)
    if pg is not None:
        fill_page(pg, 0)
        page_list_add_tail(pg, heap[DIRTY])
    spin_unlock(heap_lock)

@process(count=2)
def idle_loop() -> None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap[DIRTY])
    if pg is not None:
        assert scrubbed_once(pg)
        scrub_one_page(pg)
        page_list_add_tail(pg, heap[CLEAN])
        node.comes_back = True
    spin_unlock(heap_lock)
    node.comes_back = False

@sometimes
def a_page_comes_back_from_the_scrub_list() -> bool:
    return comes_back(node)
