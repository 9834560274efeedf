"""A program that others wrote and that has children of its own: all of them end when we do, however
that is.  (A program of ours sees to it itself: `runtime/search.c`.)"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

WATCH = 'read nothing; kill -9 "-$1"'
"""Of a shell: its input is a pipe that nobody else holds and nobody writes, so it ends with us."""


class Watched:
    """A program that runs in a session of its own: Ctrl-C at the terminal is not for it.

    OSError if it cannot be started.

    said  the file that gets whatever it prints"""

    def __init__(self, command: list[str], said: Path, environment: dict[str, str]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        try:
            with said.open("wb") as file, _not_interrupted():
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                    env=environment, start_new_session=True,
                )
                with suppress(OSError):  # without a shell it ends only where we can still end it
                    self._watch = subprocess.Popen(
                        ["/bin/sh", "-c", WATCH, "sh", str(self._process.pid)],
                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL, start_new_session=True,
                    )
        except BaseException:
            self.stop()
            raise
        self.pid = self._process.pid

    def ended(self, seconds: float | None = 0.0) -> int | None:
        """What it ended with, as Popen says it; None if it has not ended in so many seconds (None:
        it is waited for)."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Neither it nor a child of it runs after this."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._watch is not None:
            self._watch.kill()
            self._watch.wait()
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch = None


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the end of this: else a process may run that nobody knows, for
    Popen forgets the one that it was about to start."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    met: list[int] = []

    def meet(number: int, frame: FrameType | None) -> None:
        met.append(number)

    before = {
        number: signal.signal(number, meet) for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))  # who ignores it goes on to
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if met:
            raise KeyboardInterrupt
