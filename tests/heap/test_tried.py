"""HOLDS is tried on the executable allocator: random walks find a front end, an allocator or an
engine that is wrong, and whatever happens there, the verdict is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from modelcheck import gate, ir, pipeline
from modelcheck.cli import app
from modelcheck.engines.reference import explore
from modelcheck.exit_codes import Exit
from modelcheck.frontend.compile import compile_spec, compile_with_lines
from modelcheck.frontend.definitions import Spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.objects import Place
from modelcheck.heap.walk import tried
from modelcheck.heap.words import Words
from modelcheck.ir import Program
from modelcheck.source import lines_of
from modelcheck.trace import Limits, Validation, Verdict

RING = '''\
from typing import Annotated

from modelcheck.lang import (
    Lock, always, between, choose, cmpxchg, holds, param, process, shared, sometimes, spin_lock,
    spin_unlock, wait_until, wrapping,
)

FAIL = param(False)
FAULT = param(False)
STUCK = param(False)
EXPECT = holds()


@shared
class Ring:
    head: Annotated[int, wrapping(2)] = 1
    got: Annotated[int, between(0, 9)] = 5
    state: Annotated[int, between(0, 1)] = 0


r = Ring()
lock = Lock("lock")


@process
def p() -> None:
    spin_lock(lock)
    h = r.head
    n: Annotated[int, wrapping(2)] = h + 1
    r.got = n
    cmpxchg(r.state, 1, 0)
    if FAIL:
        r.got = 9
    if FAULT:
        r.state = h + 1
    spin_unlock(lock)


@process
def q() -> None:
    spin_lock(lock)
    spin_unlock(lock)
    if STUCK:
        wait_until(r.state == 1)


@always
def got_is_small() -> bool:
    return r.got <= 5


@sometimes
def it_wrapped() -> bool:
    return r.got == 0
'''
TRIED = "4 random walks, 28 steps at 7 of 7 lines, seed 0: the executable allocator agrees"


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring.py").write_text(RING, encoding="utf-8")
    lines_of.cache_clear()
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args)


def tried_row(result: Result) -> str:
    return next(line for line in result.stdout.splitlines() if line.startswith("  tried "))


def test_what_a_verdict_says_of_its_walks() -> None:
    """The same walks each time; as many as are wanted, and none with 0."""
    result = run("verify", "ring.py")
    assert result.exit_code == 0 and tried_row(result) == f"  tried      {TRIED}"
    assert tried_row(run("verify", "ring.py")) == tried_row(result)
    assert "1 random walk, 7 steps" in tried_row(run("verify", "ring.py", "--walks", "1"))
    assert "tried" not in run("verify", "ring.py", "--walks", "0").stdout
    document = json.loads(run("verify", "ring.py", "--json").stdout)
    assert document["validation"]["mark"] == "tried"
    unknown = run("verify", "ring.py", "--max-states", "2")
    assert unknown.exit_code == 20 and "tried" not in unknown.stdout
    asked = run("verify", "ring.py", "--property", "deadlock")
    assert asked.exit_code == 0 and "the executable allocator agrees" in tried_row(asked)


# ------------------------------------------------------------------- what is wrong is found


class CmpxchgAlwaysStores(Words):
    def cmpxchg(self, place: Place, old: Any, new: Any) -> Any:
        return self.xchg(place, 1)


def not_wrapped(path: str, sets: Any) -> tuple[Spec, Program, Program]:
    """A front end that forgets that a local wraps."""
    spec, program, unmerged = compile_with_lines(path, sets)

    def process(of: ir.Process) -> ir.Process:
        return replace(of, locals=tuple(
            replace(v, sort=ir.Int(0, 9)) if v.name == "p.n" else v for v in of.locals
        ))

    wrong = replace(program, processes=tuple(map(process, program.processes)))
    assert wrong != program, "nothing was planted"
    return spec, wrong, unmerged


def plant_in_the_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Allocator, "words_class", CmpxchgAlwaysStores)


def plant_in_the_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "compile_with_lines", not_wrapped)
    path = Path("ring.py")  # which holds under the defect: nothing but the walks could tell
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("return r.got == 0", "return r.got != 5"), encoding="utf-8")


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (plant_in_the_allocator, "p at ring.py:31: r.state is 0 in the model and 1 on the"),
        (plant_in_the_front_end, "p at ring.py:30: r.got is 2 in the model and 0 on the"),
    ],
)
def test_what_is_wrong_is_found_in_verify_and_gate(
    plant: Callable[[pytest.MonkeyPatch], None], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`n: Annotated[int, wrapping(2)] = h + 1` did not wrap in a pure function, all engines said
    HOLDS, and a gate passed it: nothing was ever run on real memory but counterexamples."""
    plant(monkeypatch)
    result = run("verify", "ring.py")
    assert result.exit_code == 22, result.output
    assert result.stdout.startswith("ring.py: HOLDS  says the search; do not believe it: ")
    assert "not known: a run on the executable allocator shows otherwise" in result.stdout
    row = tried_row(result)
    assert "DISAGREES: walk 1 (seed 0; --walks 1 repeats it), in step " in row and says in row
    assert run("verify", "ring.py", "--walks", "0").exit_code == 0, "nothing else could tell"
    gated = gate.gated(gate.Instance("ring.py"), gate.Rules(60))
    assert [f.code for f in gated.findings] == [Exit.DISAGREES] and says in gated.findings[0].reason
    assert not gate.gated(gate.Instance("ring.py"), gate.Rules(60, walks=0)).findings


def believed(sets: dict[str, int | bool], **wrong: Any) -> str:
    """What the walks say of a verdict on the good instance, held against this one."""
    verdict = explore(compile_spec("ring.py", {})[1], Limits())
    assert verdict.outcome == "HOLDS"
    spec, program = compile_spec("ring.py", sets)
    found = tried(replace(verdict, **wrong), spec, program, 4)
    assert (found.mark, found.by) == ("DISAGREES", "walks")
    return found.detail.partition(": ")[2]


def test_an_engine_that_overlooks_something_is_found() -> None:
    """What a search says of all runs is held against each walk: a property that is false there, a
    step that fails, nobody who can go on, a line that is taken, a @sometimes that is reached."""
    assert believed({"FAIL": True}) == "the search says that 'got is small' holds, and here it is" \
        " false in the model"
    assert "the search says that nobody is stuck for ever, and here " in believed({"STUCK": True})
    assert believed({"FAULT": True}).startswith("the search says that no run fails so: ")
    verdict = explore(compile_spec("ring.py", {})[1], Limits())
    missed = tuple(
        replace(p, status="not reached") if p.kind == "sometimes" else p for p in verdict.properties
    )
    assert believed({}, properties=missed) == (
        "the search says that 'it wrapped' is never reached, and here it is true"
    )
    spec, program = compile_spec("ring.py", {})
    action = program.processes[0].actions[1]
    never = verdict_never(verdict, program.processes[0].name, action)
    found = tried(never, spec, program, 4)
    assert found.detail.endswith("the search says that p never takes ring.py:28")


def verdict_never(verdict: Verdict, process: str, action: ir.Action) -> Verdict:
    from modelcheck.trace import NeverTaken, line_of

    return replace(verdict, never_taken=(NeverTaken(process, action.at, line_of(action.span)),))


# --------------------------------------------------------------------- whatever happens there


class NoMemory(Allocator):
    def __init__(self, *args: Any) -> None:
        raise RuntimeError("can't start new thread")


def test_an_allocator_that_is_not_to_be_had_loses_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelcheck.heap.walk.Allocator", NoMemory)
    result = run("verify", "ring.py")
    assert result.exit_code == 70
    assert result.stdout.startswith("ring.py: HOLDS  every property, in every reachable state")
    assert tried_row(result) == (
        "  tried      walks failed: RuntimeError: can't start new thread"
    )
    (finding,) = gate.gated(gate.Instance("ring.py"), gate.Rules(60)).findings
    assert finding.code == Exit.INTERNAL
    assert finding.reason == "walks failed: RuntimeError: can't start new thread"


def test_how_many_walks_a_gate_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option comes first, then `walks` of the project, then 4; a table takes none."""
    asked: list[int] = []

    def counted(verdict: Verdict, spec: Spec, program: Program, walks: int) -> Verdict:
        asked.append(walks)
        return replace(verdict, validation=Validation("tried", "walks", ""))

    monkeypatch.setattr(pipeline, "tried", counted)
    monkeypatch.setattr(gate, "in_processes", lambda names, work, *rest: (work(0),))
    monkeypatch.setattr("modelcheck.table.in_processes", lambda names, work, *rest: (work(0),))
    assert run("gate", "ring.py").exit_code == 0
    Path("pyproject.toml").write_text("[tool.modelcheck]\nwalks = 2\n", encoding="utf-8")
    assert run("gate", "ring.py").exit_code == 0
    assert run("gate", "ring.py", "--walks", "3").exit_code == 0
    assert asked == [4, 2, 3]
    run("table", "ring.py")
    assert set(asked[3:]) == {0}
    Path("pyproject.toml").write_text("[tool.modelcheck]\nwalks = -1\n", encoding="utf-8")
    refused = run("gate", "ring.py")
    assert refused.exit_code == 151
    assert "walks is a number of random walks, as in 4; 0 for none" in refused.stderr
