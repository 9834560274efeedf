"""counterexamples/ is what the shipped specs give today, and each of its traces replays."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.counterexamples import KNOWN, files
from modelcheck.pipeline import Sets

ROOT = Path(__file__).parents[1]
STALE = "renew it: python -m modelcheck.counterexamples"


@pytest.mark.parametrize(("name", "spec", "sets"), KNOWN, ids=lambda known: str(known))
def test_they_are_fresh(
    name: str, spec: str, sets: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for file, text in files(name, spec, sets):
        assert (ROOT / "counterexamples" / file).read_text(encoding="utf-8") == text, STALE


def test_no_other_is_kept() -> None:
    kept = {p.name for p in (ROOT / "counterexamples").iterdir()}
    assert kept == {f"{name}.{kind}" for name, _, _ in KNOWN for kind in ("json", "txt")}


@pytest.mark.parametrize("name", [name for name, _, _ in KNOWN])
def test_they_replay(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["replay", f"counterexamples/{name}.json"])
    assert result.exit_code in (11, 12, 14)
    assert result.stdout == (ROOT / "counterexamples" / f"{name}.txt").read_text(encoding="utf-8")
