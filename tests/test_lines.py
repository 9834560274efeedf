"""A trace shows the lines that its run really went through, also where equal locations are one.

It showed the first of the merged lines, whichever of them the run had gone through."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_with_lines
from modelcheck.semantics import Semantics
from modelcheck.source import lines_of
from modelcheck.trace import Disagreement, Limits, with_lines
from modelcheck.validate import validated

ROOT = Path(__file__).parents[1]
SPEC = '''\
from modelcheck.lang import process, shared, wait_until


@shared
class Cell:
    busy: bool = False
    ready: bool = False


cell = Cell()


def finish() -> None:
    {finish}


@process
def cpu() -> None:
    if cell.busy:
        finish()
    else:
        finish()
'''
FAILS = SPEC.format(finish='assert cell.ready, "it is ready"')
DIRECT = FAILS.replace("        finish()\n", '        assert cell.ready, "it is ready"\n')
LATE = FAILS.replace("    if cell.busy:\n", "    cell.busy = False\n    if cell.busy:\n")
STUCK = SPEC.format(finish="cell.busy = True") + """\
    ready = cell.ready
    while not ready:
        ready = cell.ready
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()  # another test's file


def verified(text: str, code: int, *args: str) -> str:
    Path("lines.py").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["verify", "lines.py", *args])
    assert result.exit_code == code, result.output
    return result.stdout


def is_merged() -> bool:
    _, program, unmerged = compile_with_lines("lines.py", {})
    return len(program.processes[0].actions) < len(unmerged.processes[0].actions)


@pytest.mark.parametrize("engine", ["auto", "reference", "native"])
@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        (FAILS, 14, """\
   1  19 if cell.busy:              cell.busy is False
      22 finish()
-> 2    14 assert cell.ready        cell.ready is False
        ^-- here cpu breaks it: it is ready
"""),
        (DIRECT, 14, """\
   1  19 if cell.busy:              cell.busy is False
-> 2  22 assert cell.ready          cell.ready is False
      ^-- here cpu breaks it: it is ready
"""),
        (STUCK, 11, """\
   1  19 if cell.busy:              cell.busy is False
      22 finish()
-> 2    14 cell.busy = True         cell.busy = True
        ^-- from here cpu is stuck at 23 ready = cell.ready
"""),
    ],
    ids=["a call", "an assert", "before a loop that it begins as"],
)
def test_the_second_of_two_lines(text: str, code: int, shown: str, engine: str) -> None:
    """By each engine; the allocator's thread is at that line too, and so is `replay`."""
    said = verified(text, code, "--engine", engine)
    assert is_merged()
    assert shown in said and "\nvalidated (" in said
    Path("trace.json").write_text(verified(text, code, "--json", "--engine", engine), "utf-8")
    again = CliRunner().invoke(app, ["replay", "trace.json"])
    assert again.exit_code == code
    assert again.stdout[again.stdout.index("at boot"):] == said[said.index("at boot"):]


def test_who_is_stuck_there_too_stands_where_it_stands() -> None:
    """What is `also` stuck at the end of the run is told by the line of its own process."""
    two = STUCK.replace("@process\n", "@process(count=2)\n")
    said = verified(two, 11)
    assert "cpu[0] is stuck for ever at line 23, ready = cell.ready" in said
    assert "also       deadlock: cpu[1] is stuck for ever at line 23, ready = cell.ready" in said


def test_a_line_that_is_not_the_runs_own_is_refused() -> None:
    """The merged line is no longer what a document may say."""
    document = json.loads(verified(DIRECT, 14, "--json"))
    step = document["trace"]["steps"][1]["source"]
    assert step["line"] == 22
    step["line"] = document["trace"]["failure"]["source"]["line"] = 20
    Path("trace.json").write_text(json.dumps(document), "utf-8")
    result = CliRunner().invoke(app, ["replay", "trace.json"])
    assert (result.exit_code, result.stdout) == (151, "")
    assert result.stderr == "error: trace.json was changed: its schedule makes another trace\n"


def test_the_allocator_is_at_another_line() -> None:
    """As if the lines were still those of the merged Program."""
    verified(DIRECT, 14)
    spec, program, _ = compile_with_lines("lines.py", {})
    found = validated(explore(program, Limits()), spec, program).validation
    assert found is not None and (found.mark, found.detail) == (
        "NOT REPRODUCED",
        "step 2: the trace shows cpu at lines.py:20; its thread: parked at lines.py:22",
    )


def test_another_program_tells_no_lines() -> None:
    """As if locations were merged that are not equal: never a trace with wrong lines."""
    verified(DIRECT, 14)
    _, program, _ = compile_with_lines("lines.py", {})
    trace = explore(program, Limits()).trace
    assert trace is not None
    for text, says in (
        (LATE, "does something else where no locations are merged"),
        (DIRECT.replace("it is ready", "it is late"), "where no locations are merged, it is late"),
    ):
        verified(text, 14)
        other = Semantics(compile_with_lines("lines.py", {})[2])
        with pytest.raises(Disagreement, match=says):
            with_lines(trace, other)


def test_debug_stops_at_the_line_that_the_trace_shows() -> None:
    Path("trace.json").write_text(verified(DIRECT, 14, "--json"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "modelcheck", "debug", "lines.py", "trace.json"],
        input="c\nc\nc\n", capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    stops = re.findall(r"\((\d+)\)cpu\(\)\n-> (.*)", done.stdout)
    assert stops == [("19", "if cell.busy:"), ("22", 'assert cell.ready, "it is ready"')]
    assert "validated (memory)" in done.stdout
