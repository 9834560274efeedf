"""7 of 11: several pages, linked in a list.

`@shared(count=3)` makes three pages.  `Page | None` is C's `struct page_info *`: to follow None is
a violation, as it would be a crash.  @boot fills memory before any CPU runs, so nobody counts its
steps, and a line there may load and store.

A promise may look at all of memory at once.  `instances(Page)` are all pages; and
`chain(heap.head, "next")` are those on the list, found by following `next` from the head (it ends
at None, or where a page comes a second time: a broken list does not hang the tool).

Two CPUs take the first page off the list, without a lock.  Both can get the same page:

    $ modelcheck verify specs/first_steps/07_page_list.py
    VIOLATED in 8 steps, exit code 14

    $ modelcheck verify specs/first_steps/07_page_list.py --set LOCKED=True
    HOLDS, exit code 0
"""
from modelcheck.lang import (
    Lock, always, boot, chain, holds, instances, not_null, param, process, shared, sometimes,
    spin_lock, spin_unlock, test_and_set_bit, violates,
)

LOCKED = param(False)

EXPECT = violates("no page is given out twice", when=not LOCKED), holds(when=LOCKED)


@shared(count=3)
class Page:
    next: "Page | None" = None
    in_use: bool = False


@shared
class Heap:
    head: Page | None = None


heap = Heap()
heap_lock = Lock("heap_lock")


@boot
def link_every_page() -> None:
    for pg in instances(Page):
        pg.next = heap.head
        heap.head = pg


@process(count=2)
def alloc_heap_pages() -> None:
    if LOCKED:
        spin_lock(heap_lock)
    pg = not_null(heap.head)                  # three pages, two CPUs: never None
    rest = pg.next
    heap.head = rest
    if LOCKED:
        spin_unlock(heap_lock)
    was_in_use = test_and_set_bit(pg.in_use)
    assert not was_in_use, "no page is given out twice"


@always
def no_page_in_use_is_on_the_list() -> bool:
    return all(not pg.in_use for pg in chain(heap.head, "next"))


@sometimes
def two_pages_are_in_use() -> bool:
    return sum(pg.in_use for pg in instances(Page)) == 2
