"""The native engine against the reference engine: the very same Verdict, with the number of states
and of transitions, the trace and what else is broken, on random Programs; with sanitizers on some.
What can be wrong in the C is planted, and found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelcheck.engines import reference
from modelcheck.engines.native import (
    NotNative, actions, build, emit, expressions, kept, reduced, search,
)
from modelcheck.engines.native.expressions import Scope
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program, Sort
from modelcheck.notation import parse_program
from modelcheck.semantics import Semantics
from modelcheck.trace import Disagreement, Limits
from tests.agree.built import AT_ONCE, CROWDED, RACING, WATCHED, compiled
from tests.agree.random_programs import random_program
from tests.agree.said import what_matters, whole
from tests.campaigns.engines import program_of

FEW = Limits(states=20_000)


def wrong(program: Program, jobs: int = 1) -> str | None:
    """What the engines say differently, if anything."""
    expected = reference.explore(program, FEW)
    if expected.stopped is not None:
        return None
    try:
        found = whole(search.explore(program, Limits(), jobs=jobs))
    except (Disagreement, build.NoCompiler) as error:
        return str(error)
    differ = [
        f"{name}: reference {value}, native {found[name]}"
        for name, value in whole(expected).items() if found[name] != value
    ]
    return "; ".join(differ)[:2000] or None


def programs(seeds: range) -> Iterator[tuple[int, Program]]:
    """The random Programs that some run begins."""
    for seed in seeds:
        program = random_program(seed)
        if Semantics(program).initial():
            yield seed, program


def from_texts(seeds: range, folder: Path) -> Iterator[Program]:
    """What random spec texts are compiled to: many of their states are longer than a word."""
    for seed in seeds:
        program = program_of(4 * seed + 1, folder)
        if program is not None:
            print(f"text {seed}")
            yield program


def test_the_random_programs_have_something_to_find() -> None:
    """tests/campaigns/test_engines.py compares the engines on these, and on more."""
    kinds: Counter[str] = Counter()
    for _, program in programs(range(100)):
        verdict = reference.explore(program, FEW)
        failure = None if verdict.trace is None else verdict.trace.failure
        kinds[verdict.outcome if failure is None else failure.kind] += 1
    assert {"HOLDS", "deadlock", "safety", "assert", "range", "index", "choose"} <= set(kinds)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_small_tables_and_threads(jobs: int, tmp_path: Path) -> None:
    """Where tables grow all the time, and every level is searched by so many threads."""
    with compiled((*AT_ONCE, *CROWDED), tmp_path):
        seeds = range(60 + 10 * jobs, 70 + 10 * jobs)
        for program in (*from_texts(seeds, tmp_path), *(program for _, program in programs(seeds))):
            assert wrong(program, jobs) is None


JOINED = (12, 14, 33, 100, 107, 109, 137)


@pytest.mark.parametrize("seed", JOINED)
def test_joined_leaves(seed: int, tmp_path: Path) -> None:
    """Of these states some leaves stand together, which saves a word."""
    (program,) = from_texts(range(seed, seed + 1), tmp_path)
    layout = search.in_c(program, Semantics(program))[1]
    assert any(field.unit > 1 for fields in layout.fields.values() for field in fields)
    with compiled(AT_ONCE, tmp_path):
        assert wrong(program) is None
        found = what_matters(reduced.explore(program, Limits()))
    assert found == what_matters(reference.explore(program, FEW))


def test_a_wrong_joined_leaf_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    accessors = emit._accessors
    monkeypatch.setattr(emit, "_accessors", lambda f, layout: accessors(replace(f, unit=1), layout))
    with compiled(AT_ONCE, tmp_path):
        texts = (p for seed in JOINED for p in from_texts(range(seed, seed + 1), tmp_path))
        assert any(found_wrong(program) for program in texts)


def test_processes_that_take_no_bits(tmp_path: Path) -> None:
    """Whoever ends at once stands at its end, in no bits.  Behind two full words its place was once
    in a third, which was not there (number 2001 of the campaign through the engines)."""
    (program,) = from_texts(range(500, 501), tmp_path)
    with compiled(AT_ONCE, tmp_path):
        assert wrong(program) is None


def long_step(locations: int) -> Program:
    """Two processes that go round over so many locations, each in one step; and over one more
    where the counter stands at 0."""
    rows = [
        "program long()", "sort process 2", "shared counter: 0..6 wraps = 0",
        "process p[2]", "  entry: goto p_0", "  at p_0 resting:", "    rmw counter := $ + 1",
        "    goto p_1",
    ]
    for n in range(1, locations):
        body = ["    load counter", f"    goto p_{n + 1}"]
        if n == 1:
            body[1:] = ["    if $ == 0:", f"      goto p_{locations}", "    else:", "  " + body[1]]
        rows += [f"  at p_{n} transit:", *body]
    rows += [f"  at p_{locations} transit:", "    load counter", "    goto p_0"]
    return parse_program("\n".join([*rows, 'always "few": counter < 7', ""]), "test")


def test_a_step_over_more_locations_than_a_word_has_bits(tmp_path: Path) -> None:
    """Once 64 were the most.  What was gone through is known, also behind the first word."""
    with compiled(AT_ONCE, tmp_path):
        for locations in (63, 64, 65, 130):
            program = long_step(locations)
            assert reference.explore(program, FEW).never_taken == ()
            assert wrong(program) is None


TICKET_LOCK = Path(__file__).resolve().parents[1] / "classics" / "specs" / "ticket_lock.py"


def test_who_is_stuck_is_not_said_where_a_limit_is_met(tmp_path: Path) -> None:
    """Some wait in each state of this lock, and none is stuck.  Where the states were not all
    searched, who might be stuck was once said to be: a deadlock that there is not."""
    _, program = compile_spec(str(TICKET_LOCK), {})
    with compiled(AT_ONCE, tmp_path):
        for states in (20, 100, 150):
            said = search.explore(program, Limits(states=states))
            assert (said.outcome, said.trace) == ("UNKNOWN", None)
        said = reduced.explore(program, Limits(states=5))
        assert (said.outcome, said.trace) == ("UNKNOWN", None)


WIDE = """\
program wide()
sort process 2
shared steps: 0..9 wraps = 0
shared picked[process]: 0..5 = all 0
process p[2]
  local n: 0..5
  entry:
    choose n in range(0:0..5, 5:0..5)
    goto p_0
  at p_0 live n resting:
    store picked[me] := n
    goto p_1
  at p_1 resting:
    rmw steps := $ + 1
    choose n in range(0:0..5, 5:0..5)
    goto p_0
always "no step": steps < 1
"""


def test_what_is_found_before_a_limit_is_met_is_said(tmp_path: Path) -> None:
    """On the level on which the states run out something was broken already: that was once UNKNOWN,
    with nothing wrong found."""
    program = parse_program(WIDE, "test")
    expected = {n: reference.explore(program, Limits(states=n)) for n in range(10, 330, 20)}
    assert {v.outcome for v in expected.values()} == {"UNKNOWN", "VIOLATED"}
    with compiled((*AT_ONCE, *CROWDED), tmp_path):
        for n, there in expected.items():
            for jobs in (1, 2):
                said = search.explore(program, Limits(states=n), jobs=jobs)
                if there.outcome == "VIOLATED":
                    assert said.trace is not None and there.trace is not None
                    assert len(said.trace.steps) == len(there.trace.steps)


def test_fingerprints(tmp_path: Path) -> None:
    """So few states have as many fingerprints; and of what has one word there are no odds."""
    kinds: Counter[bool] = Counter()
    with compiled(AT_ONCE, tmp_path):
        for program in from_texts(range(30), tmp_path):
            expected = reference.explore(program, FEW)
            if expected.stopped is None:
                try:
                    found = search.explore(program, Limits(), fingerprints=True)
                except NotNative:
                    continue
                kinds[found.odds is not None] += 1
                assert whole(replace(found, odds=None)) == whole(expected)
    assert set(kinds) == {False, True}


def test_with_sanitizers(tmp_path: Path) -> None:
    """No access out of bounds, no use of what was freed, nothing undefined."""
    with compiled(WATCHED, tmp_path):
        for seed, program in programs(range(12)):
            print(f"seed {seed}")
            assert wrong(program) is None


def test_a_planted_overrun_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A list of states that is given bytes for its room, not entries."""
    with compiled(WATCHED, tmp_path):
        in_runtime(monkeypatch, "(list->entries, room * sizeof *list->entries)",
                   "(list->entries, room)")
        assert any(found_wrong(program) for _, program in programs(range(12)))


@pytest.fixture
def race_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSAN_OPTIONS", "halt_on_error=1")


@pytest.mark.usefixtures("race_ends")
def test_threads_with_a_sanitizer(tmp_path: Path) -> None:
    """No two threads access anything at once, one of them writing, but by atomics."""
    with compiled(RACING, tmp_path):
        for seed, program in programs(range(12)):
            print(f"seed {seed}")
            assert wrong(program, 2) is None


@pytest.mark.usefixtures("race_ends")
def test_a_limit_met_by_one_of_two_threads_with_a_sanitizer(tmp_path: Path) -> None:
    """Who met a limit told how many threads there had been, which the first one wrote only after it
    had made them, and looked at what the other was finding."""
    program = parse_program(WIDE, "test")
    with compiled(RACING, tmp_path):
        for n in range(10, 330, 20):
            assert search.explore(program, Limits(states=n), jobs=2).engine == "native"


LOOKED_AT = """\
        unsigned empty = equal(line, 0);
        MEANWHILE();
        if (equal(line, key))
            return KNOWN;
"""
THE_KEY_FIRST = """\
        if (equal(line, key))
            return KNOWN;
        MEANWHILE();
        unsigned empty = equal(line, 0);
"""


def test_a_state_that_another_thread_meets_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two threads once counted a state twice, in two of a hundred searches: one looked for its key
    in a line, the other put it there, and then the first one looked for an empty slot, and found
    the next.  No sanitizer can see that."""
    program = program_of(499, tmp_path)
    assert program is not None
    with compiled((*AT_ONCE, *CROWDED), tmp_path):
        assert wrong(program, 2) is None
        in_runtime(monkeypatch, LOOKED_AT, THE_KEY_FIRST)
        assert wrong(program, 2) is not None


RACES = {
    "the count of states": [("ADD(states, news)", "states += news")],
    "a slot is taken without looking": [("if (threads == 1)", "if (1)")],
    "a table grows while somebody is inside": [
        ("while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST))", "while (0)"),
    ],
    "somebody comes in while a table grows": [
        ("if (!__atomic_load_n(&closed, __ATOMIC_SEQ_CST))", "if (1)"),
        ("        grow();\n", "        usleep(1000);\n        grow();\n"),
    ],
}


@pytest.mark.usefixtures("race_ends")
@pytest.mark.parametrize("race", RACES)
def test_a_planted_race_is_found(
    race: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with compiled(RACING, tmp_path):
        for old, new in RACES[race]:
            in_runtime(monkeypatch, old, new)
        assert any(found_wrong(program, 2) for _, program in programs(range(40)))


@pytest.mark.slow
def test_a_campaign(tmp_path: Path) -> None:
    """20,000 of them."""
    with compiled(AT_ONCE, tmp_path):
        for seed, program in programs(range(100, 20_000)):
            print(f"seed {seed}")
            assert wrong(program) is None
            for made in (tmp_path / "modelcheck" / "native").iterdir():
                made.unlink()


# ------------------------------------------------------------------------------------ planted bugs


def no_check(scope: Scope, values: Any, sort: Sort, checked: bool) -> Any:
    """A value is put wherever it is wanted."""
    return values


def no_fault(text: expressions.Text, test: str) -> None:
    """Whatever goes wrong, the run goes on."""


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a range is not checked": lambda p: p.setattr(Scope, "fitted", no_check),
    "a fault is dropped": lambda p: p.setattr(expressions.Text, "fault_if", no_fault),
    "no step leaves a loop": lambda p: p.setattr(actions._Function, "_leave", lambda *_: None),
    "a ghost is set twice": lambda p: p.setattr(actions._Function, "_set_once", lambda _: set()),
    "the first level is the last": lambda p: in_runtime(
        p, "return next_level.count && ", "return level == 0 && next_level.count && "),
    "states are taken for others": lambda p: in_runtime(
        p, "static inline enum seen seen_in(uint64_t *line, uint64_t key)\n{\n",
        "static inline enum seen seen_in(uint64_t *line, uint64_t key)\n{\n    key &= 0xffff;\n"),
    "a full line is not gone on from": lambda p: in_runtime(p, "while (more) {", "while (0) {"),
    "keys are lost as the table grows": lambda p: in_runtime(
        p, "while (later_count)\n", "later_count = 0; while (later_count)\n"),
    "who is stuck is asked of no leaf": lambda p: in_runtime(
        p, "if (leads_on[n] && !asks_all)", "if (!asks_all)"),
    "what was met is not forgotten": lambda p: in_runtime(
        p, "    memset(lately, 0, sizeof lately);\n", ""),
    "nobody is stuck": lambda p: in_runtime(p, "if (to_leave)\n                append",
                                            "if (0)\n                append"),
    "who is stuck is not decided": lambda p: in_runtime(p, "    decide_stuck();\n", ""),
    "a choice is lost": lambda p: in_runtime(p, "script->taken[at] + 1 < script->counts[at]",
                                             "script->taken[at] + 2 < script->counts[at]"),
}


SEEDS = {"a ghost is set twice": range(1264, 1265)}  # few Programs set one twice


def in_runtime(patch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """The runtime with another text in one place."""
    texts = {name: (build.RUNTIME / name).read_text(encoding="utf-8") for name in build.FILES}
    assert sum(text.count(old) for text in texts.values()) == 1, old
    folder = kept.folder() / f"planted-{abs(hash(new)):x}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    patch.setattr(build, "RUNTIME", folder)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(
    bug: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with compiled((*AT_ONCE, *CROWDED), tmp_path):
        PLANTED[bug](monkeypatch)
        seeds = SEEDS.get(bug, range(80))
        assert any(found_wrong(program) for _, program in programs(seeds))


def found_wrong(program: Program, jobs: int = 1) -> str | None:
    try:
        return wrong(program, jobs)
    except (NotNative, AssertionError, StopIteration, IndexError, KeyError, ValueError) as error:
        return repr(error)
