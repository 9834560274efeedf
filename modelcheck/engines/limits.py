"""Where a search gives up, and what it tells while it goes on: the same for each that is Python."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[int, int, int], None]
"""Told the states found, the depth and the length of the queue, a few times a second."""

EVERY = 256  # states between two looks at the clock
MOST_SECONDS = 2_000_000  # some weeks: what the system, and z3, wait for at most


def is_time(value: int | float) -> bool:
    """Whether a number is one of seconds: not nan, and not inf, which would be no limit."""
    return not isinstance(value, bool) and 0 <= value <= MOST_SECONDS


def most_of_the_machine() -> int:
    """Where a search without a limit of its own ends, before the system would kill it: three
    quarters of the machine's memory, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def resident() -> int:
    """The bytes of memory that this process holds (at most, where the system tells no more)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def collector_off() -> Iterator[None]:
    """Without Python's cycle collector, which would walk all states again and again (half of the
    time of the reference engine, measured) and find nothing in them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
