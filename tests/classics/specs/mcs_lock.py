"""The MCS lock (Mellor-Crummey and Scott, 1991): a queue in which each CPU spins on its own node.

A CPU swaps its node into the tail, links it behind the former tail, and waits until that one's
owner clears its `waiting`.  With MARK_LATE it says that it waits only after it has linked itself:
the owner in front may have cleared the mark before it is made, and nobody will again.
"""
from modelcheck.lang import (
    Ghost, always, cmpxchg, element, holds, instances, not_null, param, process, shared, sometimes,
    violates, wait_until, xchg,
)

CPUS = param(2, 1, 3)
MARK_LATE = param(False)

EXPECT = (
    holds(when=not MARK_LATE),
    violates("deadlock", when=MARK_LATE),
)


@shared(count=CPUS)
class Node:
    next: "Node | None" = None
    waiting: bool = False
    inside: Ghost[bool] = False               # its CPU


@shared
class McsLock:
    tail: Node | None = None


lock = McsLock()


def mcs_lock(node: Node) -> None:
    node.next = None
    if not MARK_LATE:
        node.waiting = True
    before = xchg(lock.tail, node)
    if before is not None:
        before.next = node
        if MARK_LATE:
            node.waiting = True
        wait_until(not node.waiting)
    node.inside = True


def mcs_unlock(node: Node) -> None:
    if node.next is None:
        if cmpxchg(lock.tail, node, None) == node:
            node.inside = False
            return
        wait_until(node.next is not None)     # somebody has swapped the tail, and will link here
    after = not_null(node.next)
    node.inside = False
    after.waiting = False


@process(count=CPUS)
def cpu(me: int) -> None:
    node = element(Node, me)
    while True:
        mcs_lock(node)
        mcs_unlock(node)


@always
def at_most_one_CPU_is_inside() -> bool:
    return sum(node.inside for node in instances(Node)) <= 1


@sometimes(when=CPUS > 1)
def a_CPU_waits_behind_another() -> bool:
    return any(node.next is not None and node.inside for node in instances(Node))
