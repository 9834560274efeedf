"""An assert reads one location, or, from its first predicate on, all of memory at one instant; what
comes before decides first, without a step if it is local."""
from modelcheck.lang import instances, predicate, process, shared


@shared(count=2)
class Page:
    dirty: bool = False
    busy: bool = False


@shared
class Heap:
    head: Page | None = None


heap = Heap()


@predicate
def all_clean() -> bool:
    return all(not pg.dirty for pg in instances(Page))


@predicate
def nobody_works() -> bool:
    return not any(pg.busy for pg in instances(Page))


@process(count=2)
def cpu(me: int) -> None:
    pg = heap.head
    assert pg is None or not pg.dirty, "one load, where there is a page"
    assert pg is None or all_clean(), "an observation, where there is a page"
    assert all_clean() and nobody_works(), "one observation"
    assert pg is None and me < 2 and all_clean() and nobody_works(), "local, then one observation"
    if pg is not None:
        assert not pg.busy or all_clean(), "a load, then an observation"
