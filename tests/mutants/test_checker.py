"""The checker's own mutants: one line of it changed, which no test noticed once, and the test that
notices it now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelcheck.engines.native import reduced, search
from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.notation import parse_program
from modelcheck.passes import REDUCTIONS
from modelcheck.passes.liveness import liveness
from modelcheck.records import dataclass
from modelcheck.trace import Limits
from tests.agree.built import AT_ONCE, compiled

ROOT = Path(__file__).parents[2]
OWNERSHIP = frozenset([REDUCTIONS[1]])

WRITER = """\
program p()
sort Page 2
sort process 2
shared Page.first[Page]: bool = all False
shared Page.second[Page]: bool = all False
shared turn: 0..2 = 0

process writer
  local pg: Page
  entry:
    pg := Page[1]
    goto writer_1
  at writer_1:
    store turn := 1
    goto writer_2
  at writer_2:
    store Page.first[pg] := True
    goto writer_3
  at writer_3:
    store Page.second[pg] := True
    goto writer_4
  at writer_4:
    store turn := 2
    goto end

process reader
  local pg: Page
  entry:
    pg := Page[1]
    goto reader_1
  at reader_1:
    load turn
    goto reader_2
  at reader_2:
    load turn
    goto end
"""
READ = WRITER.replace("Page.second[pg] := True", "Page.first[pg] := False").replace(
    "reader_2:\n    load turn\n",
    'reader_2:\n    load Page.first[pg]\n    assert not $, "it is never seen"\n',
)
BETWEEN = WRITER + """
always "both, or none": all(pg in Page: Page.first[pg] == Page.second[pg])
"""
REST = """\
program p()
sort Page 2
sort process 1
shared Page.first[Page]: bool = all False
shared turn: 0..2 = 0

process cpu
  local pg: Page
  entry:
    pg := Page[1]
    goto cpu_1
  at cpu_1:
    store turn := 1
    goto cpu_2
  at cpu_2 resting head:
    load Page.first[pg]
    goto cpu_3
  at cpu_3:
    store turn := 0
    goto cpu_1

always "nothing is done at rest" when at_rest: turn == 0
"""


@pytest.mark.parametrize("text", [READ, BETWEEN, REST], ids=["read", "between", "rest"])
def test_what_is_owned_by_nobody_is_found(text: str, tmp_path: Path) -> None:
    """Mutants of the checker that lived: a cell is read while another process writes it, a property
    is false between two writes, a search that meets this is believed, and a process is never seen
    at its head.  Each said HOLDS of one of these."""
    program = liveness(parse_program(text, "test"))
    with compiled(AT_ONCE, tmp_path):
        found = reduced.explore(program, Limits(), wanted=OWNERSHIP)
    assert (explore(program, Limits()).outcome, found.outcome) == ("VIOLATED", "VIOLATED")


def test_what_is_owned_goes_at_once(tmp_path: Path) -> None:
    """What the cases above are without their fault is reduced, so that they are no cases of a
    reduction that has nothing to do."""
    program = liveness(parse_program(WRITER, "test"))
    with compiled(AT_ONCE, tmp_path):
        found = reduced.explore(program, Limits(), wanted=OWNERSHIP)
    assert (found.outcome, found.reductions) == ("HOLDS", tuple(OWNERSHIP))


def test_the_native_engine_keeps_to_its_memory(tmp_path: Path) -> None:
    """A mutant lived that counted the bytes of the native engine, and never gave up: the table of
    states alone kept to its limit, which here is a million bytes, and the rest takes as many."""
    _, program = compile_spec(str(ROOT / "specs" / "per_page_cmpxchg.py"), {"WAIT": True})
    with compiled(AT_ONCE, tmp_path):
        assert search.explore(program, Limits(memory=1 << 26)).outcome == "HOLDS"
        found = search.explore(program, Limits(memory=1_500_000))
    assert found.outcome == "UNKNOWN" and found.stopped is not None
    assert found.stopped.reason == "memory"


# ----------------------------------------------------------------------- the mutants themselves


@dataclass(frozen=True)
class Mutant:
    """A part of a file of the checker, what it becomes, and the test that fails then."""

    file: str
    old: str
    new: str
    test: str


HERE = "tests/mutants/test_checker.py::"
OWNED = HERE + "test_what_is_owned_by_nobody_is_found"
FOLLOWS = "tests/passes/test_lock_protected.py::"
MUTANTS = (
    Mutant("passes/lock_protected.py", " and self.counts[process.name] == 1", "",
           FOLLOWS + "test_what_follows_at_once"),
    Mutant("passes/lock_protected.py", "return passing and not chooses", "return not chooses",
           FOLLOWS + "test_a_ghost_that_may_be_set_once_in_a_step"),
    Mutant("passes/ownership.py", "target.transit or target.head or", "target.transit or",
           OWNED + "[rest]"),
    Mutant("passes/symmetry.py", 'Binary(op, left, right) if op not in ("==", "!=", "and", "or"):',
           'Binary(op, left, right) if op == "-":',
           "tests/passes/test_symmetry.py::test_what_may_be_exchanged"),
    Mutant("passes/tickets.py", "case Assert(condition) | Assume(condition):\n"
           "                    flow.plain(number(condition))",
           "case Assert() | Assume():\n                    pass",
           "tests/passes/test_tickets.py::test_what_is_turned"),
    Mutant("engines/native/runtime/step.c",
           "(t->writes & (reads | writes)) | (t->reads & writes)", "t->writes & (reads | writes)",
           OWNED + "[read]"),
    Mutant("engines/native/runtime/step.c", "return writes && !whatever(s, writes);",
           "return false;", OWNED + "[between]"),
    Mutant("engines/native/reduced.py", 'if said.stopped == "meddled":',
           'if said.stopped == "no":', OWNED + "[between]"),
    Mutant("engines/native/runtime/found.c", "if (bytes > most_bytes)", "if (0)",
           HERE + "test_the_native_engine_keeps_to_its_memory"),
    Mutant("heap/replay.py", "    if cpu.fault is None:\n"
           '        raise Difference(f"{cpu.name} did not fail")\n', "",
           "tests/heap/test_replay.py::test_a_failure_that_is_none"),
)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{Path(m.file).name}: {m.old[:40]}")
def test_a_mutant_of_the_checker_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """In a copy of the checkout, the test passes before the change and fails after it."""
    for name in ("modelcheck", "tests", "specs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert passes(mutant.test, tmp_path) == 0
    path = tmp_path / "modelcheck" / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, "the mutant is of another text"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    assert passes(mutant.test, tmp_path) == 1


def passes(test: str, folder: Path) -> int:
    """pytest's exit code: 1 if the test fails."""
    options = ("-n", "0", "-q", "-x", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options, test]
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode
