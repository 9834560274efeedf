"""An administrator takes a page offline while an idle CPU scrubs it: what the model shows.

Open: the model shows what follows of page_alloc.c as of c447b7308b (August 2026), no commit that we
have read fixes it, and it was not reproduced on a machine.  The heap, the idle CPUs and the domains
are those of specs/xen_idle_scrub.py.

mark_page_offline changes count_info under heap_lock, with cmpxchg, before anybody stops the scrub,
and the scrubber clears need_scrub with a plain load and store.  In the model, a scrubber that has
loaded FREE undoes OFFLINED by its store (S8).  reserve_offlined_page then finds no page to leave
out, and its loop does not end, with heap_lock held: since 5cb7ff13ee (June 2026) for a buddy of any
order, before that for one of order 0 only.

And a page that was dirty when it was taken offline comes back (ONLINE) as a clean one: online_page
frees it without need_scrub, and mark_page_free drops its flag (online_dirty_page.py is that alone).

FIXED is a proposal, and in no Xen: the scrubber clears the flag with clear_bit, a page that comes
back is freed as a dirty one, and what is offlined is taken from node_need_scrub.

Instances: one page is enough for all of that; with two, the administrator breaks up a buddy.
"""
from modelcheck.lang import (choose, cmpxchg, element, free, holds, index_of, instance, param,
    process, promises, replace, sometimes, violates)
from modelcheck.xen.buddy import INVALID_DIRTY_IDX, MAX_ORDER
from modelcheck.xen.invariants import (avail_counts, buddies, clean_before_dirty, conservation,
    conservative_label, index_soundness, legal_transition, maximal_merge, need_scrub_counts,
    need_scrub_suffices, offline_mark_stays, one_scrubber, page_lists, under_lock, unique_place,
    unreachable_while_dirty)
from modelcheck.xen.page import PGC
from modelcheck.xen.page_list import page_list_del
from modelcheck.xen.spinlock import ticket_lock, ticket_unlock
from specs.xen_idle_scrub import (DOMAINS, FIXED, IDLE_CPUS, PAGES, Page, allocate_and_free,
    free_heap_pages, heap, heap_lock, node, page_offlined_list, reserve_offlined_page,
    scrub_free_pages)

INSTANCE = instance(OFFLINE=True, PAGES=1, MAX_ORDER=0, DOMAINS=1)
ONLINE = param(False)                 # the administrator takes pages online again, too
MARKS = param(True)                   # a lost mark is a violation; without, what comes of it is
EXPECT = (
    holds(when=FIXED),
    violates("no page forgets that it was told to go offline", when=MARKS and not FIXED),
    violates("deadlock", when=not ONLINE and not FIXED),
    violates("a free page that is not scrubbed says need_scrub", when=ONLINE and not FIXED),
)


def mark_page_offline(pg: Page) -> None:
    while True:
        info = pg.count_info
        if info.state in (PGC.OFFLINED, PGC.OFFLINING):
            return
        state = PGC.OFFLINED if info.state == PGC.FREE else PGC.OFFLINING
        if cmpxchg(pg.count_info, info, replace(info, state=state)) == info:
            pg.was_told = True
            assert under_lock(heap_lock)
            assert legal_transition(info.state, state)
            return


def reserve_heap_page(pg: Page) -> None:
    for order in range(MAX_ORDER + 1):
        head = heap[order].next
        while head is not None:
            if index_of(head) <= index_of(pg) and index_of(pg) < index_of(head) + (1 << order):
                reserve_offlined_page(head)
                return
            head = head.next


def offline_page(pg: Page) -> None:
    """d4837a56da; without what it says of the owner of a page in use."""
    ticket_lock(heap_lock)
    mark_page_offline(pg)
    if pg.count_info.state == PGC.OFFLINED:
        reserve_heap_page(pg)
        assert pg.count_info.state == PGC.OFFLINED, "a page that is said to be offlined is"
    ticket_unlock(heap_lock)


def online_page(pg: Page) -> None:
    ticket_lock(heap_lock)
    info = pg.count_info
    while info.state in (PGC.OFFLINED, PGC.OFFLINING):
        if info.state == PGC.OFFLINED:
            page_list_del(pg, page_offlined_list)
        held = cmpxchg(pg.count_info, info, replace(info, state=PGC.INUSE))
        if held == info:
            pg.was_told = False
            assert under_lock(heap_lock)
            assert legal_transition(info.state, PGC.INUSE)
            break
        info = held
    ticket_unlock(heap_lock)
    if info.state == PGC.OFFLINED:
        free_heap_pages(pg, 0, FIXED)


@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        allocate_and_free(me)


@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        scrub_free_pages()


@process
def administrator() -> None:
    while True:
        pg = element(Page, PAGES - 1)
        if ONLINE:
            if choose(False, True):
                online_page(pg)
            else:
                offline_page(pg)
        else:
            offline_page(pg)


PROMISES = (
    promises(
        conservative_label(Page), index_soundness(Page, heap, INVALID_DIRTY_IDX),
        unique_place(Page, heap), page_lists(heap), buddies(Page, heap, MAX_ORDER),
        maximal_merge(heap, MAX_ORDER), clean_before_dirty(heap, INVALID_DIRTY_IDX),
        conservation(Page, heap), avail_counts(node, heap), need_scrub_suffices(node, Page),
        when=free(heap_lock)),
    promises(need_scrub_counts(node, Page),
             when=free(heap_lock) and node.in_flight == 0 and FIXED),
    promises(one_scrubber(node), unreachable_while_dirty(Page)),
    promises(offline_mark_stays(Page), when=MARKS),
)


@sometimes
def a_page_is_offlined() -> bool:
    return page_offlined_list.next is not None
