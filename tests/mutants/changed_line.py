"""A text with one line replaced."""

from __future__ import annotations

import textwrap
from pathlib import Path


def with_line_changed(file: Path, line: str, by: str, nth: int) -> str:
    """The file's text with its nth such line (the whole line, but for its indentation) replaced by
    others, at that line's indentation."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [i for i, text in enumerate(lines) if text.strip() == line]
    assert len(found) >= nth, f"{file.name} has no such line: {line}"
    at = found[nth - 1]
    indentation = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = textwrap.indent(by, indentation)
    return "\n".join(lines) + "\n"
