"""Xen's doubly linked page lists at pointer granularity: each link read or written is a step.

A list's head keeps its first page (`next`) and its last (`tail`); the ends' outer links are None.
Removal patches the neighbours and leaves the removed page's own links as they were: whoever still
holds that page reads stale links, and deleting it again corrupts its former neighbours' list.
Callers hold the list's lock.
"""

from typing import Generic, Protocol, Self, TypeVar

from modelcheck.lang import chain, not_null, predicate, shared


class Linked(Protocol):
    """A spec's own `Page`, with room for the links of the one list that it can be on."""

    next: Self | None
    prev: Self | None


P = TypeVar("P", bound=Linked)


@shared
class PageListHead(Generic[P]):
    next: P | None = None
    tail: P | None = None


def page_list_empty(head: PageListHead[P]) -> bool:
    return head.next is None


def page_list_add(page: P, head: PageListHead[P]) -> None:
    """At the head."""
    first = head.next
    if first is not None:
        page.next = first
        first.prev = page
    else:
        head.tail = page
        page.next = None
    page.prev = None
    head.next = page


def page_list_add_tail(page: P, head: PageListHead[P]) -> None:
    page.next = None
    first = head.next
    if first is not None:
        last = head.tail
        page.prev = last
        not_null(last).next = page
    else:
        page.prev = None
        head.next = page
    head.tail = page


def page_list_del(page: P, head: PageListHead[P]) -> None:
    """The page must be on this list; nothing here checks that it is."""
    after = page.next
    before = page.prev
    if head.next == page:
        page_list_del_head(page, head, after)
    elif head.tail == page:
        head.tail = before
        not_null(before).next = None
    else:
        not_null(after).prev = before
        not_null(before).next = after


def page_list_del_head(page: P, head: PageListHead[P], after: P | None) -> None:
    if head.tail == page:
        head.next = None
        head.tail = None
    else:
        head.next = after
        not_null(after).prev = None


def page_list_remove_head(head: PageListHead[P]) -> P | None:
    """As Xen's, without the second look at head.next that page_list_del would take."""
    page = head.next
    if page is not None:
        after = page.next
        page_list_del_head(page, head, after)
    return page


@predicate
def is_page_list(head: PageListHead[P]) -> bool:
    """Next and prev are each other's inverse, head and tail are right, and there is no cycle."""
    first = head.next
    last = head.tail
    if first is None or last is None:
        return first is None and last is None
    return first.prev is None and all(
        page == last if page.next is None else page.next.prev == page
        for page in chain(first, "next")
    )
