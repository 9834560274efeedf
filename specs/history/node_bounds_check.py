"""Not a bug: a bounds check on the number of a node, which only the compiler missed.

Read: a363089e68 (2023) and node_to_scrub() as it is then.  An idle CPU looks for a node that needs
scrubbing: its own first, then those without CPUs, the nearest.  It goes from one online node to the
next, round and round, until it is back at its own.  For a target with one node a compiler warned
that the number may be too large for the array, and a check was put there.  The commit says that
this was never so; it must hold without the check (FIXED=False) and with it.

What it rests on is that some node is online, as the CPU's own is.  With LOST none is: then there is
no next node, and the check is needed.
"""
from modelcheck.lang import (Ghost, between, boot, choose, clear_bit, element, holds, index_of,
    instances, invariant, param, process, promises, shared, sometimes, test_and_set_bit, violates)
from modelcheck.xen.invariants import one_scrubber
from typing import Annotated

FIXED = param(False)
LOST = param(False)
NODES = param(3, 1, 4)
CPUS = param(2, 1, 2)                         # each on a node of its own: the last ones
EXPECT = (holds(when=FIXED or not LOST),
          violates("a node's number is one of the array's", when=LOST and not FIXED))

NodeId = Annotated[int, between(0, NODES)]
MAX_NUMNODES = NODES                          # "no such node", and of cycle_node(): none is online

@shared(count=NODES)
class Node:
    online: bool = False
    has_cpus: bool = False
    need_scrub: bool = False
    scrubbing: bool = False
    scrubbers: Ghost[Annotated[int, between(0, CPUS)]] = 0

@invariant("K6", "one CPU at most scrubs a node, and node_scrubbing says so")
def one_scrubber_each() -> bool:
    return all(one_scrubber(node) for node in instances(Node))

PROMISES = promises(one_scrubber_each())

@boot
def init_nodes() -> None:
    for node in instances(Node):
        if index_of(node) >= NODES - CPUS:
            node.has_cpus = True
            node.online = not LOST
        else:
            extra = choose(False, True)
            node.online = extra and not LOST
        dirty = choose(False, True)
        node.need_scrub = dirty

def cycle_node(node: NodeId) -> NodeId:
    """The next online node, from the first again behind the last; MAX_NUMNODES if there is none."""
    for i in range(NODES):
        following = (node + 1 + i) % NODES
        if element(Node, following).online:
            return following
    return MAX_NUMNODES

def distance(a: int, b: int) -> int:
    return a - b if a > b else b - a

def get_node(node: NodeId) -> bool:
    was = test_and_set_bit(element(Node, node).scrubbing)
    if not was:
        element(Node, node).scrubbers = element(Node, node).scrubbers + 1
    return not was

def put_node(node: NodeId) -> None:
    clear_bit(element(Node, node).scrubbing)
    element(Node, node).scrubbers = element(Node, node).scrubbers - 1

def node_to_scrub(local_node: NodeId) -> NodeId:
    if element(Node, local_node).need_scrub:
        got = get_node(local_node)
        if got:
            return local_node
    closest = MAX_NUMNODES
    node = local_node
    while True:
        node = cycle_node(node)
        while node != local_node and node < MAX_NUMNODES and element(Node, node).has_cpus:
            node = cycle_node(node)
        if FIXED and node >= MAX_NUMNODES:
            break
        if node == local_node:
            break
        assert node < MAX_NUMNODES, "a node's number is one of the array's"
        nearer = closest == MAX_NUMNODES or (
            distance(local_node, node) < distance(local_node, closest))
        if element(Node, node).need_scrub and nearer:
            got = get_node(node)
            if got:
                if closest != MAX_NUMNODES:
                    put_node(closest)
                closest = node
    return closest

@process(count=CPUS)
def idle_loop(me: int) -> None:
    while True:
        node = node_to_scrub(NODES - CPUS + me)
        if node != MAX_NUMNODES:
            element(Node, node).need_scrub = False
            put_node(node)

@process
def free_heap_pages() -> None:
    while True:
        node = choose(instances(Node))
        node.need_scrub = True

@sometimes(when=not LOST and NODES > CPUS)
def a_cpu_scrubs_a_node_without_cpus() -> bool:
    return any(node.scrubbing and not node.has_cpus for node in instances(Node))
