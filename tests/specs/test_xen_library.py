"""The library under modelcheck/xen, by small designs that use it: page lists and locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.source import SpecError
from modelcheck.trace import Limits

PAGE_LISTS = '''
"""CPUs move pages on and off one list, from its ends and from its middle."""
from modelcheck.lang import (
    Lock, always, at_rest, chain, choose, instances, param, process, shared, sometimes, spin_lock,
    spin_unlock,
)
from modelcheck.xen.page_list import (
    PageListHead, is_page_list, page_list_add, page_list_add_tail, page_list_del,
)

PAGES = param(3, 1, 4)
CPUS = param(2, 1, 2)


@shared(count=PAGES)
class Page:
    listed: bool = False
    next: "Page | None" = None
    prev: "Page | None" = None


heap = PageListHead[Page]()
heap_lock = Lock("heap_lock")


@process(count=CPUS)
def cpu() -> None:
    while True:
        pg = choose(instances(Page))
        at_tail = choose(False, True)
        spin_lock(heap_lock)
        if pg.listed:
            page_list_del(pg, heap)
            pg.listed = False
        else:
            if at_tail:
                page_list_add_tail(pg, heap)
            else:
                page_list_add(pg, heap)
            pg.listed = True
        spin_unlock(heap_lock)


@always(when=at_rest())
def the_list_is_well_formed() -> bool:
    return is_page_list(heap)


@always(when=at_rest())
def the_list_holds_what_was_put_there() -> bool:
    return all((pg in chain(heap.next, "next")) == pg.listed for pg in instances(Page))


@sometimes
def a_removed_page_keeps_its_links() -> bool:
    return any(not pg.listed and pg.next is not None and pg.prev is not None
               for pg in instances(Page))
'''

ORDER = '''
"""One CPU puts three pages on a list and takes them off again."""
from modelcheck.lang import element, param, process, shared
from modelcheck.xen.page_list import (
    PageListHead, page_list_add, page_list_add_tail, page_list_empty, page_list_remove_head,
)

AT_TAIL = param(False)


@shared(count=3)
class Page:
    next: "Page | None" = None
    prev: "Page | None" = None


heap = PageListHead[Page]()


@process
def cpu() -> None:
    for n in range(3):
        pg = element(Page, n)
        if AT_TAIL:
            page_list_add_tail(pg, heap)
        else:
            page_list_add(pg, heap)
    for n in range(3):
        pg = page_list_remove_head(heap)
        assert pg == element(Page, n if AT_TAIL else 2 - n), "pages come back in order"
    if not page_list_empty(heap):
        assert False, "a list is empty when all its pages are gone"
'''

LOCKS = '''
"""Three CPUs use one place in turn."""
from typing import Annotated

from modelcheck.lang import between, param, process, shared
from modelcheck.xen.spinlock import TasLock, TicketLock
from modelcheck.xen.spinlock import tas_lock, tas_unlock, ticket_lock, ticket_unlock

CPUS = param(3, 1, 4)


@shared
class Place:
    user: Annotated[int, between(0, CPUS)] = CPUS


place = Place()
lock = TicketLock()


@process(count=CPUS)
def cpu(me: int) -> None:
    while True:
        ticket_lock(lock)
        place.user = me
        assert place.user == me, "one CPU at a time is inside"
        ticket_unlock(lock)
'''

FIFO = '''
"""Three CPUs draw tickets; ghosts number the arrivals and the entries."""
from typing import Annotated

from modelcheck.lang import Ghost, element, process, shared, wrapping
from modelcheck.xen.spinlock import TicketLock, await_turn, take_ticket, ticket_unlock


@shared
class Queue:
    arrived: Ghost[Annotated[int, wrapping(4)]] = 0
    entered: Ghost[Annotated[int, wrapping(4)]] = 0


@shared(count=3)
class Cpu:
    turn: Ghost[Annotated[int, wrapping(4)]] = 0


queue = Queue()
lock = TicketLock()


@process(count=3)
def cpu(me: int) -> None:
    while True:
        ticket = take_ticket(lock)
        element(Cpu, me).turn = queue.arrived
        queue.arrived = queue.arrived + 1
        await_turn(lock, ticket)
        assert element(Cpu, me).turn == queue.entered, "first come, first served"
        queue.entered = queue.entered + 1
        ticket_unlock(lock)
'''


def outcome(text: str, folder: Path, **sets: int | bool) -> tuple[str, list[str]]:
    """The verdict, and what failed."""
    path = folder / "design.py"
    path.write_text(text, encoding="utf-8")
    _, program = compile_spec(str(path), sets)
    verdict = explore(program, Limits())
    return verdict.outcome, [
        p.sentence for p in verdict.properties if p.status in ("violated", "not reached")
    ]


HOLDS: tuple[str, list[str]] = ("HOLDS", [])


def test_page_lists_stay_whole_under_a_lock(tmp_path: Path) -> None:
    assert outcome(PAGE_LISTS, tmp_path) == HOLDS


def test_two_cpus_break_a_page_list_without_a_lock(tmp_path: Path) -> None:
    """One CPU alone needs none."""
    assert "        spin_lock(heap_lock)\n" in PAGE_LISTS
    unlocked = PAGE_LISTS.replace("        spin_lock(heap_lock)\n", "")
    unlocked = unlocked.replace("        spin_unlock(heap_lock)\n", "")
    assert outcome(unlocked, tmp_path, CPUS=1) == HOLDS
    assert outcome(unlocked, tmp_path, CPUS=2)[0] == "VIOLATED"


@pytest.mark.parametrize("at_tail", [False, True])
def test_pages_come_off_a_list_in_order(at_tail: bool, tmp_path: Path) -> None:
    assert outcome(ORDER, tmp_path, AT_TAIL=at_tail) == HOLDS


def with_tas(text: str) -> str:
    """The same design with the test-and-set lock."""
    return text.replace("ticket_", "tas_").replace("TicketLock()", "TasLock()")


@pytest.mark.parametrize("text", [LOCKS, with_tas(LOCKS)], ids=["ticket", "tas"])
def test_one_cpu_at_a_time_holds_a_lock(text: str, tmp_path: Path) -> None:
    assert outcome(text, tmp_path) == HOLDS


def test_a_lock_that_loads_and_then_stores_lets_two_in(tmp_path: Path) -> None:
    not_atomic = """\
        while lock.locked:
            cpu_relax()
        lock.locked = True
"""
    text = with_tas(LOCKS).replace("        tas_lock(lock)\n", not_atomic)
    text = text.replace("tas_unlock(lock)", "lock.locked = False")
    text = text.replace("import between", "import between, cpu_relax")
    assert outcome(text, tmp_path) == ("VIOLATED", ["one CPU at a time is inside"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LOCKS, "a ticket lock is released by its holder"),
        (with_tas(LOCKS), "a test-and-set lock is released by its holder"),
    ],
    ids=["ticket", "tas"],
)
def test_only_its_holder_releases_a_lock(text: str, sentence: str, tmp_path: Path) -> None:
    not_taken = text.replace("        ticket_lock(lock)\n", "")
    not_taken = not_taken.replace("        tas_lock(lock)\n", "")
    assert outcome(not_taken, tmp_path) == ("VIOLATED", [sentence])


@pytest.mark.parametrize("text", [LOCKS, with_tas(LOCKS)], ids=["ticket", "tas"])
def test_who_waits_for_a_leaked_lock_is_named_with_the_call(text: str, tmp_path: Path) -> None:
    """The library's line alone says nothing about which lock of the spec it is."""
    leak = text.replace("        ticket_unlock(lock)\n", "")
    leak = leak.replace("        tas_unlock(lock)\n", "")
    path = str(tmp_path / "design.py")
    Path(path).write_text(leak, encoding="utf-8")
    verdict = explore(compile_spec(path, {})[1], Limits())
    assert verdict.trace is not None and verdict.trace.failure is not None
    stuck = verdict.trace.failure
    assert (stuck.kind, Path(stuck.source.file).name) == ("deadlock", "spinlock.py")
    call = stuck.call_in(path)
    assert call is not None and call.text in ("ticket_lock(lock)", "tas_lock(lock)")


def test_a_ghost_holder_is_cleared_by_the_step_that_releases(tmp_path: Path) -> None:
    """Cleared before the store, `holder` would name nobody in any state: the ghost rule."""
    text = with_tas(LOCKS).replace("        place.user = me\n", "")
    text = text.replace('        assert place.user == me, "one CPU at a time is inside"\n', "")
    assert outcome(text, tmp_path) == HOLDS
    early = text.replace(
        "        tas_unlock(lock)\n", "        lock.holder = None\n        lock.locked = False\n"
    )
    with pytest.raises(SpecError, match=r"lock\.holder is set in this step already"):
        outcome(early, tmp_path)


def test_the_ticket_lock_is_first_come_first_served(tmp_path: Path) -> None:
    """The test-and-set lock is not."""
    assert outcome(FIFO, tmp_path) == HOLDS
    unfair = FIFO.replace("await_turn(lock, ticket)", "tas_lock(other)")
    unfair = unfair.replace("ticket_unlock(lock)", "tas_unlock(other)")
    unfair = unfair.replace("await_turn, take", "tas_lock, tas_unlock, TasLock, take")
    unfair = unfair.replace("lock = TicketLock()", "lock = TicketLock()\nother = TasLock()")
    assert outcome(unfair, tmp_path) == ("VIOLATED", ["first come, first served"])
