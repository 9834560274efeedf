"""`modelcheck debug`: pdb along a trace, driven by commands on its standard input."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modelcheck import pipeline
from modelcheck.source import lines_of
from modelcheck.trace import Limits, Validation, to_json

ROOT = Path(__file__).parents[2]

SPEC = '''\
from modelcheck.lang import (
    Enum, Lock, auto, element, process, shared, spin_lock, spin_unlock,
)


class Scrub(Enum):
    DIRTY = auto()
    CLEAN = auto()


@shared(count=2)
class Page:
    scrub: Scrub = Scrub.DIRTY
    in_use: bool = False


heap_lock = Lock("heap_lock")


def take(pg: Page) -> None:
    pg.in_use = True
    scrub = pg.scrub
    assert scrub == Scrub.CLEAN, "a page in use is clean"


@process
def domain() -> None:
    pg = element(Page, 1)
    spin_lock(heap_lock)
    taken = pg.in_use
    spin_unlock(heap_lock)
    if not taken:
        take(pg)


@process
def idle() -> None:
    page = element(Page, 0)
    page.scrub = Scrub.CLEAN
    assert not page.in_use, "a scrubbed page is in use"
'''



@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with heap.py and the trace of its failing assert in it, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heap.py").write_text(SPEC, "utf-8")
    lines_of.cache_clear()  # another test's heap.py
    checked = pipeline.verify("heap.py", {}, (), Limits(), lambda *_: None)
    (tmp_path / "trace.json").write_text(to_json(checked.verdict), "utf-8")
    return tmp_path


def session(*commands: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """`modelcheck debug` with these commands, and then the end of its input."""
    return subprocess.run(
        [sys.executable, "-m", "modelcheck", "debug", "heap.py", "trace.json", *options],
        input="".join(f"{c}\n" for c in commands), capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def shown(text: str) -> str:
    """What was printed, without the folder that the spec is in."""
    return text.replace(str(Path.cwd()) + os.sep, "")


def test_it_stops_in_front_of_each_step() -> None:
    """The objects are real: what is printed lies in the arena."""
    done = session("c", "p taken", "c", "c", "p pg, pg.in_use, pg.scrub, heap_lock.holder",
                   "c", "p pg.in_use, Page, [q.scrub for q in Page]", "w", "c")
    assert (done.returncode, done.stderr) == (0, "")
    assert shown(done.stdout) == """\
step 1 of 5: domain
> heap.py(29)domain()
-> spin_lock(heap_lock)
(Pdb) step 2 of 5: domain
> heap.py(30)domain()
-> taken = pg.in_use
(Pdb) *** NameError: name 'taken' is not defined
(Pdb) step 3 of 5: domain
> heap.py(31)domain()
-> spin_unlock(heap_lock)
(Pdb) step 4 of 5: domain
> heap.py(21)take()
-> pg.in_use = True
(Pdb) (Page[1], False, Scrub.DIRTY, None)
(Pdb) step 5 of 5: domain
> heap.py(22)take()
-> scrub = pg.scrub
(Pdb) (True, [Page[0], Page[1]], [Scrub.DIRTY, Scrub.DIRTY])
(Pdb)   heap.py(33)domain()
-> take(pg)
> heap.py(22)take()
-> scrub = pg.scrub
(Pdb) validated (memory): in the thread of domain: 'a page in use is clean' is false
"""


def test_line_by_line_to_the_failure() -> None:
    """`n` shows a line with an access twice: when this CPU comes to it, and when it is let go."""
    done = session("c", "n", "p taken", "c", "c", "c", "n", "p scrub", "n", "c", "c")
    assert done.returncode == 0
    assert "-> taken = pg.in_use\n(Pdb) > " in done.stdout
    assert "(Pdb) False\n(Pdb) step 3 of 5: domain\n" in done.stdout
    assert "(Pdb) Scrub.DIRTY\n(Pdb) AssertionError: a page in use is clean\n" in done.stdout
    assert done.stdout.endswith("'a page in use is clean' is false\n")


def test_into_a_call_and_out_of_it() -> None:
    done = session("c", "c", "n", "n", "s", "s", "p pg", "up", "p taken")
    assert "--Call--\n> " in done.stdout
    assert "(Pdb) Page[1]\n(Pdb) > " in done.stdout
    assert shown(done.stdout).endswith("> heap.py(33)domain()\n-> take(pg)\n(Pdb) False\n(Pdb) \n")


def test_a_breakpoint() -> None:
    done = session("b 23", "c", "c", "c", "c", "c", "p scrub", "q")
    assert done.returncode == 0
    assert "-> assert scrub == Scrub.CLEAN, " in done.stdout
    assert done.stdout.endswith("(Pdb) Scrub.DIRTY\n(Pdb) ")


@pytest.mark.parametrize("last", [["q"], [], ["n", "n", "n", "q"], ["s", "s"]])
def test_leaving_at_any_time(last: list[str]) -> None:
    done = session("c", *last)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Traceback" not in done.stdout


def test_a_cpu_that_takes_no_step() -> None:
    done = session(options=("--cpu", "idle"))
    assert (done.returncode, done.stdout, done.stderr) == (
        151, "", "error: no CPU called 'idle' takes a step in trace.json: there is domain\n",
    )


def test_another_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The others' steps are told, not stopped at."""
    trace = Path("trace.json").resolve()
    monkeypatch.chdir(ROOT)
    design = "specs/per_page_cmpxchg.py"
    checked = pipeline.verify(design, {}, (), Limits(), lambda *_: None)
    trace.write_text(to_json(checked.verdict), "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("c\np pg\nc\n"))
    pipeline.debug(design, str(trace), "idle_loop")
    said = capsys.readouterr().out
    assert said.count("(Pdb) ") == 3
    assert said.startswith("step 1 of 10: idle_loop\n> ")
    assert "(Pdb) Page[1]\n(Pdb) step 3 of 10: domain[0]: " in said


@pytest.mark.parametrize(
    "command", ["p pg.nothing", "p 1 // 0", "p (", "run", "b 9999", "jump 1", "p element(Page, 9)",
                "!raise SystemExit", "return 1 2 3"],
)
def test_a_mistake_at_the_prompt_is_no_end(command: str) -> None:
    done = session(command, "p 40 + 2", "q")
    assert (done.returncode, done.stderr) == (0, "")
    assert "(Pdb) 42\n" in done.stdout
    assert "Traceback" not in done.stdout


def test_what_is_changed_by_hand_is_not_passed_over() -> None:
    done = session("c", "!pg.in_use = True", "c")
    assert done.returncode == 22
    assert done.stdout.endswith(
        "NOT REPRODUCED: step 2: Page[1].in_use is False in the model and True on the allocator\n"
    )


def test_a_trace_of_another_spec() -> None:
    Path("other.py").write_text(SPEC, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "modelcheck", "debug", "other.py", "trace.json"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (
        151, "error: trace.json is a trace of heap.py, not of other.py\n",
    )


def within(monkeypatch: pytest.MonkeyPatch, commands: str) -> Validation | None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(commands))
    return pipeline.debug("heap.py", "trace.json", None)


@pytest.mark.parametrize("commands", ["", "q\n", "c\nn\nn\nq\n", "c\n" * 9, "n\n" * 99])
def test_no_thread_is_left(
    commands: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    within(monkeypatch, commands)
    assert threading.active_count() == before


def test_reading_in_the_debugger_is_no_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Were it one, the thread would park there, and the model go on without it."""
    plain = within(monkeypatch, "c\n" * 9)
    reading = within(monkeypatch, "p pg.scrub, pg.in_use\np Page[0].scrub\nc\n" * 9)
    assert plain == reading
    assert plain is not None and plain.mark == "validated"


def test_ctrl_c_at_the_prompt_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(io.StringIO):
        def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    before = threading.active_count()
    monkeypatch.setattr(sys, "stdin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        pipeline.debug("heap.py", "trace.json", None)
    assert threading.active_count() == before
