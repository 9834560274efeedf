"""What other checkers passed over in silence, or blamed on themselves: what is not supported is
refused, and whatever is wrong with an input is said of the input."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.frontend import declare, load
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.load import lang_words
from tests.classics.table import FOLDER as CLASSICS
from tests.unsoundness.designs import SPECS, compiled

GOLDEN = Path(__file__).parents[1] / "golden" / "steps"

HEAD = '''\
"""Two CPUs and a flag."""
from modelcheck.lang import {words}


@shared
class Node:
    ready: bool = False


node = Node()


@process(count=2)
def cpu() -> None:
    node.ready = True


@sometimes
def the_flag_is_raised() -> bool:
    return node.ready


{use}
'''

REFUSED: dict[str, tuple[str, str]] = {
    "eventually": (
        "@eventually\ndef the_flag_is_raised_at_last() -> bool:\n    return node.ready",
        "liveness is not checked by any engine yet",
    ),
    "leads_to": (
        "@always\ndef one_leads_to_the_other() -> bool:\n"
        "    return leads_to(node.ready, not node.ready)",
        "leads_to",
    ),
    "wait_until": (
        "@process\ndef other() -> None:\n    wait_until(node.ready, strong=True)",
        "fairness is not checked by any engine yet",
    ),
    "Array": (
        "def raise_all(nodes: Array) -> None:\n    nodes[0].ready = True",
        "Array is not a type that is declared above",
    ),
}
"""A word that no engine checks, or that says nothing in a spec (of wait_until: with strong
fairness; of Array: without what is in it), its use, and what is said."""

USED = '''\
"""The words that no shipped spec uses."""
from modelcheck.lang import (
    Lock, assume, instance, may_wait, process, sfence, shared, smp_rmb, smp_wmb, sometimes,
    spin_trylock, spin_unlock, unreached, wait_until,
)
from modelcheck.xen.spinlock import TicketLock, ticket_lock, ticket_unlock

INSTANCE = instance(TICKETS=2)
EXPECT = unreached("it is asked for")


@shared
class Node:
    ready: bool = False
    asked: bool = False


node = Node()
lock = Lock("lock")
other = TicketLock()


@process
def cpu() -> None:
    ready = node.ready
    assume(not ready)
    smp_rmb()
    if spin_trylock(lock):
        node.ready = True
        smp_wmb()
        sfence()
        spin_unlock(lock)
    ticket_lock(other)
    ticket_unlock(other)
    with may_wait("nobody may ever ask"):
        wait_until(node.asked)


@sometimes
def it_is_asked_for() -> bool:
    return node.asked
'''


def spec_with(word: str, use: str) -> str:
    words = sorted({word, "always", "process", "shared", "sometimes"})
    return HEAD.format(words=", ".join(words), use=use)


def check_that_it_is_refused(word: str, folder: Path) -> None:
    """No verdict, the sentence, and exit code 150, whichever engine is asked."""
    use, sentence = REFUSED[word]
    path = folder / "spec.py"
    path.write_text(spec_with(word, use), encoding="utf-8")
    for engine in ("reference", "symbolic", "auto"):
        result = CliRunner().invoke(app, ["verify", "--engine", engine, str(path)])
        assert (result.exit_code, result.stdout) == (150, "")
        assert sentence in result.stderr


@pytest.mark.parametrize("word", REFUSED)
def test_what_is_not_checked_is_refused(word: str, tmp_path: Path) -> None:
    """Apalache, CHANGES: folding over an infinite set was silently taken for folding over the empty
    set.  Here a property that no engine checks would be left out and the rest said to hold.
    (stateright PR#3, hw-cbmc#2007: what went wrong with liveness and fairness there cannot go wrong
    here yet.)"""
    check_that_it_is_refused(word, tmp_path)


def test_every_word_is_understood_or_refused(tmp_path: Path) -> None:
    """Apalache, CHANGES, of the whole vocabulary: each word of lang.py is in a spec that compiles,
    or in the list above; none is taken in and dropped."""
    compiled(USED, tmp_path)
    used = set[str]()
    texts = [USED, spec_with("always", "")]
    for path in (*SPECS.rglob("*.py"), *CLASSICS.glob("*.py"), *GOLDEN.glob("*.py")):
        compile_spec(str(path), {})
        texts.append(path.read_text(encoding="utf-8"))
    texts += [p.read_text(encoding="utf-8") for p in (Path(load.LIBRARY) / "xen").glob("*.py")]
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "modelcheck.lang":
                used |= {alias.name for alias in node.names}
    assert lang_words() - used == REFUSED.keys() - {"wait_until", "Array"}


def test_a_property_that_is_passed_over_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: @eventually is a decorator like others, of which no property is made."""
    monkeypatch.setattr(declare, "NOT_YET", {})
    monkeypatch.setattr(declare, "ROLES", (*declare.ROLES, "eventually"))
    with pytest.raises(AssertionError):
        check_that_it_is_refused("eventually", tmp_path)


# --------------------------------------------------------------------------------- malformed input

GOOD = spec_with("always", "")
MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "not Python": b"MODULE Heap\nEXTENDS Naturals\n",
    "not text": b"\xff\xfe\x00",
    "a zero byte": GOOD.encode() + b"\0",
    "cut off": GOOD[: GOOD.index("ready = True") + 5].encode(),
    "deep": b"x = " + b"(" * 300 + b"1" + b")" * 300 + b"\n",
    "a name that there is not": GOOD.replace("node.ready = True", "nodes.ready = True").encode(),
    "a huge number": GOOD.replace("= True\n", f"= {'9' * 5000}\n").encode(),
}


def check_that_the_input_is_blamed(kind: str, folder: Path) -> None:
    """The file and the line, in a sentence, and nothing of the tool's own."""
    path = folder / "spec.py"
    path.write_bytes(MALFORMED[kind])
    result = CliRunner().invoke(app, ["verify", str(path)])
    assert result.exit_code == 150
    assert result.stderr.startswith(f"{path}:")
    assert "Traceback" not in result.stderr and "defect of modelcheck" not in result.stderr


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_spec_is_blamed_on_itself(kind: str, tmp_path: Path) -> None:
    """tlaplus#815, #763 (TLC): malformed input ended in an error of the checker's own.  Here it
    would be "a defect of modelcheck", exit code 70.  (The campaign on the front end, in
    tests/campaigns, tries many thousand.)"""
    check_that_the_input_is_blamed(kind, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "modelcheck-verdict"}', "[" * 99_999])
def test_a_malformed_trace_is_blamed_on_itself(text: str, tmp_path: Path) -> None:
    """tlaplus#815, #763 (TLC), of the other file that is read."""
    path = tmp_path / "trace.json"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["replay", str(path)])
    assert (result.exit_code, result.stdout) == (151, "")
    assert result.stderr.startswith(f"error: {path} ")


def test_a_tool_that_blames_itself_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the parser ends in an error that nobody thought of."""
    def surprised(*_: object) -> NoReturn:
        raise KeyError("line")

    monkeypatch.setattr(load, "parse", surprised)
    with pytest.raises(AssertionError):
        check_that_the_input_is_blamed("cut off", tmp_path)
