"""Traces and verdicts: as data, as JSON, and walked again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelcheck.engines.reference import explore
from modelcheck.source import ConfigurationError
from modelcheck.trace import (
    Choice,
    Limits,
    NotPossible,
    Reason,
    Schedule,
    Stopped,
    Validation,
    Verdict,
    exit_code,
    from_json,
    of_spec,
    replay,
    timeless,
    to_json,
)
from tests.small_programs import LOST_UPDATE, meaning, program

LOST = Schedule((), ((0, ()), (1, ()), (0, ()), (1, ())))


def lost_update() -> Verdict:
    return timeless(of_spec(explore(program(LOST_UPDATE), Limits(states=100)), "specs/lost.py"))


def test_a_document() -> None:
    """All of it, once: what a reader of the JSON can rely on."""
    document = json.loads(to_json(lost_update()))
    trace = document.pop("trace")
    line = {"file": "small.txt", "line": 0, "column": 0, "text": ""}
    assert document.pop("properties") == [
        {"kind": "always", "sentence": "no addition is lost", "status": "violated", "depth": 4,
         "source": {**line, "line": 14, "column": 1}},
        {"kind": "deadlock", "sentence": "no process is stuck for ever", "status": "not checked",
         "depth": None, "source": {**line, "file": "<no file>"}},
    ]
    assert document == {
        "format": "modelcheck-verdict", "version": 1, "verdict": "VIOLATED",
        "engine": "reference", "spec": "specs/lost.py", "parameters": [], "memory_model": "sc",
        "assumptions": [], "states": 12, "transitions": 14, "depth": 4, "exhaustive": False,
        "limits": {"states": 100, "seconds": None, "memory": None}, "stopped": None,
        "never_taken": [], "others": [], "seconds": None, "proof": None, "validation": None,
        "remark": "", "reductions": [], "odds": None,
        "sources": [],
    }
    steps = trace.pop("steps")
    assert trace == {
        "spec": "specs/lost.py", "parameters": [], "processes": ["adder[0]", "adder[1]"],
        "initial": [], "cells": [["counter", "0"]], "switches": 2,
        "failure": {"kind": "safety", "sentence": "no addition is lost", "process": "", "chain": [],
                    "source": {**line, "line": 14, "column": 1}},
    }
    assert steps[1] == {
        "process": "adder[1]", "number": 1, "action": "adder_1", "arrives": "adder_2",
        "source": {**line, "line": 7, "column": 6}, "chain": [], "choices": [], "changed": [],
        "touch": {"by": "load", "cell": "counter", "read": "0"}, "locals": [], "through": [],
    }
    assert steps[3]["changed"] == []
    assert steps[2]["changed"] == [{"name": "counter", "old": "0", "new": "1", "ghost": False}]


def test_a_document_is_read_as_it_was_written() -> None:
    verdict = replace(
        lost_update(), stopped=Stopped("memory", 7, 3, 2), seconds=1.5,
        validation=Validation("validated", "bytes", "2048 bytes"), sources=(("a.py", "0f"),),
    )
    assert from_json(to_json(verdict)) == verdict


@pytest.mark.parametrize(("text", "complaint"), [
    ("{", "x.json is not JSON: Expecting property name"),
    ("[]", 'x.json is not a verdict: no "format": "modelcheck-verdict"'),
    ('{"format": "other"}', 'x.json is not a verdict: no "format": "modelcheck-verdict"'),
    ('{"format": "modelcheck-verdict", "version": 2}', "x.json has version 2; this tool reads 1"),
    ('{"format": "modelcheck-verdict", "version": 1}', "x.json has not the fields outcome, engine"),
])  # fmt: skip
def test_what_is_not_a_document(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        from_json(text, "x.json")
    assert str(refused.value).startswith(complaint)


@pytest.mark.parametrize(("field", "value", "complaint"), [
    ("states", "many", 'x.json: states does not fit: "many"'),
    ("states", True, "x.json: states does not fit: true"),
    ("verdict", "MAYBE", 'x.json: outcome does not fit: "MAYBE"'),
    ("limits", None, "x.json: limits has not the fields states, seconds, memory"),
    ("sources", [["a"]], "x.json: sources[0] does not fit: [\"a\"]"),
])  # fmt: skip
def test_a_document_with_one_thing_wrong(field: str, value: object, complaint: str) -> None:
    document = json.loads(to_json(lost_update()))
    document[field] = value
    with pytest.raises(ConfigurationError) as refused:
        from_json(json.dumps(document), "x.json")
    assert str(refused.value) == complaint


# ----------------------------------------------------------------------------------------- replay


def test_a_schedule_is_enough_to_walk_a_trace_again() -> None:
    trace = explore(program(LOST_UPDATE), Limits()).trace
    assert trace is not None
    assert trace.schedule == Schedule((), ((0, ()), (1, ()), (1, ()), (0, ())))
    assert replay(meaning(LOST_UPDATE), trace.schedule) == trace


def test_a_run_without_a_failure() -> None:
    one_after_the_other = Schedule((), ((0, ()), (0, ()), (1, ()), (1, ())))
    trace = replay(meaning(LOST_UPDATE), one_after_the_other)
    assert trace.failure is None
    assert trace.switches == 1


@pytest.mark.parametrize(("schedule", "complaint"), [
    (Schedule((0,), ()), "no run begins with the choices [0]"),
    (Schedule((), ((2, ()),)), "step 1: there is no process number 2"),
    (Schedule((), ((0, ()), (0, ()), (0, ()))), "step 3 is not possible: adder[0] at end"),
    (Schedule((), ((0, ()), (1, (3,)))),
     "step 2 is not possible: adder[1] at adder_1 with the choices [3]"),
])  # fmt: skip
def test_a_schedule_that_cannot_be_followed(schedule: Schedule, complaint: str) -> None:
    with pytest.raises(NotPossible) as refused:
        replay(meaning(LOST_UPDATE), schedule)
    assert str(refused.value) == complaint


CHOOSES = """\
    program p()
    sort Page 2
    sort process 1
    shared heap.head: Page? = None
    process p
      local pg: Page?
      local twice: bool
      entry:
        choose twice in [False, True]
        goto p_1
      at p_1 live twice:
        load heap.head
        if twice: choose pg in Page
        goto p_2
      at p_2 live pg atomic "one step":
        store heap.head := pg
        goto p_3
      at p_3 live pg transit atomic "one step":
        load heap.head
        assert $ != Page[1], "page 1 is not put there"
        goto end
    """


def test_what_a_trace_says_of_choices_and_of_the_step_that_fails() -> None:
    trace = explore(program(CHOOSES), Limits()).trace
    assert trace is not None
    assert trace.initial == (Choice(1, "p.twice", "True"),)
    assert trace.steps[0].choices == (Choice(1, "pg", "Page[1]"),)
    assert [(c.name, c.old, c.new) for c in trace.steps[0].locals] == [("pg", "None", "Page[1]")]
    assert trace.steps[1].arrives is None
    assert trace.steps[1].through[0].line == 18
    assert trace.failure is not None
    assert (trace.failure.kind, trace.failure.process) == ("assert", "p")
    with pytest.raises(NotPossible, match="step 3 comes after a fault: page 1 is not put there"):
        replay(meaning(CHOOSES), Schedule((1,), ((0, (1,)), (0, ()), (0, ()))))


def test_a_choice_that_goes_wrong_is_in_the_trace() -> None:
    """Found by a random Program: the choice was recorded only once its value had been checked, so
    that the trace could not be walked again."""
    text = CHOOSES.replace("choose twice in [False, True]", "choose pg in [Page?[0], not_null(pg)]")
    (_, bad) = meaning(text).initial()
    assert bad.fault is not None
    trace = replay(meaning(text), Schedule(bad.choices, ()))
    assert trace.initial == (Choice(1, "p.pg", "?"),)
    assert trace.schedule.initial == (1,)
    assert trace.failure is not None and trace.failure.kind == "none"


# ------------------------------------------------------------------------------------- exit codes


def verdict_of(*kinds: str) -> Verdict:
    """A verdict with these failures: the first is the trace's."""
    violated = lost_update()
    assert violated.trace is not None and violated.trace.failure is not None
    first, *others = [replace(violated.trace.failure, kind=kind) for kind in kinds]  # type: ignore[arg-type]
    return replace(
        violated, trace=replace(violated.trace, failure=first), others=tuple(others)
    )


@pytest.mark.parametrize(("kinds", "code"), [
    (["deadlock"], 11), (["safety"], 12), (["assert"], 14), (["none"], 14), (["index"], 14),
    (["range"], 14), (["choose"], 14), (["ghost"], 14), (["runaway"], 14),
    (["assert", "safety"], 12), (["assert", "range"], 14),
])  # fmt: skip
def test_exit_codes_of_violations(kinds: list[str], code: int) -> None:
    """Of several the smallest."""
    assert exit_code(verdict_of(*kinds)) == code


@pytest.mark.parametrize(("reason", "code"), [
    ("states", 20), ("seconds", 20), ("memory", 21), ("interrupted", 130),
])  # fmt: skip
def test_exit_codes_of_unfinished_searches(reason: Reason, code: int) -> None:
    stopped = Stopped(reason, 1000, 9, 30)
    verdict = replace(lost_update(), outcome="UNKNOWN", trace=None, stopped=stopped)
    assert exit_code(verdict) == code


def test_other_exit_codes() -> None:
    verdict = lost_update()
    assert exit_code(replace(verdict, outcome="HOLDS", trace=None)) == 0
    unreached = replace(verdict.properties[0], kind="sometimes", status="not reached")
    assert exit_code(replace(verdict, trace=None, properties=(unreached,))) == 15
    wrong = Validation("NOT REPRODUCED", None, "step 2: counter is 3")
    assert exit_code(replace(verdict, validation=wrong)) == 22


def test_how_far_a_search_got() -> None:
    assert str(Stopped("seconds", 12_345, 9, 1_030)) == (
        "the time was spent: 12,345 states, depth 9, 1,030 in the queue"
    )


def test_a_fault_in_a_property_is_a_failure_of_its_kind() -> None:
    text = LOST_UPDATE.replace("counter == 2", "2 // (counter - 1) == 2")
    verdict = explore(program(text), Limits())
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == "range"
    assert verdict.trace.failure.sentence == (
        "a division by zero, in the property 'no addition is lost'"
    )
    assert verdict.properties[0].status == "violated"
    assert exit_code(verdict) == 14
    assert replay(meaning(text), LOST).failure == verdict.trace.failure
