"""2 of 11: a lock mends the lost update.

`spin_lock` is one step, and can be taken only when the lock is free: while another CPU holds it,
the adversary cannot run this one.  `spin_unlock` frees it; the wrong CPU's is an error of its own.

HOLDS is a strong word, so know its size.  A "state" is what memory holds together with the place
where each CPU is.  The tool has visited every state that any order of steps can reach, and the
promise is true in all of them.  It is no test that happened to pass: there is no bad order.

    $ modelcheck verify specs/first_steps/02_lock.py
    HOLDS in 16 states, exit code 0

But this is said of two CPUs that each count once: "this instance", the verdict calls it.

Remove the spin_lock or the spin_unlock, and look at what the tool says of each.
"""
from typing import Annotated

from modelcheck.lang import (
    Lock, always, at_rest, between, holds, process, shared, sometimes, spin_lock, spin_unlock,
)

EXPECT = holds()


@shared
class Node:
    need_scrub: Annotated[int, between(0, 2)] = 0


node = Node()
heap_lock = Lock("heap_lock")


@process(count=2)
def free_heap_pages() -> None:
    spin_lock(heap_lock)
    need_scrub = node.need_scrub
    node.need_scrub = need_scrub + 1
    spin_unlock(heap_lock)


@always(when=at_rest())
def every_dirty_page_is_counted() -> bool:
    return node.need_scrub == 2


@sometimes
def a_CPU_waits_while_another_counts() -> bool:
    return heap_lock.locked and node.need_scrub == 0
