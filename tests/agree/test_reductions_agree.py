"""Searched with the reductions, each alone and all together, a design has the verdict that the
reference engine gives it without: on the specs, the classics and the mutants.  What a reduction
could forget to ask is planted, and found."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.engines import reference
from modelcheck.engines.native import reduced
from modelcheck.engines.native.reduced import LOCKS, OWNERSHIP, SYMMETRY
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.notation import parse_program
from modelcheck.passes import REDUCTIONS, lock_protected, ownership, symmetry
from modelcheck.passes.liveness import liveness
from modelcheck.trace import Disagreement, Limits, Verdict
from tests.agree.built import AT_ONCE, compiled
from tests.agree.said import what_matters
from tests.mutants.test_mutants import MUTANTS, Mutant, mutated

ROOT = Path(__file__).parents[2]
SPECS = [
    *sorted((ROOT / "specs").glob("*.py")), *sorted((ROOT / "specs" / "first_steps").glob("*.py")),
    *sorted((ROOT / "tests" / "classics" / "specs").glob("*.py")),
]
INSTANCES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "modelcheck"]["instances"]
DESIGNS = [(path, {}) for path in SPECS if not path.name.startswith("_")] + [
    (ROOT / i["spec"], i["set"]) for i in INSTANCES
]
SUBSETS = [frozenset([LOCKS]), frozenset([OWNERSHIP]), frozenset([SYMMETRY]), frozenset(REDUCTIONS)]


def wrong(
    program: Program, wanted: frozenset[str], expected: Verdict | None = None
) -> str | None:
    """What is said differently with these reductions, if anything."""
    expected = expected or reference.explore(program, Limits())
    try:
        found = reduced.explore(program, Limits(), wanted=wanted)
    except Disagreement as error:
        return str(error)
    if found.states > expected.states:
        return f"{found.states} states of {expected.states}"
    there, here = what_matters(found), what_matters(expected)
    return None if there == here else f"{there} of {here}"


@pytest.mark.parametrize(("path", "sets"), DESIGNS, ids=lambda x: getattr(x, "stem", str(x)))
def test_designs(path: Path, sets: dict[str, int | bool], tmp_path: Path) -> None:
    _, program = compile_spec(str(path), sets)
    expected = reference.explore(program, Limits())
    with compiled(AT_ONCE, tmp_path):
        for wanted in SUBSETS:
            assert wrong(program, wanted, expected) is None, wanted


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.spec}: {m.story}")
def test_mutants(mutant: Mutant, tmp_path: Path) -> None:
    program = program_of(mutant, tmp_path)
    with compiled(AT_ONCE, tmp_path):
        assert wrong(program, frozenset(REDUCTIONS)) is None


def program_of(mutant: Mutant, folder: Path) -> Program:
    path = folder / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    return compile_spec(str(path), mutant.sets)[1]


def test_the_limits_are_those_that_were_asked_for(tmp_path: Path) -> None:
    """Where ownership gave way, the verdict said how many seconds had been left by then."""
    _, program = compile_spec(str(ROOT / "specs" / "per_page_cmpxchg.py"), {})
    limits = Limits(seconds=600.0)
    with compiled(AT_ONCE, tmp_path):
        assert reduced.explore(program, limits).limits == limits


# ----------------------------------------------------------- a run of the reduced one, told in full


TOLD = [m for m in MUTANTS if m.story in (
    "the page goes to the heap in use", "a failing allocation keeps heap_lock",
    "the idle CPU says CLEAN before it has scrubbed", "the page is freed twice",
    "the allocation waits with heap_lock, which the idle CPU wants",
)]


@pytest.mark.parametrize("mutant", TOLD, ids=lambda m: f"{m.spec}: {m.story}")
def test_what_is_found_is_told_where_the_whole_search_meets_a_limit(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduced, "MORE", 0)
    monkeypatch.setattr(reduced, "SOME", 1)
    program = program_of(mutant, tmp_path)
    with compiled(AT_ONCE, tmp_path):
        told = reduced.explore(program, Limits())
    expected = reference.explore(program, Limits())
    assert told.reductions and told.trace is not None and expected.trace is not None
    assert told.trace.failure is not None and expected.trace.failure is not None
    kind = told.trace.failure.kind
    assert kind == expected.trace.failure.kind
    if kind != "deadlock":  # of these another may be shown than the nearest that is settled
        assert len(told.trace.steps) >= len(expected.trace.steps)


# ------------------------------------------------------------------------------------ planted bugs

UNDER_LOCK = """\
program p()
sort process {processes}
shared lock.locked: bool = False
ghost passing lock.holder: process? = None
shared flag: bool = False

process cpu
  entry: goto cpu_1
  at cpu_1 in wait_1:
    wait not $
    rmw lock.locked := True by spin_lock
    ghost lock.holder := self
    goto cpu_2
{body}"""

SET_AND_CLEARED = """\
  at cpu_2 resting:
    store flag := True
    goto cpu_3
  at cpu_3 resting:
    store flag := False
    goto cpu_4
  at cpu_4 resting:
    store lock.locked := False by spin_unlock
    ghost lock.holder := process.None
    goto end
"""

ONE_OF_TWO = """\
program p()
sort Page 2
sort process {processes}
shared Page.dirty[Page]: bool = all False
shared turn[process]: bool = all False

process cpu[2]
  local pg: Page
  entry:
    pg := element(Page, {page})
    goto cpu_1
  at cpu_1 resting:
    store Page.dirty[pg] := True
    goto cpu_2
  at cpu_2 resting:
    {second}
    goto cpu_3
  at cpu_3 resting:
    store turn[self] := True
    goto end
"""

PLANTED: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None], str]] = {
    "what a property reads is written at once": (
        LOCKS, lambda p: p.setattr(lock_protected._Facts, "_is_unseen", lambda *_: True),
        UNDER_LOCK.format(processes=1, body=SET_AND_CLEARED)
        + '\nalways "it is never set": not flag\n'),
    "what others access is accessed at once": (
        LOCKS, lambda p: p.setattr(lock_protected._Facts, "_concerns_nobody", lambda *_: True),
        UNDER_LOCK.format(processes=2, body=SET_AND_CLEARED) + """
process other
  entry: goto other_1
  at other_1 resting:
    load flag
    assert not $, "it is never seen set"
    goto end
"""),
    "a circle of steps at once": (
        LOCKS, lambda p: p.setattr(lock_protected, "_without_circles", lambda _, onward: onward),
        UNDER_LOCK.format(processes=1, body="""\
  at cpu_2 resting:
    load flag
    goto cpu_2
""")),
    "a property that reads two together": (
        OWNERSHIP, lambda p: p.setattr(ownership, "_says_it_of_each", lambda *_: True),
        ONE_OF_TWO.format(processes=2, page="me", second="store Page.dirty[pg] := False")
        + '\nalways "never both": not all(pg in Page: Page.dirty[pg])\n'),
    "nobody looks whether it is owned": (
        OWNERSHIP, lambda p: p.setattr(ownership._Touching, "_note", lambda *_: None),
        ONE_OF_TWO.format(processes=3, page="0", second="store Page.dirty[pg] := False") + """
process other
  local pg: Page
  entry: goto other_1
  at other_1 resting:
    load Page.dirty[pg]
    assert not $, "it is never seen set"
    goto end
"""),
    "what is said by number is exchanged": (
        SYMMETRY, lambda p: p.setattr(symmetry._Looked, "_constant", lambda *_: None), """\
program p()
sort Page 2
sort process 1
shared heap.head: Page? = None

process cpu
  local pg: Page
  entry:
    choose pg in Page
    goto cpu_1
  at cpu_1 resting:
    store heap.head := pg
    goto end

always "never the second": heap.head != Page[1]
"""),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(
    bug: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reduction, plant, text = PLANTED[bug]
    program = liveness(parse_program(text, "test"))
    with compiled(AT_ONCE, tmp_path):
        assert wrong(program, frozenset([reduction])) is None
        plant(monkeypatch)
        assert wrong(program, frozenset([reduction])) is not None
