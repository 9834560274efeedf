"""A share of the campaign over names, and that it finds what is planted.

The whole: `python -m tests.campaigns.names --specs 2000`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any

import pytest

from modelcheck.engines.native.build import compiler
from modelcheck.export.model import Names
from modelcheck.frontend import compile as compiling
from modelcheck.frontend import declare, instances, loops, places, subset, types
from modelcheck.frontend.definitions import Module
from modelcheck.heap import allocator, generate
from modelcheck.peers import known
from tests.campaigns.names import KEPT, Renamed, campaign, looked_at, main, pool, renamed
from tests.campaigns.templates import KINDS, TEMPLATES

SHARE = range(60)


def test_a_share_of_the_campaign() -> None:
    """What is refused is refused for its names, and most is not."""
    found = list(campaign(SHARE, everything=False))
    assert [(t.number, t.findings) for t in found if t.findings] == []
    outcomes = Counter(t.outcome for t in found)
    print(outcomes)
    assert outcomes["HOLDS"] > 0.3 * len(SHARE) and outcomes["VIOLATED"] > 0.1 * len(SHARE)
    assert outcomes["refused"] < 0.35 * len(SHARE)
    if compiler() is not None:
        assert sum("native" in t.asked for t in found) > 0.15 * len(SHARE)


def test_every_kind_of_thing_is_given_hostile_names() -> None:
    texts = [renamed(number) for number in range(600)]
    kinds = {kind for text in texts for old, _ in text.names for kind in KINDS
             if old.startswith(kind)}
    assert kinds == set(KINDS)
    given = {new for text in texts for _, new in text.names}
    assert len(given) > 1_000
    assert {"a_1", "A"} <= given and max(map(len, given)) > 200
    assert {old for old in KEPT if old != "me"} >= {old for text in texts for old, _ in text.names}


def test_the_pool_has_what_it_says() -> None:
    assert {
        "int", "print", "match", "_", "register", "errno", "proctype", "_pid", "startstate",
        "UNCHANGED", "choose", "siblings", "__at__", "uint64_t", "LATELY_BITS", "note", "thread",
    } <= set(pool())
    for text in TEMPLATES.values():
        ast.parse(text)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--specs", "3", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 specs: ") and re.search(r"\n0 findings, in \d+ s\n$", said)


def test_an_export_has_no_name_of_a_thousand_letters() -> None:
    """SPIN crashed at the names of a place in memory that are four of 200 letters."""
    names = Names("")
    first, second = names.given("a" * 1_000), names.given("a" * 999)
    assert first != second and max(len(first), len(second)) < 110


# ------------------------------------------------------------------ that it finds what is planted


def as_it_is(name: str, *_: object) -> str:
    return name


def no_refusal(*_: object) -> bool:
    return False


def by_its_letters(annotation: ast.expr, _: Module) -> bool:
    """A field is a ghost whose type is called Ghost."""
    return types.called(annotation) == "Ghost"


def given_again(names: Names, shown: str) -> str:
    """A name is given as often as it is wanted."""
    return re.sub(r"[^A-Za-z0-9]+", "_", shown).strip("_") or "v"


LOOP = Renamed("a timer", (("LocalStop", "LocalTurn_end"),))
HEAD = Renamed("locks", (("ProcessWait", "head"),))
DUNDER = Renamed("flags", (("FieldMine", "__at__"),))
GHOST = Renamed("flags", (("EnumState", "Ghost"),))
PLANTED: dict[str, tuple[list[tuple[object, str, Any]], Renamed, str]] = {
    "a loop's end is one of the spec's locals": (
        [(loops, "beside", as_it_is), (instances, "beside", as_it_is)], LOOP, "the reference engine"
    ),
    "what generated Python calls has a name that a spec may have": (
        [(generate, "HEAD", "head"), (allocator, "HEAD", "head")], HEAD, "a walk"
    ),
    "a spec has names of Python's own": (
        [(subset, "EVERYWHERE", subset.EVERYWHERE[1:])], DUNDER, "a walk"
    ),
    "a spec's own class is a word": (
        [(declare, "_is_word", no_refusal), (types, "is_ghost", by_its_letters),
         (compiling, "is_ghost", by_its_letters), (places, "is_ghost", by_its_letters)],
        GHOST, "the reference engine",
    ),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing without it."""
    plants, text, said = PLANTED[bug]
    assert looked_at(1, text, False).findings == ()
    for where, name, wrongly in plants:
        monkeypatch.setattr(where, name, wrongly)
    found = looked_at(1, text, False)
    assert any(what.startswith(said) for what in found.findings), found


@pytest.mark.skipif(not all(peer.installed() for peer in known(None)), reason="SPIN and Rumur")
def test_two_names_of_an_export_that_become_one_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Renamed("locks", (("LocalOne", "x_y"), ("LocalTwo", "x__y")))
    assert looked_at(0, text, True).findings == ()
    monkeypatch.setattr(Names, "given", given_again)
    assert any(what.startswith("a peer: ") for what in looked_at(0, text, True).findings)


def test_words_of_the_language_name_nothing_else() -> None:
    """A class called Ghost made each field of that type a ghost, and every engine said HOLDS of a
    spec that does not; a parameter called `all` was not what `all(...)` called there."""
    found = looked_at(1, GHOST, False)
    assert (found.outcome, found.why.split(" is ")[0]) == ("refused", "Ghost")
    found = looked_at(1, Renamed("a ring", (("LocalOf", "all"),)), False)
    assert (found.outcome, found.why.split(" is ")[0]) == ("refused", "all")


def test_a_word_called_as_a_word_of_the_notation_reads_back() -> None:
    assert looked_at(1, Renamed("a ring", (("WordHead", "self"),)), False).findings == ()
