"""8 of 11: notes for promises only, and promises that a lock suspends.

Nothing in this heap's memory says which pages are handed out, so a promise about that needs a
note of its own: a Ghost.  Setting one is no step, but part of the step before it, and nothing that
a CPU does may depend on it: without the ghosts the design does the same.

"The list holds just the pages that are not handed out" is untrue for a moment whenever a CPU that
holds heap_lock has taken a page off the list and is not done.  That is no bug: nobody else may
look.  `when=free(heap_lock)` says so.  With EVEN_LOCKED we ask for it at every moment, and are
shown the one when it is not true:

    $ modelcheck verify specs/first_steps/08_ghosts.py
    HOLDS, exit code 0

    $ modelcheck verify specs/first_steps/08_ghosts.py --set EVEN_LOCKED=True
    VIOLATED in 4 steps, exit code 12
"""
from modelcheck.lang import (
    Ghost, Lock, always, boot, chain, free, holds, instances, not_null, param, process, shared,
    sometimes, spin_lock, spin_unlock, violates,
)

EVEN_LOCKED = param(False)

EXPECT = (
    holds(when=not EVEN_LOCKED),
    violates("the list holds just the pages that are not handed out", when=EVEN_LOCKED),
)


@shared(count=2)
class Page:
    next: "Page | None" = None
    handed_out: Ghost[bool] = False


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
    spin_lock(heap_lock)
    pg = not_null(heap.head)
    rest = pg.next
    heap.head = rest
    spin_unlock(heap_lock)
    pg.handed_out = True                      # a part of the unlock: no step of its own


@always(when=EVEN_LOCKED or free(heap_lock))
def the_list_holds_just_the_pages_that_are_not_handed_out() -> bool:
    return all((pg in chain(heap.head, "next")) != pg.handed_out for pg in instances(Page))


@sometimes
def every_page_is_handed_out() -> bool:
    return all(pg.handed_out for pg in instances(Page))
