"""A for loop over a range, over instances, and a loop of local work alone (a transit location)."""
from typing import Annotated

from modelcheck.lang import Indexed, between, boot, index_of, instances, process, shared


@shared(count=3)
class Page(Indexed):
    order: Annotated[int, between(0, 2)]
    dirty: bool = False


@boot
def set_orders() -> None:
    for pg in instances(Page):
        pg.order = index_of(pg)


@process
def cpu() -> None:
    for pg in instances(Page):
        order = pg.order
        n = 1
        while n < order:
            n = n + n
        for i in range(order):
            if i == n:
                break
            pg.dirty = True
