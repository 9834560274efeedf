"""Where things stand in a spec's text, and the one place where an error is formatted.

    specs/heap.py:12:5: error: a field of a word cannot be stored alone
        pg.count_info.need_scrub = False
        ^~~~~~~~~~~~~~~~~~~~~~~~
      write instead: info = pg.count_info, then pg.count_info = replace(info, need_scrub=False)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


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


NOWHERE = Span("<no file>", 0, 0, 0, 0)


@lru_cache(maxsize=64)
def lines_of(file: str) -> tuple[str, ...]:
    """The lines of a file, without their ends; empty if it cannot be read."""
    try:
        return tuple(Path(file).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


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
            marks = "^" + "~" * max(0, end - start - 1)
            message.append("    " + line.strip())
            message.append("    " + " " * max(0, start - blanks) + marks)
        if self.instead:
            message.append(f"  write instead: {self.instead}")
        return "\n".join(message)


class ConfigurationError(Exception):
    """A parameter, option or file that does not fit; the message says what would."""
