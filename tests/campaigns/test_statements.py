"""The campaign over statements finds what it is for: what matters to no promise, and a list that is
not true any more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.campaigns import statements
from tests.campaigns.mutations import mutations
from tests.campaigns.statements import Tried, design, findings, listed, share, tried

SMALL = ("clear_without_lock", "double_free", "flush_range_wraps", "hypervisor_pages")

SPEC = '''\
from modelcheck.lang import Ghost, Lock, always, cmpxchg, holds, process, shared, spin_lock, \
spin_unlock
EXPECT = holds()

@shared
class Node:
    n: bool = False
    watched: Ghost[bool] = False

node = Node()
lock = Lock("lock")

@process
def cpu() -> None:
    spin_lock(lock)
    if cmpxchg(node.n, False, True) == False:
        node.watched = True
        node.n = False
        node.watched = False
    spin_unlock(lock)

@process
def other() -> None:
    spin_lock(lock)
    assert node.n == False, "nobody is inside"
    spin_unlock(lock)
'''


def made(text: str) -> dict[tuple[str, str, int], list[str]]:
    """By kind, statement and which of those: the lines that are new."""
    old = ast.unparse(ast.parse(text)).splitlines()
    return {
        (m.kind, m.statement, m.nth): [x.strip() for x in m.texts[-1].splitlines() if x not in old]
        for m in mutations(text)
    }


def test_what_is_made_of_a_text() -> None:
    """Asserts and ghosts stay, and go with the statement that they watch."""
    found = made(SPEC)
    assert found["weaken", "if cmpxchg(node.n, False, True) == False:", 1] == [
        "was_there = node.n", "if was_there == False:", "node.n = True", "if was_there == False:",
    ]
    assert found["drop", "node.n = False", 1] == ["pass"]
    assert found["unlock", "spin_lock(lock)", 1].count("pass") == 2
    assert ("swap", "spin_lock(lock)", 1) in found
    assert not any("watched" in statement for _, statement, _ in found)
    assert not any(kind == "swap" and "unlock" in said for kind, said, _ in found)


def test_a_swap_takes_along_what_watches() -> None:
    text = next(
        m.texts[0] for m in mutations(SPEC.replace("        node.watched = False\n", ""))
        if m.kind == "swap" and m.statement.startswith("if cmpxchg")
    )
    assert text.index("spin_unlock(lock)") < text.index("if cmpxchg") < text.index("watched = True")


def outcomes(text: str, folder: Path) -> dict[tuple[str, str], str]:
    """What becomes of each mutant of a spec of one instance."""
    path = folder / "spec.py"
    path.write_text(text, encoding="utf-8")
    of, mutants = design(path), folder / "mutants"
    mutants.mkdir()
    return {(m.kind, m.statement): tried(of, m, mutants) for m in mutations(text)
            if m.function == "cpu"}


def test_a_promise_that_is_not_made_is_a_survivor(tmp_path: Path) -> None:
    """And what is broken without its lock is killed, as long as somebody says so."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    kept = outcomes(SPEC, tmp_path / "a")
    assert kept["unlock", "spin_lock(lock)"] == "killed"
    assert kept["drop", "spin_unlock(lock)"] == "killed"
    said = '    assert node.n == False, "nobody is inside"\n'
    silent = SPEC.replace(said, "    node.n = False\n")
    assert outcomes(silent, tmp_path / "b")["unlock", "spin_lock(lock)"] == "survived"


def test_what_only_the_holder_of_the_lock_can_tell_is_alike(tmp_path: Path) -> None:
    """Two stores under one lock, of which nobody sees the first alone."""
    text = SPEC.replace("    n: bool = False\n", "    n: bool = False\n    m: bool = False\n")
    text = text.replace("        node.watched = True\n", "        node.m = True\n")
    text = text.replace("        node.watched = False\n", "")
    found = outcomes(text, tmp_path)
    assert found["swap", "node.m = True"] == "alike"
    assert found["drop", "node.m = True"] == "survived"


def test_a_list_that_is_not_true_is_a_finding(tmp_path: Path) -> None:
    killed, survived, *_ = mutations(SPEC)
    results = [Tried("spec", killed, "killed"), Tried("spec", survived, "survived")]
    assert [f.split(":")[0] for f in findings(results, {})] == ["survived, and is not listed"]
    both = {("spec", killed.key): "why", ("spec", survived.key): "why"}
    assert [f.split(":")[0] for f in findings(results, both)] == ["listed, and killed"]
    gone = {("spec", survived.key): "why", ("spec", ("drop", "f", "x = 1", 1)): "why"}
    assert findings(results, gone) == []
    assert [f.split(":")[0] for f in findings(results, gone, frozenset(["spec"]))] == [
        "listed, and no such statement"
    ]


def test_each_survivor_has_a_reason_and_a_statement() -> None:
    every = {
        (path.stem, m.key) for path in (statements.ROOT / "specs").rglob("*.py")
        if path.stem in {spec for spec, _ in listed()}
        for m in mutations(path.read_text(encoding="utf-8"))
    }
    assert set(listed()) <= every
    assert all(len(reason) > 10 for reason in listed().values())


@pytest.mark.parametrize("seed", range(2))
def test_a_share_of_the_campaign(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of small specs, whose survivors are listed."""
    monkeypatch.chdir(statements.ROOT)
    results = [
        Tried(of.path.stem, m, tried(of, m, tmp_path)) for of, m in share(8, seed, SMALL)
    ]
    assert findings(results, listed()) == []
    assert any(t.outcome == "killed" for t in results)
