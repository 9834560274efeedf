"""SPIN and Rumur find the verdict, the states and the steps that the reference engine finds: on
every shipped spec, on the classics, on mutants and on random Programs.

Where a peer is not installed its tests are skipped, by name.  TLC_JAR=tla2tools.jar asks TLC too,
which takes some minutes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from modelcheck.agreement import Answer, agrees
from modelcheck.crosscheck import ask, only_safety, reference, task_of
from modelcheck.export.lowering import lowered
from modelcheck.export.promela import KEYWORDS, promela
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.peers import Peer, known
from modelcheck.project import project
from modelcheck.source import SpecError
from modelcheck.trace import Limits
from tests.agree.random_programs import random_program
from tests.classics import table
from tests.export.planted import PLANTED, Plant, no_promise_is_exported
from tests.large import LARGE
from tests.mutants.test_further_mutants import FURTHER
from tests.mutants.test_mutants import SYNC_SCRUB, mutated

ROOT = Path(__file__).resolve().parents[2]
MANY = 50_000  # states: larger instances are not for these tests

JAR = os.environ.get("TLC_JAR")
PEERS = {peer.tool: peer for peer in known(JAR or "tla2tools.jar")}
SPIN = PEERS["SPIN"]


def needs(peer: Peer) -> None:
    """Skip the test where the peer is not here."""
    if not peer.installed() or (peer.tool == "TLC" and JAR is None):
        pytest.skip(f"{peer.tool} is not here: {peer.install}")


@dataclass(frozen=True)
class Case:
    """A Program, by a name for messages."""

    name: str
    program: Program


def compared(peer: Peer, case: Case) -> tuple[Answer, Answer]:
    """Our answer and the peer's."""
    asked = only_safety(case.program)
    ours = answer(case)
    return ours, ask(peer, asked, case.name, task_of(asked, ours, Limits()))


@cache
def answer(case: Case) -> Answer:
    return reference(only_safety(case.program), Limits(states=MANY))


def check(peer: Peer, cases: Iterable[Case]) -> list[Answer]:
    """That the peer agrees on each; our answers.  Two at once: a compiler is another process."""
    needs(peer)
    named = list(cases)
    assert named
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda case: compared(peer, case), named))
    parted = [
        f"{case.name}: {ours} {theirs}"
        for case, (ours, theirs) in zip(named, both, strict=True) if not agrees(ours, theirs)
    ]
    assert parted == []
    return [ours for ours, _ in both]


def case(path: Path, sets: table.Sets) -> Case:
    _, program = compile_spec(str(path), sets)
    return Case(f"{path.name} {dict(sets)}", program)


FURTHER_SPECS = frozenset(m.spec for m in FURTHER)
SLOW = ("history", "open")  # folders of specs/ that the fast tests leave out


@cache
def shipped() -> list[Case]:
    """Every spec as it stands, and at the further instances that the gate checks: but for one, of
    97,037 states, and for specs/history, specs/open, the designs of FURTHER and the large ones."""
    return [
        case(path, sets) for path, sets in instances()
        if sets != {"OWN_LINKS": True} and path.parent.name not in SLOW
        and path.stem not in FURTHER_SPECS | LARGE
    ]


@cache
def further() -> list[Case]:
    return [case(path, sets) for path, sets in instances() if path.stem in FURTHER_SPECS]


@cache
def history() -> list[Case]:
    return [case(path, sets) for path, sets in instances() if path.parent.name in SLOW]


def instances() -> list[tuple[Path, table.Sets]]:
    return [(path, {}) for path in sorted((ROOT / "specs").rglob("*.py"))] + [
        (listed.spec, listed.sets) for listed in project(ROOT).instances
    ]


@cache
def classics() -> list[Case]:
    instances = [*table.HOLDING, *((spec, sets) for spec, sets, *_ in table.VIOLATING)]
    return [case(table.FOLDER / f"{spec}.py", sets) for spec, sets in instances]


def mutants(folder: Path) -> list[Case]:
    """Designs with a line changed: most are broken, some are stuck, some never reach something."""
    cases = []
    for n, mutant in enumerate(SYNC_SCRUB):
        path = folder / f"mutant_{n}.py"
        path.write_text(mutated(mutant), encoding="utf-8")
        cases.append(case(path, mutant.sets))
    return cases


def random_cases(seeds: range) -> list[Case]:
    """Random Programs that get as far as a first step."""
    cases = []
    for seed in seeds:
        made = random_program(seed)
        try:
            lowered(made, "random", "random", "")
        except SpecError:
            continue
        cases.append(Case(f"seed {seed}", made))
    return [c for c in cases if answer(c).said != "NOT KNOWN"]


@pytest.mark.slow
@pytest.mark.parametrize("tool", PEERS)
def test_further_designs_agree(tool: str) -> None:
    ours = check(PEERS[tool], further())
    assert [a.said for a in ours].count("HOLDS") > 10


@pytest.mark.slow
@pytest.mark.parametrize("tool", PEERS)
def test_specs_of_history_agree(tool: str) -> None:
    ours = check(PEERS[tool], history())
    assert [a.said for a in ours].count("HOLDS") > 20


@pytest.mark.parametrize("tool", PEERS)
def test_shipped_specs_agree(tool: str) -> None:
    ours = check(PEERS[tool], shipped())
    assert [a.said for a in ours].count("HOLDS") > 20


@pytest.mark.parametrize("tool", PEERS)
def test_classics_agree(tool: str) -> None:
    """SPIN left `turn` out of the states of Dekker's algorithm without the back-off, where it is
    only written, and counted 12 states of 20: -o2 keeps it."""
    check(PEERS[tool], classics())


BEYOND = """
from typing import Annotated
from modelcheck.lang import Ghost, Indexed, Process, between, element, process, shared, this_process

@shared(count=1)
class Page(Indexed):
    order: Annotated[int, between(0, 1)] = 0
    next: "Page | None" = None
    holder: Ghost[Process | None] = None

@process(count=2)
def cpu() -> None:
    pg = element(Page, 0)
    order = pg.order
    for i in range(1 << order):
        pg[i].holder = this_process()
    if order == 1:
        pg[1].next = None
"""


@pytest.mark.parametrize("tool", PEERS)
def test_a_page_that_is_never_there(tool: str, tmp_path: Path) -> None:
    """Behind a page that there is not, Rumur was given a variable of the range 1..0, and refused
    `specs/per_cpu_batch.py` with one page.  Whether a run gets there or not, they agree."""
    cases = []
    for order in (0, 1):
        path = tmp_path / f"order_{order}.py"
        path.write_text(BEYOND.replace("between(0, 1)] = 0", f"between(0, 1)] = {order}"))
        cases.append(case(path, {}))
    assert [a.said for a in check(PEERS[tool], cases)] == ["HOLDS", "VIOLATED"]


@pytest.mark.parametrize("tool", PEERS)
def test_mutants_agree(tool: str, tmp_path: Path) -> None:
    ours = check(PEERS[tool], mutants(tmp_path))
    assert {a.said for a in ours} == {"HOLDS", "VIOLATED"}


@pytest.mark.parametrize("tool", ["SPIN", "TLC"])
def test_random_programs_agree(tool: str) -> None:
    check(PEERS[tool], random_cases(range(24)))


@pytest.mark.slow
@pytest.mark.parametrize("tool", PEERS)
def test_many_random_programs_agree(tool: str) -> None:
    check(PEERS[tool], random_cases(range(24, 400)))


# ---------------------------------------------------------------------------------- planted defects


def of_model(plant: Plant, planted_in: Case) -> tuple[Answer, Answer]:
    """Our answer, and SPIN's of a Model with a defect planted."""
    needs(SPIN)
    asked, ours = only_safety(planted_in.program), answer(planted_in)
    model = plant(lowered(asked, "planted", "planted", KEYWORDS))
    assert model is not None
    return ours, SPIN.answer({".pml": promela(model)}, task_of(asked, ours, Limits()))


@pytest.mark.parametrize("plant", PLANTED, ids=lambda p: p.__name__)
def test_a_planted_defect_of_the_export_is_seen(plant: Plant) -> None:
    holds = case(ROOT / "specs" / "sync_scrub.py", {})
    assert agrees(*of_model(lambda model: model, holds)) is True
    assert agrees(*of_model(plant, holds)) is False


def test_a_promise_that_is_not_exported_is_seen() -> None:
    broken = case(ROOT / "specs" / "sync_scrub.py", {"BALLOON": True})
    assert agrees(*of_model(lambda model: model, broken)) is True
    ours, theirs = of_model(no_promise_is_exported, broken)
    assert (ours.said, theirs.said, agrees(ours, theirs)) == ("VIOLATED", "HOLDS", False)
