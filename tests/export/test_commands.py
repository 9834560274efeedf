"""`modelcheck export` and `modelcheck crosscheck`: what is printed where, and the exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck.agreement import Answer, Crosscheck, agrees, exit_code
from modelcheck.cli import app
from modelcheck.peers import known
from modelcheck.peers.tools import MOST_LINES, complaint
from modelcheck.report.crosscheck_table import crosscheck_rows
from modelcheck.report.pieces import plain

ROOT = Path(__file__).resolve().parents[2]
SPEC = "specs/first_steps/02_lock.py"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args)


def test_a_spec_is_printed() -> None:
    result = run("export", "--to", "promela", SPEC)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"/* {SPEC}, memory model sc,\n")
    assert f"   file 1: {SPEC} */" in result.stdout
    assert re.search(r"/\* .*\n +file 1, line \d+: spin_lock\(heap_lock\)", result.stdout)


def test_a_spec_is_written_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "lock.m"
    result = run("export", "--to", "murphi", SPEC, "-o", str(out))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert out.read_text(encoding="utf-8") == run("export", "--to", "murphi", SPEC).stdout
    assert [p.name for p in tmp_path.iterdir()] == ["lock.m"]  # nothing is left aside


def test_a_module_is_called_as_its_file_and_has_its_configuration_beside(tmp_path: Path) -> None:
    assert run("export", "--to", "tlaplus", SPEC, "-o", str(tmp_path / "lock.tla")).exit_code == 0
    module = (tmp_path / "lock.tla").read_text(encoding="utf-8")
    assert module.startswith("---- MODULE lock ----\n") and module.endswith("\n====\n")
    assert (tmp_path / "lock.cfg").read_text(encoding="utf-8") == (
        "INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE\nINVARIANT every_dirty_page_is_counted\n"
    )


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--to", "promla", SPEC], 151, "error: --to promla: did you mean 'promela'?\n"),
        (["--to", "tlaplus", SPEC, "-o", "a-b.tla"], 151,
         "error: -o a-b: TLC wants a module to be called as its file is, and this is no name for "
         "one: write letters and digits\n"),
        (["--to", "tlaplus", SPEC, "-o", "action.tla"], 151,
         "error: -o action: TLC wants a module to be called as its file is, and this is no name "
         "for one: write letters and digits\n"),
    ],
)  # fmt: skip
def test_an_option_that_does_not_fit(args: list[str], code: int, says: str) -> None:
    result = run("export", *args)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", says)


def test_nothing_is_left_beside_what_cannot_be_written(tmp_path: Path) -> None:
    """The text was written aside, could not be renamed to a folder's name, and stayed there.  A
    folder that is not there was made."""
    (tmp_path / "folder").mkdir()
    result = run("export", "--to", "murphi", SPEC, "-o", str(tmp_path / "folder"))
    assert (result.exit_code, result.stdout, result.stderr) == (
        151, "", f"error: -o {tmp_path / 'folder'}: this is a folder; name a file\n",
    )
    result = run("export", "--to", "murphi", SPEC, "-o", str(tmp_path / "none" / "a.m"))
    assert (result.exit_code, result.stdout, result.stderr) == (
        151, "", f"error: -o {tmp_path / 'none' / 'a.m'}: there is no folder {tmp_path / 'none'}; "
        "make it first\n",
    )
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_what_cannot_be_said_is_refused_with_its_line(tmp_path: Path) -> None:
    spec = tmp_path / "wide.py"
    spec.write_text(
        "from typing import Annotated\n"
        "from modelcheck.lang import between, holds, process, shared\n"
        "EXPECT = holds()\n"
        "@shared\n"
        "class Node:\n"
        "    pages: Annotated[int, between(0, 1_000_000)] = 0\n"
        "node = Node()\n"
        "@process\n"
        "def cpu() -> None:\n"
        "    pages = node.pages\n"
        "    assert pages * pages >= pages, \"a square is no smaller\"\n",
        encoding="utf-8",
    )
    result = run("export", "--to", "murphi", str(spec))
    assert (result.exit_code, result.stdout) == (150, "")
    assert result.stderr == (
        f"{spec}:11:5: error: a number that may be as far out as 1000000000000: the peers count "
        "in 32 bits\n"
        "    assert pages * pages >= pages, \"a square is no smaller\"\n"
        "    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
        "  write instead: smaller ranges\n"
    )


def timeless(text: str) -> str:
    return re.sub(r"\d+\.\d s", "0.0 s", text)


def test_without_a_peer_it_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("crosscheck", SPEC)
    assert (result.exit_code, result.stderr) == (20, "")
    assert timeless(result.stdout) == (
        f"{SPEC}\n"
        "tool        version  says   states  steps   time  bytes/state\n"
        "modelcheck  0.1.0    HOLDS      16     16  0.0 s\n"
        "not here: SPIN: apt-get install spin gcc\n"
        "not here: Rumur: apt-get install rumur gcc\n"
        "compared: asserts, each @always, faults; states and steps where nothing is broken\n"
        "not compared: deadlock, and what must be reachable (@sometimes)\n"
        "no peer is installed; exit code 20\n"
    )


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--tlc", "nowhere.jar"), "--tlc nowhere.jar: there is no such file"),
        (("--max-seconds", "inf"),
         "--max-seconds inf: write a number of seconds, as in --max-seconds 60"),
        (("--max-memory", "much"), "--max-memory much: write a size, as in 512M or 4G"),
    ],
)  # fmt: skip
def test_an_option_of_crosscheck_that_does_not_fit(option: tuple[str, str], says: str) -> None:
    result = run("crosscheck", SPEC, *option)
    assert (result.exit_code, result.stdout, result.stderr) == (151, "", f"error: {says}\n")


RUMUR = """\
design.m:3716.14-17: error: upper bound of range is less than lower bound
  loaded__2: 1..0;
             ^
"""
TLC = """\
Semantic processing of module Integers
Semantic errors:

*** Errors: 1

line 5, col 14 to line 5, col 14 of module design

Unknown operator: `y'.


"""


def test_what_a_peer_complains_of_is_shown_as_it_is() -> None:
    """Of Rumur's complaint only the caret was."""
    assert complaint(RUMUR) == RUMUR.rstrip()
    assert complaint(TLC) == (
        "Semantic errors:\n*** Errors: 1\nline 5, col 14 to line 5, col 14 of module design\n"
        "Unknown operator: `y'."
    )
    assert complaint("\nsh: no space\nleft\n") == "sh: no space\nleft"
    assert complaint(" \n") == "it says nothing"
    assert complaint("error\n" * 40).count("error") == MOST_LINES
    why = f"rumur: {complaint(RUMUR)}"
    refused = Answer("Rumur", "2022", "NOT KNOWN", None, None, 0.1, why=why)
    shown = plain(crosscheck_rows(Crosscheck("a.py", "", OURS, (refused,), ())))
    assert (
        "Rumur: rumur: design.m:3716.14-17: error: upper bound of range is less than lower bound\n"
        "      loaded__2: 1..0;\n"
        "                 ^\n"
    ) in shown


@pytest.mark.parametrize("limit", [("--max-seconds", "0"), ("--max-memory", "1K")])
def test_a_peer_that_gives_up_never_agrees(limit: tuple[str, str]) -> None:
    """Nor do we, where we give up."""
    if not any(peer.installed() for peer in known(None)):
        pytest.skip("neither SPIN nor Rumur is installed")
    result = run("crosscheck", SPEC, *limit)
    assert result.exit_code == 20
    assert " agrees" not in result.stdout and "not known" in result.stdout


def test_the_table_in_the_readme() -> None:
    """But for versions and times."""
    if not all(peer.installed() for peer in known(None)):
        pytest.skip("SPIN and Rumur are not both installed")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", readme, re.DOTALL)
    result = run("crosscheck", "specs/per_page_cmpxchg.py", "--set", "WAIT=True")

    def figures(text: str) -> list[list[str]]:
        varying = re.compile(r"(?<=[a-zA-Z]) +[\d.]+(-\d)? +(?=HOLDS)|\d+\.\d s")
        return [varying.sub(" ", row).split() for row in text.split("\n")]

    assert result.exit_code == 0
    assert figures(result.stdout) == figures(shown)


OURS = Answer("modelcheck", "1", "HOLDS", 1412, 2604, 0.1)


@pytest.mark.parametrize(
    ("ours", "peer", "expected"),
    [
        (OURS, Answer("SPIN", "6", "HOLDS", 1412, 2604, 1.0), True),
        (OURS, Answer("SPIN", "6", "HOLDS", 1411, 2604, 1.0), False),
        (OURS, Answer("SPIN", "6", "HOLDS", 1412, 2605, 1.0), False),
        (OURS, Answer("SPIN", "6", "VIOLATED", None, None, 1.0), False),
        (OURS, Answer("SPIN", "6", "NOT KNOWN", None, None, 1.0), None),
        (Answer("modelcheck", "1", "VIOLATED", None, None, 0.1),
         Answer("SPIN", "6", "VIOLATED", None, None, 1.0), True),
        (Answer("modelcheck", "1", "NOT KNOWN", None, None, 0.1),
         Answer("SPIN", "6", "HOLDS", 1412, 2604, 1.0), None),
    ],
)  # fmt: skip
def test_what_agreement_is(ours: Answer, peer: Answer, expected: bool | None) -> None:
    assert agrees(ours, peer) is expected
    code = exit_code(Crosscheck("a.py", "", ours, (peer,), ()))
    assert code == {True: 0, False: 22, None: 20}[expected]


def test_a_disagreement_outweighs_what_is_not_known() -> None:
    """And is seen in the table."""
    found = Crosscheck("a.py", "PAGES=2", OURS, (
        Answer("SPIN", "6.5.2", "HOLDS", 1411, 2604, 1.42, 44, ""),
        Answer("Rumur", "2022", "NOT KNOWN", None, None, 60.0, None, "cc: the time was spent"),
    ), ())  # fmt: skip
    assert exit_code(found) == 22
    assert plain(crosscheck_rows(found)) == (
        "a.py  PAGES=2\n"
        "tool        version  says       states  steps    time  bytes/state\n"
        "modelcheck  1        HOLDS       1,412  2,604   0.1 s\n"
        "SPIN        6.5.2    HOLDS       1,411  2,604   1.4 s           44  DISAGREES\n"
        "Rumur       2022     NOT KNOWN                 60.0 s               not known\n"
        "Rumur: cc: the time was spent\n"
        "compared: asserts, each @always, faults; states and steps where nothing is broken\n"
        "not compared: deadlock, and what must be reachable (@sometimes)\n"
        "0 of 2 agree; exit code 22\n"
    )
