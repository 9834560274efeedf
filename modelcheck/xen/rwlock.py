"""A reader-writer lock as Xen's and Linux's queued ones: made of its steps, all of them atomics on
one word, and a spin lock for those who have to queue.

Any number of readers hold it together, or one writer alone.  A writer who finds it taken says so in
`waiting`: from then on no new reader comes in before him, and those who are inside leave.  Readers
count themselves first and look then, as the hardware's atomic add makes them; who finds a writer
counts himself out again and queues.

Who may release: a write lock its holder alone, which is an assert here.  A read lock whoever reads:
the word counts the readers and does not say who they are, so that it may be released by another
context than the one that took it; that somebody reads is an assert.

Simplified: Xen's word also holds the writer's CPU, for nested writers; those deadlock here, as they
do in Linux.  `free(lock)` asks whether no writer holds it; `lock.counts.readers` counts those too
who are about to leave again.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from modelcheck.lang import (
    Ghost,
    Lock,
    OwnedLock,
    Process,
    between,
    clear_bit,
    cmpxchg,
    cpu_relax,
    fetch_update,
    param,
    set_bit,
    shared,
    spin_lock,
    spin_unlock,
    this_process,
    wait_until,
)

READERS = param(4, 1, 16)  # one for each process and interrupt that reads: all may come at once


@dataclass(frozen=True)
class RwCounts:
    readers: Annotated[int, between(0, READERS)] = 0
    waiting: bool = False
    locked: bool = False


@shared
class RwLock(OwnedLock):
    counts: RwCounts = RwCounts()
    queue: Lock
    holder: Ghost[Process | None] = None  # the writer


def _more(counts: RwCounts) -> RwCounts:
    return replace(counts, readers=counts.readers + 1)


def _less(counts: RwCounts) -> RwCounts:
    return replace(counts, readers=counts.readers - 1 if counts.readers > 0 else 0)


def read_lock(lock: RwLock) -> None:
    found = fetch_update(lock.counts, _more)
    if found.waiting or found.locked:
        fetch_update(lock.counts, _less)
        spin_lock(lock.queue)
        fetch_update(lock.counts, _more)
        wait_until(not lock.counts.locked)
        spin_unlock(lock.queue)


def read_trylock(lock: RwLock) -> bool:
    """Returns whether it was taken."""
    found = fetch_update(lock.counts, _more)
    if found.waiting or found.locked:
        fetch_update(lock.counts, _less)
        return False
    return True


def read_unlock(lock: RwLock) -> None:
    found = fetch_update(lock.counts, _less)
    assert found.readers > 0, "a read lock is released by somebody who reads"


def write_lock(lock: RwLock) -> None:
    if write_trylock(lock):
        return
    spin_lock(lock.queue)
    set_bit(lock.counts.waiting)
    alone = RwCounts(waiting=True)
    while cmpxchg(lock.counts, alone, RwCounts(locked=True)) != alone:
        cpu_relax()
    lock.holder = this_process()
    spin_unlock(lock.queue)


def write_trylock(lock: RwLock) -> bool:
    """Returns whether it was taken."""
    unlocked = RwCounts()
    found = cmpxchg(lock.counts, unlocked, RwCounts(locked=True))
    if found != unlocked:
        return False
    lock.holder = this_process()
    return True


def write_unlock(lock: RwLock) -> None:
    assert lock.holder == this_process(), "a write lock is released by its holder"
    clear_bit(lock.counts.locked)
    lock.holder = None
