"""What other checkers got wrong about a search and how far it goes: states left out or counted
twice, and checks that were skipped in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from typer.testing import CliRunner

from modelcheck.cli import app
from modelcheck.engines import found, reference
from modelcheck.engines.asked import sentences
from modelcheck.engines.quick import search as quick
from modelcheck.engines.symbolic import bounded
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.notation import parse_program, printing
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine, search
from modelcheck.semantics import State, Step
from modelcheck.source import SpecError
from modelcheck.trace import Limits, PropertyResult, Verdict, exit_code
from tests.small_programs import LOST_UPDATE, program
from tests.unsoundness.designs import HOLDING, VIOLATING, begun

NO_LIMITS = Limits()

CROSSED = """\
    program crossed()
    sort process 2
    shared a: bool = False
    shared b: bool = False
    process p
      entry: goto p_1
      at p_1 in w_1:
        wait not $
        rmw a := True
        goto p_2
      at p_2 in w_2:
        wait not $
        rmw b := True
        goto end
    process q
      entry: goto q_1
      at q_1 in w_1:
        wait not $
        rmw b := True
        goto q_2
      at q_2 in w_2:
        wait not $
        rmw a := True
        goto end
    sometimes "p has both": a and b
    """
"""Two locks taken in opposite order, and never released: whatever happens, somebody is stuck."""


# -------------------------------------------------------------------------- the graph of a search


def check_the_graph(program: Program, verdict: Verdict) -> None:
    """The graph has each state once, each step of an expanded state, and no other."""
    found = reference.searched(program)
    graph, states, semantics = found.graph, found.states, found.semantics
    assert list(graph) == list(range(len(states)))
    assert len(set(states)) == len(states) == verdict.states
    length = 0 if verdict.trace is None else len(verdict.trace.steps)
    steps: dict[int, list[Step]] = {
        n: semantics.successors(states[n]) for n in graph
        if found.complete or found.depths[n] < length
    }
    drawn = {
        (u, who, choices, states[v])
        for u, v, edge in graph.edges(data=True) for who, _, choices in edge["labels"]
    }
    assert drawn == {
        (n, step.process, step.choices, step.target)
        for n, after in steps.items() for step in after if step.target is not None
    }
    assert verdict.transitions == sum(map(len, steps.values()))


def test_the_graph_is_what_was_searched() -> None:
    """tlaplus#407 (TLC): the dumped state graph lacked states and had others twice.  Here it would
    have other states or steps than the search counted, or than the semantics has."""
    for path, sets in (*HOLDING, *VIOLATING):
        design = compile_spec(str(path), sets)[1]
        check_the_graph(design, reference.explore(design, NO_LIMITS))
    for seed, random_program in begun(range(60)):
        print(f"seed {seed}")
        check_the_graph(random_program, reference.explore(random_program, NO_LIMITS))


class Forgetful(dict[State, int]):
    """Every state is new."""

    def setdefault(self, key: State, default: int = 0) -> int:
        self[key] = default
        return default


@pytest.mark.parametrize("plant", ["twice", "omitted"])
def test_a_graph_that_is_wrong_would_be_seen(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lost_update = program(LOST_UPDATE)
    verdict = reference.explore(lost_update, NO_LIMITS)
    check_the_graph(lost_update, verdict)
    if plant == "omitted":
        add = nx.DiGraph.add_edges_from
        monkeypatch.setattr(
            nx.DiGraph, "add_edges_from", lambda graph, edges: add(graph, [*edges][1:])
        )
    else:
        monkeypatch.setattr(
            reference, "Search", partial(reference.Search, numbers=Forgetful())
        )
    with pytest.raises(AssertionError):
        check_the_graph(lost_update, verdict)


def check_what_is_shown(path: Path) -> None:
    result = CliRunner().invoke(app, ["show", str(path)])
    assert result.exit_code == 0
    assert parse_program(result.stdout) == compile_spec(str(path), {})[1]


def test_what_is_shown_is_the_whole_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """tlaplus#407 (TLC), of the other dump that there is: `modelcheck show` prints every action
    once.  A printer that drops a location is planted."""
    specs = dict.fromkeys(path for path, _ in HOLDING)
    for path in specs:
        check_what_is_shown(path)

    def unfinished(*args: Any) -> Iterator[str]:
        return iter([*process_lines(*args)][:-1])

    process_lines = printing.process_lines
    monkeypatch.setattr(printing, "process_lines", unfinished)
    for path in specs:
        with pytest.raises((AssertionError, SpecError)):
            check_what_is_shown(path)


# ---------------------------------------------------------------------- what was never looked at


def check_that_nothing_is_claimed(verdict: Verdict, asked: bool = False) -> None:
    """Only a search that came to its end says that something holds or is not reached, or exits
    with 0; and what it says so of was looked at."""
    claims = [p for p in verdict.properties if p.status in ("holds", "not reached")]
    assert verdict.exhaustive or not claims
    assert verdict.exhaustive or exit_code(verdict) != 0
    unchecked = [p for p in verdict.properties if p.status == "not checked"]
    if verdict.outcome == "HOLDS":
        assert bool(unchecked) == asked
    told = plain(verdict_rows(verdict))
    for p in unchecked:
        said = f"{'not checked':<21} {p.kind:<9} {p.sentence}" in told
        assert said or "not decided: the search ended at this violation" in told


def ways_to_stop(program: Program) -> Iterator[Verdict]:
    """Verdicts of searches that end early, in all the ways there are."""
    for states in (1, 2, 3, 5):
        yield reference.explore(program, Limits(states=states))
        yield quick.explore(program, Limits(states=states))
    yield reference.explore(program, Limits(seconds=0.0))
    yield reference.explore(program, Limits(memory=1))
    for depth in (0, 1, 3):
        yield bounded.explore(program, NO_LIMITS, depth=depth)
    yield bounded.explore(program, Limits(seconds=0.0))
    yield search(program, Engine("auto", 2), Limits(states=2), (), lambda *_: None)


def test_what_was_not_checked_is_not_said_to_hold() -> None:
    """tlaplus#22, #544 (TLC): liveness was skipped in silence, after a recovery and in depth-first
    search, and the run ended as if it had been checked.  Here a search that stops would say that
    something holds, or exit with 0."""
    for verdict in (*ways_to_stop(program(CROSSED)), *ways_to_stop(program(LOST_UPDATE))):
        check_that_nothing_is_claimed(verdict)
    for path, sets in HOLDING:
        design = compile_spec(str(path), sets)[1]
        for states in (1, 10, 30):
            check_that_nothing_is_claimed(reference.explore(design, Limits(states=states)))
        for _, sentence, _ in sentences(design):
            verdict = reference.explore(design, NO_LIMITS, (sentence,))
            decided = [p.sentence for p in verdict.properties if p.status != "not checked"]
            assert (decided, verdict.outcome) == ([sentence], "HOLDS")
            check_that_nothing_is_claimed(verdict, asked=True)


def generous(result: Callable[..., PropertyResult]) -> Callable[..., PropertyResult]:
    """What is not known to fail holds."""
    def planted(*args: Any) -> PropertyResult:
        found = result(*args)
        return replace(found, status="holds") if found.status == "not checked" else found

    return planted


@pytest.mark.parametrize("engine", [found, bounded])
def test_a_check_that_is_skipped_would_be_seen(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_result", generous(engine._result))
    with pytest.raises(AssertionError):
        for verdict in ways_to_stop(program(CROSSED)):
            check_that_nothing_is_claimed(verdict)


def check_every_limit(program: Program) -> None:
    """Whatever the limit, either the whole search was made or the exit code is 20."""
    whole = reference.explore(program, NO_LIMITS)
    for states in range(1, whole.states + 3):
        verdict = reference.explore(program, Limits(states=states))
        if exit_code(verdict) != 20:
            assert replace(verdict, limits=NO_LIMITS, seconds=None) == replace(whole, seconds=None)
    assert exit_code(whole) == exit_code(verdict) == 11
    assert exit_code(reference.explore(program, Limits(states=whole.states - 1))) == 20


def test_a_limit_that_is_hit_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spin#28: with breadth-first search and rendezvous, invalid end states were lost, and a line
    of warning was all that told so.  Here a limit in front of a deadlock would leave exit code 0.
    Planted: beyond the limit the queue is dropped, and the search comes to its end."""
    check_every_limit(program(CROSSED))
    level = reference._Expansion.level

    def dropping(expand: Any) -> None:
        limit = expand.search.limits.states
        if limit is not None and len(expand.search.states) > limit:
            expand.next = []
        else:
            level(expand)

    monkeypatch.setattr(reference._Expansion, "level", dropping)
    with pytest.raises(AssertionError):
        check_every_limit(program(CROSSED))


def check_that_deadlock_stays_open(program: Program) -> None:
    """The symbolic engine says of a deadlock that it looked for none, in words too."""
    verdict = bounded.explore(program, NO_LIMITS, depth=6)
    assert [p.status for p in verdict.properties if p.kind == "deadlock"] == ["not checked"]
    assert verdict.outcome == "UNKNOWN" and exit_code(verdict) == 20
    assert "not checked           deadlock" in plain(verdict_rows(verdict))


def test_the_symbolic_engine_does_not_speak_of_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """apalache#711: the symbolic test for deadlock is weaker than the concrete one, and a deadlock
    was missed.  Here bounded search would say that no process is stuck for ever."""
    assert exit_code(reference.explore(program(CROSSED), NO_LIMITS)) == 11
    check_that_deadlock_stays_open(program(CROSSED))
    monkeypatch.setattr(bounded, "_result", generous(bounded._result))
    with pytest.raises(AssertionError):
        check_that_deadlock_stays_open(program(CROSSED))
