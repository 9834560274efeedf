"""The classic algorithms have their textbook verdicts, and each counterexample runs for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.pipeline import Checked, verify
from modelcheck.trace import Limits
from tests.classics.table import FOLDER, HOLDING, MUTANTS, VIOLATING, Sets


def checked(spec: str, sets: Sets, folder: Path = FOLDER) -> Checked:
    path = str(folder / f"{spec}.py")
    return verify(path, sets, (), Limits(), lambda states, depth, queue: None)


def check_that_it_fails(it: Checked, sentence: str, length: int) -> None:
    """This property alone, by a shortest trace of this length, which the allocator follows."""
    assert it.verdict.outcome == "VIOLATED"
    assert [
        "deadlock" if p.kind == "deadlock" else p.sentence
        for p in it.verdict.properties if p.status == "violated"
    ] == [sentence]
    assert it.verdict.trace is not None and it.verdict.validation is not None
    assert len(it.verdict.trace.steps) == length
    assert (it.verdict.validation.mark, it.verdict.validation.by) == (
        "validated", "stuck" if sentence == "deadlock" else "memory"
    )


@pytest.mark.parametrize(("spec", "sets"), HOLDING)
def test_the_algorithm_holds(spec: str, sets: Sets) -> None:
    """In every state, with each `@sometimes` reached and each line run."""
    it = checked(spec, sets)
    assert (it.verdict.outcome, it.verdict.exhaustive) == ("HOLDS", True)
    assert {p.status for p in it.verdict.properties} == {"holds", "reached"}
    assert it.verdict.never_taken == ()
    assert it.expected == "yes: EXPECT says holds()"


@pytest.mark.parametrize(("spec", "sets", "sentence", "length"), VIOLATING)
def test_its_broken_sibling_fails(spec: str, sets: Sets, sentence: str, length: int) -> None:
    it = checked(spec, sets)
    check_that_it_fails(it, sentence, length)
    assert it.expected == f'yes: EXPECT says violates("{sentence}")'


@pytest.mark.parametrize(("spec", "sets", "line", "by", "sentence", "length"), MUTANTS)
def test_a_mutant_fails(
    spec: str, sets: Sets, line: str, by: str, sentence: str, length: int, tmp_path: Path
) -> None:
    text = (FOLDER / f"{spec}.py").read_text(encoding="utf-8")
    assert text.count(line) == 1
    (tmp_path / f"{spec}.py").write_text(text.replace(line, by), encoding="utf-8")
    check_that_it_fails(checked(spec, sets, tmp_path), sentence, length)


def test_each_classic_is_here_right_and_broken() -> None:
    specs = {p.stem for p in FOLDER.glob("*.py")}
    assert {spec for spec, _ in HOLDING} == {spec for spec, *_ in VIOLATING} == specs
