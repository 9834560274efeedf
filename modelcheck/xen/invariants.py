"""What a maintainer of the heap would ask of a design, each by name, with its precise formula.

A design promises one at a step of its own, or of all of memory, and says when it is meant to hold:

    assert clean_handover(pg)
    PROMISES = (promises(conservative_label(Page)),
                promises(page_lists(heap), buddies(Page, heap, MAX_ORDER), when=free(heap_lock)))

S: secrets and integrity.  L: lists and buddies.  A: accounting.  K: locks.  P: progress.  T: bounds
on work and waiting.  Each is promised by a design in specs/, and broken by a mutant.  The heap is
one list of single pages (`page_list`, `free_list`, ...), or an array of lists of buddies, by order
(`page_lists`, `buddies`, ...).  `invalid` is first_dirty's value for a buddy that is clean.

What is said of a step, and not of memory, is an assert in the step's function.  Those that take
words, a lock, or ghosts, are no step of their own: they ride on the one before them.
"""

from typing import Protocol, Self, TypeVar

from modelcheck.lang import (
    Array,
    Ghost,
    Process,
    chain,
    index_of,
    instances,
    invariant,
    predicate,
    this_process,
)
from modelcheck.xen.cache import HasRam, ram_is_scrubbed
from modelcheck.xen.page import (
    PGC,
    Buddy,
    CountInfo,
    HasContents,
    PageContents,
    is_pattern_of,
    is_scrubbed,
)
from modelcheck.xen.page_list import Linked, PageListHead, is_page_list


class HasLabel(Protocol):
    """A page that says whether it needs a scrub."""

    count_info: CountInfo
    contents: PageContents


class HasState(Protocol):
    count_info: CountInfo


class HasOwner(Protocol):
    """Whose the page is, from its hand-over until it is free again: real or a ghost."""

    count_info: CountInfo
    owner: Process | None


class Owned(Protocol):
    """As `HasOwner`, where no count_info is looked at."""

    owner: Process | None


class HasWriter(Protocol):
    """A ghost: who else can still write to the page, through a mapping, a TLB or an IOMMU."""

    owner: Process | None
    writer: Process | None


class HasMark(Protocol):
    """`was_told`: a ghost that is set by the step that takes the page offline, and cleared by the
    one that brings it back."""

    count_info: CountInfo
    was_told: bool


class HasReferences(Protocol):
    count_info: CountInfo
    owner: Process | None
    references: int


class HasHolder(Protocol):
    """Any lock."""

    holder: Ghost[Process | None]


class HasIrqs(Protocol):
    """A CPU.  Ghosts: an @interrupt sets and clears `in_irq`, and `irqs_are_off` is set in front of
    `with irqs_off():` and cleared behind it."""

    in_irq: Ghost[bool]
    irqs_are_off: Ghost[bool]


class Chunk(Protocol):
    """A page as the head of a buddy."""

    next: Self | None
    prev: Self | None
    order: int


class DirtyChunk(Protocol):
    next: Self | None
    prev: Self | None
    order: int
    first_dirty: int
    count_info: CountInfo


class Held(Protocol):
    """A page on a list, or with somebody: `holder` is a ghost for who has it, its domain or the CPU
    that it is on its way with."""

    next: Self | None
    prev: Self | None
    holder: Process | None


class HeldChunk(Protocol):
    next: Self | None
    prev: Self | None
    order: int
    holder: Process | None


class ListedState(Protocol):
    next: Self | None
    prev: Self | None
    count_info: CountInfo


class ChunkState(Protocol):
    next: Self | None
    prev: Self | None
    order: int
    count_info: CountInfo


class HasAvail(Protocol):
    avail: int


class HasNeedScrub(Protocol):
    need_scrub: int


class HasClaims(Protocol):
    total_avail_pages: int
    outstanding_claims: int


class HasComeBack(Protocol):
    """A ghost: set where a page that was on the scrub list is free again, and cleared by the next
    step."""

    comes_back: bool


class HasTotPages(Protocol):
    tot_pages: int


class ScrubbedNode(Protocol):
    """`scrubbers`: a ghost that counts the CPUs between node_to_scrub and the clearing of its
    bit."""

    scrubbing: bool
    scrubbers: int


L = TypeVar("L", bound=HasLabel)
S = TypeVar("S", bound=HasState)
OW = TypeVar("OW", bound=HasOwner)
O = TypeVar("O", bound=Owned)  # noqa: E741
W = TypeVar("W", bound=HasWriter)
M = TypeVar("M", bound=HasMark)
R = TypeVar("R", bound=HasReferences)
P = TypeVar("P", bound=Linked)
B = TypeVar("B", bound=Chunk)
D = TypeVar("D", bound=DirtyChunk)
H = TypeVar("H", bound=Held)
HB = TypeVar("HB", bound=HeldChunk)
LS = TypeVar("LS", bound=ListedState)
BS = TypeVar("BS", bound=ChunkState)
T = TypeVar("T", bound=HasTotPages)


# ------------------------------------------------------------------------------------- secrets


@invariant("S1", "no dirty page is returned to a caller")
def clean_handover(pg: HasContents) -> bool:
    """Asserted of each page that an allocation, which did not ask for dirty ones, has returned."""
    return is_scrubbed(pg)


@invariant("S1", "a guest with its caches off reads no dirty page")
def clean_in_ram(pg: HasRam) -> bool:
    """As `clean_handover`, of what lies behind the caches."""
    return ram_is_scrubbed(pg)


@invariant("S2", "a free page that is not scrubbed says need_scrub")
def conservative_label(pages: type[L]) -> bool:
    """Not conversely.  Pages that are offlined may come back, and count as free."""
    return all(pg.count_info.need_scrub or is_scrubbed(pg) for pg in instances(pages)
               if pg.count_info.state in (PGC.FREE, PGC.OFFLINED))


@invariant("S3", "first_dirty stands at or before the first page that needs a scrub")
def index_soundness(pages: type[D], heads: Array[PageListHead[D]], invalid: int) -> bool:
    """No page of a clean buddy needs one.  While a buddy is scrubbed its index is a lower bound,
    and this is all that is said of it at other times too."""
    return all(
        (pg.first_dirty == invalid or pg.first_dirty < 1 << pg.order) and all(
            pg.first_dirty != invalid and index_of(pg) + pg.first_dirty <= index_of(other)
            for other in instances(pages)
            if in_buddy(other, pg, pg.order) and other.count_info.need_scrub)
        for head in heads for pg in chain(head.next, "next"))


@invariant("S4", "no domain has a page that says need_scrub")
def unreachable_while_dirty(pages: type[OW]) -> bool:
    return all(pg.owner is None for pg in instances(pages) if pg.count_info.need_scrub)


@invariant("S5", "nobody can write to a page that is not his")
def no_stale_access(pages: type[W]) -> bool:
    """From free to the next hand-over the page is nobody's."""
    return all(pg.writer is None or pg.writer == pg.owner for pg in instances(pages))


# ----------------------------------------------------------------------------------- integrity


@invariant("S6", "no page is scrubbed under its owner")
def no_live_scrub(pg: HasContents, me: int) -> bool:
    """Asserted by a domain of a page that it has filled: no scrub has overwritten it since."""
    return is_pattern_of(pg, me)


@invariant("S7", "each page is in one place")
def one_place(pages: type[H], head: PageListHead[H]) -> bool:
    return all((pg in chain(head.next, "next")) != (pg.holder is not None)
               for pg in instances(pages))


@invariant("S7", "each page is in one place")
def unique_place(pages: type[HB], heads: Array[PageListHead[HB]]) -> bool:
    """In one buddy on the heap, or with somebody."""
    return all(
        sum(in_buddy(pg, first, first.order)
            for head in heads for first in chain(head.next, "next"))
        == (0 if pg.holder is not None else 1)
        for pg in instances(pages))


@invariant("S8", "no page forgets that it was told to go offline")
def offline_mark_stays(pages: type[M]) -> bool:
    """A store undoes it whose word was loaded before, and a free that does not look."""
    return all(pg.count_info.state in (PGC.OFFLINING, PGC.OFFLINED) for pg in instances(pages)
               if pg.was_told)


@invariant("S9", "a page's state changes only as Xen's table of states allows")
def legal_transition(old: PGC, new: PGC) -> bool:
    """Asserted of each store to it; `old` is what the store replaces: what was loaded, if nobody
    else can store in between, or what a cmpxchg has found."""
    if old == PGC.FREE:
        return new in (PGC.INUSE, PGC.OFFLINED)
    if old == PGC.INUSE:
        return new in (PGC.FREE, PGC.OFFLINING)
    if old == PGC.OFFLINING:
        return new in (PGC.OFFLINED, PGC.INUSE)
    return new == PGC.INUSE


@invariant("S9", "scrub_state changes only as its handshake allows")
def legal_scrub_transition(old: Buddy, new: Buddy) -> bool:
    """Who may do it is K5's."""
    if old == Buddy.SCRUBBING:
        return new != Buddy.SCRUBBING
    return new == (Buddy.NOT_SCRUBBING if old == Buddy.SCRUB_ABORT else Buddy.SCRUBBING)


@invariant("S10", "a free page has neither owner nor reference, and only an owned one has any")
def references(pages: type[R]) -> bool:
    return all(
        (pg.references == 0 or pg.owner is not None)
        and (pg.count_info.state != PGC.FREE or pg.owner is None)
        for pg in instances(pages))


@invariant("S10", "no page is freed twice")
def freed_once(state: PGC) -> bool:
    """Asserted of the state that a page is in when it is freed."""
    return state in (PGC.INUSE, PGC.OFFLINING)


# ---------------------------------------------------------------------------- lists and buddies


@predicate
def in_buddy(pg: Linked, first: Linked, order: int) -> bool:
    """Whether a page is among the 2^order from `first` on."""
    return index_of(first) <= index_of(pg) and index_of(pg) < index_of(first) + (1 << order)


@invariant("L1", "page lists are whole")
def page_list(head: PageListHead[P]) -> bool:
    return is_page_list(head)


@invariant("L1", "page lists are whole")
def page_lists(heads: Array[PageListHead[P]]) -> bool:
    """And no page is on two of them."""
    return all(is_page_list(head) for head in heads) and all(
        sum(pg in chain(other.next, "next") for other in heads) == 1
        for head in heads for pg in chain(head.next, "next"))


@invariant("L1", "what is taken off a heap list is on it")
def is_listed(page: P, head: PageListHead[P]) -> bool:
    """What `page_list_del` takes for granted: asserted in front of it."""
    return page in chain(head.next, "next")


@invariant("L2", "the heap holds the free pages and no others")
def free_list(pages: type[LS], head: PageListHead[LS]) -> bool:
    return all((pg in chain(head.next, "next")) == (pg.count_info.state == PGC.FREE)
               for pg in instances(pages))


@invariant("L2", "the heap holds the free pages and no others")
def buddies(pages: type[BS], heads: Array[PageListHead[BS]], max_order: int) -> bool:
    """Each buddy is on the list of its order, and aligned; each free page is in one of them."""
    return all(
        first.order == order and index_of(first) % (1 << order) == 0
        for order in range(max_order + 1) for first in chain(heads[order].next, "next")
    ) and all(
        sum(in_buddy(pg, first, first.order)
            for head in heads for first in chain(head.next, "next"))
        == (1 if pg.count_info.state == PGC.FREE else 0)
        for pg in instances(pages))


@invariant("L3", "no two buddies on the heap could be merged")
def maximal_merge(heads: Array[PageListHead[P]], max_order: int) -> bool:
    return all(
        index_of(other) != index_of(first) ^ (1 << order)
        for order in range(max_order) for first in chain(heads[order].next, "next")
        for other in chain(heads[order].next, "next"))


@invariant("L4", "no clean buddy stands behind a dirty one")
def clean_before_dirty(heads: Array[PageListHead[D]], invalid: int) -> bool:
    """So that a list whose last buddy is clean is clean."""
    return all(
        pg.next is None or pg.first_dirty == invalid or pg.next.first_dirty != invalid
        for head in heads for pg in chain(head.next, "next"))


# ---------------------------------------------------------------------------------- accounting


@invariant("A1", "no page is lost, and none is there twice")
def listed_or_held(pages: type[H], head: PageListHead[H]) -> bool:
    return sum(1 for pg in chain(head.next, "next")) + sum(
        pg.holder is not None for pg in instances(pages)) == sum(1 for pg in instances(pages))


@invariant("A1", "no page is lost, and none is there twice")
def conservation(pages: type[HB], heads: Array[PageListHead[HB]]) -> bool:
    """As `unique_place`, of the sums alone."""
    return sum(1 << first.order for head in heads for first in chain(head.next, "next")) + sum(
        pg.holder is not None for pg in instances(pages)) == sum(1 for pg in instances(pages))


@invariant("A1", "no page is lost: when nobody is at work, all are free")
def all_are_free(pages: type[S]) -> bool:
    """At rest, of a design whose domains give back each page before they ask for the next."""
    return all(pg.count_info.state == PGC.FREE for pg in instances(pages))


@invariant("A2", "avail counts the pages on the heap")
def avail_counts(node: HasAvail, heads: Array[PageListHead[B]]) -> bool:
    return node.avail == sum(
        1 << first.order for head in heads for first in chain(head.next, "next"))


@invariant("A3", "node_need_scrub is no less than the free pages that need it")
def need_scrub_suffices(node: HasNeedScrub, pages: type[S]) -> bool:
    """What is more, allocations have taken and not yet counted."""
    return node.need_scrub >= sum(
        pg.count_info.need_scrub and pg.count_info.state == PGC.FREE for pg in instances(pages))


@invariant("A3", "node_need_scrub counts the free pages that need it")
def need_scrub_counts(node: HasNeedScrub, pages: type[S]) -> bool:
    """When nobody is about to allocate, free or scrub: at rest."""
    return node.need_scrub == sum(
        pg.count_info.need_scrub and pg.count_info.state == PGC.FREE for pg in instances(pages))


@invariant("A4", "no more is claimed than is there")
def claims_are_backed(heap: HasClaims) -> bool:
    """In one atomic view; when nobody is in the middle of an allocation."""
    claims = heap.outstanding_claims
    return claims >= 0 and claims <= heap.total_avail_pages


@invariant("A5", "tot_pages counts the pages on its domain's list")
def tot_pages_counts(domains: type[T], lists: Array[PageListHead[P]]) -> bool:
    return all(d.tot_pages == sum(1 for pg in chain(lists[index_of(d)].next, "next"))
               for d in instances(domains))


# --------------------------------------------------------------------------------------- locks


@invariant("K1", "lists, states and counters change only under heap_lock")
def under_lock(lock: HasHolder) -> bool:
    """Asserted behind each such store; of a list, behind the function that changes it."""
    return lock.holder == this_process()


@invariant("K2", "no CPU takes a lock that it holds")
def not_held(lock: HasHolder) -> bool:
    """Asserted in front of the taking, and of what may take it, such as a last put_page."""
    return lock.holder != this_process()


@invariant("K3", "heap_lock is taken after page_alloc_lock, never before it")
def in_order(heap_lock: HasHolder) -> bool:
    """Asserted in front of the taking of a page_alloc_lock."""
    return heap_lock.holder != this_process()


@invariant("K4", "the heap is used outside of interrupts, and with interrupts on")
def outside_interrupts(cpu: HasIrqs) -> bool:
    """Asserted where an operation of the heap begins: Xen's ASSERT_ALLOC_CONTEXT().  What goes
    wrong otherwise is a deadlock: the handler wants heap_lock, and its own CPU holds it."""
    return not cpu.in_irq and not cpu.irqs_are_off


@invariant("K5", "only the holder of heap_lock asks a scrubber to abort")
def abort_under_lock(lock: HasHolder) -> bool:
    """Asserted behind each store of SCRUB_ABORT."""
    return lock.holder == this_process()


@invariant("K6", "one CPU at most scrubs a node, and node_scrubbing says so")
def one_scrubber(node: ScrubbedNode) -> bool:
    return node.scrubbers == (1 if node.scrubbing else 0)


# -------------------------------------------------------------------------------------- bounds


@invariant("T4", "a dirty page is allocated only when no page is clean")
def clean_pages_first(clean: PageListHead[P]) -> bool:
    """George Dunlap's rule, for a list of single pages.  Asserted where an allocation takes a dirty
    one: who does so waits for a scrub."""
    return clean.next is None


@invariant("T7", "no clean page is scrubbed again")
def scrubbed_once(pg: HasContents) -> bool:
    """Asserted in front of each scrub.  A design that keeps no flag for each page may have to."""
    return not is_scrubbed(pg)


# ------------------------------------------------------------------------------------ progress


@invariant("P1", "an allocation fails only when no page is free")
def no_page_is_free(pages: type[S]) -> bool:
    """Asserted where an allocation of a single page fails.  Dirty pages, and such as are being
    scrubbed, are free."""
    return all(pg.count_info.state != PGC.FREE for pg in instances(pages))


@invariant("P1", "an allocation fails only when no page is free")
def every_page_is_owned(pages: type[O]) -> bool:
    """The same for a design that takes free pages off the heap to scrub them: what is on its way is
    free, whatever its count_info says to keep others away."""
    return all(pg.owner is not None for pg in instances(pages))


@invariant("P3", "a page comes back from the scrub list")
def comes_back(freed: HasComeBack) -> bool:
    """Said as a @sometimes of this name; that every page does so in the end is a property of
    liveness."""
    return freed.comes_back
