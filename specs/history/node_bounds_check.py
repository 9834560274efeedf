"""Not a bug: a bounds check on the number of a node, which only the compiler missed.

Read: a363089e68 (2023) and node_to_scrub() as it is then.  An idle CPU looks for a node that needs
scrubbing: its own first, then those without CPUs, the nearest.  It goes from one online node to the
next, round and round, until it is back at its own.  For a target with one node a compiler warned
that the number may be too large for the array, and a check was put there.  The commit says that this
was never so; it must hold without the check (FIXED=False) and with it.

What it rests on is that a CPU's own node is online.  With LOST it is not: then the walk does not come
back to it, or comes to no node at all.
"""
from modelcheck.lang import (Ghost, always, between, boot, choose, element, holds, index_of,
    instances, clear_bit, param, process, shared, sometimes, test_and_set_bit, violates)
from typing import Annotated

FIXED = param(False)
LOST = param(False)
NODES = param(3, 1, 4)
CPUS = param(2, 1, 2)                         # each on a node of its own
EXPECT = holds(when=not LOST), violates("deadlock", when=LOST and FIXED), violates("index", when=LOST and not FIXED)

NodeId = Annotated[int, between(0, NODES)]
MAX_NUMNODES = NODES                          # "no such node", and of cycle_node(): none is online

@shared(count=NODES)
class Node:
    online: bool = False
    has_cpus: bool = False
    need_scrub: bool = False
    scrubbing: bool = False

@boot
def init_nodes() -> None:
    for node in instances(Node):
        if index_of(node) < CPUS:
            node.has_cpus = True
            node.online = not LOST
        else:
            node.online = choose(False, True)
        node.need_scrub = choose(False, True)

def cycle_node(node: NodeId) -> NodeId:
    """The next online node, from the first again behind the last; MAX_NUMNODES if there is none."""
    for i in range(NODES):
        following = (node + 1 + i) % NODES
        if element(Node, following).online:
            return following
    return MAX_NUMNODES

def distance(a: int, b: int) -> int:
    return a - b if a > b else b - a

def node_to_scrub(local_node: NodeId) -> NodeId:
    if element(Node, local_node).need_scrub:
        was = test_and_set_bit(element(Node, local_node).scrubbing)
        if not was:
            return local_node
    closest = MAX_NUMNODES
    node = local_node
    while True:
        node = cycle_node(node)
        while node != local_node and element(Node, node).has_cpus:
            node = cycle_node(node)
        if FIXED and node >= MAX_NUMNODES:
            break
        if node == local_node:
            break
        if element(Node, node).need_scrub:
            if closest == MAX_NUMNODES or distance(local_node, node) < distance(local_node, closest):
                was = test_and_set_bit(element(Node, node).scrubbing)
                if not was:
                    if closest != MAX_NUMNODES:
                        clear_bit(element(Node, closest).scrubbing)
                    closest = node
    return closest

@process(count=CPUS)
def idle_loop(me: int) -> None:
    while True:
        node = node_to_scrub(me)
        if node != MAX_NUMNODES:
            element(Node, node).need_scrub = False
            clear_bit(element(Node, node).scrubbing)

@process
def free_heap_pages() -> None:
    while True:
        choose(instances(Node)).need_scrub = True
