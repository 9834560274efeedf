"""A ticket lock: draw a number, wait until it is called.  First come, first served.

The number is drawn in one step.  With PLAIN_DRAW it is read and then counted up, two CPUs can draw
the same one, and both are called.
"""
from typing import Annotated

from modelcheck.lang import (
    Ghost, always, element, fetch_add, holds, instances, param, process, shared, sometimes,
    violates, wait_until, wrapping,
)

CPUS = param(3, 1, 4)
PLAIN_DRAW = param(False)

EXPECT = (
    holds(when=not PLAIN_DRAW),
    violates("at most one CPU is inside", when=PLAIN_DRAW),
)


@shared(count=CPUS)
class Cpu:
    inside: Ghost[bool] = False


@shared
class Tickets:
    called: Annotated[int, wrapping(4)] = 0
    next: Annotated[int, wrapping(4)] = 0


tickets = Tickets()


def draw() -> int:
    if PLAIN_DRAW:
        ticket = tickets.next
        tickets.next = ticket + 1
        return ticket
    return fetch_add(tickets.next, 1)


@process(count=CPUS)
def cpu(me: int) -> None:
    this = element(Cpu, me)
    while True:
        ticket = draw()
        wait_until(tickets.called == ticket)
        this.inside = True
        called = tickets.called               # a plain add: only whoever is inside writes it
        tickets.called = called + 1
        this.inside = False


@always
def at_most_one_CPU_is_inside() -> bool:
    return sum(cpu.inside for cpu in instances(Cpu)) <= 1


@sometimes(when=CPUS > 1)
def a_CPU_waits_for_its_number() -> bool:
    return tickets.next != tickets.called and any(cpu.inside for cpu in instances(Cpu))
