"""Readers and writers (Courtois, Heymans and Parnas, 1971): many readers, or one writer.

The first reader takes the room for all readers, and the last one gives it back, so they count
themselves under a lock, and the first one keeps it until the room is theirs.  With COUNT_UNLOCKED
they count without it: the second walks in after the first, who is still waiting for the room, and
a writer takes it.
"""
from typing import Annotated

from modelcheck.lang import (
    Ghost, Lock, always, between, cpu_relax, element, holds, instances, param, process, shared,
    sometimes, spin_lock, spin_unlock, test_and_set_bit, violates,
)

READERS = param(2, 1, 3)
WRITERS = param(1, 1, 2)
COUNT_UNLOCKED = param(False)

EXPECT = (
    holds(when=not COUNT_UNLOCKED),
    violates("a writer is alone", when=COUNT_UNLOCKED),
)


@shared(count=READERS)
class Reader:
    inside: Ghost[bool] = False


@shared(count=WRITERS)
class Writer:
    inside: Ghost[bool] = False


@shared
class Room:
    taken: bool = False                       # by a writer, or by all the readers
    readers: Annotated[int, between(0, READERS)] = 0


room = Room()
count_lock = Lock("count_lock")


def take_room() -> None:
    while test_and_set_bit(room.taken):
        cpu_relax()


def lock_count() -> None:
    if not COUNT_UNLOCKED:
        spin_lock(count_lock)


def unlock_count() -> None:
    if not COUNT_UNLOCKED:
        spin_unlock(count_lock)


@process(count=READERS)
def reader(me: int) -> None:
    this = element(Reader, me)
    while True:
        lock_count()
        readers = room.readers
        room.readers = readers + 1
        if readers == 0:
            take_room()
        this.inside = True
        unlock_count()

        lock_count()
        readers = room.readers
        room.readers = readers - 1
        this.inside = False
        if readers == 1:
            room.taken = False
        unlock_count()


@process(count=WRITERS)
def writer(me: int) -> None:
    this = element(Writer, me)
    while True:
        take_room()
        this.inside = True
        room.taken = False
        this.inside = False


@always
def a_writer_is_alone() -> bool:
    return sum(w.inside for w in instances(Writer)) == 0 or (
        sum(w.inside for w in instances(Writer)) == 1
        and not any(r.inside for r in instances(Reader)))


@sometimes(when=READERS > 1)
def two_read_at_once() -> bool:
    return sum(r.inside for r in instances(Reader)) > 1
