"""What other checkers got wrong about violations: those that no run has, those that a simulator met
and the search did not, and what a constraint makes of a run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from modelcheck.engines import deadlock, reference
from modelcheck.frontend.compile import compile_spec
from modelcheck.heap.walk import random_walk
from modelcheck.ir import Program
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.semantics import Semantics, State, Step
from modelcheck.trace import Disagreement, Limits, Verdict, exit_code
from tests.agree.naive import Naive
from tests.classics.table import Sets
from tests.small_programs import program
from tests.unsoundness.designs import HOLDING, VIOLATING, begun

NO_LIMITS = Limits()

# ------------------------------------------------------------------- violations, and what is none


def check_the_run(program: Program) -> bool:
    """Whether there is a violation of safety; then its run is one of the naive interpreter's too,
    and ends as is said."""
    trace = reference.explore(program, NO_LIMITS).trace
    if trace is None or trace.failure is None or trace.failure.kind == "deadlock":
        return False
    naive = Naive(program)
    end = next(s for choices, s in naive.initial() if choices == trace.schedule.initial)
    for step in trace.schedule.steps:
        assert not isinstance(end, str)
        targets = [s for who, choices, s in naive.steps(end) if (who, choices) == step]
        assert targets, f"no step {step}"
        (end,) = targets
    if isinstance(end, str):
        assert end == trace.failure.kind
    else:
        broken = [p.sentence for p in naive.program.properties
                  if p.kind == "always" and not naive.holds(p, end)]
        assert any(sentence in trace.failure.sentence for sentence in broken)
    return True


def test_a_violation_is_a_run_of_the_program() -> None:
    """specl#56, #82: symmetry was on by itself, and violations were reported that no run has.  Here
    nothing is on that merges states which differ; each violation is walked by a second reading of
    the Program that shares no code with the first."""
    found = [check_the_run(random_program) for _, random_program in begun(range(150))]
    assert sum(found) > 30


PAGES_APART = """\
    program apart()
    sort Page 2
    sort process 1
    shared Page.free[Page]: bool = all True
    process p
      entry: goto p_1
      at p_1:
        store Page.free[Page[1]] := False
        goto p_2
      at p_2:
        load Page.free[Page[0]]
        assert $, "the first page was left alone"
        goto end
    """


def test_pages_taken_for_one_another_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: states that differ by an exchange of pages are one, though the process names one."""
    apart = program(PAGES_APART)
    assert not check_the_run(apart)
    successors = Semantics.successors

    def smallest(state: State | None) -> State | None:
        return state if state is None else (*sorted(state[:2], key=str), *state[2:])

    def symmetric(semantics: Semantics, state: State) -> list[Step]:
        return [s._replace(target=smallest(s.target)) for s in successors(semantics, state)]

    monkeypatch.setattr(Semantics, "successors", symmetric)
    steps = Semantics.steps
    monkeypatch.setattr(Semantics, "steps", lambda semantics, state, process: (
        [s._replace(target=smallest(s.target)) for s in steps(semantics, state, process)[0]], False
    ))
    with pytest.raises((AssertionError, Disagreement)):
        check_the_run(apart)


def check_the_walks(program: Program, verdict: Verdict, seeds: range, steps: int = 80) -> None:
    """Random runs, on the semantics: none meets what the verdict says there is not."""
    semantics = Semantics(program)
    status = {p.sentence: p.status for p in verdict.properties}
    for seed in seeds:
        chance = random.Random(seed)
        state = chance.choice(semantics.initial()).state
        for _ in range(steps):
            assert state is not None, "it begins with a fault"
            for p in program.properties:
                held = semantics.holds(p, state)
                if p.kind == "always":
                    assert held is True or status[p.sentence] != "holds", f"seed {seed}: {p}"
                else:
                    assert held is False or status[p.sentence] == "reached", f"seed {seed}: {p}"
            ways = semantics.successors(state)
            if not ways:
                break
            step = chance.choice(ways)
            assert step.fault is None, f"seed {seed}: {step.fault}"
            state = step.target


def test_a_simulator_meets_nothing_that_the_search_missed() -> None:
    """Spin#78: the simulator ran into an assertion that the verifier had missed.  Here a random run
    would fail where the verdict says that everything holds."""
    for path, sets in HOLDING:
        program = compile_spec(str(path), sets)[1]
        check_the_walks(program, reference.explore(program, NO_LIMITS), range(8))
    complete = 0
    for seed, random_program in begun(range(60)):
        verdict = reference.explore(random_program, NO_LIMITS)
        if verdict.exhaustive:
            complete += 1
            print(f"program {seed}")
            check_the_walks(random_program, verdict, range(8))
    assert complete > 10


def check_the_live_walks(path: Path, sets: Sets, seeds: range) -> None:
    """Random schedules of real threads on the allocator: none fails, none parts from the model."""
    spec, program = compile_spec(str(path), sets)
    semantics = Semantics(program)
    for seed in seeds:
        walk = random_walk(spec, program, semantics, seed, 60)
        assert walk.difference is None and walk.ended != "failed", f"seed {seed}: {walk}"


def test_threads_meet_nothing_that_the_search_missed() -> None:
    """Spin#78, with the executable allocator for the simulator: it runs the spec's functions."""
    for path, sets in HOLDING:
        check_the_live_walks(path, sets, range(4))


def test_a_search_that_misses_an_assert_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: steps that end in a fault are not looked at by the engine.  The spec breaks its
    assert, the engine says that it holds, and both kinds of walk meet it."""
    path, sets = next(design for design in VIOLATING if design[0].stem == "seqlock")
    program = compile_spec(str(path), sets)[1]

    class Blind(Semantics):
        def successors(self, state: State) -> list[Step]:
            return [step for step in super().successors(state) if step.fault is None]

    monkeypatch.setattr(reference, "Semantics", Blind)
    verdict = reference.explore(program, NO_LIMITS)
    assert all(p.status == "holds" for p in verdict.properties if p.kind == "assert")
    with pytest.raises(AssertionError, match="seed"):
        check_the_walks(program, verdict, range(40))
    with pytest.raises(AssertionError, match="seed"):
        check_the_live_walks(path, sets, range(40))


# ------------------------------------------------------------------------------------ constraints

BOUNDED = """\
    program bounded()
    assumption "assume: fewer than {most} turns"
    sort process 1
    shared turns: 0..3 = 0
    process p
      local n: 0..3
      entry: goto p_1
      at p_1 in loop:
        load turns
        n := $
        assume n < {most}
        goto p_2
      at p_2 live n in loop:
        store turns := n + 1
        goto p_1
    sometimes "three turns are taken": turns == 3
    """


def check_the_constraint() -> None:
    """Who is cut short is not stuck; and the verdict names the assumption that it rests on."""
    verdict = reference.explore(program(BOUNDED.format(most=3)), NO_LIMITS)
    assert (verdict.outcome, exit_code(verdict)) == ("HOLDS", 0)
    assert "  assumes    assume: fewer than 3 turns\n" in plain(verdict_rows(verdict))


def test_a_constraint_makes_no_deadlock_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLC, state constraints (a gist of Vanlightly's): one can break liveness in silence, as a run
    that is cut off looks like one that ends.  Here whoever stands before an `assume` that is
    false would be stuck.  And a constraint that cuts off what must be reached is no success."""
    check_the_constraint()
    tight = reference.explore(program(BOUNDED.format(most=2)), NO_LIMITS)
    assert exit_code(tight) == 15
    monkeypatch.setattr(deadlock, "_has_assume", lambda program: False)
    with pytest.raises(AssertionError):
        check_the_constraint()
