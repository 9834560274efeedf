"""The campaign through the engines: a share of it, and that it finds what is planted."""

from pathlib import Path

import pytest

from modelcheck.engines.native import exchange, expressions
from modelcheck.passes import REDUCTIONS
from tests.campaigns.engines import Tried, campaign, main, tried


def test_a_share() -> None:
    """The command's first, in which all reductions have something to do."""
    found = list(campaign(range(80), jobs=2))
    assert [f for f in found if f.findings] == []
    assert {name for f in found for name in f.reductions} == {*REDUCTIONS}
    assert {f.outcome for f in found} >= {"HOLDS", "VIOLATED"}


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--programs", "3", "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("3 programs: ") and "\n0 findings, in " in shown


def first_found(numbers: range, folder: Path) -> Tried | None:
    return next((t for n in numbers if (t := tried(folder, n)).findings), None)


def drop_faults(patch: pytest.MonkeyPatch) -> None:
    """In C, whatever goes wrong, the run goes on."""
    patch.setattr(expressions.Text, "fault_if", lambda *_: None)


def exchange_nothing(patch: pytest.MonkeyPatch) -> None:
    """An exchange of elements leaves the references to them as they are."""
    patch.setattr(exchange, "_code", lambda code, *_: code)


PLANTED = {
    "a fault is dropped": (drop_faults, range(40)),
    "references stay as they are": (exchange_nothing, range(1, 200, 2)),
}
"""What only a rare design shows is planted in tests/agree/test_reductions_agree.py."""


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(
    bug: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant, numbers = PLANTED[bug]
    plant(monkeypatch)
    assert first_found(numbers, tmp_path) is not None
