"""The campaign through the engines: a share of it, and that it finds what is planted."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from modelcheck.passes import REDUCTIONS
from tests.agree import test_reductions_agree
from tests.agree.built import WATCHED
from tests.campaigns import engines
from tests.campaigns.engines import campaign, main, tried
from tests.campaigns.planted import FIRST, PLANTED

SHARE = range(1_000 if shutil.which("tcc") else 500)  # gcc takes twice as long


def test_a_share(request: pytest.FixtureRequest) -> None:
    """The command's first, about which all are asked, and in which all reductions have something to
    do, mostly together with others.  (With a sanitizer a compilation takes ten times as long.)"""
    share = SHARE if request.config.getoption("--sanitize") is None else SHARE[:150]
    found = list(campaign(share, False, jobs=2))
    answered = Counter(who for f in found for who in f.answered)
    print(Counter(f.outcome for f in found), answered)
    assert [f for f in found if f.findings] == []
    tried = sum(bool(f.answered) for f in found)
    assert tried > 0.9 * len(share) and answered["quick"] == tried
    assert answered["native"] > 0.99 * tried
    assert answered["native, two threads"] == answered["native"]
    assert answered["z3"] > 0.6 * len(share)
    assert answered["native by fingerprints"] > 0.2 * len(share)
    for name in REDUCTIONS:
        assert sum(n for who, n in answered.items() if name in who) > 0.1 * len(share), name
    assert {f.outcome for f in found} >= {"HOLDS", "VIOLATED"}


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--programs", "3", "--jobs", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("3 programs: ") and "\n0 findings, in " in shown


def test_reductions_with_sanitizers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No access out of bounds, no use of what was freed, nothing undefined: UBSan once found the
    element before the first of a table named here, and tests/agree/test_native_agrees.py watches no
    reduced search."""
    monkeypatch.setattr(engines, "AT_ONCE", WATCHED)
    answered = [tried(False, tmp_path, number) for number in (10, 15, 27)]
    assert [t for t in answered if t.findings] == []
    for name in REDUCTIONS:
        assert any(name in who for t in answered for who in t.answered), name


def test_a_local_that_is_kept_names_no_page_on_other_ways_there(tmp_path: Path) -> None:
    """Ownership kept the local that names what was accessed where the step ends, and not where else
    that is reached from.  There it came to life with its default, page 0, which an exchange of
    pages did not leave as it was; and a run of the search was none of the Program (number 3426)."""
    found = tried(True, tmp_path, 3426)
    assert "a run with ownership, symmetry" not in found.answered  # ample-sets too
    assert "a run with ample-sets, ownership, symmetry" in found.answered
    assert found.findings == ()


def test_of_two_that_fail_alike_each_engine_names_the_same(tmp_path: Path) -> None:
    """In one initial state a[0] follows None with its first step, in another a[1] does; the native
    engine keeps such states in the order of its table (number 7104)."""
    assert tried(False, tmp_path, 7104).findings == ()


def test_each_planted_bug_of_a_reduction_is_here() -> None:
    assert set(test_reductions_agree.PLANTED) <= set(FIRST)


@pytest.mark.parametrize("bug", FIRST)
def test_a_planted_bug_is_found(
    bug: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = FIRST[bug]
    if number not in SHARE:  # in which nothing is found
        assert tried(False, tmp_path, number).findings == ()
    PLANTED[bug](monkeypatch)
    assert tried(False, tmp_path, number).findings != ()
