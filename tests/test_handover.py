"""From the quick engine to the native one: who answers, what is compiled when, and what is said
where nothing can be compiled."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelcheck import handover
from modelcheck.cli import app
from modelcheck.engines import reference
from modelcheck.engines.asked import only
from modelcheck.engines.native import Native, actions
from modelcheck.engines.native import search as native
from modelcheck.engines.native.build import Making, built
from modelcheck.engines.native.ends import NoCompiler
from modelcheck.engines.native.kept import why_not
from modelcheck.engines.native.running import odds
from modelcheck.engines.quick import search as quick
from modelcheck.ir import Program
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine
from modelcheck.semantics import Semantics
from modelcheck.source import ConfigurationError, SpecError
from modelcheck.trace import Limits, Verdict, from_json, to_json
from tests.small_programs import program

COUNTERS = """\
    program counters()
    sort process 3
    shared counter.of[process]: 0..15 wraps = all 0
    process p[3]
      entry: goto p_1
      at p_1 resting:
        rmw counter.of[self] := $ + 1
        goto p_1
    always "all": counter.of[process[0]] < 16
    sometimes "far": counter.of[process[0]] == 15
    """
WIDE = COUNTERS.replace("0..15 wraps = all 0", f"0..{(1 << 64) - 1} wraps = all {(1 << 64) - 10}")
BROKEN = "#!/bin/sh\necho 'it has a bad day' >&2\nexit 1\n"
ENDLESS = "#!/bin/sh\nexec tail -f /dev/null\n"
NO_COMPILER = "no C compiler is found (cc, gcc or clang; or name one in CC)"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled programs are kept: nothing yet.  A thousand states are many here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(handover, "PAYS", 1_000)
    return tmp_path / "cache" / "modelcheck" / "native"


def compiler(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A C compiler that does what this script does."""
    file = folder / "compiler"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    monkeypatch.setenv("CC", str(file))


def no_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))


def same(one: Verdict, other: Verdict) -> bool:
    return replace(one, engine="", seconds=0, remark="") == (
        replace(other, engine="", seconds=0, remark="")
    )


def test_a_small_spec_needs_no_compiler(kept: Path) -> None:
    few = program(COUNTERS.replace("0..15", "0..7").replace("15", "7").replace("16", "8"))
    verdict = handover.explicit(few, Limits())
    assert (verdict.engine, verdict.outcome, verdict.states) == ("quick", "HOLDS", 512)
    assert verdict.remark == "" and not kept.exists()


def source_of(text: Program) -> str:
    return native.in_c(text, Semantics(text))[0]


def test_what_was_compiled_before_takes_over() -> None:
    built(source_of(program(COUNTERS)))
    verdict = handover.explicit(program(COUNTERS), Limits(seconds=600))
    assert (verdict.engine, verdict.outcome, verdict.states) == ("native", "HOLDS", 4096)
    assert verdict.remark == ""
    assert same(verdict, quick.explore(program(COUNTERS), Limits(seconds=600)))


def test_only_what_is_asked_for_is_handed_over() -> None:
    """With one property asked for another Program is compiled, and it is that which takes over."""
    built(source_of(only(program(COUNTERS), frozenset(["all"]))))
    verdict = handover.explicit(program(COUNTERS), Limits(), ("all",))
    assert verdict.engine == "native"
    assert same(verdict, quick.explore(program(COUNTERS), Limits(), ("all",)))


def test_it_is_compiled_beside_the_search(kept: Path) -> None:
    beside = handover._Beside(program(COUNTERS), handover.EXACT)
    beside.look(999)
    assert beside._making is None
    beside.look(1_000)
    assert beside._making is not None and beside._making.ready(wait=True) is not None
    with pytest.raises(handover._Ready):
        beside.look(1_001)
    assert len(list(kept.iterdir())) == 1


def test_there_is_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool says so in a sentence, and the quick engine serves to the end."""
    no_compiler(tmp_path, monkeypatch)
    verdict = handover.explicit(program(COUNTERS), Limits())
    assert (verdict.engine, verdict.outcome, verdict.states) == ("quick", "HOLDS", 4096)
    assert verdict.remark == f"the native engine did not serve: {NO_COMPILER}"
    assert from_json(to_json(verdict)) == verdict
    assert f"(quick engine)\n             {verdict.remark}\n" in plain(verdict_rows(verdict))
    with pytest.raises(ConfigurationError, match="--engine native cannot serve: no C compiler is"):
        handover.native(program(COUNTERS), Limits())


def test_a_program_that_is_beyond_the_native_engine(kept: Path) -> None:
    """Its numbers are too wide for a word of C; for Python they are not."""
    wide = program(WIDE.replace("< 16", "!= 9").replace("== 15", "== 3"))
    verdict = handover.explicit(wide, Limits())
    assert (verdict.engine, verdict.outcome) == ("quick", "VIOLATED")
    assert verdict.trace is not None and len(verdict.trace.steps) == 19
    assert same(verdict, reference.explore(wide, Limits()))
    assert verdict.remark == (
        "the native engine did not serve: counter.of needs 64 bits: over 62"
    )
    assert not kept.exists()


def test_a_step_that_is_too_long_for_the_native_engine(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for that engine is told where and what to do; else the quick one serves."""
    monkeypatch.setattr(actions, "MOST_TRANSIT", 0)
    long = program(COUNTERS.replace(
        "goto p_1\n    always",
        "goto p_2\n"
        "      at p_2 transit:\n"
        "        load counter.of[self]\n"
        "        goto p_1\n"
        "    always",
    ))
    why = (
        "one step at small.txt:6 goes on over 1 locations, and 0 is the most: do less in one "
        "atomic block"
    )
    verdict = handover.explicit(long, Limits())
    assert (verdict.engine, verdict.outcome, verdict.states) == ("quick", "HOLDS", 4096)
    assert verdict.remark == f"the native engine did not serve: {why}"
    with pytest.raises(ConfigurationError, match=f"cannot serve: {why}; --engine quick can"):
        handover.native(long, Limits())


def test_a_compiler_that_fails(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(BROKEN, tmp_path, monkeypatch)
    with Making(source_of(program(COUNTERS))) as making, pytest.raises(NoCompiler) as refused:
        making.ready(wait=True)
    assert "does not compile what is made of this: it has a bad day" in str(refused.value)
    assert list(kept.iterdir()) == []
    beside = handover._Beside(program(COUNTERS), handover.EXACT)
    while not beside.why:
        beside.look(1_000)
    assert "it has a bad day" in beside.why


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file is no folder", encoding="utf-8")
    verdict = handover.native(program(COUNTERS), Limits())
    assert (verdict.outcome, verdict.engine) == ("HOLDS", "native")
    assert "compiled programs are not kept: " in why_not()


def test_ctrl_c_while_compiling_leaves_nothing_half_made(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiler, and whoever works for it, is stopped, and what it wrote is gone."""
    compiler(ENDLESS, tmp_path, monkeypatch)
    started: list[int] = []

    def interrupt(self: handover._Beside, states: int) -> None:
        look(self, states)
        if self._making is not None and self._making._running is not None:
            started.append(self._making._running.pid)
            raise KeyboardInterrupt

    look = handover._Beside.look
    monkeypatch.setattr(handover._Beside, "look", interrupt)
    verdict = handover.explicit(program(COUNTERS), Limits())
    assert verdict.stopped is not None and verdict.stopped.reason == "interrupted"
    assert list(kept.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(started[0], 0)


def test_what_ends_before_the_compiler_does_stops_it(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(ENDLESS, tmp_path, monkeypatch)
    verdict = handover.explicit(program(COUNTERS), Limits())
    assert (verdict.engine, verdict.outcome, verdict.remark) == ("quick", "HOLDS", "")
    assert list(kept.iterdir()) == []


def test_nothing_is_compiled_for_a_spec_that_is_refused(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "PAYS", 0)
    cut = "entry:\n        assume False\n        goto p_1"
    never = program(COUNTERS.replace("entry: goto p_1", cut))
    with pytest.raises(SpecError, match="no run begins"):
        handover.explicit(never, Limits())
    spec = tmp_path / "refused.py"
    spec.write_text("import os\n", encoding="utf-8")
    for engine in ("auto", "native"):
        assert CliRunner().invoke(app, ["verify", str(spec), "--engine", engine]).exit_code == 150
    assert not kept.exists()


def test_the_engines_by_name() -> None:
    spec = str(Path(__file__).parents[1] / "specs" / "per_page_cmpxchg.py")
    for name in ("quick", "native", "reference"):
        result = CliRunner().invoke(app, ["verify", spec, "--engine", name])
        assert result.exit_code == 14 and f"({name} engine)" in result.stdout
    result = CliRunner().invoke(app, ["verify", spec])
    assert result.exit_code == 14 and "(quick engine)" in result.stdout


def test_fingerprints_are_the_native_engines() -> None:
    with pytest.raises(ConfigurationError, match="for the native engine, not quick"):
        Engine("quick", native=Native(fingerprints=True)).fits(Limits())


def test_the_odds_are_printed() -> None:
    """Of a thousand million states it is one in 37 that two are taken for one."""
    verdict = handover.explicit(program(COUNTERS), Limits())
    shown = plain(verdict_rows(replace(verdict, odds=odds(10**9))))
    assert "by fingerprints of 64 bits" in shown and "are 1 in 37" in shown
    assert "surely" in plain(verdict_rows(replace(verdict, odds=odds(10**10))))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_waits_when_a_search_is_stopped(jobs: int) -> None:
    """Once a thread took so many from the queue that 4,294,967,040 and more seemed to wait."""
    verdict = native.explore(program(COUNTERS), Limits(states=1_000), jobs=jobs)
    assert verdict.stopped is not None and verdict.stopped.reason == "states"
    assert 0 < verdict.stopped.queue < verdict.states
