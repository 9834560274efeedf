"""The symbolic engine against the reference engine: the same shortest violation, and none to the
depth to which there is none; on the specs, on mutants of theirs, and on random Programs with 2, 3,
5, 6 and 7 pages.  What can be wrong in the terms is planted, and found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import z3

from modelcheck.engines import reference
from modelcheck.engines.symbolic import actions, system
from modelcheck.engines.symbolic.actions import Outcome, Way
from modelcheck.engines.symbolic.bounded import explore
from modelcheck.engines.symbolic.expressions import Scope, Slot
from modelcheck.engines.symbolic.system import FAULTS, Frames, System, flat
from modelcheck.engines.symbolic.terms import Bit, Sym, Terms, num
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Process, Program, Ref, Variable
from modelcheck.semantics import Semantics, State
from modelcheck.trace import Disagreement, Limits, Verdict
from tests.agree.random_programs import random_program
from tests.mutants.test_mutants import DEADLOCK, MUTANTS, SPECS, Mutant, mutated

PAGES = (2, 3, 5, 6, 7)
FEW = Limits(states=3_000)
AHEAD = 8  # steps that z3 looks ahead where there is no violation


def resized(node: Any, pages: int) -> Any:
    """A Program of random_programs.py, which has two pages, with so many; each further page is in
    its beginning like the first."""
    if isinstance(node, tuple):
        if node == ("Page", 2):
            return "Page", pages
        return tuple(resized(part, pages) for part in node)
    if isinstance(node, Ref):
        return dataclasses.replace(node, count=pages) if node.cls == "Page" else node
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    made = dataclasses.replace(node, **{
        f.name: resized(getattr(node, f.name), pages)
        for f in dataclasses.fields(node) if f.name != "span"
    })
    if isinstance(made, Variable) and made.index and made.initial:
        return dataclasses.replace(
            made, initial=(*made.initial, *made.initial[:1] * (made.cells - len(made.initial)))
        )
    return made


def program_of(seed: int) -> Program | None:
    """The Program of a seed, with a number of pages that goes with it; None if no run begins."""
    program: Program = resized(random_program(seed), PAGES[seed % len(PAGES)])
    return program if Semantics(program).initial() else None


def wrong(program: Program, limits: Limits = FEW, ahead: int = AHEAD) -> str | None:
    """What the engines say differently, if anything."""
    expected = reference.explore(program, limits)
    length = violation(expected)
    looked = expected.depth + 1 if expected.stopped is None else expected.stopped.depth - 1
    depth = min(looked, ahead) if length is None else length
    try:
        found = explore(program, Limits(), depth=depth)
    except Disagreement as error:
        return f"z3 is refuted: {error}"
    if violation(found) != length:
        return f"the shortest violation: reference {length}, z3 {violation(found)}"
    if length is None and (found.stopped is None or found.stopped.reason != "depth"):
        return f"z3 did not get on: {found.stopped}"
    if length is None and reached(found, depth) != reached(expected, depth):
        return f"what is reached: {reached(expected, depth)}, z3 {reached(found, depth)}"
    return None


def violation(verdict: Verdict) -> int | None:
    """The length of the violation that was found; a deadlock is not what z3 looks for."""
    trace = verdict.trace
    deadlock = trace is not None and trace.failure is not None and trace.failure.kind == "deadlock"
    return None if trace is None or deadlock else len(trace.steps)


def reached(verdict: Verdict, depth: int) -> dict[str, int]:
    """Which `sometimes` is reached within so many steps, and where."""
    return {
        p.sentence: p.depth for p in verdict.properties
        if p.status == "reached" and p.depth is not None and p.depth <= depth
    }


# -------------------------------------------------------------------------------- step by step


def step_wrong(program: Program, states: int = 4) -> str | None:
    """Where the terms of one step part from `semantics`, in some states that are reached: other
    steps, or no fault where there is one."""
    semantics = Semantics(program)
    frames = Frames(System(semantics))
    for state in some_states(semantics, states):
        solver = z3.SolverFor("QF_FD", ctx=frames.system.terms.context)
        solver.add(frames.begins([state]), frames.about_state(0), frames.about_step(0))
        steps = semantics.successors(state)
        if any(step.fault for step in steps) != (solver.check(frames.literal(FAULTS, 0)) == z3.sat):
            return f"a fault in a step from {state}"
        solver.add(frames.leads_on(0))
        expected = {(step.process, step.target) for step in steps if step.target is not None}
        found: set[tuple[int, State]] = set()
        while len(found) <= len(expected) and solver.check() == z3.sat:
            model = solver.model()
            found.add((frames.process(model, 0), frames.read(model, 1)))
            solver.add(differs(frames, model))
        if found != expected:
            return f"from {state}: {sorted(map(str, found ^ expected))}"
    return None


def differs(frames: Frames, model: Any) -> Any:
    """Another process, or another next state, than in this model."""
    terms = [*frames.who(0), *(term for sym in frames.state(1) for term in flat(sym))]
    return z3.Or(*(t != model.eval(t, model_completion=True) for t in terms))


def some_states(semantics: Semantics, count: int) -> list[State]:
    """States that are reached, spread over the first hundreds."""
    met = dict.fromkeys(b.state for b in semantics.initial() if b.state is not None)
    queue = list(met)
    while queue and len(met) < 300:
        for step in semantics.successors(queue.pop(0)):
            if step.target is not None and step.target not in met:
                met[step.target] = None
                queue.append(step.target)
    every = list(met)
    return every[:: max(1, len(every) // count)]


# ------------------------------------------------------------------------------ random Programs


@pytest.mark.parametrize("seed", range(100))
def test_the_engines_agree(seed: int) -> None:
    print(f"seed {seed}")
    program = program_of(seed)
    assert program is None or (wrong(program) or step_wrong(program)) is None


@pytest.mark.slow
def test_a_campaign() -> None:
    """20,000 of them."""
    for seed in range(100, 20_000):
        print(f"seed {seed}")
        program = program_of(seed)
        assert program is None or (wrong(program) or step_wrong(program, 12)) is None


def test_the_random_programs_have_something_to_find() -> None:
    """Violations of all lengths, and runs without any, with every number of pages."""
    lengths: dict[int, set[int | None]] = {pages: set() for pages in PAGES}
    for seed in range(100):
        program = program_of(seed)
        if program is not None:
            length = violation(reference.explore(program, FEW))
            lengths[PAGES[seed % len(PAGES)]].add(length)
    for pages, found in lengths.items():
        assert None in found and len(found) > 1, (pages, found)
    assert max(n for found in lengths.values() for n in found if n is not None) > 3


# ------------------------------------------------------------------------------------ planted bugs

on_way = Outcome._on


def no_guards(outcome: Outcome, way: Way, scope: Scope, test: Bit = True) -> Way:
    """A wait and an assume stop nobody."""
    return on_way(outcome, way, scope)


def no_fault(scope: Scope, test: Bit) -> None:
    """Whatever goes wrong, the run goes on."""


def no_reset(
    terms: Terms, process: Process, here: int, number: int, memory: dict[Slot, Sym]
) -> dict[Slot, Sym]:
    """A dead local keeps its value."""
    return {**memory, here: num(number)}


def first_only(terms: Terms, ways: list[Way]) -> Way:
    """Where two runs meet, only the first goes on."""
    return next((way for way in ways if way.test is not False), ways[0])


PLANTED: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "a guard is dropped": (Outcome, "_on", no_guards),
    "a fault is dropped": (Scope, "fault", no_fault),
    "a dead local is not reset": (actions, "arrived", no_reset),
    "of two runs that meet one is lost": (actions, "merged", first_only),
    "of two processes one never moves": (system, "merged", first_only),
}


def first_caught(seeds: Iterable[int]) -> str | None:
    for seed in seeds:
        program = program_of(seed)
        found = None if program is None else wrong(program) or step_wrong(program)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrongly = PLANTED[bug]
    monkeypatch.setattr(where, name, wrongly)
    assert first_caught(range(40)) is not None


# ----------------------------------------------------------------------------- specs and mutants


@pytest.mark.parametrize(("spec", "length"), [
    ("per_page_cmpxchg", 10), ("per_page_cmpxchg_lists", 16),
])
def test_the_specs_that_are_violated(spec: str, length: int) -> None:
    _, program = compile_spec(str(SPECS / f"{spec}.py"), {})
    verdict = explore(program, Limits(), depth=length)
    expected = reference.explore(program, Limits())
    assert violation(verdict) == violation(expected) == length
    assert verdict.trace is not None and expected.trace is not None
    assert verdict.trace.switches == expected.trace.switches


@pytest.mark.parametrize("spec", sorted(path.stem for path in SPECS.glob("*.py")))
@pytest.mark.parametrize("pages", [3, 5, 7])
def test_the_specs_with_more_pages(spec: str, pages: int) -> None:
    """To the depth that the reference engine reaches with as many states."""
    _, program = compile_spec(str(SPECS / f"{spec}.py"), {"PAGES": pages})
    assert wrong(program, Limits(states=300), ahead=7) is None


REAL = [mutant for mutant in MUTANTS if mutant.fails != DEADLOCK]


def compared(mutant: Mutant, folder: Path, reach: int) -> bool:
    """Whether z3 finds, within so many steps, what the reference engine finds, and nothing where
    that is longer (or a `@sometimes` that is not reached)."""
    path = folder / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    _, program = compile_spec(str(path), mutant.sets)
    named = tuple(p for p in program.properties if p.sentence == mutant.fails)
    program = dataclasses.replace(program, properties=named)
    expected = violation(reference.explore(program, Limits()))
    near = expected is not None and expected <= reach
    found = violation(explore(program, Limits(), depth=expected if near and expected else 8))
    return found == (expected if near else None)


@pytest.mark.parametrize("mutant", REAL, ids=lambda m: f"{m.spec}: {m.story}")
def test_mutants(mutant: Mutant, tmp_path: Path) -> None:
    assert compared(mutant, tmp_path, 12)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", REAL, ids=lambda m: f"{m.spec}: {m.story}")
def test_mutants_to_more_steps(mutant: Mutant, tmp_path: Path) -> None:
    assert compared(mutant, tmp_path, 20)
