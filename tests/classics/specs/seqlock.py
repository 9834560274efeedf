"""A seqlock: readers take no lock, but look at a count before and after they read.

The writer makes the count odd, writes both halves, and makes it even.  A reader begins only at an
even count, and begins again if it has changed at the end.  Without RECHECK it does not look
again, and returns halves of two different writes.
"""
from typing import Annotated

from modelcheck.lang import (
    between, holds, param, process, shared, sometimes, violates,
)

READERS = param(2, 1, 3)
WRITES = param(2, 1, 3)
RECHECK = param(True)

EXPECT = (
    holds(when=RECHECK),
    violates("both halves are of one write", when=not RECHECK),
)


@shared
class Time:
    seq: Annotated[int, between(0, 2 * WRITES)] = 0
    seconds: Annotated[int, between(0, WRITES)] = 0
    nanoseconds: Annotated[int, between(0, WRITES)] = 0


time = Time()


@process
def writer() -> None:
    for i in range(WRITES):
        time.seq = 2 * i + 1
        time.seconds = i + 1
        time.nanoseconds = i + 1
        time.seq = 2 * i + 2


@process(count=READERS)
def reader() -> None:
    while True:
        seq = time.seq
        if seq % 2 == 0:
            seconds = time.seconds
            nanoseconds = time.nanoseconds
            if not RECHECK or time.seq == seq:
                break
    assert seconds == nanoseconds, "both halves are of one write"


@sometimes
def a_write_is_half_done() -> bool:
    return time.seconds != time.nanoseconds
