"""Searched with the reductions, each alone and all together, a design has the verdict that the
reference engine gives it without: on the specs, the classics and the mutants.  What a reduction
could forget to ask is planted, and found."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.engines import reference
from modelcheck.engines.native import actions, emit, reduced
from modelcheck.engines.native.reduced import AMPLE, LOCKS, OWNERSHIP, SYMMETRY, TICKETS
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Bool, Const, Program
from modelcheck.notation import parse_program
from modelcheck.passes import (
    REDUCTIONS, ample, lock_protected, ownership, symmetry, tickets, touched,
)
from modelcheck.passes.liveness import liveness
from modelcheck.passes.ownership import Touches
from modelcheck.trace import Disagreement, Limits, Verdict
from tests.agree.built import AT_ONCE, compiled
from tests.agree.said import misnamed, what_matters
from tests.large import LARGE as TOO_LARGE
from tests.large import small
from tests.mutants.test_further_mutants import FURTHER
from tests.mutants.test_mutants import MUTANTS, Mutant, mutated

ROOT = Path(__file__).parents[2]
SPECS = [
    *small(ROOT / "specs"), *sorted((ROOT / "specs" / "first_steps").glob("*.py")),
    *sorted((ROOT / "tests" / "classics" / "specs").glob("*.py")),
]
SLOW = ("specs/history/", "specs/open/")
INSTANCES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "modelcheck"]["instances"]
DESIGNS = [(path, {}) for path in SPECS if not path.name.startswith("_")] + [
    (ROOT / i["spec"], i["set"]) for i in INSTANCES if not i["spec"].startswith(SLOW)
    and Path(i["spec"]).stem not in TOO_LARGE
]
HISTORY = [
    (path, {}) for folder in SLOW for path in sorted((ROOT / folder).glob("*.py"))
] + [(ROOT / i["spec"], i["set"]) for i in INSTANCES if i["spec"].startswith(SLOW)]
LARGE = frozenset({(ROOT / "specs" / f"{m.spec}.py") for m in FURTHER})
SUBSETS = [*(frozenset([name]) for name in REDUCTIONS), frozenset(REDUCTIONS)]


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
    return misnamed(found, expected) if there == here else f"{there} of {here}"


@pytest.mark.parametrize(("path", "sets"), [
    pytest.param(path, sets, marks=pytest.mark.slow if path in LARGE else ())
    for path, sets in DESIGNS
], ids=lambda x: getattr(x, "stem", str(x)))
def test_designs(path: Path, sets: dict[str, int | bool], tmp_path: Path) -> None:
    _, program = compile_spec(str(path), sets)
    expected = reference.explore(program, Limits())
    with compiled(AT_ONCE, tmp_path):
        for wanted in SUBSETS:
            assert wrong(program, wanted, expected) is None, wanted


@pytest.mark.slow
@pytest.mark.parametrize(("path", "sets"), HISTORY, ids=lambda x: getattr(x, "stem", str(x)))
def test_history(path: Path, sets: dict[str, int | bool], tmp_path: Path) -> None:
    test_designs(path, sets, tmp_path)


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


NOTHING_TO_LEAVE_OUT = {
    LOCKS: """\
from modelcheck.lang import Lock, process, shared, spin_lock, spin_unlock

@shared
class C:
    x: bool = False
    y: bool = False

c = C()
lock = Lock("lock")

@process(count=2)
def p() -> None:
    if c.y:
        spin_lock(lock)
        c.x = True
        c.x = False
        spin_unlock(lock)
""",
    TICKETS: """\
from typing import Annotated
from modelcheck.lang import fetch_add, process, shared, wait_until, wrapping

@shared
class C:
    next: Annotated[int, wrapping(2)] = 0
    owner: Annotated[int, wrapping(2)] = 0

c = C()

@process(count=2)
def p() -> None:
    me = fetch_add(c.next, 1)
    wait_until(c.owner == me)
    c.owner = me + 1
""",
    AMPLE: """\
from modelcheck.lang import process, shared, wait_until

@shared
class C:
    x: bool = False
    y: bool = False

c = C()

@process
def p() -> None:
    wait_until(c.y)
    c.x = True
    c.x = False

@process
def q() -> None:
    c.y = True
""",
}


@pytest.mark.parametrize("reduction", NOTHING_TO_LEAVE_OUT)
def test_what_left_nothing_out_is_not_named(reduction: str, tmp_path: Path) -> None:
    """Each reduction has something to do in the Program: a lock whose code no run comes to, tickets
    of which each state has one value, a process that goes on alone when the others have ended.  The
    verdict said `reduced by` it, and that other runs might be shorter."""
    spec = tmp_path / "spec.py"
    spec.write_text(NOTHING_TO_LEAVE_OUT[reduction], encoding="utf-8")
    _, program = compile_spec(str(spec), {})
    assert reduction in reduced.reduced(program, frozenset([reduction])).names
    whole = reference.explore(program, Limits())
    with compiled(AT_ONCE, tmp_path):
        found = reduced.explore(program, Limits(), wanted=frozenset([reduction]))
    assert (found.states, found.transitions) == (whole.states, whole.transitions)
    assert reduction not in found.reductions
    assert misnamed(found, whole) is None


FEWER = {
    "specs/per_page_cmpxchg.py": ({"WAIT": True, "PAGES": 3, "IDLE_CPUS": 2}, 1_033_760, 50),
    "tests/classics/specs/ticket_lock.py": ({"CPUS": 4}, 772, 50),
}


@pytest.mark.parametrize("spec", FEWER)
def test_how_many_times_fewer_states(spec: str, tmp_path: Path) -> None:
    """The whole has as many states as README and the benchmarks say."""
    sets, states, times = FEWER[spec]
    _, program = compile_spec(str(ROOT / spec), sets)
    with compiled(AT_ONCE, tmp_path):
        verdict = reduced.explore(program, Limits())
    assert verdict.outcome == "HOLDS" and times * verdict.states <= states


def test_what_takes_too_much_at_once_is_searched_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = liveness(parse_program(ROUND_AND_ROUND, "test"))
    with compiled(AT_ONCE, tmp_path):
        assert reduced.explore(program, Limits()).reductions == (LOCKS,)
        monkeypatch.setattr(actions, "MOST_TRANSIT", 0)
        assert reduced.explore(program, Limits()).reductions == ()


WIDE = """\
program p()
sort process 3
shared x: 0..1 = 0

process cpu[2]
  entry: goto cpu_1
  at cpu_1 resting:
    rmw x := 1 by xchg
    goto end

process wide
  local a: 0..299
  local b: 0..299
  entry:
    a := 299
    b := 299
    goto wide_1
  at wide_1 live a, b resting:
    load x
    assert a != 299 or b != 299, "it is not the last"
    goto end
"""


def test_a_process_of_more_numbers_than_16_bits_hold(tmp_path: Path) -> None:
    """What becomes of 90,000 numbers was once kept in 16 bits each: the state that stood for
    another was one of a run that there is not, and a violation was missed."""
    with compiled(AT_ONCE, tmp_path):
        assert wrong(parse_program(WIDE, "test"), frozenset([SYMMETRY])) is None


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

THREE_TIMES = """\
  at cpu_2 resting:
    store n := 1
    goto cpu_3
  at cpu_3 resting:
    store n := 2
    goto cpu_4
  at cpu_4 resting:
    store n := 3
    goto cpu_5
  at cpu_5 resting:
    store lock.locked := False by spin_unlock
    ghost lock.holder := process.None
    goto end

always "it is never two": n != 2
"""

OF_EACH = """\
program p()
sort Page 2
sort process 2
shared Page.first[Page]: bool = all False
shared Page.second[Page]: bool = all False
shared turn[process]: bool = all False

process cpu
  local pg: Page
  entry:
    pg := Page[0]
    goto cpu_1
  at cpu_1 resting:
    store Page.first[pg] := True
    goto cpu_2
  at cpu_2 resting:
    store Page.first[pg] := False
    goto cpu_3
  at cpu_3 resting:
    store turn[self] := True
    goto end

process other
  local pg: Page
  entry:
    pg := Page[0]
    goto other_1
  at other_1 resting:
    store Page.second[pg] := True
    goto other_2
  at other_2 resting:
    store Page.second[pg] := False
    goto other_3
  at other_3 resting:
    store turn[self] := True
    goto end

always "never both": all(pg in Page: not (Page.first[pg] and Page.second[pg]))
"""

FORGOTTEN = """\
program p()
sort Page 2
sort process 2
shared Page.dirty[Page]: bool = all False
shared Page.last[Page]: bool = all False
shared turn: bool = False

process cpu
  local pg: Page
  entry:
    pg := Page[1]
    goto cpu_1
  at cpu_1 resting:
    load turn
    goto cpu_2
  at cpu_2 resting:
    store Page.dirty[pg] := True
    goto cpu_3
  at cpu_3 resting:
    load Page.dirty[pg]
    assert $, "it is as it was written"
    goto cpu_4
  at cpu_4 resting:
    load turn
    goto end

process other
  local pg: Page
  entry:
    pg := Page[1]
    goto other_1
  at other_1 resting:
    load turn
    goto other_2
  at other_2 resting:
    store Page.dirty[pg] := False
    goto other_3
  at other_3 resting:
    rmw Page.last[pg] := True by xchg
    goto end
"""

TWO = """\
program p()
sort process 2
shared x: 0..2 = 0
shared y: 0..2 = 0

process one
  entry: goto one_1
  at one_1 {one}:
    {first}
    goto {then}

process other
  entry: goto other_1
  at other_1 resting:
    {second}
    goto other_2
  at other_2 resting:
    {third}
    goto end
"""

COUNTED = """\
program p()
sort process 2
shared lock.head: 0..3 wraps = 0
shared lock.tail: 0..3 wraps = 0

process cpu[2]
  local ticket: 0..3
  entry: goto cpu_1
  at cpu_1 resting head:
    rmw lock.tail := $ + 1 by fetch_add
    ticket := $
    goto cpu_2
  at cpu_2 in wait_1:
    wait $ == ticket
    load lock.head
    goto cpu_3
  at cpu_3 resting:
    rmw lock.head := $ + 1 by fetch_add
    goto cpu_1

always "asked": {asked}
"""

ROUND_AND_ROUND = UNDER_LOCK.replace("in wait_1", "in loop_1, wait_1").format(
    processes=1, body="""\
  at cpu_2 in loop_1:
    load flag
    goto cpu_3
  at cpu_3 in loop_1:
    store lock.locked := False by spin_unlock
    ghost lock.holder := process.None
    goto cpu_1
""")

OUT_AND_IN = UNDER_LOCK.format(processes=1, body="""\
  at cpu_2 in loop_2:
    load flag
    goto cpu_3
  at cpu_3 resting:
    load flag
    goto cpu_2
""")

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
        LOCKS, lambda p: p.setattr(lock_protected, "without_circles", lambda found, _: [*found]),
        UNDER_LOCK.format(processes=1, body="""\
  at cpu_2 resting:
    load flag
    goto cpu_2
""")),
    "what concerns others is done later": (
        LOCKS, lambda p: p.setattr(lock_protected._Facts, "may_wait", lambda *_: True),
        UNDER_LOCK.replace("flag: bool = False", "n: 0..3 = 0").format(
            processes=1, body=THREE_TIMES)),
    "a property sees that a process is not at rest": (
        LOCKS, lambda p: p.setattr(lock_protected, "asks_of_rest", lambda _: False),
        UNDER_LOCK.format(processes=1, body="""\
  at cpu_2 resting:
    store flag := True
    goto cpu_3
  at cpu_3 resting:
    store lock.locked := False by spin_unlock
    ghost lock.holder := process.None
    goto end

always "set at rest": at_rest or not flag
""")),
    "a lock that is taken and released changes nothing": (
        LOCKS, lambda p: p.setattr(actions._Function, "_part", lambda *_: None), ROUND_AND_ROUND),
    "a loop that is left and entered again is not left": (
        LOCKS, lambda p: p.setattr(actions._Function, "_part", lambda *_: None), OUT_AND_IN),
    "a property that reads two cells of an element": (
        OWNERSHIP, lambda p: p.setattr(emit, "whatever", lambda *_: Const(True, Bool())), OF_EACH),
    "by which local a cell was known is forgotten": (
        OWNERSHIP, lambda p: p.setattr(touched, "_keeping", lambda process, _: process), FORGOTTEN),
    "a property that reads what was written in part": (
        OWNERSHIP, lambda p: p.setattr(emit, "whatever", lambda *_: Const(True, Bool())),
        ONE_OF_TWO.format(processes=2, page="me", second="store Page.dirty[pg] := False")
        + '\nalways "never both": not all(pg in Page: Page.dirty[pg])\n'),
    "nobody looks whether it is owned": (
        OWNERSHIP, lambda p: p.setattr(ownership.Owned, "touches", lambda *_: Touches()),
        ONE_OF_TWO.format(processes=3, page="0", second="store Page.dirty[pg] := False") + """
process other
  local pg: Page
  entry: goto other_1
  at other_1 resting:
    load Page.dirty[pg]
    assert not $, "it is never seen set"
    goto end
"""),
    "one may go on alone for ever": (
        AMPLE, lambda p: p.setattr(ample, "without_circles", lambda found, _: [*found]),
        TWO.format(one="resting", first="load y", then="one_1",
                   second="store x := 1", third="store x := 2")
        + '\nalways "never two": x != 2\n'),
    "what others may do later does not count": (
        AMPLE, lambda p: p.setattr(
            ample._Looked, "_futures", lambda self, own: {**own, "end": ample.Accesses()}),
        TWO.format(one="resting", first='load x\n    assert $ != 1, "it is not one"', then="end",
                   second="load y", third="store x := 1")),
    "what others do does not count": (
        AMPLE, lambda p: p.setattr(ample.Accesses, "concern", lambda *_: False),
        TWO.format(one="resting", first='load x\n    assert $ != 1, "it is not one"', then="end",
                   second="store x := 1", third="load y")),
    "a property sees who goes on alone": (
        AMPLE, lambda p: p.setattr(ample, "read_by", lambda _: set()),
        TWO.format(one="resting", first="store x := 1", then="end",
                   second="store y := 1", third="store y := 2")
        + '\nalways "not y alone": y == 0 or x == 1\n'),
    "who goes on alone may be cut short": (
        AMPLE, lambda p: p.setattr(ample._Looked, "_may_not", lambda *_: False),
        TWO.format(one="resting", first="load x\n    assume $ == 1", then="end",
                   second="load y", third='load y\n    assert $ == 1, "it is one"')),
    "a ticket is compared with a number": (
        TICKETS, lambda p: p.setattr(tickets._Flow, "plain", lambda *_: None),
        COUNTED.format(asked="lock.head != 1 or lock.tail != 1")),
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
