"""Locks made of ordinary steps, for a design that wants to see them spin.

`modelcheck.lang.Lock` takes a lock in one step and is all that most specs need.  Here are a
test-and-set lock, which says nothing about who is next, and Xen's ticket lock, which is FIFO.
Each has the ghost `holder`, which is set by the step that takes the lock and cleared by the step
that releases it, so that `free(lock)` can be asked of it.
"""

from typing import Annotated, Callable, TypeVar  # noqa: UP035

from modelcheck.lang import (
    Ghost,
    OwnedLock,
    Process,
    cpu_relax,
    fetch_add,
    param,
    shared,
    test_and_set_bit,
    this_process,
    wait_until,
    wrapping,
)

S = TypeVar("S")

TICKETS = param(4, 2, 16)  # one for each process at least: all may want one lock at once


@shared
class TasLock(OwnedLock):
    locked: bool = False
    holder: Ghost[Process | None] = None


def tas_lock(lock: TasLock) -> None:
    while test_and_set_bit(lock.locked):
        cpu_relax()
    lock.holder = this_process()


def tas_unlock(lock: TasLock) -> None:
    assert lock.holder == this_process(), "a test-and-set lock is released by its holder"
    lock.locked = False
    lock.holder = None


@shared
class TicketLock(OwnedLock):
    head: Annotated[int, wrapping(TICKETS)] = 0  # the ticket that is being served
    tail: Annotated[int, wrapping(TICKETS)] = 0  # the ticket that comes next
    holder: Ghost[Process | None] = None


def ticket_lock(lock: TicketLock) -> None:
    ticket = take_ticket(lock)
    await_turn(lock, ticket)


def take_ticket(lock: TicketLock) -> int:
    ticket = fetch_add(lock.tail, 1)
    return ticket


def await_turn(lock: TicketLock, ticket: Annotated[int, wrapping(TICKETS)]) -> None:
    wait_until(lock.head == ticket)
    lock.holder = this_process()


def spin_lock_cb(lock: TicketLock, callback: Callable[[S], S], data: S) -> S:
    """As ticket_lock, with something to do on each turn of the wait (Xen, 462090402a); not when
    the lock is had at once.  Returns `data` as the callback has left it."""
    ticket = take_ticket(lock)
    while lock.head != ticket:
        data = callback(data)
    lock.holder = this_process()
    return data


def ticket_unlock(lock: TicketLock) -> None:
    assert lock.holder == this_process(), "a ticket lock is released by its holder"
    head = lock.head  # a plain add, not an atomic one: only the holder writes head
    lock.head = head + 1
    lock.holder = None
