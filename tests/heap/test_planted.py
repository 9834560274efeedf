"""An error planted in the allocator or in the model is found, and the first difference named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelcheck import ir
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.arena import HALF, LETTERS, Arena
from modelcheck.heap.follow import Follower
from modelcheck.heap.objects import Place, View
from modelcheck.heap.replay import follow
from modelcheck.heap.walk import Walk, walk
from modelcheck.heap.words import Words
from modelcheck.semantics import Semantics
from modelcheck.trace import Validation
from tests.heap.small import a_run, compiled

HEAP = """
    from modelcheck.lang import (
        Enum, Lock, Pattern, auto, boot, clear_bit, cmpxchg, element, process, shared, spin_lock,
        spin_unlock,
    )
    from modelcheck.xen.page import PageContents, is_scrubbed

    class Scrub(Enum):
        DIRTY = auto()
        SCRUBBING = auto()
        CLEAN = auto()

    @shared(count=2)
    class Page:
        scrub: Scrub = Scrub.DIRTY
        in_use: bool = True
        next: "Page | None" = None
        contents: PageContents

    heap_lock = Lock("heap_lock")

    @boot
    def link() -> None:
        element(Page, 0).next = element(Page, 1)

    def scrub(pg: Page) -> None:
        pg.contents.first = Pattern.ZERO
        pg.contents.second = Pattern.ZERO

    @process(count=2)
    def cpu(me: int) -> None:
        pg = element(Page, 0)
        while pg is not None:
            if cmpxchg(pg.scrub, Scrub.DIRTY, Scrub.SCRUBBING) == Scrub.DIRTY:
                scrub(pg)
                pg.scrub = Scrub.CLEAN
                assert is_scrubbed(pg), "a clean page is scrubbed"
                clear_bit(pg.in_use)
            spin_lock(heap_lock)
            rest = pg.next
            pg.next = None
            spin_unlock(heap_lock)
            pg = rest
"""

# ------------------------------------------------------------------------------ in the allocator


class CmpxchgAlwaysStores(Words):
    def cmpxchg(self, place: Place, old: Any, new: Any) -> Any:
        return self.xchg(place, new)


class LockKeepsNoHolder(Words):
    def spin_lock(self, lock: View) -> None:
        locked = self._locked(lock)
        self.scheduler.gate(lambda: not locked.read())
        locked.write(True)


class UnlockForgotten(Words):
    def spin_unlock(self, lock: View) -> None:
        self.scheduler.gate()


class LockTwice(Words):
    """A lock that is possible although it is held."""

    def spin_lock(self, lock: View) -> None:
        self.scheduler.gate()
        self._locked(lock).write(True)
        self._holder(lock).write(self._self())


class ClearBitTwoSteps(Words):
    def clear_bit(self, place: Place) -> None:
        self.scheduler.gate()
        super().clear_bit(place)


class ScrubsHalf(Arena):
    """Zeros go to the first 1024 bytes of a half only."""

    def fill(self, address: int, letters: bytes) -> None:
        size = HALF // 2 if letters == bytes(LETTERS) else HALF
        self.memory[address : address + size] = letters * (size // LETTERS)


class LosesReferences(Arena):
    """Each store of None is lost."""

    def store(self, address: int, size: int, number: int) -> None:
        if number != 0xFFFF:
            super().store(address, size, number)


def with_words(words: type[Words]) -> type[Allocator]:
    return type("Planted", (Allocator,), {"words_class": words})


def with_arena(arena: type[Arena]) -> type[Allocator]:
    return type("Planted", (Allocator,), {"arena_class": arena})


def first_difference(
    kind: type[Allocator], folder: Path, mutate: Callable[[ir.Program], ir.Program] | None = None
) -> str:
    """Where the first of some random schedules parts."""
    spec, program = compiled(folder, HEAP)
    if mutate is not None:
        assert mutate(program) != program, "nothing was planted"
        program = mutate(program)
    with kind(spec) as allocator:
        follower = Follower(allocator, Semantics(program))
        walks = (walk(follower, seed, 200) for seed in range(30))
        parted: Walk | None = next((w for w in walks if w.difference), None)
    assert parted is not None and parted.difference is not None, "nothing was noticed"
    return parted.difference.split(": ", 1)[1].replace(str(folder), "")


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        (with_words(CmpxchgAlwaysStores),
         "Page[0].scrub is CLEAN in the model and SCRUBBING on the allocator"),
        (with_words(LockKeepsNoHolder),
         "heap_lock.holder is cpu[0] in the model and None on the allocator"),
        (with_words(UnlockForgotten),
         "heap_lock.locked is False in the model and True on the allocator"),
        (with_words(LockTwice),
         "cpu[0] can take a step, unlike the model: parked at /small.py:39"),
        (with_words(ClearBitTwoSteps),
         "Page[0].in_use is False in the model and True on the allocator"),
        (with_arena(ScrubsHalf),
         "Page[0].contents.first: half a page is no pattern, but 1024 bytes of an earlier domain's"
         " pattern, 1024 bytes of zeros"),
        (with_arena(LosesReferences),
         "Page[1].next is None in the model and Page[0] on the allocator"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.__name__,
)  # fmt: skip
def test_an_error_in_the_allocator_is_found(
    planted: type[Allocator], says: str, tmp_path: Path
) -> None:
    assert first_difference(planted, tmp_path) == says


# ---------------------------------------------------------------------------------- in the model


def at(location: str, change: Callable[[ir.Action], ir.Action], folder: Path) -> str:
    """The first difference, once the action at this location is another."""
    def mutate(program: ir.Program) -> ir.Program:
        return replace(program, processes=tuple(
            replace(p, actions=tuple(change(a) if a.at == location else a for a in p.actions))
            for p in program.processes
        ))

    return first_difference(Allocator, folder, mutate)


def no_access(a: ir.Action) -> ir.Action:
    return replace(a, access=None)


def another_constant(a: ir.Action) -> ir.Action:
    assert isinstance(a.access, ir.Store) and isinstance(a.access.value, ir.Const)
    return replace(a, access=replace(a.access, value=replace(a.access.value, value=1)))


def branches_turned(a: ir.Action) -> ir.Action:
    return replace(a, body=tuple(
        replace(s, then=s.other, other=s.then) if isinstance(s, ir.If) else s for s in a.body
    ))


def no_wait(a: ir.Action) -> ir.Action:
    return replace(a, wait=None)


def no_ghost(a: ir.Action) -> ir.Action:
    return replace(a, body=tuple(s for s in a.body if not isinstance(s, ir.SetGhost)))


def assert_of_the_contrary(a: ir.Action) -> ir.Action:
    return replace(a, body=tuple(
        replace(s, condition=ir.Unary("not", s.condition)) if isinstance(s, ir.Assert) else s
        for s in a.body
    ))


@pytest.mark.parametrize(
    ("location", "change", "says"),
    [
        ("scrub_28", no_access,
         "Page[0].contents.second is EARLIER in the model and ZERO on the allocator"),
        ("cpu_36", another_constant,
         "Page[0].scrub is SCRUBBING in the model and CLEAN on the allocator"),
        ("cpu_34", branches_turned,
         "cpu[1] is at /small.py:39 in the model; its thread: parked at /small.py:27"),
        ("cpu_39", no_wait,
         "cpu[0] can take no step, unlike the model: parked at /small.py:39"),
        ("cpu_39", no_ghost,
         "heap_lock.holder is None in the model and cpu[0] on the allocator"),
        ("cpu_37", assert_of_the_contrary,
         "cpu[1] fails in the model (assert: a clean page is scrubbed); its thread: parked at"
         " /small.py:38"),
    ],
)  # fmt: skip
def test_an_error_in_the_model_is_found(
    location: str, change: Callable[[ir.Action], ir.Action], says: str, tmp_path: Path
) -> None:
    assert at(location, change, tmp_path) == says


def test_a_replay_names_the_step(tmp_path: Path) -> None:
    spec, program = compiled(tmp_path, HEAP)
    with with_arena(ScrubsHalf)(spec) as allocator:
        found = follow(Follower(allocator, Semantics(program)), a_run(program, [0, 1, 0]))
    assert found == Validation(
        "NOT REPRODUCED", None, "step 3: Page[0].contents.first: half a page is no pattern, but"
        " 1024 bytes of an earlier domain's pattern, 1024 bytes of zeros",
    )
