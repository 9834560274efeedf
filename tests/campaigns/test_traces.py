"""A share of the campaign on traces, what it has found, and that it finds what is planted.

The whole: `python -m tests.campaigns.traces --traces 5000`."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelcheck import pipeline
from modelcheck.heap.follow import Follower
from modelcheck.trace import Verdict
from tests.campaigns.traces import (
    Document, campaign, claims_changed, documents, main, outcome_of, schedule_changed,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_share_of_the_campaign() -> None:
    result = campaign(range(200), 1)
    assert result.findings == ()
    assert result.refused > 100
    assert result.replayed > 20


def test_the_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--traces", "12"]) == 0
    assert capsys.readouterr().out.startswith("12 traces in ")


def test_what_is_as_it_was_is_replayed() -> None:
    for original in documents():
        assert outcome_of(original.text.encode(), original) == "replayed"


# -------------------------------------------------------------------------- what it has found


def changed(original: Document, change: Callable[[Any], object]) -> str:
    document = json.loads(original.text)
    change(document)
    return outcome_of(json.dumps(document).encode(), original)


def test_a_deadlock_is_said_of_one_who_waits_there() -> None:
    """An assert that was relabelled as a deadlock was an internal error, and what a deadlock's
    sentence said was shown as it stood."""
    counted, scrubbed, stuck = documents()
    for original in (counted, scrubbed):
        assert changed(
            original, lambda d: d["trace"]["failure"].update(kind="deadlock", process="cpu[0]")
        ) == "refused"
    assert changed(stuck, lambda d: d["trace"]["failure"].update(sentence="worse")) == "refused"


def test_what_else_was_found_is_not_believed() -> None:
    """A failure that was put beside the trace's own changed the exit code."""
    scrubbed = documents()[1]
    failure = json.loads(scrubbed.text)["trace"]["failure"]
    for kind in ("deadlock", "safety", "none", "assert"):
        other = {**failure, "kind": kind}
        assert changed(scrubbed, lambda d, o=other: d["others"].append(o)) == "refused"  # type: ignore[misc]


def test_properties_are_those_of_the_spec() -> None:
    """A property that had been left out, renamed or relabelled was shown so."""
    for original in documents():
        for change in (
            lambda d: d["properties"].pop(),
            lambda d: d["properties"][0].update(sentence="all is well"),
            lambda d: d["properties"].append(d["properties"][0]),
            *(lambda d, s=s: d["properties"][-1].update(status=s, depth=2)
              for s in ("reached", "not reached")),
        ):
            assert changed(original, change) == "refused"


def test_an_outcome_is_that_of_the_trace() -> None:
    """`HOLDS` above a trace was shown, with the exit code 0."""
    for original in documents():
        for word in ("HOLDS", "UNKNOWN"):
            assert changed(original, lambda d, w=word: d.update(verdict=w)) == "refused"  # type: ignore[misc]


def test_a_document_of_brackets() -> None:
    """It was an internal error: a RecursionError."""
    assert outcome_of(b"[" * 100_000, documents()[0]) == "refused"


# ------------------------------------------------------------------ that it finds what is planted


def found(
    corruption: Callable[[random.Random, str], bytes], originals: tuple[Document, ...]
) -> set[str]:
    """The first words of what is said of 60 documents with this corruption."""
    outcomes = set()
    for number, original in enumerate(originals * 20):
        outcomes.add(outcome_of(corruption(random.Random(number), original.text), original))
    return {outcome.split(" is ")[0] for outcome in outcomes} - {"refused", "replayed"}


def test_claims_that_are_believed_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    originals = documents()
    assert found(claims_changed, originals) == set()
    monkeypatch.setattr(pipeline, "is_what_its_run_says", lambda *_: True)
    assert {"exit code", "violated"} & found(claims_changed, originals)


def test_another_run_that_is_believed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    originals = documents()
    assert found(schedule_changed, originals) == set()
    monkeypatch.setattr(pipeline, "is_a_trace_of", lambda *_: True)
    assert found(schedule_changed, originals) == set()  # the threads are at other lines
    monkeypatch.setattr(Follower, "at_line", lambda *_: None)
    assert found(schedule_changed, originals)


def test_a_mark_that_is_believed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if `replay` showed the mark in the document, and ran nothing."""

    def believed(verdict: Verdict, *_: object) -> Verdict:
        return verdict

    originals = documents()
    monkeypatch.setattr(pipeline, "validated", believed)
    assert "validation" in found(claims_changed, originals)
