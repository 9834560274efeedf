from typing import Annotated

from modelcheck.lang import always, at_rest, between, choose, param, process, shared, violates

CPUS = param(2, 1, 3)
EXPECT = violates("every page is counted")


@shared
class Node:
    pages: Annotated[int, between(0, 3)] = 0


node = Node()


@process(count=CPUS)
def cpu() -> None:
    pages = node.pages
    more = choose(0, 1)
    node.pages = pages + more


@always(when=at_rest())
def every_page_is_counted() -> bool:
    return node.pages == CPUS
