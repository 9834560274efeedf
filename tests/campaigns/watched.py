"""Running code of ours under watch: what it opens or starts, and for how long it runs.

Python's audit hooks see every file, socket and process.  What is not allowed is refused on the
spot, and said afterwards even if somebody has caught the refusal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

HARMLESS = frozenset(("compile", "sys._getframe", "builtins.id"))
READING = frozenset(  # of os.open: neither writes nor makes a file
    os.O_RDONLY | os.O_CLOEXEC | further for further in (0, os.O_NONBLOCK | os.O_NOCTTY)
)
LISTED = frozenset(("os.listdir", "os.scandir", "pathlib.Path.glob", "glob.glob"))


class Touched(BaseException):
    """What is watched has done something that it may not do."""


class TooLong(BaseException):
    """What is watched has run for too long."""


class Watch:
    """May read below these folders, and nothing else.  `events`: what it did that it may not do."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = tuple(f.resolve() for f in folders)
        self.events: list[str] = []

    def allows(self, event: str, arguments: tuple[object, ...]) -> bool:
        """Whether this audit event is one of reading what may be read."""
        if event in HARMLESS:
            return True
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):  # a file of one that this watch has let be opened
                return mode in ("r", "rb")
            reads = mode in ("r", "rb") if mode is not None else flags in READING
            return reads and self._within(path)
        return event in LISTED and self._within(arguments[0])

    def _within(self, path: object) -> bool:
        found = Path(os.fsdecode(path) if isinstance(path, bytes) else str(path)).resolve()
        return any(found.is_relative_to(f) for f in self.folders)


_watches: list[Watch] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watches:
        watch = _watches.pop()  # what is done here is not watched
        try:
            allowed = watch.allows(event, arguments)
        finally:
            _watches.append(watch)
        if not allowed:
            watch.events.append(f"{event} {arguments!r:.200}")
            raise Touched(event)


@contextmanager
def watching(watch: Watch, seconds: float) -> Iterator[None]:
    """TooLong after so many seconds of processor time; Touched at what the watch does not allow."""
    before = signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.clear()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong


sys.addaudithook(_audit)  # it cannot be taken away again, and sleeps while nothing is watched
