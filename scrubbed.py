from modelcheck.lang import Pattern, element, process, shared, violates
from modelcheck.xen.page import PageContents, is_scrubbed

EXPECT = violates("no dirty page is returned to a caller")


@shared(count=2)
class Page:
    contents: PageContents


@process
def domain() -> None:
    pg = element(Page, 1)
    pg.contents.first = Pattern.ZERO
    assert is_scrubbed(pg), "no dirty page is returned to a caller"


@process
def idle_loop() -> None:
    pg = element(Page, 1)
    pg.contents.second = Pattern.ZERO
