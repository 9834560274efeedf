"""The tour in specs/first_steps: each file does what it expects, and what its prose tells.

Every command that a file's docstring shows is run, and the line below it must be what comes out.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.pipeline import Checked, Sets, parameter, verify
from modelcheck.search import Engine
from modelcheck.trace import Limits, exit_code

ROOT = Path(__file__).resolve().parents[2]
TOUR = sorted((ROOT / "specs" / "first_steps").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

TOLD = re.compile(
    r"^    \$ (modelcheck verify (\S+)(?: --set (\w+)=(\w+))?"
    r"(?: --property (\w+))?(?: --engine (\w+))?)\n    (.+)$", re.M,
)
"""A command, its file, the parameter that it sets and its value, the property that it asks for, and
the engine; and what it gives."""


def prose(spec: Path) -> str:
    return ast.get_docstring(ast.parse(spec.read_text(encoding="utf-8")), clean=False) or ""


COMMANDS = [
    pytest.param(spec, *told.groups(), id=f"{spec.stem} {told[3] or ''}")
    for spec in TOUR for told in TOLD.finditer(prose(spec))
]


def tellings(it: Checked) -> tuple[str, ...]:
    """A verdict, as the prose may tell it."""
    verdict = it.verdict
    code = f"exit code {exit_code(verdict)}"
    if verdict.trace is not None:
        steps = len(verdict.trace.steps)
        return (f"{verdict.outcome} in {steps} {'step' if steps == 1 else 'steps'}, {code}",)
    if verdict.outcome == "HOLDS":
        return (f"HOLDS, {code}", f"HOLDS in {verdict.states} states, {code}")
    return (f"{verdict.outcome}, {code}",)


def check(
    spec: Path, sets: Sets, monkeypatch: pytest.MonkeyPatch, properties: tuple[str, ...] = (),
    engine: str = "reference",
) -> Checked:
    monkeypatch.chdir(ROOT)
    path = str(spec.relative_to(ROOT))
    return verify(
        path, sets, properties, Limits(), lambda states, depth, queue: None, Engine(engine)
    )


@pytest.mark.parametrize(
    ("spec", "command", "path", "name", "value", "asked", "engine", "told"), COMMANDS
)
def test_what_is_told_is_true(
    spec: Path, command: str, path: str, name: str | None, value: str | None, asked: str | None,
    engine: str | None, told: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert path == str(spec.relative_to(ROOT))
    sets = {name: parameter(value)} if name and value else {}
    it = check(spec, sets, monkeypatch, (asked,) if asked else (), engine or "reference")
    assert told in tellings(it)
    judged = {"exit code 15": "NO", "exit code 20": "not known"}.get(told.split(", ")[-1], "yes")
    assert it.expected.startswith("not judged" if asked else judged)
    if it.verdict.trace is not None:
        assert it.verdict.validation is not None and it.verdict.validation.mark == "validated"
    result = CliRunner().invoke(app, command.split()[1:])
    assert told.endswith(f"exit code {result.exit_code}")


@pytest.mark.parametrize("spec", TOUR, ids=lambda spec: spec.stem)
def test_a_step_of_the_tour(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which it is, shows how it is run as it stands, and is its EXPECT; and where it holds
    it has a `@sometimes` that is reached and no line that is never run."""
    text = prose(spec)
    assert text.startswith(f"{int(spec.stem[:2])} of {len(TOUR)}: ")
    shown = re.findall(r"^    \$ .*$", text, re.M)
    assert shown[0] == f"    $ modelcheck verify {spec.relative_to(ROOT)}"
    assert len(shown) == len(TOLD.findall(text))
    verdict = check(spec, {}, monkeypatch).verdict
    assert any(p.kind == "sometimes" for p in verdict.properties)
    assert verdict.never_taken == ()


def test_the_files_are_numbered_and_the_readme_leads_here() -> None:
    assert [int(spec.stem[:2]) for spec in TOUR] == list(range(1, 12))
    assert "tour in eleven files](specs/first_steps/" in README


def test_what_a_reader_is_told_to_try(tmp_path: Path) -> None:
    """02_lock.py says: remove the spin_lock, or the spin_unlock."""
    (lock,) = [spec for spec in TOUR if spec.stem == "02_lock"]
    text = lock.read_text(encoding="utf-8")
    for removed, code in (("spin_lock", 14), ("spin_unlock", 14)):
        changed = tmp_path / f"without_{removed}.py"
        changed.write_text(text.replace(f"    {removed}(heap_lock)\n", ""), encoding="utf-8")
        assert changed.read_text(encoding="utf-8") != text
        assert CliRunner().invoke(app, ["verify", str(changed)]).exit_code == code


def test_the_lemma_is_what_the_proof_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """11_lemma.py says so, and to try it with five pages."""
    (spec,) = [spec for spec in TOUR if spec.stem == "11_lemma"]
    for pages in (2, 5):
        it = check(spec, {"PAGES": pages}, monkeypatch, ("there_is_a_page",), "induction")
        assert it.verdict.outcome == "HOLDS" and it.verdict.proof is not None
        assert it.verdict.proof.lemmas == ("empty says whether there is a page",)
    without = check(spec, {"KNOWN": False}, monkeypatch, (), "induction").verdict
    assert [p.sentence for p in without.properties if p.status == "not inductive"] == [
        "there is a page",
    ]
    assert without.proof is not None
    assert dict(without.proof.gaps[0].cells)["heap.head"] == "None"
