"""What the tests here run on: shipped specs and classics at small instances, texts of specs, and
random Programs of which some run begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.semantics import Semantics, State
from modelcheck.source import lines_of
from tests.agree.random_programs import random_program
from tests.classics.table import FOLDER as CLASSICS
from tests.classics.table import Sets

SPECS = Path(__file__).resolve().parents[2] / "specs"

HOLDING: tuple[tuple[Path, Sets], ...] = (
    (SPECS / "sync_scrub.py", {"PAGES": 1}),
    (SPECS / "idle_scrub_locked.py", {"PAGES": 1}),
    (SPECS / "per_page_cmpxchg.py", {"WAIT": True, "PAGES": 1}),
    (SPECS / "first_steps" / "05_deadlock.py", {"DROP_LOCK": True}),
    (SPECS / "first_steps" / "07_page_list.py", {"LOCKED": True}),
    (CLASSICS / "peterson.py", {}),
    (CLASSICS / "ticket_lock.py", {}),
    (CLASSICS / "treiber_stack.py", {}),
    (CLASSICS / "seqlock.py", {}),
)
VIOLATING: tuple[tuple[Path, Sets], ...] = (
    (SPECS / "per_page_cmpxchg.py", {}),
    (SPECS / "first_steps" / "05_deadlock.py", {}),
    (CLASSICS / "peterson.py", {"TURN_FIRST": True}),
    (CLASSICS / "dekker.py", {"BACK_OFF": False}),
    (CLASSICS / "dining_philosophers.py", {}),
    (CLASSICS / "tas_lock.py", {"TWO_STEPS": True}),
    (CLASSICS / "seqlock.py", {"RECHECK": False}),
)
"""A spec and an instance, each with some hundred states to some thousand."""


def compiled(text: str, folder: Path) -> Program:
    """The Program of a spec's text."""
    path = folder / "spec.py"
    path.write_text(text, encoding="utf-8")
    lines_of.cache_clear()  # of the text before this one
    return compile_spec(str(path), {})[1]


def begun(seeds: range) -> Iterator[tuple[int, Program]]:
    """Random Programs of which some run begins, each with its seed."""
    for seed in seeds:
        program = random_program(seed)
        if Semantics(program).initial():
            yield seed, program


def some_states(semantics: Semantics, most: int) -> list[State]:
    """The first states that are reached, breadth first, by `semantics` alone."""
    found = [begin.state for begin in semantics.initial() if begin.state is not None]
    met = set(found)
    for state in found:
        if len(found) >= most:
            break
        for step in semantics.successors(state):
            if step.target is not None and step.target not in met:
                met.add(step.target)
                found.append(step.target)
    return found
