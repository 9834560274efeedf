"""What landed in Xen 4.10, and stands in page_alloc.c today: idle CPUs scrub buddies on the heap.

A free sets need_scrub on its pages, and puts the buddy at the tail of its list.  An idle CPU marks
the last buddy of a list SCRUBBING, drops heap_lock, and scrubs it page by page from first_dirty on.
The buddy stays on the list.  Who wants it meanwhile (to allocate it, or to merge it with a
neighbour) holds heap_lock, writes SCRUB_ABORT, and waits: the scrubber looks for that after each
page, and on each turn while it waits for heap_lock (spin_lock_cb: else the two would wait for each
other).  It then says in first_dirty how far it came, and only then NOT_SCRUBBING.

An allocation prefers clean buddies, and takes dirty ones rather than fail (for a single page at
once).  What it has of dirty pages it scrubs after it has dropped heap_lock.

All that holds at the instances below, under sequential consistency, with what is left out (see
"Simplified").  What an administrator does, who takes pages offline and online again, is in
specs/open/xen_idle_scrub_offline.py.  It is made of this file: OFFLINE is there for it, and so is
FIXED, by which a scrubber clears need_scrub with clear_bit, and what is offlined is taken from
node_need_scrub.

Read: xen/common/page_alloc.c and spinlock.c as of c447b7308b (2026-08), with the commits that made
them so; each function says which.  Every access outside heap_lock is a step here, and so are those
under it.  count_info is one word; first_dirty and scrub_state are apart, as on x86 (on Arm a store
to one is a load and a store of both).  Simplified: one node and one zone, so that its three
counters of free pages are one (`avail`), and no CPU scrubs a node that is not its own; no claims,
colours, static or broken memory.  Left out: TLB and cache flushes (B3 is about those); references
to a page and its assignment to a domain (get_page, assign_pages), so that a page is freed by its
owner alone.  A CPU that goes offline, and a softirq that is pending, are one choice after each
page; an idle CPU never sleeps.  The owner shares a word with the buddy's order,
and type_info with first_dirty and scrub_state: of that is left that both are zero in use.

Instances: two domains, so that a free may find the buddy behind it being scrubbed while another
allocation is on its way (two pages are enough for that, and are the default); one domain with four
pages in one buddy, which is split twice, with first_dirty in the middle; one with clean and dirty
frees, and allocations that take dirty pages as they are. README has a table of them, and of larger
ones, with their states. Those cannot be compared with the 40,233 of a first sketch (two pages, one
domain, three tickets; it is not kept). Its allocations and words were others: there are 24,410
here, and 40,642 with NO_SCRUB; and it began with pages as they come back, where these hold the
bytes of a domain that is gone.
"""
from dataclasses import dataclass
from typing import Annotated

from modelcheck.lang import (Enum, Ghost, Indexed, Process, array, atomic, auto, between, boot,
    choose, clear_bit, element, free, holds, index_of, instance, instances, invariant,
    not_null, param, process, promises, replace, shared, smp_wmb, sometimes, test_and_clear_bit,
    test_and_set_bit, this_process)
from modelcheck.xen.buddy import (INVALID_DIRTY_IDX, MAX_ORDER, DirtyIndex, Order,
    check_and_stop_scrub, first_dirty_above, first_dirty_below, is_free_buddy, page_list_add_scrub)
from modelcheck.xen.invariants import (abort_under_lock, avail_counts, buddies, clean_before_dirty,
    clean_handover, conservation, conservative_label, freed_once, index_soundness, is_listed,
    legal_scrub_transition, legal_transition, maximal_merge, need_scrub_counts, need_scrub_suffices,
    no_live_scrub, not_held, one_scrubber, page_lists, under_lock,
    unique_place, unreachable_while_dirty)
from modelcheck.xen.page import (PGC, Buddy, CountInfo, PageContents, fill_page, scrub_one_page)
from modelcheck.xen.page_list import (PageListHead, page_list_add_tail, page_list_del,
    page_list_empty, page_list_remove_head)
from modelcheck.xen.spinlock import TicketLock, spin_lock_cb, ticket_lock, ticket_unlock

INSTANCE = instance(MAX_ORDER=1)
PAGES = param(2, 1, 8)
DOMAINS = param(2, 1, 4)
IDLE_CPUS = param(1, 1, 4)
CLEAN_FREES = param(False)            # domains scrub some of what they free themselves ...
DIRTY_FREES = param(True)             # ... and some not
NO_SCRUB = param(False)               # some allocations are MEMF_no_scrub
OFFLINE = param(False)                # for specs/open: pages are taken offline ...
FIXED = param(False)                  # ... and nothing is lost by that
EXPECT = holds()

DirtyCount = Annotated[int, between(0, 1 << MAX_ORDER)]


@shared(count=PAGES)
class Page(Indexed):
    count_info: CountInfo = CountInfo(PGC.FREE, need_scrub=True)
    order: Order = 0
    first_dirty: DirtyIndex = 0
    scrub_state: Buddy = Buddy.NOT_SCRUBBING
    next: "Page | None" = None
    prev: "Page | None" = None
    contents: PageContents
    holder: Ghost[Process | None] = None
    owner: Ghost[Process | None] = None   # from the hand-over on
    was_told: Ghost[bool] = False         # to go offline


class LetGo(Enum):
    """Where a scrubber has seen SCRUB_ABORT."""

    NO = auto()
    IN_POLL = auto()
    IN_CALLBACK = auto()


@shared
class Node:
    avail: Annotated[int, between(0, PAGES)] = PAGES
    need_scrub: Annotated[int, between(0, 2 * PAGES)] = PAGES
    scrubbing: bool = False           # its bit in node_scrubbing
    scrubbers: Ghost[Annotated[int, between(0, IDLE_CPUS)]] = 0
    in_flight: Ghost[Annotated[int, between(0, DOMAINS + IDLE_CPUS)]] = 0  # not yet counted
    let_go: Ghost[LetGo] = LetGo.NO
    preempted: Ghost[bool] = False
    merging: Ghost[bool] = False
    failing: Ghost[bool] = False


node = Node()
heap = array(PageListHead[Page], MAX_ORDER + 1)
page_offlined_list = PageListHead[Page]()
heap_lock = TicketLock()


@boot
def init_heap_pages() -> None:
    """As bootscrub=idle leaves the heap (0b24ef7853): dirty, in buddies as large as fit."""
    n = 0
    while n < PAGES:
        order: Order = MAX_ORDER
        while n + (1 << order) > PAGES:
            order -= 1
        page_list_add_scrub(element(Page, n), heap[order], order, 0)
        n += 1 << order


def get_free_buddy(order: Order, use_unscrubbed: bool) -> Page | None:
    """0913366a91, 74d2e11ccf, b43abf5ca3."""
    avail = node.avail
    if avail < 1 << order:
        return None
    for j in range(order, MAX_ORDER + 1):
        pg = page_list_remove_head(heap[j])
        if pg is not None:
            if pg.first_dirty == INVALID_DIRTY_IDX:
                return pg
            if order == 0 or use_unscrubbed:
                check_and_stop_scrub(pg)
                assert abort_under_lock(heap_lock)
                return pg
            page_list_add_tail(pg, heap[j])
            assert under_lock(heap_lock)
    return None


def alloc_heap_pages(order: Order, no_scrub: bool) -> Page | None:
    """74d2e11ccf, 307c3be3cc, cbb484d008."""
    assert not_held(heap_lock)
    ticket_lock(heap_lock)
    pg = get_free_buddy(order, no_scrub)
    if pg is None and not no_scrub:
        pg = get_free_buddy(order, True)
    if pg is None:
        assert no_buddy_is_as_large(order)
        node.failing = True
        ticket_unlock(heap_lock)
        node.failing = False
        return None

    buddy_order: Order = pg.order
    first_dirty = pg.first_dirty
    while buddy_order != order:
        buddy_order -= 1
        page_list_add_scrub(pg, heap[buddy_order], buddy_order,
                            first_dirty_below(first_dirty, buddy_order))
        pg = pg[1 << buddy_order]
        first_dirty = first_dirty_above(first_dirty, buddy_order)

    avail = node.avail
    node.avail = avail - (1 << order)
    assert under_lock(heap_lock)
    node.in_flight = node.in_flight + 1
    for i in range(1 << order):
        info = pg[i].count_info
        assert info.state == PGC.FREE, "a page on the heap is free"
        assert first_dirty != INVALID_DIRTY_IDX or not info.need_scrub, "a clean buddy is clean"
        pg[i].count_info = replace(info, state=PGC.INUSE)
        assert legal_transition(info.state, PGC.INUSE)
        pg[i].holder = this_process()
        assert under_lock(heap_lock)
        init_free_page_fields(pg[i])
    ticket_unlock(heap_lock)

    dirty_cnt: DirtyCount = 0
    if first_dirty != INVALID_DIRTY_IDX:
        for i in range(1 << order):
            if test_and_clear_bit(pg[i].count_info.need_scrub):
                if not no_scrub:
                    scrub_one_page(pg[i])
                dirty_cnt += 1
    if dirty_cnt > 0:
        assert not_held(heap_lock)
        ticket_lock(heap_lock)
        need_scrub = node.need_scrub
        node.need_scrub = need_scrub - dirty_cnt
        assert under_lock(heap_lock)
        node.in_flight = node.in_flight - 1
        ticket_unlock(heap_lock)
    else:
        node.in_flight = node.in_flight - 1
    return pg


def init_free_page_fields(pg: Page) -> None:
    with atomic("of type_info and the owner only what was a buddy's is here: one store for both"):
        pg.first_dirty = 0
        pg.scrub_state = Buddy.NOT_SCRUBBING
        pg.order = 0


def mark_page_free(pg: Page) -> bool:
    """Returns whether it is offlined instead."""
    info = pg.count_info
    assert freed_once(info.state)
    if OFFLINE and info.state == PGC.OFFLINING:
        pg.count_info = CountInfo(PGC.OFFLINED)
        pg.holder = None
        pg.owner = None
        assert under_lock(heap_lock)
        assert legal_transition(info.state, PGC.OFFLINED)
        return True
    pg.count_info = CountInfo(PGC.FREE)
    pg.holder = None
    pg.owner = None
    assert under_lock(heap_lock)
    assert legal_transition(info.state, PGC.FREE)
    return False


def free_heap_pages(pg: Page, order: Order, need_scrub: bool) -> None:
    """1a37f33ea6, 1e2df96088."""
    ticket_lock(heap_lock)
    pg_offlined = False
    for i in range(1 << order):
        offlined = mark_page_free(pg[i])
        pg_offlined = pg_offlined or offlined
        if need_scrub:
            info = pg[i].count_info
            pg[i].count_info = replace(info, need_scrub=True)
    avail = node.avail
    node.avail = avail + (1 << order)
    assert under_lock(heap_lock)
    if need_scrub:
        dirty = node.need_scrub
        node.need_scrub = dirty + (1 << order)
        assert under_lock(heap_lock)
        pg.first_dirty = 0
    else:
        pg.first_dirty = INVALID_DIRTY_IDX

    node.merging = True
    while order < MAX_ORDER:
        mask = 1 << order
        if index_of(pg) & mask != 0:
            predecessor = pg[-mask]
            if not is_free_buddy(predecessor, order):
                break
            check_and_stop_scrub(predecessor)
            assert abort_under_lock(heap_lock)
            page_list_del(predecessor, heap[order])
            assert under_lock(heap_lock)
            if predecessor.first_dirty == INVALID_DIRTY_IDX:
                first_dirty = pg.first_dirty
                if first_dirty != INVALID_DIRTY_IDX:
                    predecessor.first_dirty = mask + first_dirty
            pg = predecessor
        else:
            if index_of(pg) + mask >= PAGES:
                break
            successor = pg[mask]
            if not is_free_buddy(successor, order):
                break
            check_and_stop_scrub(successor)
            assert abort_under_lock(heap_lock)
            if pg.first_dirty == INVALID_DIRTY_IDX:
                first_dirty = successor.first_dirty
                if first_dirty != INVALID_DIRTY_IDX:
                    pg.first_dirty = mask + first_dirty
            page_list_del(successor, heap[order])
            assert under_lock(heap_lock)
        order += 1

    first_dirty = pg.first_dirty
    node.merging = False
    page_list_add_scrub(pg, heap[order], order, first_dirty)
    assert under_lock(heap_lock)
    if OFFLINE and pg_offlined:
        reserve_offlined_page(pg)
    ticket_unlock(heap_lock)


def may_grow(cur_head: Page, beyond: int, order: Order) -> bool:
    """Whether a part of a buddy that is broken up, `beyond` pages before its end, may be larger."""
    if 2 << order > beyond or index_of(cur_head) & 1 << order != 0:
        return False
    for i in range(1 << order, 2 << order):  # noqa: SIM110
        if cur_head[i].count_info.state == PGC.OFFLINED:
            return False
    return True


def reserve_offlined_page(head: Page) -> None:
    """Breaks a buddy up around its offlined pages (5cb7ff13ee, 14c05f26f8)."""
    head_order: Order = head.order
    check_and_stop_scrub(head)
    first_dirty: DirtyIndex = head.first_dirty
    head.first_dirty = INVALID_DIRTY_IDX
    page_list_del(head, heap[head_order])
    assert under_lock(heap_lock)
    n: DirtyCount = 0
    while n < 1 << head_order:
        cur_head = head[n]
        if cur_head.count_info.state == PGC.OFFLINED:
            n += 1
            if first_dirty not in (INVALID_DIRTY_IDX, 0):
                first_dirty -= 1
        else:
            cur_order: Order = 0
            while cur_order < head_order:
                grows = may_grow(cur_head, (1 << head_order) - n, cur_order)
                if not grows:
                    page_list_add_scrub(cur_head, heap[cur_order], cur_order,
                                        first_dirty_below(first_dirty, cur_order))
                    first_dirty = first_dirty_above(first_dirty, cur_order)
                    n += 1 << cur_order
                    break
                cur_order += 1
    for i in range(1 << head_order):
        pg = head[i]
        if pg.count_info.state == PGC.OFFLINED:
            avail = node.avail
            node.avail = avail - 1
            assert under_lock(heap_lock)
            if FIXED and pg.count_info.need_scrub:
                need_scrub = node.need_scrub
                node.need_scrub = need_scrub - 1
                assert under_lock(heap_lock)
            pg.order = 0
            page_list_add_tail(pg, page_offlined_list)
            pg.holder = this_process()


class Outcome(Enum):
    CLEAN = auto()                    # the buddy is clean: on to the next one, under heap_lock
    OUT = auto()                      # leave, under heap_lock
    OUT_NOLOCK = auto()               # leave, without it


@dataclass(frozen=True)
class ScrubWait:
    """Xen's struct scrub_wait_state."""

    pg: Page
    first_dirty: DirtyIndex
    drop: bool


def node_to_scrub(get_node: bool) -> bool:
    """5506698505.  With get_node: the node is this CPU's, until it clears the node's bit."""
    if node.need_scrub == 0:
        return False
    if get_node:
        if test_and_set_bit(node.scrubbing):
            return False
        node.scrubbers = node.scrubbers + 1
    return True


def scrub_continue(st: ScrubWait) -> ScrubWait:
    """b43abf5ca3.  While a scrubber waits for heap_lock: lets the buddy go, if its holder asks."""
    if st.drop:
        return st
    if st.pg.scrub_state == Buddy.SCRUB_ABORT:
        node.let_go = LetGo.IN_CALLBACK
        st.pg.first_dirty = st.first_dirty
        smp_wmb()
        st.pg.scrub_state = Buddy.NOT_SCRUBBING
        node.let_go = LetGo.NO
        return replace(st, drop=True)
    return st


def scrub_buddy(pg: Page, order: Order) -> Outcome:
    """The inner part of scrub_free_pages, entered with heap_lock (b43abf5ca3, 3c9fd69416)."""
    scrub_state = pg.scrub_state
    assert legal_scrub_transition(scrub_state, Buddy.SCRUBBING)
    pg.scrub_state = Buddy.SCRUBBING
    node.in_flight = node.in_flight + 1
    ticket_unlock(heap_lock)

    dirty_cnt: DirtyCount = 0
    preempt = False
    first_dirty = pg.first_dirty
    assert first_dirty < 1 << order, "first_dirty is within its buddy"
    i: Annotated[int, between(0, (1 << MAX_ORDER) - 1)] = first_dirty
    while True:
        if pg[i].count_info.need_scrub:
            scrub_one_page(pg[i])
            if FIXED:
                clear_bit(pg[i].count_info.need_scrub)
            else:                     # as if SCRUBBING kept others from this word
                info = pg[i].count_info
                pg[i].count_info = replace(info, need_scrub=False)
            dirty_cnt += 1
        if pg.scrub_state == Buddy.SCRUB_ABORT:
            node.let_go = LetGo.IN_POLL
            pg.first_dirty = INVALID_DIRTY_IDX if i == (1 << order) - 1 else i + 1
            smp_wmb()
            pg.scrub_state = Buddy.NOT_SCRUBBING
            node.let_go = LetGo.NO
            ticket_lock(heap_lock)
            need_scrub = node.need_scrub
            node.need_scrub = need_scrub - dirty_cnt
            assert under_lock(heap_lock)
            node.in_flight = node.in_flight - 1
            ticket_unlock(heap_lock)
            return Outcome.OUT_NOLOCK
        preempt = choose(False, True)  # this CPU goes offline, or a softirq is pending
        if preempt or i == (1 << order) - 1:
            break
        i += 1

    # first_dirty stays as it is until there is nobody who could take the buddy for a clean one
    st = ScrubWait(pg, INVALID_DIRTY_IDX if i == (1 << order) - 1 else i + 1, False)
    st = spin_lock_cb(heap_lock, scrub_continue, st)
    need_scrub = node.need_scrub
    node.need_scrub = need_scrub - dirty_cnt
    assert under_lock(heap_lock)
    node.in_flight = node.in_flight - 1
    if st.drop:
        return Outcome.OUT
    if i == (1 << order) - 1:
        assert is_listed(pg, heap[order])
        page_list_del(pg, heap[order])
        page_list_add_scrub(pg, heap[order], order, INVALID_DIRTY_IDX)
        assert under_lock(heap_lock)
    else:
        pg.first_dirty = i + 1
        node.preempted = True
    pg.scrub_state = Buddy.NOT_SCRUBBING
    node.preempted = False
    if preempt or need_scrub == dirty_cnt:
        return Outcome.OUT
    return Outcome.CLEAN


def scrub_orders() -> Outcome:
    """The loops of scrub_free_pages."""
    order: Order = MAX_ORDER
    while True:
        while not page_list_empty(heap[order]):
            pg = not_null(heap[order].tail)
            if pg.first_dirty == INVALID_DIRTY_IDX:
                break
            outcome = scrub_buddy(pg, order)
            if outcome != Outcome.CLEAN:
                return outcome
        if order == 0:
            return Outcome.OUT
        order -= 1


def scrub_free_pages() -> bool:
    """5506698505.  What an idle CPU does; returns whether more is left to do."""
    if not node_to_scrub(True):
        return False
    ticket_lock(heap_lock)
    outcome = scrub_orders()
    if outcome != Outcome.OUT_NOLOCK:
        ticket_unlock(heap_lock)
    clear_bit(node.scrubbing)
    node.scrubbers = node.scrubbers - 1
    return node_to_scrub(False)


def allocate_and_free(me: int) -> None:
    """What a domain does, again and again."""
    order = choose(range(MAX_ORDER + 1))
    no_scrub = False
    if NO_SCRUB:
        no_scrub = choose(False, True)
    pg = alloc_heap_pages(order, no_scrub)
    if pg is not None:
        for i in range(1 << order):
            if not no_scrub:
                assert clean_handover(pg[i])
            pg[i].owner = this_process()
            fill_page(pg[i], me)
        for i in range(1 << order):
            assert no_live_scrub(pg[i], me)
        dirty = DIRTY_FREES
        if CLEAN_FREES and DIRTY_FREES:
            dirty = choose(False, True)
        if not dirty:
            for i in range(1 << order):
                scrub_one_page(pg[i])
        free_heap_pages(pg, order, dirty)


@process(count=DOMAINS)
def domain(me: int) -> None:
    while True:
        allocate_and_free(me)


@process(count=IDLE_CPUS)
def idle_loop() -> None:
    while True:
        scrub_free_pages()


PROMISES = (
    promises(
        conservative_label(Page), index_soundness(Page, heap, INVALID_DIRTY_IDX),
        unique_place(Page, heap), page_lists(heap), buddies(Page, heap, MAX_ORDER),
        maximal_merge(heap, MAX_ORDER), clean_before_dirty(heap, INVALID_DIRTY_IDX),
        conservation(Page, heap), avail_counts(node, heap), need_scrub_suffices(node, Page),
        when=free(heap_lock)),
    promises(need_scrub_counts(node, Page),
             when=free(heap_lock) and node.in_flight == 0),
    promises(one_scrubber(node), unreachable_while_dirty(Page)),
)


@invariant("P1", "an allocation fails only when no buddy is as large")
def no_buddy_is_as_large(order: Order) -> bool:
    return all(heap[j].next is None for j in range(order, MAX_ORDER + 1))


@sometimes
def a_scrubber_that_polls_lets_a_buddy_go() -> bool:
    return node.let_go == LetGo.IN_POLL


@sometimes
def a_scrubber_that_waits_for_heap_lock_lets_a_buddy_go() -> bool:
    return node.let_go == LetGo.IN_CALLBACK


@sometimes(when=PAGES > 1 and PAGES == 1 << MAX_ORDER)
def a_free_waits_for_a_neighbour_that_is_being_scrubbed() -> bool:
    return node.merging and any(pg.scrub_state == Buddy.SCRUB_ABORT for pg in instances(Page))


@sometimes
def an_allocation_waits_for_a_buddy_that_is_being_scrubbed() -> bool:
    return not node.merging and any(pg.scrub_state == Buddy.SCRUB_ABORT for pg in instances(Page))


@sometimes(when=PAGES > 1 and MAX_ORDER > 0)
def a_scrub_is_preempted() -> bool:
    return node.preempted


@sometimes
def a_dirty_page_is_allocated() -> bool:
    return any(pg.count_info == CountInfo(PGC.INUSE, need_scrub=True) for pg in instances(Page))


@sometimes(when=DOMAINS > 1)
def an_allocation_fails() -> bool:
    return node.failing
