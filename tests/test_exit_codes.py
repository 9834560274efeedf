"""Every exit code stands in one module, with what it means, and README's table lists the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from modelcheck.exit_codes import MEANING, Exit, of_all
from modelcheck.trace.data import EXIT_CODES, UNKNOWN_CODES

ROOT = Path(__file__).parents[1]


def test_each_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Exit)
    assert set(EXIT_CODES.values()) | set(UNKNOWN_CODES.values()) <= set(Exit)


def test_the_table_in_the_readme_lists_them() -> None:
    """A code that was added, and not to README, was there for nobody."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| exit code | what it says |\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE)
    assert [int(code) for code, _ in rows] == [int(code) for code in Exit]
    assert all(MEANING[Exit(int(code))] in said for code, said in rows)


def test_they_are_declared_once() -> None:
    """130, 150 and others were declared in `cli`, `gated` and `trace`, and 22 in a third place."""
    ours = {int(code) for code in Exit if code > Exit.INCONCLUSIVE}
    for file in sorted((ROOT / "modelcheck").rglob("*.py")):
        if file.name == "exit_codes.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple):
                values = ast.walk(node.value)
                found = {n.value for n in values if isinstance(n, ast.Constant)}
                assert not (found & ours and found <= ours | {0, 20}), (file, node.lineno)


def test_of_several() -> None:
    assert of_all([]) == of_all([Exit.FINE]) == 0
    assert of_all([Exit.CONFIGURATION, Exit.FINE, Exit.NO_MEMORY]) == 21
    assert of_all([Exit.DEADLOCK, Exit.INTERRUPTED]) == 130
