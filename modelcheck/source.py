"""Where things stand in a spec's text, and the one place where an error is formatted.

    specs/heap.py:12:5: error: a field of a word cannot be stored alone
        pg.count_info.need_scrub = False
        ^~~~~~~~~~~~~~~~~~~~~~~~
      write instead: info = pg.count_info, then pg.count_info = replace(info, need_scrub=False)
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

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
        return f"{self.file}:{self.line}:{self.column}"

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


LIBRARY = "modelcheck/xen/"  # the files that are named from the tool on, wherever it runs


@lru_cache(maxsize=64)
def lines_of(file: str) -> tuple[str, ...]:
    """The lines of a file as Python counts them, without their ends; empty if it cannot be read."""
    place = Path(__file__).parents[1] / file if file.startswith(LIBRARY) else Path(file)
    try:
        if not place.is_file():  # a pipe would not end
            return ()
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return ()
    return tuple(HIDDEN.sub("\ufffd", text).split("\n"))


def line_text(span: Span) -> str:
    """The line where a span begins, without its indentation and end-of-line comment blanks."""
    lines = lines_of(span.file)
    return lines[span.line - 1].strip() if 0 < span.line <= len(lines) else ""


class SpecError(Exception):
    """Something in a spec that cannot be accepted: what is wrong, and what to write instead."""

    def __init__(self, span: Span, problem: str, instead: str = "") -> None:
        self.span = span
        self.problem = problem
        self.instead = instead
        super().__init__(str(span) + ": " + problem)

    def text(self) -> str:
        """The whole message: place, problem, the line with a caret, and the way out."""
        message = [f"{self.span}: error: {self.problem}"]
        lines = lines_of(self.span.file)
        if 0 < self.span.line <= len(lines):
            line = lines[self.span.line - 1]
            blanks = len(line) - len(line.lstrip())
            start = self.span.column - 1
            same_line = self.span.end_line == self.span.line
            end = self.span.end_column - 1 if same_line else len(line.rstrip())
            first = blanks if len(line) <= LONGEST_LINE else max(blanks, start - LONGEST_LINE // 2)
            shown = line[first : first + LONGEST_LINE].rstrip()
            marks = "^" + "~" * max(0, min(end, first + LONGEST_LINE) - start - 1)
            message.append("    " + shown)
            message.append("    " + " " * max(0, start - first) + marks)
        if self.instead:
            message.append(f"  write instead: {self.instead}")
        return "\n".join(message)


class ConfigurationError(Exception):
    """A parameter, option or file that does not fit; the message says what would."""
