"""Each atomic is one read-modify-write of the whole location; it returns the old value."""
from dataclasses import dataclass, replace
from typing import Annotated

from modelcheck.lang import (
    between, clear_bit, cmpxchg, fetch_add, fetch_update, process, set_bit, shared, smp_mb,
    store_part, test_and_clear_bit, test_and_set_bit, wrapping, xchg,
)


@dataclass(frozen=True)
class Word:
    locked: bool = False
    readers: Annotated[int, between(0, 3)] = 0


@shared
class Lock:
    val: Word = Word()
    tail: Annotated[int, wrapping(4)] = 0
    busy: bool = False


lock = Lock()


def one_reader_more(word: Word) -> Word:
    return replace(word, readers=word.readers + 1)


@process
def cpu() -> None:
    ticket = fetch_add(lock.tail, 1)
    if ticket == 0:
        was = cmpxchg(lock.busy, False, True)
        while was:
            was = xchg(lock.busy, True)
    if not test_and_set_bit(lock.val.locked):
        old = fetch_update(lock.val, one_reader_more)
        if old.readers == 2:
            clear_bit(lock.val.locked)
    smp_mb()
    set_bit(lock.busy)
    store_part(lock.val.locked, False)
    while test_and_clear_bit(lock.busy):
        pass
