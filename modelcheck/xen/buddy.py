"""Buddies: 2^order free pages in a row, aligned, on the heap's list for their order.

What a buddy's first page (its head) says of the whole is `order`; `first_dirty`, the offset of the
first page that may need a scrub; and `scrub_state`, the handshake between the CPU that scrubs the
buddy without heap_lock and the one that wants it.  Clean buddies stand at the head of their list,
dirty ones at its tail.  Callers hold heap_lock, unless a function says otherwise.
"""

from typing import Annotated, Protocol, Self, TypeVar

from modelcheck.lang import between, cpu_relax, param
from modelcheck.xen.page import PGC, Buddy, CountInfo
from modelcheck.xen.page_list import PageListHead, page_list_add, page_list_add_tail

MAX_ORDER = param(2, 0, 4)
INVALID_DIRTY_IDX = (1 << (MAX_ORDER + 1)) - 1  # a buddy's first_dirty if all of it is clean

Order = Annotated[int, between(0, MAX_ORDER)]
DirtyIndex = Annotated[int, between(0, INVALID_DIRTY_IDX)]


class HasOrder(Protocol):
    """A page that may be the first of a buddy."""

    count_info: CountInfo
    order: int


class BuddyPage(Protocol):
    """A spec's own `Page`, which is `Indexed`."""

    count_info: CountInfo
    order: int
    first_dirty: int
    scrub_state: Buddy
    next: Self | None
    prev: Self | None


P = TypeVar("P", bound=BuddyPage)


def page_list_add_scrub(
    pg: P, head: PageListHead[P], order: Order, first_dirty: DirtyIndex
) -> None:
    """Puts a buddy on its list, clean ones in front, dirty ones behind (Xen, 1a37f33ea6)."""
    pg.order = order
    pg.first_dirty = first_dirty
    pg.scrub_state = Buddy.NOT_SCRUBBING
    if first_dirty != INVALID_DIRTY_IDX:
        assert first_dirty < 1 << order, "first_dirty is within its buddy"
        page_list_add_tail(pg, head)
    else:
        page_list_add(pg, head)


def check_and_stop_scrub(head: BuddyPage) -> None:
    """If a CPU is scrubbing this buddy: asks it to let go, and waits until it has (Xen,
    b43abf5ca3).  It does within the scrub of one page, and has then said how far it came."""
    if head.scrub_state == Buddy.SCRUBBING:
        head.scrub_state = Buddy.SCRUB_ABORT
        while head.scrub_state == Buddy.SCRUB_ABORT:
            cpu_relax()


def is_free_buddy(pg: HasOrder, order: Order) -> bool:
    """Whether a free buddy of this order begins here: what free_heap_pages asks of a neighbour."""
    info = pg.count_info
    if info.state != PGC.FREE:
        return False
    return pg.order == order


def first_dirty_below(first_dirty: DirtyIndex, order: Order) -> DirtyIndex:
    """Of the lower part, of this order, of a buddy that is split."""
    return first_dirty if first_dirty < 1 << order else INVALID_DIRTY_IDX


def first_dirty_above(first_dirty: DirtyIndex, order: Order) -> DirtyIndex:
    """Of what lies behind that part."""
    if first_dirty == INVALID_DIRTY_IDX:
        return INVALID_DIRTY_IDX
    return first_dirty - (1 << order) if first_dirty >= 1 << order else 0
