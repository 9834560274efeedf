"""The command line: what is printed where, and with which exit code."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import modelcheck
from modelcheck.cli import app, exiting
from modelcheck.source import lines_of

ROOT = Path(__file__).parents[1]

COUNT = '''\
from typing import Annotated

from modelcheck.lang import always, at_rest, between, holds, param, process, shared, violates

CPUS = param(2, 1, 3)
EXPECT = violates("every page is counted", when=CPUS > 1), holds(when=CPUS == 1)


@shared
class Node:
    pages: Annotated[int, between(0, 3)] = 0


node = Node()


@process(count=CPUS)
def cpu() -> None:
    pages = node.pages
    node.pages = pages + 1


@always(when=at_rest())
def every_page_is_counted() -> bool:
    return node.pages == CPUS
'''

HOLDS = """\
count.py: HOLDS  every property, in every reachable state of this instance
  expected   yes: EXPECT says holds()
  instance   CPUS=1, memory model sc
  searched   all reachable states: 3 states, 2 transitions, depth 2 (quick engine)
  tried      4 random walks, 8 steps at 2 of 2 lines, seed 0: the executable allocator agrees
  properties holds                 always    every page is counted
             holds                 deadlock  no process is stuck for ever
"""


@pytest.fixture(autouse=True)
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small spec in it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "count.py").write_text(COUNT, encoding="utf-8")
    lines_of.cache_clear()  # another test's count.py
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args)


def timeless(text: str) -> str:
    """Without the time that a search took."""
    return re.sub(r" in \d+\.\d+ s", "", text)


def test_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelcheck", "--version"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0, f"modelcheck {modelcheck.__version__}\n", "",
    )
    assert run("--version").stdout == done.stdout


def test_a_design_that_holds() -> None:
    result = run("verify", "count.py", "--set", "CPUS=1")
    assert (result.exit_code, timeless(result.stdout), result.stderr) == (0, HOLDS, "")


def test_several_specs_exit_with_the_smallest_code_that_is_not_0() -> None:
    Path("broken.py").write_text("import os\n", encoding="utf-8")
    assert run("verify", "broken.py").exit_code == 150
    assert run("verify", "broken.py", "count.py").exit_code == 12
    both = run("verify", "count.py", "broken.py", "count.py", "--set", "CPUS=1")
    assert both.exit_code == 150
    assert both.stdout.count("count.py: HOLDS") == 2
    assert both.stderr.startswith("broken.py:1:1: error: ")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["missing.py"], 150, "missing.py:1:1: error: the file cannot be read: no such file or "
                              "directory"),
        (["/dev/null"], 150, "/dev/null:1:1: error: this is a pipe or a device\n"
                             "  write instead: the path of a .py file"),
        (["count.py", "--max-seconds", "inf"], 151,
         "error: --max-seconds inf: write a number of seconds, as in --max-seconds 60"),
        (["count.py", "--max-seconds", "nan"], 151,
         "error: --max-seconds nan: write a number of seconds, as in --max-seconds 60"),
        (["count.py", "--max-seconds", "-1"], 151,
         "error: --max-seconds -1: write a number of seconds, as in --max-seconds 60"),
        (["count.py", "--max-seconds", "1e18"], 151,
         "error: --max-seconds 1e+18: at most 2,000,000; write a number of seconds, as in "
         "--max-seconds 60"),
        (["count.py", "--max-memory", "0"], 151,
         "error: --max-memory 0: no search fits into that; write a size, as in 512M or 4G"),
        (["count.py", "--max-memory", "-5"], 151,
         "error: --max-memory -5: write a size, as in 512M or 4G"),
        (["count.py", "--max-memory", "nan"], 151,
         "error: --max-memory nan: write a size, as in 512M or 4G"),
        (["count.py", "--max-memory", ""], 151,
         "error: --max-memory : write a size, as in 512M or 4G"),
        (["count.py", "--max-memory", "99999999T"], 151,
         "error: --max-memory 99999999T: no machine has so much; write a size, as in 512M or 4G"),
        (["count.py", "--set", "CPUS"], 151,
         "error: --set CPUS: write --set NAME=VALUE, as in --set PAGES=3"),
        (["count.py", "--set", "CPUS=two"], 151,
         "error: --set CPUS=two: 'two' is not an int, True or False"),
        (["count.py", "--set", "CPUS=1", "--set", "CPUS=2"], 151,
         "error: --set CPUS=2: CPUS is set twice"),
        (["count.py", "--set", "CPU=2"], 151,
         "error: --set CPU: count.py has no such parameter (it has CPUS); did you mean CPUS?"),
        (["count.py", "--property", "every_page_is_counter"], 151,
         "error: count.py has no property 'every_page_is_counter': did you mean "
         "'every page is counted'?"),
        (["count.py", "--engine", "referense"], 151,
         "error: no engine 'referense': did you mean 'reference'?"),
        (["count.py", "--max-memory", "lots"], 151,
         "error: --max-memory lots: write a size, as in 512M or 4G"),
    ],
)
def test_a_users_mistake_is_answered_with_a_sentence(
    args: list[str], code: int, message: str
) -> None:
    result = run("verify", *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.rstrip() == message


@pytest.mark.parametrize(
    "args", [[], ["verify"], ["veryfy"], ["verify", "x.py", "--max-states", "0"]]
)
def test_usage(args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "Traceback" not in result.output


def test_only_the_property_that_was_asked_for() -> None:
    """By sentence, by the name of its function, and deadlock by that word too."""
    assert run("verify", "count.py", "--property", "every page is counted").exit_code == 12
    assert run("verify", "count.py", "--property", "every_page_is_counted").exit_code == 12
    assert run("verify", "count.py", "--property", "no process is stuck for ever").exit_code == 0
    result = run("verify", "count.py", "--property", "deadlock")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "count.py: HOLDS  every property that was asked for, in every reachable state of this "
        "instance\n  expected   not judged: only what was asked for was checked\n"
    )
    assert "not checked           always    every page is counted\n" in result.stdout


UNHELD = '''\
from modelcheck.lang import Lock, process, spin_lock, spin_unlock, violates

EXPECT = violates("a lock is released by the CPU that holds it")
heap_lock = Lock("heap_lock")


@process
def cpu() -> None:
    spin_unlock(heap_lock)
    spin_lock(heap_lock)
'''


def test_what_spin_unlock_asserts_is_a_property_too(count: Path) -> None:
    """Listed in every verdict, it could be named by neither `--property` nor EXPECT."""
    (count / "unheld.py").write_text(UNHELD, encoding="utf-8")
    released = "a lock is released by the CPU that holds it"
    assert run("verify", "unheld.py", "--property", released).exit_code == 14
    expected = run("verify", "unheld.py")
    assert expected.exit_code == 14
    assert "  expected   yes: EXPECT says violates(" in expected.stdout
    assert run("verify", "count.py", "--property", released).exit_code == 151  # it has no lock


ASSERTS = '''\
from modelcheck.lang import process, shared


@shared
class Flags:
    a: bool = False
    b: bool = False


flags = Flags()


@process
def cpu() -> None:
    flags.a = True
    a = flags.a
    assert not a, "a is never set"
    flags.b = True
    assert not flags.b, "b is never set"
'''


def test_a_trace_that_goes_on_where_another_assert_fails_is_validated_too() -> None:
    """It was called NOT REPRODUCED: the thread stopped at the assert that nobody had asked for."""
    Path("asserts.py").write_text(ASSERTS, encoding="utf-8")
    assert run("verify", "asserts.py").stdout.startswith("asserts.py: VIOLATED  a is never set\n")
    result = run("verify", "asserts.py", "--property", "b is never set")
    assert result.exit_code == 14
    assert result.stdout.startswith("asserts.py: VIOLATED  b is never set\n")
    assert "\nvalidated (memory): " in result.stdout
    Path("trace.json").write_text(
        run("verify", "asserts.py", "--property", "b is never set", "--json").stdout, "utf-8"
    )
    assert run("replay", "trace.json").exit_code == 14


LAST_STEP = '''\
from modelcheck.lang import process, shared
from modelcheck.xen.page_list import PageListHead, page_list_remove_head


@shared(count=1)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None


@shared
class Flags:
    done: bool = False


heap = PageListHead[Page]()
flags = Flags()


@process
def cpu() -> None:
    pg = page_list_remove_head(heap)
    flags.done = True
    assert pg is not None, "there is a page"
'''


def test_the_last_step_is_shown_as_far_as_it_went() -> None:
    """Of a store and a false assert in one step it said `flags.done stays False`, and outside the
    checkout the library's lines were left out."""
    Path("last.py").write_text(LAST_STEP, encoding="utf-8")
    shown = run("verify", "last.py").stdout.splitlines()
    (taken,) = (row for row in shown if "page_list.py:85" in row)
    assert re.sub(" +", " ", taken) == " 1 page_list.py:85 page = head.next heap.next is None"
    (last,) = (row for row in shown if row.startswith("->"))
    assert re.sub(" +", " ", last) == "-> 2 23 flags.done = True flags.done = True"


def test_a_search_that_hits_a_limit_is_never_a_success() -> None:
    result = run("verify", "count.py", "--set", "CPUS=1", "--max-states", "1")
    assert result.exit_code == 20
    assert result.stdout.startswith(
        "count.py: UNKNOWN  nothing wrong was found, but not everything was looked at\n"
    )
    assert "  stopped    the limit on states was reached: " in result.stdout
    assert "  limits     states 1\n" in result.stdout
    assert run("verify", "count.py", "--max-memory", "1K").exit_code == 21


@pytest.mark.parametrize("engine", ["auto", "quick", "reference", "symbolic", "induction"])
def test_no_seconds_are_a_limit(engine: str) -> None:
    """0 seconds are a limit as 1 is, not the lack of one.  Induction used to find the violation of
    this spec among the states that it tries its candidates on, whatever time it had."""
    result = run("verify", "count.py", "--engine", engine, "--max-seconds", "0")
    assert (result.exit_code, result.stdout.split()[1]) == (20, "UNKNOWN")


def test_json_is_one_document() -> None:
    result = run("verify", "count.py", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 12
    assert list(document)[:3] == ["format", "version", "verdict"]
    assert (document["format"], document["verdict"]) == ("modelcheck-verdict", "VIOLATED")
    assert (document["spec"], document["states"], document["depth"]) == ("count.py", 12, 4)
    assert document["trace"]["failure"]["sentence"] == "every page is counted"
    assert document["validation"]["mark"] == "validated"
    assert document["sources"][0][0] == "count.py"


def test_json_of_several_specs_is_one_document_too() -> None:
    result = run("verify", "count.py", "missing.py", "--json")
    document = json.loads(result.stdout)
    assert document["format"] == "modelcheck-verdicts"
    assert [d["format"] for d in document["verdicts"]] == ["modelcheck-verdict", "modelcheck-error"]
    assert document["verdicts"][1]["error"].startswith("missing.py:1:1: error: ")


def test_colour_is_asked_for_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("verify", "count.py").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run("verify", "count.py").stdout
    assert coloured.startswith("\x1b[1mcount.py: \x1b[0m\x1b[1;31mVIOLATED\x1b[0m")


def test_show_prints_the_program_after_a_stage() -> None:
    result = run("show", "count.py", "--set", "CPUS=1", "--stage", "steps")
    assert result.exit_code == 0
    assert result.stdout.startswith("program count(CPUS=1)\n")
    assert "memory sc" in run("show", "count.py").stdout
    last = run("show", "count.py", "--set", "CPUS=1").stdout
    for stage in ("merged", "lock-protected", "ownership"):  # nothing is locked there, or owned
        assert run("show", "count.py", "--set", "CPUS=1", "--stage", stage).stdout == last
    result = run("show", "count.py", "--stage", "step")
    assert (result.exit_code, result.stderr) == (
        151, "error: no stage 'step': did you mean 'steps'?\n",
    )


def test_a_defect_of_ours_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as exit:
        exiting(lambda: 1 // 0, debug=False)
    assert exit.value.exit_code == 70
    assert capsys.readouterr().err == (
        "internal error: ZeroDivisionError: integer division or modulo by zero\n"
        "This is a defect of modelcheck: please report it, with the spec; --debug shows the "
        "traceback.\n"
    )
    with pytest.raises(typer.Exit):
        exiting(lambda: 1 // 0, debug=True)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


def in_a_shell(command: str) -> tuple[int, str]:
    """The exit code of a shell's command, in which `modelcheck` is ours, and what stderr says."""
    command = command.replace("modelcheck", f"{sys.executable} -m modelcheck", 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, env=environment
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("args", ["verify count.py", "verify count.py --json", "--version", "-h"])
def test_a_full_disk_is_said_in_a_sentence(args: str) -> None:
    """It was called a defect of modelcheck, and `--version` showed a traceback."""
    said = in_a_shell(f"modelcheck {args} > /dev/full")
    assert said == (151, "error: No space left on device\n")


def test_a_stream_that_is_closed() -> None:
    """Python has no sys.stdout then: it was called a defect, with exit code 70."""
    assert in_a_shell("modelcheck verify count.py >&-") == (12, "")
    assert in_a_shell("modelcheck verify count.py 2>&-") == (12, "")


def test_a_reader_that_goes_away() -> None:
    assert in_a_shell("modelcheck verify count.py | true; exit ${PIPESTATUS[0]}") == (130, "")


LOADING = """\
import sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "modelcheck.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from modelcheck.__main__ import main
main()
"""


def test_ctrl_c_while_modules_are_loaded() -> None:
    """It showed a traceback, for a third of a second after the start."""
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_ctrl_c_outside_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as exit:
        exiting(interrupted, debug=False)
    assert (exit.value.exit_code, capsys.readouterr().err) == (130, "interrupted\n")


# ----------------------------------------------------------------------------------------- replay


@pytest.fixture
def trace() -> Path:
    """What `verify --json > trace.json` leaves."""
    path = Path("trace.json")
    path.write_text(run("verify", "count.py", "--json").stdout, encoding="utf-8")
    return path


def test_replay_says_what_verify_said(trace: Path) -> None:
    result = run("replay", "trace.json")
    assert result.exit_code == 12
    assert timeless(result.stdout) == timeless(run("verify", "count.py").stdout)


def test_a_spec_that_has_changed_is_not_replayed(trace: Path) -> None:
    Path("count.py").write_text(COUNT + "\n", encoding="utf-8")
    result = run("replay", "trace.json")
    assert (result.exit_code, result.stderr) == (
        151,
        "error: count.py has changed since trace.json was made: make it anew with "
        "modelcheck verify\n",
    )


def test_a_trace_whose_spec_is_not_here(trace: Path) -> None:
    Path("count.py").unlink()
    result = run("replay", "trace.json")
    assert (result.exit_code, result.stderr) == (
        151,
        "error: trace.json is a trace of count.py, and there is no such file here: run this where "
        "it was made\n",
    )


def test_a_trace_that_was_tampered_with_is_not_shown(trace: Path) -> None:
    """Nothing of a trace is believed but its schedule."""
    whole = json.loads(trace.read_text(encoding="utf-8"))
    tampers: tuple[Callable[[Any], object], ...] = (
        lambda t: t["steps"].pop(),
        lambda t: t["steps"][0].update(process="somebody else"),
        lambda t: t["steps"][2]["changed"].clear(),
        lambda t: t["failure"].update(sentence="something worse"),
        lambda t: t.update(failure=None),
    )
    for tamper in tampers:
        document = json.loads(json.dumps(whole))
        tamper(document["trace"])
        trace.write_text(json.dumps(document), encoding="utf-8")
        result = run("replay", "trace.json")
        assert (result.exit_code, result.stdout, result.stderr) == (
            151, "", "error: trace.json was changed: its schedule makes another trace\n",
        )


def test_a_verdict_that_was_tampered_with_is_not_repeated(trace: Path) -> None:
    """`"verdict": "HOLDS"` above a trace was printed as HOLDS, with exit code 0."""
    whole = json.loads(trace.read_text(encoding="utf-8"))
    for tamper in ({"verdict": "HOLDS"}, {"verdict": "UNKNOWN"}, {"memory_model": "tso"}):
        trace.write_text(json.dumps({**whole, **tamper}), encoding="utf-8")
        result = run("replay", "trace.json")
        assert (result.exit_code, result.stdout, result.stderr) == (
            151, "", "error: trace.json was changed: its trace is a violation, under memory model "
            "sc\n",
        )
    trace.write_text(json.dumps({**whole, "sources": []}), encoding="utf-8")
    assert run("replay", "trace.json").stderr.startswith("error: count.py has changed since ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "trace.json is not JSON: Expecting property name enclosed in double quotes: line 1 "
              "column 2 (char 1)"),
        ("[]", 'trace.json is not a verdict: no "format": "modelcheck-verdict"'),
        ('{"format": "modelcheck-verdict", "version": 99}',
         "trace.json has version 99; this tool reads 1"),
    ],
)
def test_what_is_no_trace(text: str, message: str) -> None:
    Path("trace.json").write_text(text, encoding="utf-8")
    result = run("replay", "trace.json")
    assert (result.exit_code, result.stdout, result.stderr) == (151, "", f"error: {message}\n")


def test_a_file_that_is_not_there() -> None:
    result = run("replay", "nowhere.json")
    assert (result.exit_code, result.stderr) == (
        151, "error: nowhere.json cannot be read: No such file or directory\n",
    )


def test_a_verdict_without_a_trace() -> None:
    holds = run("verify", "count.py", "--set", "CPUS=1", "--json").stdout
    Path("holds.json").write_text(holds, encoding="utf-8")
    result = run("replay", "holds.json")
    assert (result.exit_code, result.stderr) == (
        151, "error: holds.json has no trace: its verdict is HOLDS\n",
    )
