"""What README says of the benchmarks is what was measured: nobody edits a figure by hand."""

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """One of benchmarks/, which are scripts."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("peers", monkeypatch)


@pytest.fixture
def designs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return script("designs", monkeypatch)


def test_the_instances_in_readme_are_what_was_measured(designs: ModuleType) -> None:
    """Of those of the gate, and of the larger ones, each."""
    lines, where = designs.kept()
    text = designs.for_readme(lines, where)
    assert f"{designs.BEGIN}{text}{designs.END}" in designs.README.read_text(encoding="utf-8")
    assert [line.sets for line in lines] == [*designs.GATED, *designs.LARGE]
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(designs.GATED) == {(), *(
        tuple(f"{name}={value}" for name, value in one["set"].items())
        for one in configured["tool"]["modelcheck"]["instances"] if one["spec"] == designs.D8
    )}


def test_the_table_in_readme_is_what_was_measured(peers: ModuleType) -> None:
    kept = json.loads(peers.MEASURED.read_text(encoding="utf-8"))
    lines = [peers.Line(**line) for line in kept["lines"]]
    text = peers.for_readme(lines, kept["said"], kept["where"])
    readme = peers.README.read_text(encoding="utf-8")
    assert f"{peers.BEGIN}{text}{peers.END}" in readme
    assert (ROOT / re.findall(r"!\[[^]]*\]\((\S+)\)", text)[0]).is_file()


def test_renewing_writes_between_the_markers_and_nowhere_else(
    peers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(f"before\n{peers.BEGIN}old\n{peers.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(peers, "README", copy)
    peers.renew_readme("new\n")
    assert copy.read_text(encoding="utf-8") == f"before\n{peers.BEGIN}new\n{peers.END}\nafter\n"
    copy.write_text("no markers\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"README\.md lacks the markers"):
        peers.renew_readme("new")


def test_medians_and_ratios(peers: ModuleType) -> None:
    """The middle one of each; ours is what the others are divided by."""
    took = {
        "modelcheck": [peers.Took(s, 2_000_000, 200_000) for s in (2.0, 9.0, 1.0)],
        "SPIN": [peers.Took(s, 8_000_000, 200_000) for s in (9.0, 10.0, 80.0)],
    }
    ours, spin = peers.lines_of("medium", took)
    assert (ours.seconds, ours.each, ours.slower) == (2.0, 10.0, 1.0)
    assert (spin.seconds, spin.each, spin.slower, spin.larger) == (10.0, 40.0, 5.0, 4.0)
    assert peers.row(spin, "6.5.2") == (
        "| 200,000 | SPIN 6.5.2 | 10.00 | 20,000 | 40.0 | 5.0 x | 4.0 x |"
    )
    assert peers.row(ours, "") == "| 200,000 | **modelcheck** | 2.00 | 100,000 | 10.0 |  |  |"


def test_other_states_are_no_measure(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that finds others is not shown as slower or faster."""
    counts = iter((7, 8))
    monkeypatch.setattr(peers, "command_of", lambda *_: (["true"], ""))
    monkeypatch.setattr(peers, "measured", lambda *_: peers.Took(1.0, 1, next(counts)))
    with pytest.raises(SystemExit, match=r"small: these are not the same states: \[7, 8\]"):
        peers.compared("small", ["modelcheck", "SPIN"], 1, "")


def test_a_picture(peers: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pip install matplotlib")
    from peers_plot import compared_last, plot  # type: ignore[import-not-found]

    kept = json.loads(peers.MEASURED.read_text(encoding="utf-8"))
    lines = [peers.Line(**line) for line in kept["lines"]]
    assert {line.tool for line in compared_last(lines, peers.OURS)} > {peers.OURS, peers.SPIN}
    plot(lines, peers.OURS, tmp_path / "peers.png")
    assert [path.name for path in tmp_path.iterdir()] == ["peers.png"]
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")
