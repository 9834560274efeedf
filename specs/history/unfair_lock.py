"""Before Xen's spin locks were fair, a CPU could wait for heap_lock without end.

Read: 45fcc4568c (2015): spin locks become ticket locks.  Until then a lock was a byte: whoever
found it free took it, and who had waited longest had no better chance.  A CPU that wants to scrub,
or a domain that is torn down, could be overtaken time and again by CPUs that allocate.  With
tickets each other CPU goes before it once at most: it draws a ticket behind those that are there,
and all that come later draw theirs behind it.

What the idle scrub of 2017 does (b43abf5ca3) rests on this: it takes a ticket, and answers whoever
holds the lock while it waits; a lock that is only tried is not even queued for.

`overtaken` counts, for one CPU that wants the lock, who goes before it while it waits.  To begin to
wait is, with tickets, to draw one, and without them to find the lock taken.
"""
from modelcheck.lang import (Ghost, between, cpu_relax, holds, invariant, param, process, promises,
    shared, sometimes, test_and_set_bit, this_process, violates)
from modelcheck.xen.spinlock import (TasLock, TicketLock, await_turn, take_ticket, tas_lock,
    tas_unlock, ticket_lock, ticket_unlock)
from typing import Annotated

FIXED = param(False)
CPUS = param(2, 1, 3)                         # that allocate, besides the one that scrubs
EXPECT = (violates("each other cpu goes before a waiting one once at most", when=not FIXED),
          holds(when=FIXED))

@shared
class Waiting:
    waits: Ghost[bool] = False
    overtaken: Ghost[Annotated[int, between(0, CPUS + 1)]] = 0

scrubber = Waiting()
byte_lock = TasLock()
heap_lock = TicketLock()

def it_goes_before() -> None:
    """Beside the step that takes the lock.  Behind once too often nothing is counted."""
    scrubber.overtaken = scrubber.overtaken + (
        1 if scrubber.waits and scrubber.overtaken <= CPUS else 0)

@process(count=CPUS)
def alloc_heap_pages() -> None:
    while True:
        if FIXED:
            ticket_lock(heap_lock)
            it_goes_before()
            ticket_unlock(heap_lock)
        else:
            tas_lock(byte_lock)
            it_goes_before()
            tas_unlock(byte_lock)

@process
def idle_loop() -> None:
    while True:
        if FIXED:
            ticket = take_ticket(heap_lock)
            scrubber.waits = True
            await_turn(heap_lock, ticket)
            stops_waiting()
            ticket_unlock(heap_lock)
        else:
            while test_and_set_bit(byte_lock.locked):
                scrubber.waits = True
                cpu_relax()
            byte_lock.holder = this_process()
            stops_waiting()
            tas_unlock(byte_lock)

def stops_waiting() -> None:
    scrubber.waits = False
    scrubber.overtaken = 0

@invariant("P5", "each other cpu goes before a waiting one once at most")
def fair() -> bool:
    return scrubber.overtaken <= CPUS

PROMISES = promises(fair())

@sometimes(when=FIXED)
def every_other_cpu_has_gone_before() -> bool:
    return scrubber.overtaken == CPUS
