"""The quick engine against the reference engine: the same verdict in every field, on random
Programs with 2, 3, 5, 6 and 7 pages, on the specs and on mutants of theirs, and where a limit ends
the search.  What can be wrong in an engine is planted, and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from modelcheck.engines import reference
from modelcheck.engines.asked import only
from modelcheck.engines.quick import actions, code, search
from modelcheck.engines.quick.code import Code
from modelcheck.engines.quick.waiting import Waiting, _Tried
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Loop, Program, Property
from modelcheck.trace import Disagreement, Limits
from tests.agree.test_symbolic_agrees import program_of
from tests.mutants.test_mutants import MUTANTS, SPECS, Mutant, mutated
from tests.specs.test_specs import HOLDING, VIOLATING, Sets

FEW = Limits(states=2_000)
CLASSICS = sorted((Path(__file__).parents[1] / "classics" / "specs").glob("*.py"))
FIRST_STEPS = sorted((SPECS / "first_steps").glob("*.py"))
INSTANCES: tuple[tuple[str, Sets], ...] = (
    *((str(SPECS / f"{spec}.py"), sets) for spec, sets in HOLDING),
    *((str(SPECS / f"{spec}.py"), sets) for spec, sets, _, _ in VIOLATING),
    *((str(path), {}) for path in (*CLASSICS, *FIRST_STEPS)),
)


def wrong(
    program: Program, limits: Limits = FEW, asked: tuple[str, ...] = ()
) -> str | None:
    """What the quick engine says otherwise than the reference engine, if anything."""
    expected = reference.explore(program, limits, asked)
    try:
        found = search.explore(program, limits, asked)
    except Disagreement as error:
        return f"semantics refutes it: {error}"
    found = replace(found, engine=expected.engine, seconds=expected.seconds)
    return next(
        (
            f"{f.name}: reference {getattr(expected, f.name)}, quick {getattr(found, f.name)}"
            for f in fields(expected) if getattr(expected, f.name) != getattr(found, f.name)
        ),
        None,
    )


# ------------------------------------------------------------------------------ random Programs


@pytest.mark.parametrize("seed", range(150))
def test_the_engines_agree(seed: int) -> None:
    print(f"seed {seed}")
    program = program_of(seed)
    assert program is None or wrong(program, Limits(states=20_000)) is None


@pytest.mark.slow
def test_a_campaign() -> None:
    """10,000 of them."""
    for seed in range(150, 10_000):
        print(f"seed {seed}")
        program = program_of(seed)
        assert program is None or wrong(program, Limits(states=20_000)) is None


@pytest.mark.parametrize("limits", [
    Limits(states=1), Limits(states=7), Limits(states=30), Limits(seconds=0), Limits(memory=1),
], ids=str)
def test_they_stop_at_the_same_state(limits: Limits) -> None:
    stopped = 0
    for seed in range(40):
        print(f"seed {seed}")
        program = program_of(seed)
        if program is not None:
            assert wrong(program, limits) is None
            stopped += search.explore(program, limits).stopped is not None
    assert stopped >= 5


def test_they_agree_on_what_was_asked_for() -> None:
    """Each property, and deadlock, by itself."""
    for seed in range(20):
        print(f"seed {seed}")
        program = program_of(seed)
        if program is not None:
            for sentence in ("deadlock", *(p.sentence for p in program.properties)):
                assert wrong(program, FEW, (sentence,)) is None


# ------------------------------------------------------------------------------ specs and mutants


@pytest.mark.parametrize(("path", "sets"), INSTANCES)
def test_they_agree_on_the_specs(path: str, sets: Sets) -> None:
    _, program = compile_spec(path, sets)
    assert wrong(program) is None


@pytest.mark.slow
@pytest.mark.parametrize(("path", "sets"), INSTANCES)
def test_they_agree_on_the_whole_of_the_specs(path: str, sets: Sets) -> None:
    _, program = compile_spec(path, sets)
    assert wrong(program, Limits()) is None


def mutant_program(mutant: Mutant, folder: Path) -> Program:
    path = folder / f"{mutant.spec}.py"
    path.write_text(mutated(mutant), encoding="utf-8")
    return compile_spec(str(path), mutant.sets)[1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.spec}: {m.story}")
def test_they_agree_on_mutants(mutant: Mutant, tmp_path: Path) -> None:
    assert wrong(mutant_program(mutant, tmp_path)) is None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.spec}: {m.story}")
def test_they_agree_on_the_whole_of_mutants(mutant: Mutant, tmp_path: Path) -> None:
    assert wrong(mutant_program(mutant, tmp_path), Limits()) is None


def in_a_loop(program: Program) -> Program:
    """The Program in which each location where a process may rest stands in a loop too."""
    loop = Loop("around")
    return replace(program, processes=tuple(
        replace(process, actions=tuple(
            replace(a, loops=(loop, *a.loops)) if a.resting else a for a in process.actions
        ))
        for process in program.processes
    ))


def test_a_process_may_rest_within_a_loop() -> None:
    """Nothing that is compiled does; the native engine refuses it, and so nobody must ask it."""
    some = 0
    for seed in range(60):
        print(f"seed {seed}")
        program = program_of(seed)
        if program is not None:
            looped = in_a_loop(program)
            some += looped != program
            assert wrong(looped) is None
    assert some > 10


# ------------------------------------------------------------------------------------ planted bugs

level, more = search._Search._level, Code._more


def nothing_fails(self: Code, state: int) -> int:
    """Faults are dropped: the run ends, and nobody hears of it."""
    return 0


def nothing_is_cut(self: Code, state: int) -> int:
    """What an `assume` cuts short is taken to be stuck."""
    return 0


def one_is_lost(self: Code, state: int, which: int) -> int:
    """Of several successors the first alone is kept."""
    several = self.several[which]
    self.several[which] = several._replace(changes=several.changes[:1])
    return more(self, state, which)


def all_live(program: Program, asked: frozenset[str]) -> Program:
    """No dead local is reset."""
    kept = only(program, asked)
    return replace(kept, processes=tuple(
        replace(p, actions=tuple(
            replace(a, live=tuple(v.name for v in p.locals)) for a in p.actions
        ))
        for p in kept.processes
    ))


def a_level_too_few(self: search._Search, stays: Any) -> None:
    """The last level is not expanded."""
    level(self, stays)
    if len(self.levels) > 6:
        self.levels.append([])


def no_memory(actions: object) -> set[str]:
    """Steps are taken to be alike that read different memory."""
    return set()


def no_bits(self: Code, property: Property) -> int:
    """A property is asked of the first state alone."""
    return 0


def undecided(self: Waiting) -> None:
    """Whoever waits is stuck."""


def let_go(self: _Tried, key: int) -> int:
    """Whoever waits is said to go on when another has gone on alone."""
    return ~self._mine


def all_left(self: actions.Step, target: object) -> str:
    """Every step leaves whatever the process stands in."""
    return "0"


PLANTED: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "a fault is dropped": (Code, "_fails", nothing_fails),
    "a cut is no cut": (Code, "_cuts", nothing_is_cut),
    "a successor is lost": (Code, "_more", one_is_lost),
    "a dead local is not reset": (search, "only", all_live),
    "a level too few": (search._Search, "_level", a_level_too_few),
    "a step is read off too little memory": (code, "memory_of", no_memory),
    "a property is read off too little memory": (Code, "bits_of", no_bits),
    "who waits is stuck": (Waiting, "decide", undecided),
    "who waits goes on": (_Tried, "__missing__", let_go),
    "every step leaves everything": (actions.Step, "_left", all_left),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [p for seed in range(60) if (p := program_of(seed)) is not None]
    monkeypatch.setattr(*PLANTED[name])
    assert any(wrong(program) is not None for program in programs)
