"""What other checkers got wrong about reductions.  Two are on here, in every run: a local that
nobody reads any more is reset, and equal locations are merged.  Without them the verdict is the
same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec, stages
from modelcheck.ir import Process, Program
from modelcheck.memory.sc import sc
from modelcheck.passes import liveness as dead_locals
from modelcheck.passes import merge_locations as equal_locations
from modelcheck.passes.liveness import liveness
from modelcheck.passes.merge_locations import merge_locations
from modelcheck.trace import Limits, Verdict
from tests.small_programs import program
from tests.unsoundness.designs import HOLDING, VIOLATING, begun


def said(verdict: Verdict) -> tuple[str, int | None, dict[str, tuple[str, int | None]]]:
    """What must not depend on a reduction; an assert that no location reaches is left out."""
    return (
        verdict.outcome,
        None if verdict.trace is None else len(verdict.trace.steps),
        {
            p.sentence: (p.status, p.depth) for p in verdict.properties
            if p.kind != "assert" or p.status == "violated"
        },
    )


def with_all_alive(program: Program) -> Program:
    """No local is ever reset."""
    def process(of: Process) -> Process:
        names = tuple(v.name for v in of.locals)
        return replace(of, actions=tuple(replace(a, live=names) for a in of.actions))

    return replace(program, processes=tuple(map(process, program.processes)))


def check_the_reductions(whole: Program, reduced: Program) -> tuple[int, int]:
    """The states without and with them: never more, with the same verdict."""
    without, with_ = explore(whole, Limits()), explore(reduced, Limits())
    assert said(with_) == said(without)
    assert with_.states <= without.states
    return without.states, with_.states


def test_a_verdict_is_the_same_without_the_reductions() -> None:
    """ltsmin#222: with partial-order reduction a property held, without it failed; esbmc#598: it
    was switched off for competitions.  There is none here; but if a local were reset that is read,
    or locations merged that differ, the verdict would be another with the passes than without."""
    fewer = 0
    for path, sets in (*HOLDING, *VIOLATING):
        print(path.name, sets)
        first = dict(stages(str(path), sets))["ranges"]
        reduced = compile_spec(str(path), sets)[1]
        before, after = check_the_reductions(with_all_alive(sc(first)), reduced)
        fewer += after < before
    assert fewer > 5


def check_random_programs(seeds: range) -> int:
    """How many of them have fewer states with the reductions."""
    fewer = 0
    for seed, random_program in begun(seeds):
        print(f"seed {seed}")
        whole = with_all_alive(random_program)
        if explore(whole, Limits(states=2_000)).stopped is None:
            check_the_reductions(whole, liveness(random_program))
            before, after = check_the_reductions(whole, merge_locations(random_program))
            fewer += after < before
    return fewer


def test_a_verdict_on_a_random_program_is_the_same_without_them() -> None:
    """ltsmin#222, esbmc#598, on Programs with loops and waits that no author would write."""
    assert check_random_programs(range(60)) > 10


@pytest.mark.slow
def test_a_verdict_on_many_random_programs_is_the_same_without_them() -> None:
    """ltsmin#222, esbmc#598: a campaign."""
    assert check_random_programs(range(60, 2_000)) > 300


ROUND = """\
    program round()
    sort process 1
    shared x: bool = False
    shared y: bool = True
    process p
      local seen: bool
      local other: bool
      entry: goto p_1
      at p_1 live seen, other in p_0:
        load y
        seen := $
        goto p_2
      at p_2 live seen, other in p_0:
        load x
        other := $
        goto p_3
      at p_3 live seen, other in p_0:
        store x := seen
        assert seen, "y was seen"
        goto end
    """
OUTSIDE = """\
    program outside()
    sort process 1
    shared x: bool = False
    process p
      entry: goto p_1
      at p_1 resting:
        load x
        goto p_2
      at p_2 in p_0, p_2:
        load x
        goto p_1
    """


@pytest.mark.parametrize(
    ("text", "reduction", "where", "name", "plant"),
    [
        (ROUND, liveness, dead_locals, "live_locals",
         lambda process: {a.at: frozenset() for a in process.actions}),
        (OUTSIDE, merge_locations, equal_locations, "_disturbed",
         lambda actions, classes: frozenset()),
    ],
    ids=["a local is reset that is read", "a place of rest becomes part of an inner loop"],
)
def test_a_reduction_that_is_unsound_would_be_seen(
    text: str, reduction: Callable[[Program], Program], where: Any, name: str, plant: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = with_all_alive(program(text))
    check_the_reductions(whole, reduction(whole))
    monkeypatch.setattr(where, name, plant)
    with pytest.raises(AssertionError):
        check_the_reductions(whole, reduction(whole))
