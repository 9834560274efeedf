"""Two levels of memory: a page's bytes as CPUs see them through their caches, and as RAM has them.

`contents` is what whoever has caches on reads and writes; `ram`, a second PageContents of the same
page, is what a guest with its caches off, or a device, reads.  The caches write a line back when
they are told to (flush_page_to_ram), or when they like (write_back).  A half page is one line here.
On the executable allocator each level of a page is 4096 real bytes of its own.
"""

from typing import Protocol

from modelcheck.lang import Pattern, atomic, predicate
from modelcheck.xen.page import PageContents

LINES = 2  # of a page


class HasRam(Protocol):
    """A spec's own `Page`, with both levels."""

    contents: PageContents
    ram: PageContents


def write_back(pg: HasRam, line: int) -> None:
    """One line, whole."""
    with atomic("nobody writes to a line while the cache that owns it writes it back"):
        if line == 0:
            half = pg.contents.first
            pg.ram.first = half
        else:
            half = pg.contents.second
            pg.ram.second = half


def flush_page_to_ram(pg: HasRam) -> None:
    """Clean and invalidate every line, as Xen's: after it, a line that was not written to since is
    the same at both levels."""
    for line in range(LINES):
        write_back(pg, line)


@predicate
def ram_is_scrubbed(pg: HasRam) -> bool:
    return pg.ram.first == Pattern.ZERO and pg.ram.second == Pattern.ZERO
