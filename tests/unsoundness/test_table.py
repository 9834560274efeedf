"""The table of the package is true: each test that it names is here, and names the bug."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import tests.unsoundness

FOLDER = Path(__file__).parent


def rows() -> dict[str, str]:
    """Bug: what is said of it in the last column."""
    lines = (tests.unsoundness.__doc__ or "").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {bug: here for bug, _, here in cells if bug not in ("bug", "---")}


def docstrings() -> dict[str, str]:
    """Each test of the package, with what it says."""
    return {
        node.name: ast.get_docstring(node) or ""
        for file in FOLDER.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_row_has_its_tests_or_says_why_not() -> None:
    told = docstrings()
    assert len(rows()) > 30
    for bug, here in rows().items():
        names = re.findall(r"\btest_\w+", here)
        assert names or re.match("no [a-z]", here), bug
        tool, number = re.match(r"(\w+)[^#]*(#\d+)?", bug).groups()  # type: ignore[union-attr]
        for name in names:
            assert (number or tool) in told[name], f"{bug}: {name}"


def test_each_test_of_a_bug_is_in_the_table() -> None:
    named = set(re.findall(r"\btest_\w+", " ".join(rows().values())))
    about = {name for name, text in docstrings().items() if re.match(r"\w+(#\d|,)", text)}
    assert {name for name in about if "many_random" not in name} == named
