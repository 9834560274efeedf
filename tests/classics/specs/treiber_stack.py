"""Treiber's stack (1986), and the ABA problem: the same head does not mean the same stack.

A CPU that pops reads the head, reads what is below it, and swings the head there with cmpxchg.
In between another may pop that node and the one below, and push the first again: the head is as it
was, the cmpxchg succeeds, and a node that somebody holds is back on the stack.

With VERSIONED the head is a word, the top and a number that every change of it counts up, and
cmpxchg compares both.  The number wraps: it helps as long as fewer than GENERATIONS changes fit
between a CPU's load and its cmpxchg, and here at most four do.
"""
from dataclasses import dataclass
from typing import Annotated

from modelcheck.lang import (
    Ghost, always, boot, chain, cmpxchg, holds, instances, param, process, shared, sometimes,
    violates, wrapping,
)

NODES = param(2, 1, 3)
VERSIONED = param(True)
GENERATIONS = param(8, 3, 8)

EXPECT = (
    holds(when=VERSIONED and GENERATIONS > 4),
    violates("nobody holds a node on the stack", when=not VERSIONED or GENERATIONS == 3),
)


@shared(count=NODES)
class Node:
    below: "Node | None" = None
    held: Ghost[bool] = False


@dataclass(frozen=True)
class Head:
    top: Node | None = None
    generation: Annotated[int, wrapping(GENERATIONS)] = 0


@shared
class Stack:
    head: Head = Head()


stack = Stack()


@boot
def push_every_node() -> None:
    for node in instances(Node):
        node.below = stack.head.top
        stack.head = Head(node)


def successor(old: Head, top: Node | None) -> Head:
    return Head(top, old.generation + 1 if VERSIONED else old.generation)


def push(node: Node) -> None:
    while True:
        old = stack.head
        node.below = old.top
        if cmpxchg(stack.head, old, successor(old, node)) == old:
            node.held = False
            return


def pop() -> Node | None:
    while True:
        old = stack.head
        if old.top is None:
            return None
        below = old.top.below
        if cmpxchg(stack.head, old, successor(old, below)) == old:
            old.top.held = True
            return old.top


@process(count=2)
def cpu() -> None:
    first = pop()
    second = pop()
    if first is not None:
        push(first)
    if second is not None:
        push(second)


@always
def nobody_holds_a_node_on_the_stack() -> bool:
    return not any(node.held for node in chain(stack.head.top, "below"))


@sometimes
def the_stack_is_empty() -> bool:
    return stack.head.top is None
