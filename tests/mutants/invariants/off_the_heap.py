"""An idle CPU takes a page off the heap, scrubs it, and puts it back, all under heap_lock."""
from modelcheck.lang import (Ghost, Lock, Process, boot, instances, process, shared, spin_lock,
    spin_unlock, this_process)
from modelcheck.xen.invariants import every_page_is_owned
from modelcheck.xen.page import PageContents, scrub_one_page
from modelcheck.xen.page_list import PageListHead, page_list_add_tail, page_list_remove_head

@shared(count=1)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    owner: Ghost[Process | None] = None

heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")

@boot
def init_heap_pages() -> None:
    for pg in instances(Page):
        page_list_add_tail(pg, heap)

@process(count=2)
def domain() -> None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is None:
        assert every_page_is_owned(Page)
        spin_unlock(heap_lock)
        return
    pg.owner = this_process()
    spin_unlock(heap_lock)

@process
def idle_loop() -> None:
    spin_lock(heap_lock)
    pg = page_list_remove_head(heap)
    if pg is not None:
        scrub_one_page(pg)
        page_list_add_tail(pg, heap)
    spin_unlock(heap_lock)
