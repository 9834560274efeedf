"""A spec that is refused, beside the whole text of the refusal: cases kept in a text file, each as

    === name of the case
    the spec
    ---
    spec.py:1:1: error: what its author reads
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from modelcheck.frontend.subset import check_subset, parse
from modelcheck.source import SpecError, lines_of


@dataclass(frozen=True)
class Case:
    """A spec and what its author is told."""

    name: str
    spec: str
    told: str


def cases(file: Path) -> list[Case]:
    """The cases of a file, in order; what stands before the first is a comment."""
    found = []
    for block in file.read_text(encoding="utf-8").split("\n=== ")[1:]:
        name, _, rest = block.partition("\n")
        spec, told = rest.split("\n---\n")
        told = told.split("\n##")[0]  # the heading of the next cases
        found.append(Case(name, spec + "\n", told.strip("\n")))
    return found


def told_of(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the author of a spec, kept in spec.py, is told; "" if it is accepted."""
    monkeypatch.chdir(tmp_path)
    Path("spec.py").write_text(spec, encoding="utf-8", errors="surrogatepass", newline="")
    lines_of.cache_clear()
    try:
        check_subset(parse(spec, "spec.py"), "spec.py")
    except SpecError as error:
        return error.text()
    return ""
