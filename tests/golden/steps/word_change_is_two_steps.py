"""A plain change of a flag in a word is a load and a store of the whole word; the locals hold only
the fields that are still needed."""
from dataclasses import dataclass, replace

from modelcheck.lang import process, shared


@dataclass(frozen=True)
class CountInfo:
    inuse: bool = True
    need_scrub: bool = False


@shared
class Page:
    count_info: CountInfo = CountInfo()


page = Page()


@process(count=2)
def cpu(me: int) -> None:
    info = page.count_info
    page.count_info = replace(info, need_scrub=True)
