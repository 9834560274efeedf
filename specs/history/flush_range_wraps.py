"""XSA-437: a flush of the last page of the address space flushed nothing.

Read: 9a216e92de (2023).  On 32-bit Arm a page is scrubbed, and then flushed to RAM, through a
mapping in the last 2 GB of the address space.  The flush went from line to line while `p < end`,
where end is the address behind the page.  Of the very last page that is 0: the loop ends before it
begins.  The zeros stay in the cache, and a guest with its caches off reads the old bytes from RAM,
as in flush_before_scrub.py.  It is mended by counting down the size instead.

The address space here is SLOTS pages long, and a page has two cache lines; addresses are line
numbers, that wrap as the CPU's do.  Everything is one CPU's doing.
"""
from modelcheck.lang import (choose, element, holds, param, process, shared, sometimes,
    violates, wrapping)
from modelcheck.xen.cache import LINES, ram_is_scrubbed, write_back
from modelcheck.xen.invariants import clean_in_ram
from modelcheck.xen.page import PageContents, is_scrubbed, scrub_one_page
from typing import Annotated

FIXED = param(False)
SLOTS = param(2, 1, 8)                        # pages of the map cache
EXPECT = (violates("a guest with its caches off reads no dirty page", when=not FIXED),
          holds(when=FIXED))

Address = Annotated[int, wrapping(LINES * SLOTS)]

@shared(count=1)
class Page:
    contents: PageContents
    ram: PageContents

def map_domain_page() -> Address:
    slot = choose(range(SLOTS))
    va: Address = LINES * slot
    return va

def flush_dcache_line(pg: Page, p: Address) -> None:
    write_back(pg, p % LINES)

def clean_and_invalidate_dcache_va_range(pg: Page, va: Address) -> None:
    """Of a whole page, that is mapped at va."""
    p: Address = va
    if FIXED:
        size = LINES
        while size > 0:
            flush_dcache_line(pg, p)
            p = p + 1
            size -= 1
    else:
        end: Address = va + LINES
        while p < end:
            flush_dcache_line(pg, p)
            p = p + 1

@process
def alloc_heap_page() -> None:
    pg = element(Page, 0)
    scrub_one_page(pg)
    va = map_domain_page()
    clean_and_invalidate_dcache_va_range(pg, va)
    assert clean_in_ram(pg)

@sometimes
def the_cache_holds_zeros_that_ram_does_not() -> bool:
    return is_scrubbed(element(Page, 0)) and not ram_is_scrubbed(element(Page, 0))
