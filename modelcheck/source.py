"""Where things stand in a spec's text, and the one place where an error is formatted.

    specs/heap.py:12:5: error: a field of a word cannot be stored alone
        pg.count_info.need_scrub = False
        ^~~~~~~~~~~~~~~~~~~~~~~~
      write instead: info = pg.count_info, then pg.count_info = replace(info, need_scrub=False)
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from pathlib import Path

from modelcheck.quoting import quoted
from modelcheck.records import dataclass


@dataclass(frozen=True)
class Span:
    """A stretch of a file.  Lines and columns count from 1; `end_column` is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{quoted(self.file, 'row')}:{self.line}:{self.column}"

    def first_line(self) -> Span:
        """The part of it that is on its first line."""
        if self.end_line == self.line:
            return self
        return Span(self.file, self.line, self.column, self.line, self.column + 1)


NOWHERE = Span("<no file>", 0, 0, 0, 0)


# What moves a terminal's cursor or turns text around, so that a reviewer reads another line than
# Python does.  Such a character is never printed.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LONGEST_LINE = 200  # characters of a line that an error shows
LONGEST_FILE = 100_000  # bytes: thousands of lines, which still take but seconds to read
TOO_LONG = ("the file is over 100,000 bytes", "one design in one file")


LIBRARY = "modelcheck/xen/"  # the files that are named from the tool on, wherever it runs


@lru_cache(maxsize=64)
def lines_of(file: str) -> tuple[str, ...]:
    """The lines of a file as Python counts them, without their ends; empty if it cannot be read."""
    place = Path(__file__).parents[1] / file if file.startswith(LIBRARY) else Path(file)
    try:
        text = file_text(place).removeprefix("\ufeff")
    except (OSError, ValueError, Unreadable):
        return ()
    return tuple(HIDDEN.sub("\ufffd", text).split("\n"))


class Unreadable(Exception):
    """A file that is not read, whoever names it: what is wrong, and what to name instead."""


def file_text(path: Path, longest: int = LONGEST_FILE) -> str:
    """The text of a file in UTF-8, with Python's line ends; OSError or UnicodeDecodeError if it
    cannot be read, Unreadable if it is no file or longer than so many bytes.  A pipe is not waited
    for, and a device not read: /dev/zero has no end."""
    if path.exists():
        _fits(path.stat(), longest)
    with open(path, encoding="utf-8", opener=_at_once) as file:
        _fits(os.fstat(file.fileno()), longest)  # it may be another by now
        text = file.read(longest + 1)
    if len(text) > longest:
        raise Unreadable(*TOO_LONG)
    return text


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def _fits(what: os.stat_result, longest: int) -> None:
    if stat.S_ISDIR(what.st_mode):
        raise Unreadable("this is a folder, not a spec", "the path of a .py file")
    if not stat.S_ISREG(what.st_mode):
        raise Unreadable("this is a pipe or a device", "the path of a .py file")
    if what.st_size > longest:
        raise Unreadable(*TOO_LONG)


def line_text(span: Span) -> str:
    """The line where a span begins, without its indentation and end-of-line comment blanks."""
    lines = lines_of(span.file)
    return lines[span.line - 1].strip() if 0 < span.line <= len(lines) else ""


class SpecError(Exception):
    """Something in a spec that cannot be accepted: what is wrong, and what to write instead.

    shown  whether the message has the line: not of a file that is none of ours"""

    def __init__(
        self, span: Span, problem: str, instead: str = "", shown: bool = True
    ) -> None:
        self.span = span
        self.problem = problem
        self.instead = instead
        self.shown = shown
        super().__init__(str(span) + ": " + problem)

    def text(self) -> str:
        """The whole message: place, problem, the line with a caret, and the way out."""
        message = [quoted(f"{self.span}: error: {self.problem}", "row")]
        lines = lines_of(self.span.file) if self.shown else ()
        if 0 < self.span.line <= len(lines):
            line = lines[self.span.line - 1]
            blanks = len(line) - len(line.lstrip())
            start = self.span.column - 1
            same_line = self.span.end_line == self.span.line
            end = self.span.end_column - 1 if same_line else len(line.rstrip())
            first = blanks if len(line) <= LONGEST_LINE else max(blanks, start - LONGEST_LINE // 2)
            as_it_is = line[first : first + LONGEST_LINE].rstrip()
            shown = quoted(as_it_is, "row")
            marks = "^" + "~" * max(0, min(end, first + LONGEST_LINE) - start - 1)
            message.append("    " + shown)
            start += len(shown) - len(as_it_is)
            message.append("    " + " " * max(0, start - first) + marks)
        if self.instead:
            message.append(quoted(f"  write instead: {self.instead}", "row"))
        return "\n".join(message)


class ConfigurationError(Exception):
    """A parameter, option or file that does not fit; the message says what would."""
