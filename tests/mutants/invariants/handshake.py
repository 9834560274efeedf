"""Two idle CPUs scrub a node's one page, and an allocation asks them to abort."""
from typing import Annotated

from modelcheck.lang import (Ghost, Lock, between, clear_bit, cmpxchg, param,
    process, promises, shared, spin_lock, spin_unlock, test_and_set_bit, wait_until)
from modelcheck.xen.invariants import abort_under_lock, legal_scrub_transition, one_scrubber
from modelcheck.xen.page import Buddy, PageContents, scrub_one_page

IDLE_CPUS = param(2, 1, 2)

@shared
class Page:
    scrub_state: Buddy = Buddy.NOT_SCRUBBING
    was: Ghost[Buddy] = Buddy.NOT_SCRUBBING
    need_scrub: bool = True
    contents: PageContents

@shared
class Node:
    scrubbing: bool = False
    scrubbers: Ghost[Annotated[int, between(0, IDLE_CPUS)]] = 0

page = Page()
node = Node()
heap_lock = Lock("heap_lock")
PROMISES = promises(one_scrubber(node))

def set_scrub_state(new: Buddy) -> None:
    page.scrub_state = new
    assert legal_scrub_transition(page.was, new)
    page.was = new

def check_and_stop_scrub() -> None:
    if cmpxchg(page.scrub_state, Buddy.SCRUBBING, Buddy.SCRUB_ABORT) == Buddy.SCRUBBING:
        assert abort_under_lock(heap_lock)
        assert legal_scrub_transition(page.was, Buddy.SCRUB_ABORT)
        page.was = Buddy.SCRUB_ABORT
        wait_until(page.scrub_state != Buddy.SCRUB_ABORT)

@process
def alloc_heap_pages() -> None:
    while True:
        spin_lock(heap_lock)
        check_and_stop_scrub()
        page.need_scrub = True
        spin_unlock(heap_lock)

def scrub_free_pages() -> None:
    spin_lock(heap_lock)
    if not page.need_scrub:
        spin_unlock(heap_lock)
        return
    set_scrub_state(Buddy.SCRUBBING)
    spin_unlock(heap_lock)
    scrub_one_page(page)
    page.need_scrub = False
    set_scrub_state(Buddy.NOT_SCRUBBING)

@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        if not test_and_set_bit(node.scrubbing):
            node.scrubbers = node.scrubbers + 1
            scrub_free_pages()
            clear_bit(node.scrubbing)
            node.scrubbers = node.scrubbers - 1
