"""The quick engine where it is at its ends: the longest step, the most choices, wide numbers, names
that hide each other, tables that are full.  What it says is what the reference engine says; on
Programs of all kinds tests/agree/test_quick_agrees.py shows that."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.engines import reference
from modelcheck.engines.quick import code, search
from modelcheck.source import SpecError
from modelcheck.trace import Limits, Verdict
from tests.small_programs import program

SPECS = Path(__file__).parents[2] / "specs"


def both(text: str) -> Verdict:
    """What both engines say."""
    expected = reference.explore(program(text), Limits())
    found = search.explore(program(text), Limits())
    assert replace(found, engine="", seconds=0) == replace(expected, engine="", seconds=0)
    return found


def failure(verdict: Verdict) -> str | None:
    return None if verdict.trace is None or verdict.trace.failure is None else (
        verdict.trace.failure.kind
    )


LONG = """\
    program long()
    sort process 1
    shared x: bool = False
    process p
      local n: 0..20000
      entry: goto p_1
      at p_1:
        load x
        n := 0
        goto p_2
      at p_2 live n transit:
        n := n + 1
        if n == {turns}: goto end
        else: goto p_2
    """


@pytest.mark.parametrize(("turns", "kind"), [
    (9_999, None), (10_000, None), (10_001, "runaway"), (20_001, "runaway"),
])
def test_the_longest_step(turns: int, kind: str | None) -> None:
    assert failure(both(LONG.format(turns=turns))) == kind


CHOICES = """\
    program choices()
    sort process 1
    shared x: bool = False
    process p
      local n: 0..100
      local m: 0..0
      entry: goto p_1
      at p_1:
        load x
        n := 0
        goto p_2
      at p_2 live n transit:
        choose m in [0]
        n := n + 1
        if n == {turns}: goto end
        else: goto p_2
    """


@pytest.mark.parametrize(("turns", "kind"), [(64, None), (65, "runaway")])
def test_the_most_choices(turns: int, kind: str | None) -> None:
    assert failure(both(CHOICES.format(turns=turns))) == kind


WAYS = """\
    program ways()
    sort process 1
    shared x: 0..{last} = 0
    process p
      local n: 0..200
      local m: 0..100
      entry: goto p_1
      at p_1:
        load x
        choose n in range(0, 200)
        choose m in range(0, {ways})
        goto end
    """


def test_the_most_ways() -> None:
    """20,000 is the most, as `semantics` says of the same step."""
    assert both(WAYS.format(ways=100, last=1)).transitions == 20_000
    for explore in (search.explore, reference.explore):
        with pytest.raises(SpecError, match="this step forks over 20,000 ways"):
            explore(program(WAYS.format(ways=101, last=1)), Limits())


HIDDEN = """\
    program hidden()
    sort process 1
    sort Page 3
    shared Page.next[Page]: Page? = Page[1] Page[2] Page[1]
    shared Page.free[Page]: bool = False True False
    shared head: Page? = Page[0]
    shared x: 0..3 = 0
    process p
      local n: 0..9
      entry: goto p_1
      at p_1:
        load x
        n := sum(n in range(0, 3): sum(n in range(n, 3): n))
        goto p_2
      at p_2 live n:
        store x := 3 if n == 8 else 0
        goto end
    sometimes "one is free": any(p in Page: Page.free[p] and {none_is} and Page.free[p])
    always "three": sum(p in chain(head, Page.next): 1) == 3
    """


def test_names_that_hide_each_other() -> None:
    """A name bound by an `any` inside another hides the outer one, and that is there again behind
    it."""
    verdict = both(HIDDEN.format(none_is="any(p in chain(head, Page.next): not Page.free[p])"))
    assert verdict.outcome == "HOLDS"
    assert {p.status for p in verdict.properties} == {"holds", "reached"}


ARMS = """\
    program arms()
    sort process 1
    shared x: 0..300 = 0
    shared y: 0..300 = 0
    process p
      local n: 0..300
      entry: goto p_1
      at p_1:
        load x
        n := $ + ONES
        goto p_2
      at p_2 live n:
        store x := n
        if n == 0: n := 0
{arms}
        else: n := 1
        goto p_3
      at p_3 live n:
        store y := n
        goto end
    always "all of it": {all_of_it}
    sometimes "some of it": {some_of_it}
    """


def test_what_is_longer_than_python_nests() -> None:
    """300 terms in a row are 300 brackets, and 120 arms 120 steps of indentation; Python reads 200
    and 100."""
    verdict = both(ARMS.format(
        arms="\n".join(f"        elif n == {n}: n := {300 - n}" for n in range(1, 300)),
        all_of_it=" and ".join(f"y != {n}" for n in range(2, 300) if n != 49),
        some_of_it=" or ".join(f"y == {n}" for n in range(2, 300)),
    ).replace("ONES", " + ".join(["1"] * 250 + ["$"] * 50 + ["1"])))
    assert verdict.outcome == "HOLDS"
    assert verdict.properties[1].status == "reached"


MANY = """\
    program many()
    sort process 2
    shared turn: 0..1 = 0
    shared count: 0..40 = 0
    process p[2]
      local n: 0..40
      entry: goto p_1
      at p_1 resting:
        load count
        n := $
        if n < 40: goto p_2
        else: goto p_1
      at p_2 live n resting:
        store count := n + 1
        goto p_1
    sometimes "all": count == 40
    """


def test_steps_that_were_forgotten_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = both(MANY)
    monkeypatch.setattr(code, "MOST_KEPT", 5)
    assert both(MANY).states == before.states > 1_000


@pytest.mark.parametrize("arguments", [
    ["specs/per_page_cmpxchg.py"], ["specs/scrub_in_place.py", "--set", "PAGES=1"],
    ["specs/first_steps/05_deadlock.py", "--set", "DROP_LOCK=True"],
], ids=" ".join)
def test_a_small_spec_is_checked_without_what_takes_long_to_import(arguments: list[str]) -> None:
    """A violation, and its trace, too: networkx alone takes 0.2 s."""
    text = (
        "import sys; from typer.testing import CliRunner; from modelcheck.cli import app; "
        f"print(CliRunner().invoke(app, ['verify', *{arguments}]).stdout); "
        "print('networkx' in sys.modules, 'z3' in sys.modules, 'rich' in sys.modules)"
    )
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=SPECS.parent)
    assert "(quick engine)" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False False"
