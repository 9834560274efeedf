"""Each word, on small designs: random schedules on which the model and the allocator agree at every
step, in every cell, and what such a run must have come to."""

import textwrap
from pathlib import Path

import pytest

from modelcheck.heap.allocator import Allocator
from modelcheck.heap.follow import Follower
from modelcheck.heap.replay import follow
from modelcheck.semantics import Semantics
from tests.heap.small import a_run, agreed, compiled

WORDS = """
from dataclasses import dataclass, replace
from typing import Annotated
from modelcheck.lang import (
    Enum, Ghost, Indexed, Lock, Process, always, array, assume, at_rest, atomic, auto, between,
    boot, chain, choose, clear_bit, cmpxchg, cpu_relax, element, fetch_add, fetch_update, free,
    index_of, instances, not_null, predicate, process, set_bit, shared, smp_mb, sometimes,
    spin_lock, spin_trylock, spin_unlock, store_part, test_and_clear_bit, test_and_set_bit,
    this_process, wait_until, wrapping, xchg,
)
from modelcheck.xen.spinlock import (
    TasLock, TicketLock, tas_lock, tas_unlock, ticket_lock, ticket_unlock,
)
"""

DESIGNS = {
    "a word is one location: a plain change of a flag loses an update": ("nothing more", """
        @dataclass(frozen=True)
        class CountInfo:
            broken: bool = False
            order: Annotated[int, between(0, 5)] = 3
            need_scrub: bool = True

        @shared(count=2)
        class Page:
            count_info: CountInfo = CountInfo()

        @process(count=2)
        def cpu(me: int) -> None:
            pg = element(Page, 1)
            info = pg.count_info
            if me == 0:
                pg.count_info = replace(info, order=info.order - 1)
            else:
                set_bit(pg.count_info.broken)
                if test_and_clear_bit(pg.count_info.need_scrub):
                    old = xchg(pg.count_info.order, 5)
                    store_part(pg.count_info.order, old)

        @sometimes
        def broken_is_lost() -> bool:
            return not element(Page, 1).count_info.broken
    """),
    "counters wrap, and read-modify-writes are one step": ("nothing more", """
        @dataclass(frozen=True)
        class Counts:
            readers: Annotated[int, wrapping(4)] = 2
            writer: bool = False

        @shared
        class Rw:
            cnts: Counts = Counts()
            tail: Annotated[int, wrapping(4)] = 3

        def one_reader_more(c: Counts) -> Counts:
            return replace(c, readers=c.readers + 1)

        rw = Rw()

        @process(count=3)
        def cpu(me: int) -> None:
            ticket = fetch_add(rw.tail, 1)
            next: Annotated[int, wrapping(4)] = ticket + 1
            old = fetch_update(rw.cnts, one_reader_more)
            if old.readers == next:
                rw.tail = next
            smp_mb()
            was = cmpxchg(rw.cnts.writer, False, True)
            assert was or old.readers != 3 or next < 4, "something or other"
    """),
    "a lock, tried and taken; a wait": ("nothing more", """
        @shared
        class Heap:
            avail: Annotated[int, between(0, 4)] = 0

        heap = Heap()
        heap_lock = Lock("heap_lock")

        @process(count=2)
        def give(me: int) -> None:
            while not spin_trylock(heap_lock):
                cpu_relax()
            avail = heap.avail
            heap.avail = avail + 1
            spin_unlock(heap_lock)

        @process
        def take() -> None:
            wait_until(heap.avail == 2)
            spin_lock(heap_lock)
            heap.avail = 0
            spin_unlock(heap_lock)

        @always(when=free(heap_lock))
        def every_page_is_counted() -> bool:
            return heap.avail < 3
    """),
    "the library's locks": ("steps", """
        tas = TasLock()
        ticket = TicketLock()

        @process(count=3)
        def cpu(me: int) -> None:
            while True:
                if choose(False, True):
                    tas_lock(tas)
                    tas_unlock(tas)
                ticket_lock(ticket)
                ticket_unlock(ticket)

        @sometimes
        def both_are_held() -> bool:
            return not free(tas) and not free(ticket)
    """),
    "an atomic block is one step, and its local work and calls with it": ("nothing more", """
        @shared(count=3)
        class Page(Indexed):
            order: Annotated[int, between(0, 3)] = 0
            next: "Page | None" = None

        @boot
        def link() -> None:
            before = element(Page, 0)
            for i in range(1, 3):
                before.next = before[1]
                before = before[1]

        def bump(pg: Page) -> None:
            order = pg.order
            if order < 3:
                pg.order = order + 1

        @process(count=2)
        def cpu(me: int) -> None:
            with atomic("the hypercall is serialised"):
                for pg in instances(Page):
                    bump(pg)
                    if index_of(pg) == me:
                        break
            pg = element(Page, 2)
            pg[-me].order = me

        @sometimes
        def all_are_linked() -> bool:
            return sum(pg.order <= 3 for pg in chain(element(Page, 0), "next")) == 3
    """),
    "objects in arrays, and objects in objects": ("nothing more", """
        @shared
        class Inner:
            x: Annotated[int, between(0, 7)] = 1
            busy: Lock

        @shared
        class Outer:
            left: Inner
            right: Inner
            flag: bool = False

        outers = array(Outer, 2, 2)
        busy = Lock("busy")

        def swap(a: Inner, b: Inner) -> None:
            spin_lock(a.busy)
            x = a.x
            y = b.x
            a.x = y
            b.x = x + 2
            spin_unlock(a.busy)

        @process(count=2)
        def cpu(me: int) -> None:
            swap(outers[me][0].left, outers[1][me].right)
            outers[me][me].flag = True
    """),
    "ghosts ride on the step before them; choices fork": ("nothing more", """
        @shared
        class Cell:
            value: bool = False
            holder: Ghost[Process | None] = None
            seen: Ghost[bool] = False

        cell = Cell()

        @boot
        def either() -> None:
            cell.value = choose(False, True)

        @process(count=2)
        def cpu(me: int) -> None:
            cell.holder = this_process()
            n = choose(range(3))
            v = cell.value
            cell.seen = v and n == 2
            cell.value = choose(v, not v)
    """),
    "a ghost is computed from memory, at no step": ("nothing more", """
        @shared
        class Cell:
            value: bool = False
            other: bool = False
            seen: Ghost[bool] = False

        cell = Cell()

        @process(count=2)
        def cpu(me: int) -> None:
            cell.value = choose(False, True)
            cell.seen = cell.value and not cell.other
            cell.other = True
    """),
    "a run that is cut short": ("nothing more", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 9)] = 0

        cell = Cell()

        @process(count=2)
        def cpu(me: int) -> None:
            n = cell.n
            cell.n = n + 1
            m = cell.n
            assume(m > 1)
            cell.n = 7
    """),
    "at rest: at the head of the outermost loop, or ended": ("steps", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        @process
        def cpu() -> None:
            while True:
                spin = cell.n
                while spin == 1:
                    spin = cell.n
                cell.n = 1

        @process
        def other() -> None:
            cell.n = 0
            cell.n = 0

        @sometimes
        def everybody_rests() -> bool:
            return at_rest()
    """),
    # The campaign on random programs found that the allocator knew of a process's own loops only.
    "at rest: at the head of a loop in a function, if it is never left": ("steps", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        def for_ever() -> None:
            while True:
                if cell.n != 0:
                    cell.n = 0

        @process
        def outside() -> None:
            cell.n = 1
            for_ever()

        @process
        def within() -> None:
            while True:
                n = cell.n
                cell.n = 2
                for_ever()

        @sometimes
        def everybody_rests() -> bool:
            return at_rest()
    """),
    "at rest: not at the head of a loop that a function leaves, nor behind one": ("steps", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        def until_zero() -> None:
            while cell.n != 0:
                cpu_relax()

        @process
        def outside() -> None:
            until_zero()
            cell.n = 1
            cell.n = 0

        @process
        def within() -> None:
            while True:
                n = cell.n
                until_zero()

        @sometimes
        def everybody_rests() -> bool:
            return at_rest()
    """),
    # The same campaign: the head of a `for` was passed before its first turn, and not after its
    # last; and whoever had passed it within an atomic block was at rest until its next step.
    "at rest: behind each turn of a `for`, also in an atomic block": ("steps", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        @process
        def cpu() -> None:
            with atomic("they go together"):
                for i in range(2):
                    cell.n = i
                n = cell.n
            cell.n = 2
            cell.n = 0

        @process
        def other() -> None:
            while True:
                n = cell.n

        @sometimes
        def everybody_rests() -> bool:
            return at_rest()
    """),
    "fences are no steps, wherever they stand": ("steps", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        @process(count=2)
        def cpu(me: int) -> None:
            smp_mb()
            while True:
                smp_mb()
                cell.n = me
                smp_mb()
                with atomic("they go together"):
                    smp_mb()
                    n = cell.n
                    if n == 1:
                        smp_mb()
                        cell.n = 2
                smp_mb()

        @sometimes
        def everybody_rests() -> bool:
            return at_rest()
    """),
    # The same campaign: the model has a step at the fence, and the thread went on to its end.
    "a fence is all that an atomic block does": ("nothing more", """
        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0

        cell = Cell()

        @process(count=2)
        def cpu(me: int) -> None:
            with atomic("they go together"):
                smp_mb()
                if me == 1:
                    cell.n = 1
            with atomic("they go together"):
                smp_mb()
                cell.n = 2
    """),
    "an assert observes all of memory at one instant": ("nothing more", """
        @shared(count=2)
        class Page:
            dirty: bool = True
            next: "Page | None" = None

        @predicate
        def is_clean(pg: Page) -> bool:
            return not pg.dirty and pg.next is None

        @process(count=2)
        def cpu(me: int) -> None:
            pg = element(Page, me)
            pg.dirty = False
            assert is_clean(pg) == (not pg.dirty), "it is clean"
    """),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_model_and_allocator_agree(name: str, tmp_path: Path) -> None:
    ended, text = DESIGNS[name]
    spec, program = compiled(tmp_path, WORDS + _dedented(text))
    found = agreed(spec, program)
    assert {w.ended for w in found} == {ended}
    assert sum(w.steps for w in found) > 80


def _dedented(text: str) -> str:
    return textwrap.dedent(text).strip() + "\n"


FAULTS = {
    "an assert": ("x = cell.n\nassert x == 1, 'x is one'", "assert: x is one"),
    "an assert with a load": ("assert cell.n == 1, 'n is one'", "assert: n is one"),
    "None in a local": ("pg = cell.page\ncell.n = 1\nx = pg.n", "none"),
    "None in a place of an atomic": ("pg = cell.page\nx = cmpxchg(pg.n, 0, 1)", "none"),
    "None before the access of its own line": ("pg = cell.page\nnot_null(pg).n = 2", "none"),
    "None stored where none may be": ("pg = cell.page\ncell.always = pg", "none"),
    "None as an argument": ("pg = cell.page\nuse(pg)", "none"),
    "an index": ("n = cell.n\nx = element(Page, 1)[n + 1].n", "index"),
    "an index in a local": ("n = cell.n\npg = element(Page, n - 1)\ncell.n = 1\nx = pg.n", "index"),
    "a range, in memory": ("n = cell.n\ncell.n = n - 1", "range"),
    "a range, in a local": ("n = cell.n\nm: Annotated[int, between(1, 2)] = n\ncell.n = m",
                            "range"),
    "a range, at a later assignment": ("m: Annotated[int, between(0, 2)] = 0\nn = cell.n\n"
                                       "m += n + 3\ncell.n = m", "range"),
    "a division": ("n = cell.n\ncell.n = 1 // n", "range"),
    "a lock of another": ("spin_unlock(lock)", "assert: a lock is released by the CPU that holds"),
    "a ghost set twice": ("n = cell.n\ncell.g = n == 0\ncell.g = n == 1", "ghost"),
    "nothing to choose": ("n = cell.n\ncell.n = choose(range(n))", "choose"),
    "a step without end": ("n = cell.n\nwhile n == 0:\n    pass\ncell.n = n", "runaway"),
    "a for loop without end": ("n = cell.n\nfor i in range(20000):\n    m = i\ncell.n = n",
                               "runaway"),
    "a shift": ("n = cell.n\ncell.n = 1 << (n - 1)", "range"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_both_fail_alike_in_the_same_step(name: str, tmp_path: Path) -> None:
    """The thread raises, at the line that the model says, in the step in which the model fails."""
    body, says = FAULTS[name]
    text = WORDS + _dedented("""
        @shared(count=2)
        class Page(Indexed):
            n: Annotated[int, between(0, 2)] = 0

        @shared
        class Cell:
            n: Annotated[int, between(0, 2)] = 0
            page: Page | None = None
            always: Page
            g: Ghost[bool] = False

        cell = Cell()
        lock = Lock("lock")

        @boot
        def set_all() -> None:
            cell.always = element(Page, 0)

        def use(pg: Page) -> None:
            pg.n = 1

        @process
        def cpu() -> None:
    """) + "\n".join("    " + line for line in body.splitlines()) + "\n"
    spec, program = compiled(tmp_path, text)
    assert {w.ended for w in agreed(spec, program, schedules=1)} == {"failed"}
    semantics = Semantics(program)
    with Allocator(spec) as allocator:
        found = allocator
        state, steps = semantics.initial()[0].state, []
        while state is not None:
            step = semantics.successors(state)[0]
            steps.append((step.process, step.choices))
            state = step.target
        mark = follow(Follower(found, semantics), a_run(program, list(steps)))
        assert mark.mark == "validated"
        assert str(found.cpus[0].fault).startswith(says)


def test_a_when_may_ask_each_of_several_locks(tmp_path: Path) -> None:
    """`name 'free' is not defined`, the allocator said, and the verdict was lost: a generator in an
    expression outside functions saw none of the spec's names."""
    spec, program = compiled(tmp_path, WORDS + _dedented("""
        @shared(count=2)
        class Page:
            lock: Lock
            n: Annotated[int, between(0, 2)] = 0

        @process
        def cpu() -> None:
            for pg in instances(Page):
                spin_lock(pg.lock)
                pg.n = 1
                pg.n = 0
                spin_unlock(pg.lock)

        @always(when=all(free(pg.lock) for pg in instances(Page)))
        def nothing_is_left() -> bool:
            return all(pg.n == 0 for pg in instances(Page))
    """))
    assert {w.ended for w in agreed(spec, program, schedules=1)} == {"nothing more"}
