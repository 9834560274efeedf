"""Mistakes of those who are new to the language, each made in one small spec: what they are told.

Refusals are shown whole in the files beside this one; here is what somebody tried, and what helps.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck.cli import app
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.promises import PROMISED
from modelcheck.pipeline import never_run
from modelcheck.source import lines_of

FLAGSHIP = Path(__file__).resolve().parents[2] / "specs" / "per_page_cmpxchg.py"
SPEC = """\
from modelcheck.lang import Enum, Lock, auto, free, param, process, shared, spin_lock, spin_unlock
from modelcheck.lang import always
PAGES = param(2, 1, 4)
class Scrub(Enum):
    DIRTY = auto()
    CLEAN = auto()
@shared
class Page:
    state: Scrub = Scrub.DIRTY
    in_use: bool = False
pg = Page()
heap_lock = Lock("heap_lock")
@process
def scrubber() -> None:
    spin_lock(heap_lock)
    state = pg.state
    if state == Scrub.DIRTY:
        pg.state = Scrub.CLEAN
    spin_unlock(heap_lock)
@always(when=free(heap_lock))
def a_used_page_is_clean() -> bool:
    return not pg.in_use or pg.state == Scrub.CLEAN
"""


def verified(spec: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(folder)
    Path("spec.py").write_text(spec, encoding="utf-8")
    lines_of.cache_clear()
    return CliRunner().invoke(app, ["verify", "spec.py"])


MISTAKES = {
    "a lock by another name": (
        "spin_lock(heap_lock)", "spin_lock(head_lock)",
        "15:15: error: head_lock is not defined", "heap_lock",
    ),
    "an unlock that was not imported": (
        ", spin_lock, spin_unlock", ", spin_lock",
        "19:5: error: spin_unlock is not a function of this spec",
        "from modelcheck.lang import spin_unlock, at the top",
    ),
    "a misspelt function": (
        "spin_unlock(heap_lock)", "spin_unlok(heap_lock)",
        "19:5: error: spin_unlok is not a function of this spec", "spin_unlock",
    ),
    "a field without its page": (
        "return not pg.in_use", "return not in_use",
        "22:16: error: in_use is not defined", "pg.in_use",
    ),
    "a method of a lock": (
        "spin_lock(heap_lock)", "heap_lock.acquire()",
        "15:5: error: a lock has no acquire()", "spin_lock(heap_lock)",
    ),
    "another method of a lock": (
        "spin_unlock(heap_lock)", "heap_lock.release()",
        "19:5: error: a lock has no release()", "spin_unlock(heap_lock)",
    ),
    "a return that was forgotten": (
        "return not pg.in_use or pg.state == Scrub.CLEAN", "pg.in_use",
        "22:5: error: the function ends here, and returns nothing", "return pg.in_use",
    ),
    "a counter at the top of the file": (
        "    state = pg.state\n", "    PAGES = PAGES + 1\n    state = pg.state\n",
        "16:5: error: PAGES is a local here, since it is set here: not the PAGES of the file, "
        "which never changes",
        "a field PAGES in a @shared class, if it is memory; else another name for the local",
    ),
    "a member as a truth": (
        "if state == Scrub.DIRTY:", "if state:",
        "17:8: error: state is not a bool", "state == Scrub.DIRTY",
    ),
    "True as a member": (
        "pg.state = Scrub.CLEAN", "pg.state = True",
        "18:20: error: True is bool, and Scrub is needed",
        "Scrub.DIRTY, or another member of Scrub",
    ),
    "a reference to the only page": (
        "    in_use: bool = False\n", "    in_use: bool = False\n    next: 'Page | None' = None\n",
        "11:11: error: Page is one object, to which nothing refers",
        "@shared(count=2) above class Page, for as many as there are",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake(mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong, error, instead = MISTAKES[mistake]
    assert SPEC.count(right) == 1
    result = verified(SPEC.replace(right, wrong), tmp_path, monkeypatch)
    assert result.exit_code == 150 and result.stderr.startswith(f"spec.py:{error}"), result.stderr
    assert f"  write instead: {instead}" in result.stderr


def test_a_process_that_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looked as if everything held, for nothing ran that could break it."""
    spec = SPEC.replace("@process\n", "@process\ndef domain() -> None:\n    pg.in_use = False\n")
    assert "warning" not in verified(SPEC, tmp_path, monkeypatch).stdout
    assert (
        "  warning    scrubber (line 16) never runs: nothing calls it, and it is no @process\n"
    ) in verified(spec, tmp_path, monkeypatch).stdout


def test_what_promises_ask_for_is_not_forgotten() -> None:
    """Each spec with PROMISES was said to have functions that never run."""
    spec, _ = compile_spec(str(FLAGSHIP), {})
    assert any(f.node.name.startswith(PROMISED) for f in spec.properties)
    assert never_run(spec) == ()


def test_a_loop_without_an_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand lines were printed, each the same."""
    spec = SPEC.replace("    if state == Scrub.DIRTY:\n        pg", "    while True:\n        pg")
    spec = spec.replace("        pg.state = Scrub.CLEAN\n", "        state = Scrub.CLEAN\n")
    spec = spec.replace("    spin_unlock(heap_lock)\n", "")
    result = verified(spec, tmp_path, monkeypatch)
    assert result.exit_code == 14 and len(result.stdout.splitlines()) < 50
    assert "      ... and so on: 9,980 more in this step\n" in result.stdout


def test_an_index_that_is_wrong_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`here  breaks it (line 14)`, it said: neither who, nor what stands there."""
    spec = SPEC.replace("import Enum", "import Enum, element, instances")
    spec = spec.replace("@shared\n", "@shared(count=PAGES)\n").replace("pg = Page()\n", "")
    spec = spec.replace(
        "    spin_lock", "    pg = element(Page, choose(5, 0))\n    spin_lock", 1
    ).replace("import Enum", "import Enum, choose")
    spec = spec.replace("return not", "return all(not").replace(
        "pg.state == Scrub.CLEAN\n", "pg.state == Scrub.CLEAN for pg in instances(Page))\n"
    )
    result = verified(spec, tmp_path, monkeypatch)
    assert result.exit_code == 14
    assert (
        "      ^-- before the first step, 14 pg = element(Page, choose(5, 0)): an index leaves its"
        " array\n"
    ) in result.stdout
