"""The classic litmus tests under sequential consistency: each outcome that some interleaving has,
and no other.  The weak outcome, by which each is known, is never reached."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from modelcheck.engines import reference
from modelcheck.engines.symbolic import bounded
from modelcheck.frontend import compile as compiling
from modelcheck.ir import Action, Goto, Load, Process, Program, Store
from modelcheck.memory.sc import sc
from modelcheck.semantics import Semantics, State, Step
from modelcheck.trace import Limits, Verdict
from tests.unsoundness.designs import compiled

Thread: TypeAlias = tuple[str, ...]
"""Lines such as `x = 1` (a store) and `r0 = x` (a load); every cell and register is 0 at first."""
Outcome: TypeAlias = tuple[int, ...]

LITMUS: dict[str, tuple[tuple[Thread, ...], str]] = {
    "SB": ((("x = 1", "r0 = y"), ("y = 1", "r1 = x")), "r0 == 0 and r1 == 0"),
    "MP": ((("x = 1", "y = 1"), ("r0 = y", "r1 = x")), "r0 == 1 and r1 == 0"),
    "LB": ((("r0 = x", "y = 1"), ("r1 = y", "x = 1")), "r0 == 1 and r1 == 1"),
    "S": ((("x = 2", "y = 1"), ("r0 = y", "x = 1")), "r0 == 1 and x == 2"),
    "R": ((("x = 1", "y = 1"), ("y = 2", "r0 = x")), "y == 2 and r0 == 0"),
    "2+2W": ((("x = 1", "y = 2"), ("y = 1", "x = 2")), "x == 1 and y == 1"),
    "WRC": ((("r0 = x", "y = 1"), ("r1 = y", "r2 = x"), ("x = 1",)),
            "r0 == 1 and r1 == 1 and r2 == 0"),
    "RWC": ((("r0 = x", "r1 = y"), ("y = 1", "r2 = x"), ("x = 1",)),
            "r0 == 1 and r1 == 0 and r2 == 0"),
    "IRIW": ((("r0 = x", "r1 = y"), ("r2 = y", "r3 = x"), ("x = 1",), ("y = 1",)),
             "r0 == 1 and r1 == 0 and r2 == 1 and r3 == 0"),
    "CoRR": ((("r0 = x", "r1 = x"), ("x = 1",)), "r0 == 1 and r1 == 0"),
    "CoWR": ((("x = 1", "r0 = x"), ("x = 2",)), "r0 == 2 and x == 1"),
    "CoRW": ((("r0 = x", "x = 1"), ("x = 2",)), "r0 == 2 and x == 2"),
    "CoWW": ((("x = 1", "x = 2"), ("r0 = x", "r1 = x")), "r0 == 2 and r1 == 1"),
}
"""Name: the threads, and the outcome that sequential consistency forbids."""

REACHED: dict[str, tuple[tuple[Thread, ...], str]] = {
    "a page is used after a look outside the lock": (
        (("r0 = state", "page = 1"), ("state = 1", "page = 2")), "r0 == 0 and page == 1"
    ),
    "a hint is read before the lock is taken": (
        (("r0 = hint", "r1 = lock"), ("hint = 1", "lock = 1")), "r0 == 0 and r1 == 1"
    ),
}
"""Bad outcomes of the algorithm: the memory model is not to blame, and must not hide them."""


def names(threads: tuple[Thread, ...]) -> tuple[str, ...]:
    """The cells, then the registers."""
    words = {word for thread in threads for line in thread for word in line.split(" = ")}
    found = sorted(w for w in words if not w.isdigit())
    return (*(w for w in found if w[0] != "r"), *(w for w in found if w[0] == "r"))


def schedules(left: tuple[Thread, ...]) -> Iterator[Thread]:
    """Every order in which the threads' lines can run."""
    if not any(left):
        yield ()
    for n, thread in enumerate(left):
        if thread:
            for rest in schedules((*left[:n], thread[1:], *left[n + 1 :])):
                yield (thread[0], *rest)


def outcomes(threads: tuple[Thread, ...]) -> set[Outcome]:
    """What every interleaving leaves, line after line."""
    found = set()
    for schedule in schedules(threads):
        memory = dict.fromkeys(names(threads), 0)
        for line in schedule:
            to, value = line.split(" = ")
            memory[to] = int(value) if value.isdigit() else memory[value]
        found.add(tuple(memory.values()))
    return found


def spec(threads: tuple[Thread, ...], weak: str) -> str:
    """A spec of the threads, with a property for each outcome that there might be.

    A register is a ghost, set by the step that loads: asking about it costs no step."""
    lines = [
        '"""A litmus test."""', "from typing import Annotated", "",
        "from modelcheck.lang import Ghost, at_rest, between, process, shared, sometimes", "", "",
        "@shared", "class Memory:",
    ]
    for name in names(threads):
        kind = "Annotated[int, between(0, 2)]"
        lines.append(f"    {name}: {f'Ghost[{kind}]' if name[0] == 'r' else kind} = 0")
    lines += ["", "", "memory = Memory()"]
    for n, thread in enumerate(threads):
        lines += ["", "", "@process", f"def cpu{n}() -> None:"]
        for line in thread:
            to, _, value = line.partition(" = ")
            if value.isdigit():
                lines.append(f"    memory.{to} = {value}")
            else:
                lines += [f"    {to} = memory.{value}", f"    memory.{to} = {to}"]
    for values in itertools.product(range(3), repeat=len(names(threads))):
        if any(v == 2 for v in values) and "= 2" not in str(threads):
            continue
        test = " and ".join(
            f"memory.{n} == {v}" for n, v in zip(names(threads), values, strict=True)
        )
        sentence = "_".join(["outcome", *map(str, values)])
        lines += ["", "", "@sometimes(when=at_rest())", f"def {sentence}() -> bool:",
                  f"    return {test}"]
    for name in names(threads):
        weak = weak.replace(f"{name} ==", f"memory.{name} ==")
    lines += ["", "", "@sometimes(when=at_rest())", "def the_weak_outcome() -> bool:",
              f"    return {weak}"]
    return "\n".join(lines) + "\n"


def reached(verdict: Verdict) -> set[Outcome]:
    """The outcomes that are reached."""
    return {
        tuple(map(int, p.sentence.split()[1:])) for p in verdict.properties
        if p.status == "reached" and p.sentence.startswith("outcome ")
    }


def check_the_outcomes(threads: tuple[Thread, ...], weak: str, folder: Path) -> None:
    """By both engines: those of the interleavings, and the weak one not among them."""
    program = compiled(spec(threads, weak), folder)
    expected = outcomes(threads)
    for verdict in (reference.explore(program, Limits()), bounded.explore(program, Limits())):
        assert reached(verdict) == expected
        (bad,) = [p for p in verdict.properties if p.sentence == "the weak outcome"]
        assert bad.status == ("not reached" if verdict.exhaustive else "not checked")


@pytest.mark.parametrize("name", LITMUS)
def test_the_weak_outcome_is_not_reached(name: str, tmp_path: Path) -> None:
    """genmc#50: the store-buffering outcome was allowed between accesses that are sequentially
    consistent.  Here a weak outcome would be reached, or one of an interleaving not."""
    check_the_outcomes(*LITMUS[name], tmp_path)


@pytest.mark.parametrize("name", REACHED)
def test_a_bad_outcome_of_the_algorithm_is_reached(name: str, tmp_path: Path) -> None:
    """genmc#50, the other way round: strong memory hides no error that needs no weak memory."""
    threads, bad = REACHED[name]
    verdict = reference.explore(compiled(spec(threads, bad), tmp_path), Limits())
    assert reached(verdict) == outcomes(threads)
    assert [p.status for p in verdict.properties if p.sentence == "the weak outcome"] == ["reached"]


def out_of_order(program: Program) -> Program:
    """The first two accesses of the first process, exchanged."""
    first = program.processes[0]
    one, two, *rest = first.actions
    assert isinstance(one.access, Load | Store) and isinstance(two.access, Load | Store)

    def with_access_of(at: Action, of: Action) -> Action:
        onward = [s for s in at.body if isinstance(s, Goto)]
        work = [s for s in of.body if not isinstance(s, Goto)]
        return replace(at, access=of.access, body=(*work, *onward))

    swapped: Process = replace(
        first, actions=(with_access_of(one, two), with_access_of(two, one), *rest)
    )
    return replace(program, processes=(swapped, *program.processes[1:]))


@pytest.mark.parametrize("name", LITMUS)
def test_an_access_out_of_order_would_be_seen(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted in the memory model's pass: what weak hardware does, a CPU's two accesses exchanged.
    """
    monkeypatch.setattr(compiling, "sc", lambda program: out_of_order(sc(program)))
    with pytest.raises(AssertionError):
        check_the_outcomes(*LITMUS[name], tmp_path)


# ----------------------------------------------------------------------------- an extra step


def with_extra_loads(threads: tuple[Thread, ...]) -> Iterator[tuple[Thread, ...]]:
    """The threads with one more load, of any cell, at any place."""
    cells = [name for name in names(threads) if name[0] != "r"]
    for n, thread in enumerate(threads):
        for at, cell in itertools.product(range(len(thread) + 1), cells):
            longer = (*thread[:at], f"r9 = {cell}", *thread[at:])
            yield (*threads[:n], longer, *threads[n + 1 :])


def check_that_a_load_hides_nothing(name: str, folder: Path) -> None:
    """With the loads' own register left out, the outcomes are those without them."""
    threads, weak = LITMUS[name]

    def reachable(threads: tuple[Thread, ...]) -> set[Outcome]:
        return reached(reference.explore(compiled(spec(threads, weak), folder), Limits()))

    before = reachable(threads)
    for longer in with_extra_loads(threads):
        assert {outcome[:-1] for outcome in reachable(longer)} == before, longer


@pytest.mark.parametrize("name", ["SB", "MP", "LB", "2+2W", "CoRR", "CoWW"])
def test_an_extra_load_hides_no_outcome(name: str, tmp_path: Path) -> None:
    """loom#166: an extra load hid interleavings, and so a failure.  Here an outcome would vanish
    when a load is added that nobody needs."""
    check_that_a_load_hides_nothing(name, tmp_path)


def loads_run_on(successors: Callable[[Semantics, State], list[Step]]) -> Callable[..., list[Step]]:
    """An unsound reduction: a process that loads anything runs alone, from its start to its end."""
    def planted(semantics: Semantics, state: State) -> list[Step]:
        steps = successors(semantics, state)
        loaders = {
            number for number, (process, _) in enumerate(semantics.program.instances())
            if any(isinstance(action.access, Load) for action in process.actions)
        }
        first = min((s.process for s in steps if s.process in loaders), default=None)
        return steps if first is None else [s for s in steps if s.process == first]

    return planted


def test_a_load_that_hides_outcomes_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Semantics, "successors", loads_run_on(Semantics.successors))
    with pytest.raises(AssertionError):
        check_that_a_load_hides_nothing("2+2W", tmp_path)
