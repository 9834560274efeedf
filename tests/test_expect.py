"""EXPECT says whatever a verdict says, and verify and gate make the same of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app

SPEC = """\
from typing import Annotated
from modelcheck.lang import (
    Indexed, Lock, always, array, between, element, holds, process, shared, sometimes, spin_lock,
    unreached, violates, wait_until,
)

EXPECT = {expect}

@shared(count=2)
class Page(Indexed):
    order: Annotated[int, between(0, 3)] = 0

@shared
class C:
    n: Annotated[int, between(0, 3)] = 0
    head: Page | None = None
    x: bool = False

c = C()

@process
def p() -> None:
    {body}

@sometimes
def it_is_two() -> bool:
    return c.n == 2

@always
def it_is_never_one() -> bool:
    return c.n != 1
"""
TWO = "c.n = 2"
NONE = "c.n = 2\n    pg = c.head\n    pg.order = 1"
RANGE = "c.n = 2\n    v = c.n\n    c.n = v + 2"
STUCK = "c.n = 2\n    wait_until(c.x)"
ONE = "c.n = 2\n    c.n = 1"
NOTHING = "c.x = True"

TRUE = [
    (NONE, 'violates("None is dereferenced")'),
    (RANGE, 'violates("a value leaves its range")'),
    (RANGE, 'violates("a value leaves its range: 4 is not in 0..3")'),
    (STUCK, 'violates("deadlock")'),
    (STUCK, 'violates("no process is stuck for ever")'),
    (NOTHING, 'unreached("it is two")'),
    (TWO, "holds()"),
]
UNTRUE = [
    (TWO, 'unreached("it is two")', 16),
    (TWO, 'violates("None is dereferenced")', 16),
    (ONE, 'violates("None is dereferenced")', 16),
    (NONE, 'violates("a value leaves its range")', 16),
    (NOTHING, "holds()", 15),
    (NOTHING, 'violates("it is never one")', 15),
    (RANGE, "holds()", 16),
]


def asked(folder: Path, command: str, body: str, expect: str) -> tuple[int, str]:
    spec = folder / "spec.py"
    spec.write_text(SPEC.format(expect=expect, body=body), encoding="utf-8")
    result = CliRunner().invoke(app, [command, str(spec)])
    return result.exit_code, result.stdout + result.stderr


@pytest.mark.parametrize(("body", "expect"), TRUE)
def test_what_a_verdict_says_can_be_expected(tmp_path: Path, body: str, expect: str) -> None:
    """A deadlock by its sentence, None dereferenced, a range left, a @sometimes that is not
    reached: of most of these EXPECT said that it names no property."""
    _, said = asked(tmp_path, "verify", body, expect)
    assert "  expected   yes: EXPECT says " in said, said
    code, said = asked(tmp_path, "gate", body, expect)
    assert code == 0, said


@pytest.mark.parametrize(("body", "expect", "code"), UNTRUE)
def test_what_is_not_so_is_not_expected(
    tmp_path: Path, body: str, expect: str, code: int
) -> None:
    """The same the other way round."""
    _, said = asked(tmp_path, "verify", body, expect)
    assert "  expected   NO: EXPECT says " in said, said
    assert asked(tmp_path, "gate", body, expect)[0] == code


def test_one_of_two_is_not_both(tmp_path: Path) -> None:
    """`verify` said `expected yes` as soon as one of two was seen, where the gate, which searches
    on for the other, said NO."""
    expect = 'violates("it is never one"), violates("None is dereferenced")'
    _, said = asked(tmp_path, "verify", ONE, expect)
    assert "  expected   1 of 2 seen: EXPECT says violates(" in said
    code, said = asked(tmp_path, "gate", ONE, expect)
    assert code == 16 and '1 of 2 seen: EXPECT says violates("None is dereferenced")' in said
    both = ONE + "\n    pg = c.head\n    pg.order = 1"
    assert asked(tmp_path, "gate", both, expect)[0] == 0


def test_no_says_what_was_not_expected(tmp_path: Path) -> None:
    """`expected NO` named what EXPECT says, and not what is broken besides."""
    _, said = asked(tmp_path, "verify", ONE, 'violates("None is dereferenced")')
    assert 'violates("None is dereferenced"), but "it is never one" is broken\n' in said


@pytest.mark.parametrize(("expect", "instead"), [
    ('violates("nonsense")', "one of: it is never one; deadlock; None is dereferenced; "),
    ('violates("None is derefenced")', 'write instead: "None is dereferenced"'),
    ('violates("it is two")', 'write instead: unreached("it is two")'),
    ('unreached("nonsense")', "one of: it is two"),
])
def test_all_that_can_be_named_is_offered(tmp_path: Path, expect: str, instead: str) -> None:
    """The list of alternatives was empty where a spec has no property of its own."""
    code, said = asked(tmp_path, "verify", TWO, expect)
    assert code == 150 and instead in said


def test_what_holds_for_want_of_an_occasion_is_vacuous_in_both(tmp_path: Path) -> None:
    """`verify` said `holds` where `table` said `vacuous`."""
    body = 'c.n = 2\n    if c.x:\n        v = c.n\n        assert v != 2, "nobody is here"'
    text = SPEC.replace("@always\n", "@always(when=c.x)\n")
    spec = tmp_path / "spec.py"
    spec.write_text(text.format(expect="holds()", body=body), encoding="utf-8")
    said = CliRunner().invoke(app, ["verify", str(spec)]).stdout
    assert "vacuous               always    it is never one\n" in said
    assert "vacuous               assert    nobody is here\n" in said
    body = "c.n = 2\n    c.x = True"
    spec.write_text(text.format(expect="holds()", body=body), encoding="utf-8")
    said = CliRunner().invoke(app, ["verify", str(spec)]).stdout
    assert "holds                 always    it is never one\n" in said and "vacuous" not in said


@pytest.mark.parametrize(("body", "said"), [
    ("while True:\n        c.n = 2", True), ("c.n = 2", False),
])
def test_progress_is_not_looked_for(tmp_path: Path, body: str, said: bool) -> None:
    """A spec in which two CPUs back off for ever HOLDS without a word: there is a line now, where
    some run does not end."""
    line = "unchecked  that anybody makes progress: starvation and livelock are not looked for"
    assert (line in asked(tmp_path, "verify", body, "holds()")[1]) == said


def test_barriers_and_handlers_are_assumed_away_in_so_many_words(tmp_path: Path) -> None:
    """Under sc a barrier in the wrong place was no word worth; that an NMI comes into no interrupt
    was a warning."""
    spec = tmp_path / "spec.py"
    spec.write_text("""\
from modelcheck.lang import interrupt, process, shared, smp_mb, smp_wmb

@shared
class C:
    x: bool = False
    y: bool = False

c = C()

@process
def p() -> None:
    c.x = True
    smp_wmb()
    c.y = True
    smp_mb()

@interrupt(of=p)
def irq() -> None:
    c.x = False

@interrupt(of=p)
def nmi() -> None:
    c.y = False
""", encoding="utf-8")
    said = CliRunner().invoke(app, ["verify", str(spec)]).stdout
    assert "  assumes    handlers do not nest: irq, nmi of p\n" in said
    line = "  assumes    sc: accesses stay in order, so that smp_mb, smp_wmb order nothing\n"
    assert line in said


def test_the_validation_names_the_line_of_the_verdict(tmp_path: Path) -> None:
    """A CPU that goes round a loop is at some other line of it after 2,000 steps, and that line was
    named: not the one at which the verdict says it is stuck."""
    body = (
        "while True:\n        a = c.n\n        b = c.x\n        d = c.head\n"
        "        if a == 3 or b or d is not None:\n            break"
    )
    _, said = asked(tmp_path, "verify", body, 'violates("deadlock"), unreached("it is two")')
    stuck = re.search(r"p is stuck for ever at line (\d+)", said)
    validated = re.search(r"validated \(stuck\): p makes no progress at .*spec.py:(\d+)", said)
    assert stuck is not None and validated is not None and stuck[1] == validated[1], said
