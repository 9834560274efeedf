"""The symbolic engine: the shortest violation, and what it does not say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import z3
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.engines import reference
from modelcheck.engines.symbolic.actions import Outcome, Way
from modelcheck.engines.symbolic.bounded import ask, explore
from modelcheck.engines.symbolic.expressions import Scope
from modelcheck.engines.symbolic.system import Frames, System
from modelcheck.engines.symbolic.terms import Bit
from modelcheck.ir import Program
from modelcheck.search import Engine, search
from modelcheck.semantics import Semantics
from modelcheck.source import ConfigurationError, SpecError
from modelcheck.trace import Disagreement, Limits, Verdict, exit_code
from tests.small_programs import LOST_UPDATE, program

SPECS = Path(__file__).resolve().parents[2] / "specs"
SIZES = pytest.mark.parametrize("pages", [3, 5, 6, 7])
NO_LIMITS = Limits()


def run(text: str, depth: int = 12) -> Verdict:
    return explore(program(text), NO_LIMITS, depth=depth)


def path(verdict: Verdict) -> list[str]:
    assert verdict.trace is not None
    return [f"{step.process} {step.action}" for step in verdict.trace.steps]


def failure(verdict: Verdict) -> tuple[str, str]:
    assert verdict.trace is not None and verdict.trace.failure is not None
    return verdict.trace.failure.kind, verdict.trace.failure.sentence


def stopped(verdict: Verdict) -> tuple[str, int]:
    assert verdict.stopped is not None and verdict.outcome == "UNKNOWN"
    return verdict.stopped.reason, verdict.stopped.depth


def statuses(verdict: Verdict) -> dict[str, tuple[str, int | None]]:
    return {p.sentence: (p.status, p.depth) for p in verdict.properties}


WALK = """\
    program walk()
    sort Page {pages}
    sort process 2
    shared heap.head: Page? = Page[0]
    shared Page.next[Page]: Page? = {links}
    shared Page.dirty[Page]: bool = {dirty}
    process idle_loop
      local pg: Page?
      entry: goto walk_1
      at walk_1:
        load heap.head
        pg := $
        if pg == Page.None: goto end
        else: goto walk_2
      at walk_2 live pg:
        load Page.dirty[pg]
        {check}
        goto walk_3
      at walk_3 live pg:
        load Page.next[pg]
        pg := $
        if pg == Page.None: goto end
        else: goto walk_2
    process other
      entry: goto other_1
      at other_1:
        store heap.head := Page.None
        goto end
    always "the list is whole" when heap.head != Page.None: \
sum(pg in chain(heap.head, Page.next): 1) == {pages}
    sometimes "the list is gone": heap.head == Page.None
    """
"""A walk over a list of all pages, the last of which is dirty."""


def walk(pages: int, check: str = 'assert not $, "a page of the list is clean"') -> Program:
    links = [f"Page[{n}]" for n in range(1, pages)] + ["None"]
    dirty = ["False"] * (pages - 1) + ["True"]
    return program(WALK.format(
        pages=pages, links=" ".join(links), dirty=" ".join(dirty), check=check
    ))


# --------------------------------------------------------------------------------- what it finds


def test_the_lost_update_is_found_at_its_shortest() -> None:
    verdict = run(LOST_UPDATE)
    assert verdict.outcome == "VIOLATED" and verdict.engine == "symbolic"
    assert failure(verdict) == ("safety", "no addition is lost")
    assert sorted(path(verdict)[:2]) == ["adder[0] adder_1", "adder[1] adder_1"]
    assert len(path(verdict)) == verdict.depth == 4
    assert statuses(verdict) == {
        "no addition is lost": ("violated", 4),
        "no process is stuck for ever": ("not checked", None),
    }
    assert exit_code(verdict) == 12 and not verdict.exhaustive


@SIZES
def test_an_assert_at_the_end_of_a_list(pages: int) -> None:
    """With 3, 5, 6 and 7 pages, whose bits have codes to spare."""
    verdict = explore(walk(pages), NO_LIMITS)
    assert failure(verdict) == ("assert", "a page of the list is clean")
    assert len(path(verdict)) == 2 * pages
    assert path(verdict)[0] == "idle_loop walk_1"
    assert statuses(verdict)["the list is gone"] == ("reached", 1)


@SIZES
def test_an_index_out_of_range_is_a_fault(pages: int) -> None:
    """Not the last element, as z3 might take it, nor one that the spare codes of its bits name."""
    text = """\
        program p()
        sort Page {pages}
        sort process 1
        shared Page.dirty[Page]: bool = all False
        shared n: 0..7 = {first}
        process p
          local m: 0..7
          entry: goto p_1
          at p_1:
            load n
            m := $
            goto p_2
          at p_2 live m:
            load Page.dirty[m]
            goto end
        """
    verdict = run(text.format(pages=pages, first=pages))
    assert failure(verdict) == ("index", "an index leaves its array")
    assert path(verdict) == ["p p_1", "p p_2"]
    assert stopped(run(text.format(pages=pages, first=pages - 1))) == ("depth", 12)


CHOICE = """\
    program p()
    sort Page {pages}
    sort process 2
    shared last: Page? = None
    process p[2]
      local pg: Page
      entry: goto p_1
      at p_1:
        choose pg in Page
        if index_of(pg) % 2 == me: goto p_2
        else: goto end
      at p_2 live pg:
        store last := pg
        goto end
    {property}
    """


@SIZES
def test_a_choice_takes_every_page_and_no_other(pages: int) -> None:
    """A choice is an input: none of its bits' spare codes is an option."""
    asked = [f'sometimes "page {n}": last == Page?[{n}]' for n in range(pages)]
    asked.append(f'always "a page": last == Page.None or index_of(last) < {pages}')
    verdict = run(CHOICE.format(pages=pages, property="\n    ".join(asked)))
    assert stopped(verdict) == ("depth", 12)
    for n in range(pages):
        assert statuses(verdict)[f"page {n}"] == ("reached", 2)


def test_a_violation_before_the_first_step() -> None:
    verdict = run("""\
        program p()
        sort process 1
        shared n: 0..3 = 0
        boot first
          local m: 0..3
          entry:
            choose m in range(0, 3)
            goto first_1
          at first_1 live m transit:
            store n := m
            goto end
        process p
          entry: goto p_1
          at p_1:
            load n
            goto end
        always "it is small": n < 2
        sometimes "it is one": n == 1
        """)
    assert verdict.trace is not None and verdict.trace.schedule.initial == (2,)
    assert path(verdict) == [] and failure(verdict) == ("safety", "it is small")
    assert statuses(verdict)["it is one"] == ("reached", 0)


def test_a_ghost_that_is_overwritten_in_its_step() -> None:
    """The first value of a step counts, also where two ways meet between."""
    text = """\
        program p()
        sort process 1
        shared flag: bool = False
        ghost seen[process]: 0..3 = all 0
        process p
          entry: goto p_1
          at p_1:
            load flag
            if $: ghost seen[self] := 1
            else: ghost seen[self] := 2
            goto p_2
          at p_2 transit:
            ghost seen[self] := {second}
            goto end
        """
    assert failure(run(text.format(second=1)))[0] == "ghost"
    assert stopped(run(text.format(second=2)))[0] == "depth"


def test_a_property_that_cannot_be_evaluated() -> None:
    verdict = run("""\
        program p()
        sort Page 3
        sort process 1
        shared heap.head: Page? = Page[0]
        shared Page.dirty[Page]: bool = all False
        process p
          entry: goto p_1
          at p_1:
            store heap.head := Page.None
            goto end
        sometimes "the head is dirty": Page.dirty[heap.head]
        """)
    assert failure(verdict) == ("none", (
        "None is dereferenced, in the property 'the head is dirty'"
    ))
    assert len(path(verdict)) == 1


def test_no_run_begins() -> None:
    text = LOST_UPDATE.replace("entry: goto adder_1", "entry:\n        assume False\n"
                               "        goto adder_1")
    with pytest.raises(SpecError, match="no run begins"):
        run(text)


# --------------------------------------------------------------------- what it does not say


@SIZES
def test_a_bound_is_no_proof(pages: int) -> None:
    """No run of this has more steps than the search looks at, and still it does not hold."""
    fine = walk(pages, check="")
    assert reference.explore(fine, NO_LIMITS).outcome == "HOLDS"
    verdict = explore(fine, NO_LIMITS, depth=3 * pages)
    assert stopped(verdict) == ("depth", 3 * pages)
    assert exit_code(verdict) == 20 and not verdict.exhaustive
    assert statuses(verdict)["the list is whole"] == ("not checked", None)
    assert str(verdict.stopped) == (
        f"the limit on depth was reached: nothing wrong in any run of up to {3 * pages} steps"
    )


@SIZES
@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_spent_time_is_unknown(pages: int, seconds: float) -> None:
    """Not 'none', and no deeper than what was answered."""
    verdict = explore(walk(pages), Limits(seconds=seconds))
    reason, depth = stopped(verdict)
    assert reason == "seconds" and depth < 2 * pages
    assert exit_code(verdict) == 20


def test_an_answer_that_does_not_come_is_unknown() -> None:
    """z3 itself is interrupted, after a millisecond of work that takes it far longer."""
    context = z3.Context()
    x, y = (z3.BitVec(name, 64, context) for name in "xy")
    hard = z3.Bool("hard", context)
    solver = z3.SolverFor("QF_FD", ctx=context)
    one, most = (z3.BitVecVal(n, 64, context) for n in (1, 1 << 31))
    solver.add(hard == z3.And(
        x * y == 2305843009213693951, z3.UGT(x, one), z3.UGT(y, one),
        z3.ULT(x, most), z3.ULT(y, most),
    ))  # a prime
    assert ask(solver, hard, 1) == "unknown"
    assert ask(solver, z3.Not(hard), 60_000) == "yes"


ENDLESS = """\
    program endless()
    sort process 1
    shared n: 0..6 = 5
    process p
      local m: 0..6
      entry: goto p_1
      at p_1:
        load n
        m := $
        goto p_2
      at p_2 live m transit:
        m := (m + 1) % {period}
        if m == 6: goto end
        else: goto p_2
    """


def test_a_step_that_is_not_followed_to_its_end() -> None:
    """Whether an endless step ends is not known here: it is not passed over."""
    assert stopped(run(ENDLESS.format(period=7))) == ("depth", 12)
    endless = run(ENDLESS.format(period=6))
    assert stopped(endless) == ("encoding", 0) and exit_code(endless) == 20


def test_a_value_that_nobody_checks_is_not_cut_off() -> None:
    """The front end found that it fits; if it does not, that is not dropped in silence."""
    text = """\
        program p()
        sort process 1
        shared n: 0..5 = 5
        process p
          local unchecked m: 0..{most}
          entry: goto p_1
          at p_1:
            load n
            m := $ + 1
            goto p_2
          at p_2 live m:
            observe m == 6
            assert not $, "it is not six"
            goto end
        """
    assert failure(run(text.format(most=6))) == ("assert", "it is not six")
    assert stopped(run(text.format(most=5))) == ("encoding", 0)


# ---------------------------------------------------------------------------- two models, z3's word


def test_two_models_in_one_process() -> None:
    """The same names with other sorts, one search within the other."""
    systems = [System(Semantics(walk(pages))) for pages in (3, 7, 3)]
    solvers = []
    for system in systems:
        frames = Frames(system)
        solver = z3.SolverFor("QF_FD", ctx=system.terms.context)
        begins = [b.state for b in system.semantics.initial() if b.state is not None]
        solver.add(frames.begins(begins), frames.about_state(0), frames.about_step(0))
        solver.add(frames.leads_on(0), frames.about_state(1))
        solvers.append((frames, solver))
    for frames, solver in reversed(solvers):
        assert solver.check() == z3.sat
        before, after = (frames.read(solver.model(), k) for k in (0, 1))
        steps = frames.system.semantics.successors(before)
        assert after in [step.target for step in steps]
    assert explore(walk(5), NO_LIMITS).trace == explore(walk(5), NO_LIMITS).trace


def test_the_same_bytes_every_time() -> None:
    """In other processes, with other hashes of strings."""
    code = (
        "from modelcheck.trace import timeless, to_json\n"
        "from tests.engines.test_symbolic import *\n"
        "print(to_json(timeless(explore(walk(6), NO_LIMITS))), to_json(timeless(run(LOST_UPDATE))))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            cwd=SPECS.parent, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "01"
    }
    assert len(printed) == 1 and '"VIOLATED"' in printed.pop()


def no_waits(outcome: Outcome, way: Way, scope: Scope, test: Bit = True) -> Way:
    """`Outcome._on` without the condition on which a run goes on: a guard is dropped."""
    return Way(way.test, way.memory)


LOCKED = """\
    program locked()
    sort process 2
    shared lock: bool = False
    shared inside: 0..2 = 0
    process cpu[2]
      entry: goto cpu_1
      at cpu_1:
        wait not $
        rmw lock := True
        goto cpu_2
      at cpu_2:
        rmw inside := $ + 1
        goto cpu_3
      at cpu_3:
        rmw inside := $ - 1
        goto cpu_4
      at cpu_4:
        store lock := False
        goto end
    always "one at a time": inside < 2
    """


def test_what_z3_says_is_not_believed_before_it_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: without its guard the lock is taken twice, and semantics refuses the run."""
    assert stopped(run(LOCKED)) == ("depth", 12)
    monkeypatch.setattr(Outcome, "_on", no_waits)
    with pytest.raises(Disagreement, match=r"z3 takes cpu\[[01]\] from"):
        run(LOCKED)


# ------------------------------------------------------------------------------ the command line


def verify(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", *arguments])
    return result.exit_code, result.output


PER_PAGE = str(SPECS / "per_page_cmpxchg.py")


def test_the_symbolic_engine_is_asked_for() -> None:
    code, output = verify(PER_PAGE, "--engine", "symbolic", "--json")
    document = json.loads(output)
    assert code == 14 and document["engine"] == "symbolic"
    assert len(document["trace"]["steps"]) == 10
    assert document["validation"]["mark"] == "validated"


def test_none_to_a_depth_is_said_to_be_that() -> None:
    code, output = verify(PER_PAGE, "--engine", "symbolic", "--max-depth", "5")
    assert code == 20
    assert "UNKNOWN" in output
    assert "the limit on depth was reached: nothing wrong in any run of up to 5 steps" in output
    assert "runs of up to 5 steps in" in output and "(symbolic engine)" in output


def always_faults(scope: Scope, test: Bit) -> None:
    """`Scope.fault` without its condition."""
    scope.wrong.fault = True


def test_a_disagreement_is_exit_22(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scope, "fault", always_faults)
    code, output = verify(PER_PAGE, "--engine", "symbolic")
    assert code == 22
    assert "internal error: Disagreement: " in output and "VIOLATED" not in output


@pytest.mark.parametrize(("arguments", "says"), [
    (["--max-depth", "9"], "--max-depth is for the symbolic engine"),
    (["--engine", "symbolic", "--max-states", "9"], "the symbolic engine keeps no states"),
    (["--engine", "symbolic", "--max-memory", "1G"], "the symbolic engine keeps no states"),
])
def test_a_limit_that_means_nothing(arguments: list[str], says: str) -> None:
    code, output = verify(PER_PAGE, *arguments)
    assert code == 151 and says in output


def by_auto(text: Program, states: int | None, depth: int | None = None) -> Verdict:
    return search(text, Engine("auto", depth), Limits(states=states), (), lambda *_: None)


def test_auto_asks_an_engine_that_looks_at_all_states_first() -> None:
    fine = walk(3, check="")
    assert (by_auto(fine, None).engine, by_auto(fine, None).outcome) == ("quick", "HOLDS")


def test_auto_goes_on_where_the_states_are_too_many() -> None:
    found = by_auto(walk(7), 4, depth=20)
    assert (found.engine, found.outcome, len(path(found))) == ("symbolic", "VIOLATED", 14)
    beyond = by_auto(walk(7), 4, depth=9)
    assert (beyond.engine, beyond.outcome, len(path(beyond))) == ("induction", "VIOLATED", 14)
    fine = walk(7, check="")
    none = by_auto(fine, 4, depth=9)
    assert (none.engine, stopped(none)) == ("symbolic", ("depth", 9))
    shallow = by_auto(fine, 8, depth=1)
    assert (shallow.engine, stopped(shallow)[0]) == ("quick", "states")
    nobody_asked = by_auto(walk(7), 4)
    assert (nobody_asked.engine, stopped(nobody_asked)[0]) == ("quick", "states")


def test_a_number_that_is_too_wide() -> None:
    shifts = LOST_UPDATE.replace("store counter := n + 1", "store counter := (1 << 200) % (n + 9)")
    with pytest.raises(ConfigurationError, match="use --engine reference"):
        run(shifts)
