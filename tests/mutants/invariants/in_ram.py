"""A page is scrubbed, and cleaned from the caches to RAM, before it is handed out."""
from modelcheck.lang import element, process, shared
from modelcheck.xen.cache import flush_page_to_ram
from modelcheck.xen.invariants import clean_in_ram
from modelcheck.xen.page import PageContents, scrub_one_page

@shared(count=1)
class Page:
    contents: PageContents
    ram: PageContents

@process
def alloc_heap_page() -> None:
    pg = element(Page, 0)
    scrub_one_page(pg)
    flush_page_to_ram(pg)
    assert clean_in_ram(pg)
