"""Text with colours that can be left out: what the reports are made of.

A row is a tuple of pieces, each with a style of rich's ("bold red", ...).  Off a terminal the
styles are dropped and rich is never imported.  Whatever a spec put into its strings, no control
character reaches a terminal: `quoting.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import TextIO, TypeAlias

from modelcheck.quoting import quoted
from modelcheck.records import dataclass
from modelcheck.trace import Line

LABEL = 13  # columns of the labels down the left


@dataclass(frozen=True)
class Piece:
    """A stretch of text in one style; "" is the terminal's own."""

    text: str
    style: str = ""


Row: TypeAlias = tuple[Piece, ...]


def row(text: str, style: str = "") -> Row:
    """A row of one piece."""
    return (Piece(text, style),)


def plain(rows: Iterable[Row]) -> str:
    """The rows without styles, a newline after each, no blanks at the ends of lines."""
    return "".join(quoted("".join(p.text for p in r), "row").rstrip() + "\n" for r in rows)


def wants_colour(stream: TextIO) -> bool:
    """NO_COLOR forbids, FORCE_COLOR demands, else colour is for terminals."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def write(rows: Iterable[Row], stream: TextIO) -> None:
    """Print the rows, in colour where that is wanted."""
    if not wants_colour(stream):
        stream.write(plain(rows))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True)
    for pieces in rows:
        line = Text()
        for piece in pieces:
            line.append(quoted(piece.text, "row"), style=piece.style)
        line.rstrip()
        console.print(line)


def labelled(label: str, text: str, style: str = "") -> Row:
    """A row with its label down the left."""
    return (Piece("  " + label.ljust(LABEL - 2), "dim"), Piece(text, style))


def place(line: Line, spec: str) -> str:
    """`line 84`, or `line 28 of page.py`."""
    of = "" if line.file == spec else f" of {PurePath(line.file).name}"
    return f"line {line.line}{of}"


def argument(path: str) -> str:
    """A path as a command takes it that would take `-x.py` for an option."""
    return f"./{path}" if path.startswith("-") else path
