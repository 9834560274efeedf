"""What README.md shows is what happens.  `RENEW=1 python -m pytest tests/test_readme.py` writes the
traces in it anew."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.source import lines_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TIME = re.compile(r" in \d+\.\d+ s")


def blocks(language: str) -> list[str]:
    """The fenced blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def check(number: int, text: str) -> None:
    """The block without a language of this number says `text`."""
    shown = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    plain = [body for language, body in shown if not language]
    if os.environ.get("RENEW"):
        path = ROOT / "README.md"
        now = path.read_text(encoding="utf-8")
        path.write_text(now.replace(f"```\n{plain[number]}```", f"```\n{text}```"), "utf-8")
    else:
        assert plain[number] == text


def test_the_trace_is_the_counterexample_that_is_kept() -> None:
    check(0, (ROOT / "counterexamples" / "per_page_cmpxchg.txt").read_text(encoding="utf-8"))


def test_the_spec_of_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (spec,) = blocks("python")
    (tmp_path / "count.py").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()  # another test's count.py
    result = CliRunner().invoke(app, ["verify", "count.py"])
    check(1, TIME.sub("", result.stdout))
    assert result.exit_code == 12
    assert CliRunner().invoke(app, ["verify", "count.py", "--set", "LOCKED=True"]).exit_code == 0


def test_the_command_that_ci_runs_is_there_once() -> None:
    """`.ci/run` takes it from here."""
    assert len(re.findall(r"-m pytest$", README, re.MULTILINE)) == 1


def test_exit_codes() -> None:
    """Each code that the table names, and no other."""
    table = README.split("## Verdicts and exit codes")[1].split("`--json`")[0]
    codes = {int(n) for n in re.findall(r"\b(\d+)\b", table)}
    assert codes == {0, 2, 11, 12, 14, 15, 16, 20, 21, 22, 70, 130, 150, 151}
