"""10 of 11: atomic, and what it assumes.

`with atomic("reason"):` makes one step of many: nobody comes in between.  Your CPU has no such
instruction, so it is an assumption, that something which this spec leaves out keeps the others
away.  The reason is yours to give, and is printed with every verdict that rests on it.

This is the counter of 01_lost_update.py.  The verdict is HOLDS, and says under which assumption:

    $ modelcheck verify specs/first_steps/10_atomic.py
    HOLDS, exit code 0

And this is what it is worth if the assumption is wrong:

    $ modelcheck verify specs/first_steps/10_atomic.py --set SERIALISED=False
    VIOLATED in 4 steps, exit code 12
"""
from typing import Annotated

from modelcheck.lang import (
    always, at_rest, atomic, between, holds, param, process, shared, sometimes, violates,
)

SERIALISED = param(True)

EXPECT = holds(when=SERIALISED), violates("every dirty page is counted", when=not SERIALISED)


@shared
class Node:
    need_scrub: Annotated[int, between(0, 2)] = 0


node = Node()


def count_dirty_page() -> None:
    need_scrub = node.need_scrub
    node.need_scrub = need_scrub + 1


@process(count=2)
def free_heap_pages() -> None:
    if SERIALISED:
        with atomic("the domctl lock is held by whoever frees pages"):
            count_dirty_page()
    else:
        count_dirty_page()


@always(when=at_rest())
def every_dirty_page_is_counted() -> bool:
    return node.need_scrub == 2


@sometimes
def a_page_is_counted() -> bool:
    return node.need_scrub == 1
