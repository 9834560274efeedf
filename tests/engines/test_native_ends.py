"""Every end of the C compiler and of the native process: one sentence, one exit code, and under
`auto` the quick engine goes on.  Scripts stand for compilers and programs."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelcheck import handover, pipeline
from modelcheck.advice import _more
from modelcheck.engines.native import build, ends, kept, reduced, running
from modelcheck.engines.native import search as native
from modelcheck.engines.native.build import Making, built
from modelcheck.exit_codes import Exit
from modelcheck.passes import REDUCTIONS
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, exit_code
from tests.agree.test_reductions_agree import program_of
from tests.mutants.test_mutants import MUTANTS
from tests.small_programs import program
from tests.test_handover import COUNTERS, ENDLESS, compiler, source_of

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="there is no C compiler")
BROKEN = COUNTERS.replace("< 16", "< 9")  # "all", after nine steps
WRITES = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncat > \"$2\" <<'END'\n{}\nexit\nEND\n"
FIGURES = "threads 1\nstates 9\ntransitions 9\ndepth 3\nlevel 3\nqueue 0\nbytes 1\nalone 0\nahead 0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's.  A thousand states are many here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(kept, "_checked", set())
    monkeypatch.setattr(kept, "_private", {})
    monkeypatch.setattr(handover, "PAYS", 1_000)
    return tmp_path / "cache" / "modelcheck" / "native"


def says(*lines: str) -> str:
    """A program that reads its states and says this."""
    return "#!/bin/sh\ncat > /dev/null\ncat <<'SAID'\n" + "\n".join(lines) + "\nSAID"


# ------------------------------------------------------------------------- of the native process

WHOLE = (*FIGURES.split("\n"), "stopped complete", "taken 1", "end")
PROGRAMS = {
    "a signal": ("#!/bin/sh\nkill -SEGV $$", "was ended by SIGSEGV before it came to its end"),
    "nothing": ("#!/bin/sh\nexit 3", "the native process ended with 3 before it came to its end"),
    "cut off": (says(*WHOLE[:5]), "ended with 0 before it came to its end"),
    "within a line": (says(*WHOLE[:4], "sta"), "ended with 0 before it came to its end"),
    "no figure": (says("states many", *WHOLE[1:]), "is damaged, at 'many'"),
    "none of them": (says(*WHOLE[-3:]), "said is damaged"),
    "another line": (says(*WHOLE[:4], "hello", *WHOLE[4:]), "is damaged, at 'hello'"),
    "an empty line": (says(*WHOLE[:4], "", *WHOLE[4:]), "said is damaged"),
    "broken, and no state": (says(*WHOLE[:9], "stopped violated", "taken 1", "end"), "is damaged"),
    "another taken": (says(*WHOLE[:-2], "taken 11", "end"), "is damaged, at 'taken 11'"),
    "progress": (says("progress 1 2", *WHOLE), "is damaged, at 'progress 1 2'"),
    "no UTF-8": (
        "#!/bin/sh\ncat > /dev/null\nprintf 'states \\377\\376\\nend\\n'", "said is damaged, at"
    ),
    "no program": ("garbage", "the system does not run "),
    "no interpreter": ("#!/there/is/none", "the system does not run "),
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_native_process_that_comes_to_no_result(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was 'a defect of modelcheck', 130 and silence, a disagreement, or 'Exec format error'; and
    `violated` without a state was HOLDS.  Under `auto` nobody went on."""
    script, sentence = PROGRAMS[kind]
    compiler(WRITES.format(script), tmp_path, monkeypatch)
    with pytest.raises(ConfigurationError) as refused:
        handover.native(program(COUNTERS), Limits())
    assert sentence in str(refused.value) and "--engine quick can" in str(refused.value)
    built(source_of(program(COUNTERS)))
    verdict = handover.explicit(program(COUNTERS), Limits())
    assert (verdict.engine, verdict.outcome, verdict.states) == ("quick", "HOLDS", 4096)
    assert verdict.remark.startswith("the native engine did not serve: ")
    assert sentence in verdict.remark


def test_a_native_process_that_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died while it was told where to begin: that was exit code 130, without a word."""
    compiler(WRITES.format("#!/bin/sh\nexit 3"), tmp_path, monkeypatch)
    search = native._Search(
        program(COUNTERS), frozenset(), Limits(), None, jobs=1, fingerprints=False
    )
    _, layout = native.in_c(search.program, search.semantics)
    begins = [b.state for b in search.semantics.initial() if b.state is not None]
    many = running.Running("", layout, begins * 20_000, Limits(), None)
    with pytest.raises(ends.NoResult, match="ended with 3 before it came to its end"):
        many.search(deadlock=True)


def test_a_native_process_that_was_killed_for_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That was a disagreement (22).  No other engine needs less, so `auto` ends too."""
    killed = "#!/bin/sh\ncat > /dev/null\necho progress 2000 5 300 7000\nkill -9 $$"
    compiler(WRITES.format(killed), tmp_path, monkeypatch)
    built(source_of(program(COUNTERS)))
    for verdict in (
        handover.native(program(COUNTERS), Limits()),
        handover.explicit(program(COUNTERS), Limits()),
    ):
        assert verdict.engine == "native" and exit_code(verdict) == Exit.NO_MEMORY
        assert verdict.remark == ends.KILLED and verdict.stopped is not None
        assert (verdict.states, verdict.transitions, verdict.stopped.queue) == (2000, 7000, 300)
        assert _more(verdict, Engine()).startswith("more memory: ")


def test_a_file_system_on_which_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    built(source_of(program(COUNTERS)))

    class Noexec(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], *rest: Any, **named: Any) -> None:
            if "--parent" in command:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            super().__init__(command, *rest, **named)

    monkeypatch.setattr(subprocess, "Popen", Noexec)
    verdict = handover.explicit(program(COUNTERS), Limits())
    assert (verdict.engine, verdict.outcome) == ("quick", "HOLDS")
    assert "permission denied; its file system may be mounted noexec" in verdict.remark


@pytest.mark.parametrize("why", [ends.NoResult("it died"), ends.NoCompiler("a full disk")])
def test_what_is_found_is_not_lost_with_the_search_for_a_shorter_trace(
    why: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reduced search finds it; the whole one, which was to show it shorter, died: no verdict.
    """

    def dies(*arguments: Any) -> None:
        raise why

    story = "a failing allocation keeps heap_lock"
    broken = program_of(next(m for m in MUTANTS if m.story == story), tmp_path)
    monkeypatch.setattr(native, "explore", dies)
    verdict = reduced.explore(broken, Limits())
    assert verdict.outcome == "VIOLATED" and verdict.reductions and verdict.trace is not None
    assert verdict.trace.failure is not None


@pytest.mark.parametrize("reductions", [frozenset(REDUCTIONS), frozenset[str]()])
def test_memory_that_is_spent_on_the_way_to_what_is_broken(
    reductions: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That was a disagreement (22).  That something is broken is said."""
    paths = running.Running.paths

    def without_memory(self: running.Running, *where: Any) -> Any:
        self.limits = Limits(memory=1)
        return paths(self, *where)

    monkeypatch.setattr(running.Running, "paths", without_memory)
    verdict = reduced.explore(program(BROKEN), Limits(), wanted=reductions)
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", Exit.NO_MEMORY)
    assert str(verdict.stopped) == (
        "the memory was spent: something is broken after 9 steps, and the way there was not found"
    )
    assert "something is broken, and it cannot be shown how" in plain(verdict_rows(verdict))


# ------------------------------------------------------------------------------- of the compiler

FAILS: dict[str, tuple[str, str]] = {
    "killed": ("#!/bin/sh\nkill -9 $$\n", "was killed, as the system does when memory is short"),
    "a signal": ("#!/bin/sh\nkill -SEGV $$\n", "was ended by SIGSEGV"),
    "no UTF-8": (
        "#!/bin/sh\nprintf 'bad \\377\\376 day'\nexit 1\n",
        "does not compile what is made of this: bad \N{REPLACEMENT CHARACTER}",
    ),
    "an escape": ("#!/bin/sh\nprintf 'a\\033[2Jb'\nexit 1\n", "made of this: a"),
    "silent": ("#!/bin/sh\nexit 4\n", "does not compile what is made of this: it ended with 4"),
    "no file": ("#!/bin/sh\nexit 0\n", "ended with 0 and wrote no program"),
    "a folder": (
        "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nmkdir \"$2\"\n",
        "ended with 0 and wrote no program",
    ),
    "no interpreter": ("#!/there/is/none\n", "cannot be run: no such file"),
    "all it has": (
        "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncd ..; rm -rf \"${2%/*}\"\n",
        "cannot be written in",
    ),
}


@pytest.mark.parametrize("kind", FAILS)
def test_a_compiler_that_compiles_nothing(
    kind: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it printed no UTF-8, or ended with 0 and no file, that was 'a defect of modelcheck'."""
    script, sentence = FAILS[kind]
    compiler(script, tmp_path, monkeypatch)
    with pytest.raises(ConfigurationError) as refused:
        handover.native(program(COUNTERS), Limits())
    assert sentence in str(refused.value) and "\033" not in str(refused.value)
    beside = handover._Beside(program(COUNTERS), handover.EXACT)
    while not beside.why:
        beside.look(1_000)
    assert sentence in beside.why
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("named", ["none", "gcc -O2", "not_executable"])
def test_cc_names_no_program(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was said that there is no compiler, and that one can be named in CC."""
    (tmp_path / "not_executable").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CC", named if " " in named else f"./{named}")
    with pytest.raises(ends.NoCompiler, match=r"CC names .*, and there is no such program"):
        Making("")


def test_a_compiler_that_hangs(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--engine native` waited for it, whatever `--max-seconds` said."""
    compiler(ENDLESS, tmp_path, monkeypatch)
    verdict = handover.native(program(COUNTERS), Limits(seconds=0))
    assert (verdict.outcome, exit_code(verdict)) == ("UNKNOWN", Exit.INCONCLUSIVE)
    assert verdict.stopped is not None and verdict.stopped.reason == "seconds"
    assert verdict.remark == ends.COMPILING and list(cache.iterdir()) == []


def test_no_time_is_a_limit() -> None:
    """To the native engine 0 seconds were none."""
    built(source_of(program(COUNTERS)))
    for search in (handover.native, handover.explicit):
        verdict = search(program(COUNTERS), Limits(seconds=0))
        assert verdict.stopped is not None and verdict.stopped.reason == "seconds"


def test_the_time_covers_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `--max-seconds 60` the engine got 60, however long the spec took to be read."""
    clock = [0.0]
    given: list[float | None] = []
    read, search = pipeline.compile_with_lines, pipeline.search

    def slowly(*arguments: Any) -> Any:
        clock[0] += 45
        return read(*arguments)

    def searched(program: Any, engine: Any, limits: Limits, *rest: Any) -> Any:
        given.append(limits.seconds)
        return search(program, engine, limits, *rest)

    monkeypatch.setattr(pipeline, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(pipeline, "compile_with_lines", slowly)
    monkeypatch.setattr(pipeline, "search", searched)
    spec = str(Path(__file__).parents[2] / "specs" / "per_page_cmpxchg.py")
    limits = Limits(seconds=60)
    checked = pipeline.verify(spec, {}, (), limits, lambda states, depth, queue: None)
    assert given[0] == 15 and checked.verdict.limits == limits


def _full(*arguments: Any, **named: Any) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FULL: dict[str, tuple[object, str]] = {
    "what is compiled": (Path, "write_text"), "the seal": (kept, "seal"),
    "its place": (Path, "replace"),
}


@pytest.mark.parametrize("kind", FULL)
def test_a_full_disk(kind: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was 'no space left on device' and 151, also where the quick engine needs no space."""
    monkeypatch.setattr(*FULL[kind], _full)
    beside = handover._Beside(program(COUNTERS), handover.EXACT)
    while not beside.why:
        beside.look(1_000)
    assert f"cannot be written in {cache}: no space left on device" in beside.why
    assert list(cache.iterdir()) == []


def test_a_cache_that_is_only_read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There was no native engine then; now what is compiled is not kept."""
    cache.mkdir(parents=True)
    access: Callable[..., bool] = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: path != cache and access(path, mode, **more)
    )
    assert "cannot be written" in kept.why_not()
    assert handover.native(program(COUNTERS), Limits()).outcome == "HOLDS"
    assert list(cache.iterdir()) == []


def test_what_a_run_left_that_was_killed(cache: Path) -> None:
    """Each left some megabytes in the cache, for ever.  What somebody is at stays."""
    (cache / "making-left").mkdir(parents=True)
    (cache / "making-left" / "program").touch()
    at_it = kept.Aside(cache)
    assert [path.name for path in cache.iterdir()] == [at_it.path.name]
    kept.Aside(cache).remove()
    assert list(cache.iterdir()) == [at_it.path]
    at_it.remove()
    assert list(cache.iterdir()) == []
