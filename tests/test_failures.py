"""What fails after a search loses no verdict: it is printed, then what failed, and the exit code is
that of a defect of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from modelcheck import gate, validate
from modelcheck.cli import app
from modelcheck.exit_codes import Exit
from modelcheck.source import lines_of
from modelcheck.trace import Disagreement, Validation, from_json
from tests.test_cli import COUNT

BROKEN = ("count.py",)  # with a trace
HOLDING = ("count.py", "--set", "CPUS=1")
EXPECT = 'violates("every page is counted", when=CPUS > 1), holds(when=CPUS == 1)'
OTHERWISE = 'violates("every page is counted", when=CPUS == 1), holds(when=CPUS > 1)'
assert EXPECT in COUNT

Plant = Callable[[str, type[Exception]], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines_of.cache_clear()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "count.py").write_text(COUNT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    def planted(name: str, kind: type[Exception] = RuntimeError) -> None:
        def fails(*args: Any, **others: Any) -> Any:
            raise kind("no more of it")

        monkeypatch.setattr(name, fails)

    return planted


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


PLANTS = [
    ("modelcheck.heap.replay.replay", BROKEN, None, "validation"),
    ("modelcheck.validate.to_follow", BROKEN, None, "validation"),
    ("modelcheck.validate.told", BROKEN, "lines", "lines"),
    ("modelcheck.pipeline.would_help", BROKEN, "remarks", "remarks"),
    ("modelcheck.pipeline.never_run", BROKEN, "remarks", "remarks"),
    ("modelcheck.pipeline.with_vacuous", HOLDING, "vacuous", "vacuous"),
    ("modelcheck.pipeline.unchecked", HOLDING, "remarks", "remarks"),
    ("modelcheck.heap.walk.Allocator", HOLDING, "walks", "walks"),
]


@pytest.mark.parametrize(("name", "args", "by", "what"), PLANTS, ids=[p[0] for p in PLANTS])
def test_what_fails_after_a_search_loses_no_verdict(
    plant: Plant, name: str, args: tuple[str, ...], by: str | None, what: str
) -> None:
    """An exception in any of them used to be the whole output: 'internal error', and no word of
    the violation that had been found."""
    plant(name, RuntimeError)
    outcome = "VIOLATED" if args == BROKEN else "HOLDS"
    result = run("verify", *args)
    assert result.exit_code == Exit.INTERNAL
    assert result.stdout.startswith(f"count.py: {outcome}  ")
    assert "  expected   yes: " in result.stdout
    assert f"{what} failed: RuntimeError: no more of it\n" in result.stdout
    assert result.stderr == ""
    result = run("verify", *args, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["verdict"]) == (Exit.INTERNAL, outcome)
    assert document["validation"] == {
        "mark": "failed", "by": by, "detail": "RuntimeError: no more of it",
    }


@pytest.mark.parametrize(("name", "args", "by", "what"), PLANTS, ids=[p[0] for p in PLANTS])
def test_a_gate_judges_expect_all_the_same(
    plant: Plant, folder: Path, name: str, args: tuple[str, ...], by: str | None, what: str
) -> None:
    plant(name, RuntimeError)
    sets = () if args == BROKEN else (("CPUS", 1),)
    gated = gate.gated(gate.Instance("count.py", sets), gate.Rules(60))
    assert [f.reason for f in gated.findings] == [f"{what} failed: RuntimeError: no more of it"]
    assert gated.verdict is not None and gated.code == Exit.INTERNAL
    wrong = COUNT.replace(EXPECT, OTHERWISE)
    (folder / "count.py").write_text(wrong, encoding="utf-8")
    lines_of.cache_clear()
    gated = gate.gated(gate.Instance("count.py", sets), gate.Rules(60))
    assert {f.code for f in gated.findings} == {Exit.UNTRUE, Exit.INTERNAL}


def test_a_replay_that_fails_loses_no_verdict(plant: Plant, folder: Path) -> None:
    (folder / "trace.json").write_text(run("verify", "count.py", "--json").stdout, "utf-8")
    plant("modelcheck.heap.replay.replay", RuntimeError)
    result = run("replay", "trace.json")
    assert result.exit_code == Exit.INTERNAL
    assert result.stdout.startswith("count.py: VIOLATED  every page is counted\n")
    assert result.stdout.endswith("validation failed: RuntimeError: no more of it\n")


def test_a_limit_and_a_failure_are_two_findings(plant: Plant) -> None:
    """What would help a search that met its limit may fail too, and the limit is still said."""
    plant("modelcheck.pipeline.would_help", RuntimeError)
    found = gate.gated(gate.Instance("count.py"), gate.Rules(0)).findings
    assert [f.code for f in found] == [Exit.INCONCLUSIVE, Exit.INTERNAL]
    result = run("verify", "count.py", "--max-seconds", "0")
    assert result.exit_code == Exit.INTERNAL and "  stopped    the time was spent" in result.stdout


def test_a_disagreement_stays_one(plant: Plant) -> None:
    """An engine that says of a run what `semantics` does not: 22, whatever fails besides; and the
    verdict is there to be looked into."""
    plant("modelcheck.validate.told", Disagreement)
    plant("modelcheck.pipeline.would_help", RuntimeError)
    result = run("verify", "count.py")
    assert result.exit_code == Exit.DISAGREES
    assert result.stdout.startswith("count.py: VIOLATED  ")
    assert result.stdout.endswith("\nDISAGREES (lines): no more of it\n")
    (finding,) = gate.gated(gate.Instance("count.py"), gate.Rules(60)).findings
    assert finding.code == Exit.DISAGREES
    assert finding.reason == "the verdict is VIOLATED, and its run DISAGREES: no more of it"


def test_of_two_marks_the_worse_one_stays() -> None:
    verdict = from_json(run("verify", "count.py", "--json").stdout)
    failed = Validation("failed", "remarks", "")
    other = Validation("NOT REPRODUCED", None, "")
    for first, second in ((failed, other), (other, failed)):
        both = validate.marked(validate.marked(verdict, first), second)
        assert both.validation == other
    both = validate.marked(validate.marked(verdict, failed), Validation("tried", "walks", ""))
    assert both.validation == failed


@pytest.mark.parametrize(("kind", "code"), [
    (RuntimeError, Exit.INTERNAL), (Disagreement, Exit.DISAGREES),
])
def test_a_graph_that_fails_loses_no_verdict(
    plant: Plant, folder: Path, kind: type[Exception], code: Exit
) -> None:
    """With --json the document was lost: it is printed when all specs are done."""
    plant("modelcheck.report.state_graph.graph_text", kind)
    for json_too in ((), ("--json",)):
        result = run("verify", "count.py", "--graph", "count.dot", *json_too)
        assert result.exit_code == code
        assert "VIOLATED" in result.stdout
        assert result.stderr == f"graph failed: {kind.__name__}: no more of it\n"
    assert not (folder / "count.dot").exists()


@pytest.mark.parametrize("mark", ["validated", "NOT REPRODUCED", "failed"])
def test_a_document_says_nothing_of_its_own_replay(folder: Path, mark: str) -> None:
    """The mark that stays is the worse of two of ours: one that is read is none."""
    said = json.loads(run("verify", "count.py", "--json").stdout)
    true = dict(said["validation"])
    said["validation"].update(mark=mark, by="bytes", detail="believe me")
    (folder / "trace.json").write_text(json.dumps(said), encoding="utf-8")
    result = run("replay", "trace.json", "--json")
    assert (result.exit_code, json.loads(result.stdout)["validation"]) == (12, true)
