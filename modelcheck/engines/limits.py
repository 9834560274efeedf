"""Where a search gives up, and what it tells while it goes on: the same for each that is Python."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

Progress = Callable[[int, int, int], None]
"""Told the states found, the depth and the length of the queue, a few times a second."""

EVERY = 256  # states between two looks at the clock
ROOT = Path("/")
MOST_SECONDS = 2_000_000  # some weeks: what the system, and z3, wait for at most


def is_time(value: int | float) -> bool:
    """Whether a number is one of seconds: not nan, and not inf, which would be no limit."""
    return not isinstance(value, bool) and 0 <= value <= MOST_SECONDS


def most_of_the_machine(at_once: int = 1, root: Path = ROOT) -> int:
    """Where a search without a limit of its own ends, before the system would kill it: three
    quarters of what it can have, in bytes, if so many search at once."""
    return memory_to_be_had(root) * 3 // 4 // at_once


def memory_to_be_had(root: Path = ROOT) -> int:
    """The bytes that this process can hold: what it has and what the machine has left, or the
    limit of the narrowest control group that it is in (a container's, a service's, a batch job's).

    root  where /proc and /sys are looked for"""
    return min((_of_the_machine(root), *_of_control_groups(root)))


def _of_the_machine(root: Path) -> int:
    """What is available, this process's own included; without /proc, all that there is."""
    for line in _lines(root / "proc/meminfo"):
        match line.split():
            case ["MemAvailable:", kilobytes, "kB"] if kilobytes.isdecimal():
                return int(kilobytes) * 1024 + resident(root)
            case _:
                pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_control_groups(root: Path) -> Iterator[int]:
    """The limits on memory of the groups that this process is in, and of those that they are in:
    version 1 has a tree for memory, version 2 one for all."""
    groups: dict[bool, str] = {}  # by whether it is of version 2
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers or "memory" in controllers.split(","):
            groups[not controllers] = path
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        mount, kind = before.split(), (*after.split(), "", "", "")[:3]
        second = kind[0] == "cgroup2"
        memory = kind[0] == "cgroup" and "memory" in kind[2].split(",")
        if len(mount) < 5 or not (second or memory) or second not in groups:
            continue
        top = root / _unescaped(mount[4]).lstrip("/")
        file = "memory.max" if second else "memory.limit_in_bytes"
        for folder in _upwards(top, groups[second], _unescaped(mount[3])):
            limit = "".join(_lines(folder / file)).strip()
            if limit.isdecimal():  # and not "max"
                yield int(limit)


def _upwards(top: Path, group: str, mounted: str) -> Iterator[Path]:
    """The folder of a group and those above it, up to the one that is `mounted` at the top; that
    one alone, where the group is not below it."""
    inside = PurePosixPath(group)
    if ".." in inside.parts or not inside.is_relative_to(mounted):
        inside = PurePosixPath(mounted)
    folder = top / inside.relative_to(mounted)
    yield folder
    while folder != top:
        folder = folder.parent
        yield folder


def _unescaped(path: str) -> str:
    """A path as mountinfo writes it, with a blank as `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), path)


def _lines(file: Path) -> list[str]:
    """The lines of a file of the system's; none if there is no such file."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def resident(root: Path = ROOT) -> int:
    """The bytes of memory that this process holds (at most, where the system tells no more)."""
    try:
        pages = int((root / "proc/self/statm").read_text(encoding="ascii").split()[1])
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
