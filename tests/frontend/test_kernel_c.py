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


HEAD = """\
from typing import Annotated
from modelcheck.lang import (
    Indexed, Lock, always, between, choose, element, param, process, shared, spin_lock, spin_unlock,
)

TRY = param(False)
a = Lock("a")
b = Lock("b")

@shared(count=2)
class Page(Indexed):
    x: bool = False

@shared
class C:
    n: Annotated[int, between(0, 3)] = 0
    m: Annotated[int, between(0, 3)] = 0
    x: bool = False

c = C()
"""
PROCESS = """
@process
def p() -> None:
    {body}
"""
MISLED = {
    "two pairs in order": (
        PROCESS.format(body="n = c.n\n    j = c.m\n    if (n, j) >= (1, 2): pass"),
        "n > 1 or n == 1 and j >= 2",
    ),
    "a parameter that is not there": (
        "@shared\nclass D:\n    k: Annotated[int, between(0, PAGES)] = 0\nd = D()\n",
        "PAGES = param(2, 1, 4) above, or a number",
    ),
    "an element at the top": ("head = element(Page, 0)\n", "element(...) where it is used"),
    "a module that is nearly there": (
        "from dataclass import dataclass\n", "from dataclasses import ...",
    ),
    "a class in a property": (
        "@always\ndef q() -> bool:\n    return all(not pg.x for pg in Page)\n", "instances(Page)",
    ),
    "one of two locks": (
        PROCESS.format(body="lock = a if TRY else b\n    spin_lock(lock)"),
        "if TRY: f(a), else: f(b), with a function f",
    ),
    "one of two locks at the top": ("lock = a if TRY else b\n", "b where it is used"),
    "a sentence by a name": ('SAYS = "what is clean"\n', "the sentence itself in each assert"),
}


@pytest.mark.parametrize("case", MISLED)
def test_the_hint_does_not_mislead(tmp_path: Path, case: str) -> None:
    """Each of these hints led to another refusal, or to something else than was meant."""
    text, instead = MISLED[case]
    spec = tmp_path / "spec.py"
    text += "" if "@process" in text else PROCESS.format(body="c.x = True")
    spec.write_text(HEAD + text, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", str(spec)])
    assert result.exit_code == 150
    assert instead in result.stderr.partition("  write instead: ")[2], result.stderr


@pytest.mark.parametrize(
    "choice", ["TRY and choose(False, True)", "choose(False, True) if TRY else False"]
)
@pytest.mark.parametrize("value", ["False", "True"])
def test_a_parameter_before_a_choice(tmp_path: Path, choice: str, value: str) -> None:
    """Of two ways to say the same one was refused where the parameter is True, and the other not;
    what runs on the executable allocator is what the model does."""
    body = f'v = {choice}\n    c.x = v\n    w = c.x\n    assert not w, "it is not chosen"'
    spec = tmp_path / "spec.py"
    spec.write_text(HEAD + PROCESS.format(body=body), encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", str(spec), "--set", f"TRY={value}"])
    assert result.exit_code == (14 if value == "True" else 0), result.output
    assert ("validated (" in result.stdout) == (value == "True")
