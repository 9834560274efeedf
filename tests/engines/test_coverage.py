"""Which lines no run takes: told of lines, where the engines know of actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine, search
from modelcheck.trace import Limits, Verdict

ENGINES = ("reference", "quick", "native")

HEAD = """from modelcheck.lang import Indexed, always, atomic, choose, instances, process, shared

@shared
class C:
    x: bool = False
    y: bool = False
    z: bool = False

c = C()
"""

CALLED_TWICE = HEAD + """
def f() -> None:
    c.x = True

@process
def p() -> None:
    if c.y:
        f()
    f()
"""

CALLED_FROM_AFAR = HEAD + """
def f() -> None:
    c.x = True

def g(deep: bool) -> None:
    if deep:
        f()

@process
def p() -> None:
    if c.y:
        g(True)
    g(True)
"""

NEVER_CALLED = HEAD + """
def f() -> None:
    c.x = True

@process
def p() -> None:
    if c.y:
        f()
        f()
    c.z = True
"""

ONE_TURN = HEAD + """
@shared(count=1)
class Waiter(Indexed):
    sleeps: bool = False

@process
def p() -> None:
    while True:
        with atomic("one waiter, any of them"):
            woken: Waiter | None = None
            for w in instances(Waiter):
                if w.sleeps:
                    later = choose(False, True)
                    if woken is None or later:
                        woken = w
            if woken is not None:
                c.x = True
"""

TWO_ACCESSES = HEAD + """
@process
def p() -> None:
    if c.y or c.z:
        c.x = True

@process
def q() -> None:
    if c.y and c.z:
        c.x = True
"""

MERGED_CALLS = HEAD + """
def f() -> None:
    if c.y and c.z:
        c.x = True

@process
def p() -> None:
    if choose(False, True):
        f()
    else:
        f()
"""


def never(tmp_path: Path, text: str, engine: str) -> list[str]:
    """The warnings."""
    spec = tmp_path / "spec.py"
    spec.write_text(text, encoding="utf-8")
    _, program = compile_spec(str(spec), {})
    verdict: Verdict = search(program, Engine(engine), Limits(), (), lambda *_: None)
    rows = ["".join(piece.text for piece in row) for row in verdict_rows(verdict)]
    return [row.split("warning", 1)[1].strip() for row in rows if "never takes" in row]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_that_another_call_takes_is_told_with_its_call(tmp_path: Path, engine: str) -> None:
    """Coverage is counted by actions, and a function that is called twice has two of each.  The
    verdict said that the process never takes the line, of a line that every run took."""
    file = tmp_path / "spec.py"
    assert never(tmp_path, CALLED_TWICE, engine) == [
        f"p never takes line 12 of {file.name} as called from line 17 of {file.name}: c.x = True"
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_so_many_calls_are_named_as_tell_it_from_the_others(tmp_path: Path, engine: str) -> None:
    """Two calls deep, the innermost call is the same for both: naming that alone is not true."""
    (only,) = never(tmp_path, CALLED_FROM_AFAR, engine)
    assert "line 12 of spec.py as called from line 16 of spec.py, called from line 21" in only


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_that_no_call_takes_is_told_once(tmp_path: Path, engine: str) -> None:
    """By no call, though there are two copies of it."""
    (only,) = never(tmp_path, NEVER_CALLED, engine)
    assert only == "p never takes line 12 of spec.py: c.x = True"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_further_turn_is_no_line(tmp_path: Path, engine: str) -> None:
    """The first turn of a loop in an atomic block is compiled apart from the further ones, of which
    there are none here: the line in it is taken, and was said never to be."""
    assert never(tmp_path, ONE_TURN, engine) == ["p never takes line 26 of spec.py: c.x = True"]


@pytest.mark.parametrize("engine", ENGINES)
def test_half_a_line_is_no_line(tmp_path: Path, engine: str) -> None:
    """`c.y and c.z` are two actions on one line: the second is never taken, the line is."""
    assert never(tmp_path, TWO_ACCESSES, engine) == [
        "p never takes line 14 of spec.py: c.x = True",
        "q never takes line 19 of spec.py: c.x = True"
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_merged_calls_are_not_told_apart(tmp_path: Path, engine: str) -> None:
    """Both copies are one action, which is taken: from which call nobody knows any more."""
    assert never(tmp_path, MERGED_CALLS, engine) == ["p never takes line 13 of spec.py: c.x = True"]
