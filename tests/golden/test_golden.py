"""Small specs and the Programs that they compile to, word for word.

`RENEW=1 python -m pytest tests/golden` writes the expected texts anew; read the difference."""

import os
from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.notation import parse_program, print_program

SPECS = sorted((Path(__file__).parent / "steps").glob("*.py"))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_program_is_this(path: Path) -> None:
    _, program = compile_spec(str(path), {})
    text = print_program(program)
    expected = path.with_suffix(".program")
    if os.environ.get("RENEW"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert parse_program(text) == program
