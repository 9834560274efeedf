"""A page: the word that says what it is, its bytes, and what is done to all of them.

The bytes are two halves, so that a half-scrubbed page exists: each half is one store.  On the
executable allocator the halves are the two 2048-byte halves of a real page, and nothing else.
"""

from dataclasses import dataclass
from typing import Protocol

from modelcheck.lang import Enum, Pattern, auto, pattern_of, predicate, shared


class PGC(Enum):
    """The state in a page's count_info: Xen's PGC_state_inuse and so on."""

    INUSE = auto()
    FREE = auto()
    OFFLINING = auto()
    OFFLINED = auto()


class Buddy(Enum):
    """A page's scrub_state: Xen's BUDDY_NOT_SCRUBBING and so on."""

    NOT_SCRUBBING = auto()
    SCRUBBING = auto()
    SCRUB_ABORT = auto()


@dataclass(frozen=True)
class CountInfo:
    """One word: a plain change of need_scrub is a load and a store of both fields."""

    state: PGC
    need_scrub: bool = False


@shared
class PageContents:
    """What the 4096 bytes hold.  At boot: what a domain that is gone has left there."""

    first: Pattern = Pattern.EARLIER
    second: Pattern = Pattern.EARLIER


class HasContents(Protocol):
    """A spec's own `Page`, whatever else it has."""

    contents: PageContents


def scrub_one_page(pg: HasContents) -> None:
    pg.contents.first = Pattern.ZERO
    pg.contents.second = Pattern.ZERO


def fill_page(pg: HasContents, me: int) -> None:
    """The domain writes to every byte of its page."""
    pg.contents.first = pattern_of(me)
    pg.contents.second = pattern_of(me)


@predicate
def is_scrubbed(pg: HasContents) -> bool:
    return pg.contents.first == Pattern.ZERO and pg.contents.second == Pattern.ZERO


@predicate
def is_half_scrubbed(pg: HasContents) -> bool:
    """A scrub has begun and not ended."""
    return pg.contents.first == Pattern.ZERO and pg.contents.second != Pattern.ZERO


@predicate
def is_pattern_of(pg: HasContents, me: int) -> bool:
    return pg.contents.first == pattern_of(me) and pg.contents.second == pattern_of(me)
