"""What is written in C from habit: the refusal says what it is called here.  Of most of these it
said `a def above`, `a local that is set before`, or nothing but what CPython says."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.frontend.kernel_c import WORDS
from modelcheck.frontend.load import lang_words

SPEC = """\
from typing import Annotated
from modelcheck.lang import Indexed, between, process, shared

@shared(count=2)
class Page(Indexed):
    x: bool = False

@shared
class C:
    n: Annotated[int, between(0, 3)] = 0
    head: Page | None = None
    x: bool = False

c = C()
counter = 0

@process
def p() -> None:
    {body}
"""

FORMS = [
    ("if c.x && c.n: pass", "and"),
    ("if c.x || c.n: pass", "or"),
    ("c->x = True", "a dot: p.x"),
    ("c.n++", "fetch_add(place, 1)"),
    ("c.n--", "fetch_add(place, -1)"),
    ("if (!c.x):", "not x"),
    ("if (!c.x) {{", "not x"),
    ("v = c.x ? 1 : 2", "y if x else z"),
    ("goto out", "a function with return"),
    ("switch (c.n) {{", "if ... elif ... else"),
    ("do {{ c.x = True; }} while (0)", "while True: with a break"),
    ("if c.x {{", "a colon at the end"),
    ("if (c.x)", "a colon at the end"),
    ("c.x = True // set it, now", "# before a comment"),
    ("int n = c.n", "without a type"),
    ("else if c.x:", "elif"),
    ("c.x = true", "True"),
    ("pg = NULL", "None"),
    ("c.n = READ_ONCE(c.n)", "the plain load"),
    ("WRITE_ONCE(c.n, 1)", "the plain load or store"),
    ("atomic_inc(c.n)", "fetch_add(place, 1)"),
    ("spin_lock_irqsave(lock, flags)", "with irqs_off():"),
    ("BUG_ON(c.x)", "assert not condition"),
    ("if unlikely(c.x): pass", "the condition alone"),
]


def told(folder: Path, body: str) -> tuple[int, str]:
    spec = folder / "spec.py"
    spec.write_text(SPEC.format(body=body.format()), encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", str(spec)])
    return result.exit_code, result.stdout + result.stderr


@pytest.mark.parametrize(("body", "instead"), FORMS)
def test_it_is_said_what_to_write(tmp_path: Path, body: str, instead: str) -> None:
    code, said = told(tmp_path, body)
    assert code == 150
    assert instead in said.partition("  write instead: ")[2], said


def test_a_text_is_no_c(tmp_path: Path) -> None:
    """What stands in a sentence or a comment is not what is wrong with the line."""
    _, said = told(tmp_path, 'assert c.x "a && b"  # p->x')
    assert "not Python" in said and "write instead" not in said


def test_no_word_of_the_language_is_taken_for_c() -> None:
    assert not lang_words() & set(WORDS)


@pytest.mark.parametrize(("body", "instead"), [
    ("if 1 <= c.n <= 2: pass", "n = c.n, then 1 <= n and n <= 2"),
    ("pg = c.head\n    if not pg: pass", "for `not pg`, pg is None"),
])
def test_the_advice_is_not_refused_in_turn(tmp_path: Path, body: str, instead: str) -> None:
    """It was `1 <= c.n and c.n <= 2`, which loads twice, and `pg is not None` for `not pg`."""
    assert instead in told(tmp_path, body)[1]


def test_a_global_is_not_set(tmp_path: Path) -> None:
    """Each process got a local of that name, and not a word was said."""
    code, said = told(tmp_path, "counter = 1\n    c.x = counter == 1")
    assert code == 150 and "counter is a local here, since it is set here" in said


def test_a_process_that_does_nothing_is_warned_of(tmp_path: Path) -> None:
    """A spec in which nothing steps HOLDS, of course."""
    code, said = told(tmp_path, "pass")
    assert code == 0 and "warning    p takes no step: it accesses no shared memory" in said


def test_a_parameter_is_no_file(tmp_path: Path) -> None:
    """`--set X=1 Y=2` searched the spec, and then said that there is no file Y=2."""
    spec = tmp_path / "spec.py"
    spec.write_text(SPEC.format(body="c.x = True"), encoding="utf-8")
    for words in (["--set", "X=1", "Y=2"], ["Y=2"]):
        result = CliRunner().invoke(app, ["verify", str(spec), *words])
        assert result.exit_code == 151 and result.stdout == ""
        assert result.stderr == "error: there is no file Y=2: write --set Y=2\n"
