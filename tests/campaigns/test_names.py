"""A share of the campaign over names, and that it finds what is planted.

The whole: `python -m tests.campaigns.names --specs 2000`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any

import pytest

from modelcheck.engines.native import actions, expressions
from modelcheck.engines.native.build import compiler
from modelcheck.export import lowering
from modelcheck.export.model import Names
from modelcheck.frontend import instances, loops, subset_walk
from modelcheck.heap import allocator, generate
from modelcheck.peers import known
from tests.campaigns.names import KEPT, campaign, main, pool, renamed, tried
from tests.campaigns.templates import KINDS, TEMPLATES

SHARE = range(120)


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
    assert {"a_1", "a_end", "A_2"} <= given and max(map(len, given)) > 200
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


def joined(*parts: str) -> str:
    return "_".join(parts)


def no_refusal(*_: object) -> None:
    return None


def given_again(names: Names, shown: str) -> str:
    """A name is given as often as it is wanted."""
    return re.sub(r"[^A-Za-z0-9]+", "_", shown).strip("_") or "v"
