"""One line on stderr that tells how far a search has got, if stderr is a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO

from modelcheck.quoting import quoted

EVERY = 0.1  # seconds between two updates
ERASE = "\r\x1b[K"


class ProgressLine:
    """Call it with (states, depth, queue) at any time; leaving the `with` erases the line."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self.what = quoted(what, "row")
        self.stream = stream
        self.wanted = stream.isatty()
        self.began = self.shown = time.monotonic()

    def __enter__(self) -> ProgressLine:
        return self

    def __call__(self, states: int, depth: int, queue: int) -> None:
        rate = states / max(EVERY, time.monotonic() - self.began)
        self.show(
            f"{states:,} states, depth {depth}, {queue:,} in the queue, {rate:,.0f} states/s"
        )

    def show(self, text: str) -> None:
        """Show this, unless the line has just been changed."""
        now = time.monotonic()
        if not self.wanted or now - self.shown < EVERY:
            return
        self.shown = now
        self.stream.write(f"{ERASE}{self.what}: {quoted(text, 'row')}")
        self.stream.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.wanted:
            self.stream.write(ERASE)
            self.stream.flush()
