"""A process that ends while it holds a lock: a violation by itself, of those locks that only their
holder releases.

Before, a spec that takes a lock, and ends without a word of it, held: nobody else wanted the lock.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelcheck.cli import app
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.definitions import HELD_AT_END
from modelcheck.ir import Assert, Program, statements
from modelcheck.source import SpecError, lines_of

HEAD = '''\
from modelcheck.lang import (
    Ghost, Lock, OwnedLock, Process, array, choose, element, instances, interrupt, irqs_off,
    process, shared, spin_lock, spin_trylock, spin_unlock, test_and_set_bit, this_process, xchg,
)
from modelcheck.xen.spinlock import (
    TasLock, TicketLock, tas_lock, tas_unlock, ticket_lock, ticket_unlock,
)


@shared(count=2)
class Page:
    lock: Lock
    dirty: bool = True


@shared
class Node:
    busy: bool = False
    other: bool = False


@shared
class Own:
    """A lock of the spec's own, of which nobody says who releases it."""
    taken: bool = False
    holder: Ghost[Process | None] = None


@shared
class OwnOwned(OwnedLock):
    taken: bool = False
    holder: Ghost[Process | None] = None


node = Node()
heap_lock = Lock("heap_lock")
ticket = TicketLock()
tas = array(TasLock, 2)
own = Own()
owned = OwnOwned()


'''

ENDS = {  # name of a lock: a process that ends with it
    "heap_lock": '''\
@process
def cpu() -> None:
    spin_lock(heap_lock)
    node.busy = True
''',
    "ticket": '''\
@process(count=2)
def cpu(me: int) -> None:
    if me == 1:
        ticket_lock(ticket)
        ticket_unlock(ticket)
    else:
        taken = test_and_set_bit(node.busy)
        if not taken:
            ticket_lock(ticket)
''',
    "tas": '''\
@process
def cpu() -> None:
    tas_lock(tas[1])
    tas_lock(tas[0])
    which = choose(0, 1)
    tas_unlock(tas[which])
''',
    "Page.lock": '''\
@process
def cpu() -> None:
    pg = choose(instances(Page))
    got = spin_trylock(pg.lock)
    if got:
        pg = choose(instances(Page))
        pg.dirty = False
''',
    "owned": '''\
@process
def cpu() -> None:
    was = xchg(owned.taken, True)
    if not was:
        owned.holder = this_process()
''',
}

RIGHT = {  # why nothing is wrong: the processes
    "on each path": '''\
@process(count=2)
def cpu() -> None:
    spin_lock(heap_lock)
    if node.busy:
        spin_unlock(heap_lock)
        return
    node.busy = True
    spin_unlock(heap_lock)
    node.other = True
''',
    "what is not taken need not be released": '''\
@process(count=2)
def cpu() -> None:
    got = spin_trylock(heap_lock)
    if got:
        spin_unlock(heap_lock)
''',
    "one of several": '''\
@process(count=2)
def cpu(me: int) -> None:
    pg = element(Page, me)
    spin_lock(pg.lock)
    pg.dirty = False
    spin_unlock(pg.lock)
''',
    "it never ends": '''\
@process
def cpu() -> None:
    spin_lock(heap_lock)
    while True:
        node.busy = True
''',
    "another context releases it": '''\
@process
def cpu() -> None:
    was = xchg(own.taken, True)
    own.holder = this_process()
    node.busy = was
''',
    "a handler takes and releases it": '''\
@process
def cpu() -> None:
    with irqs_off():
        spin_lock(heap_lock)
        node.other = True
        spin_unlock(heap_lock)
    node.busy = True

@interrupt(of=cpu)
def timer() -> None:
    spin_lock(heap_lock)
    node.busy = False
    spin_unlock(heap_lock)
''',
}


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines_of.cache_clear()
    return Path("spec.py")


def said_at_ends(program: Program) -> list[str]:
    """The asserts, as often as they stand somewhere."""
    return [
        s.sentence for p in program.processes for body in (p.entry, *(a.body for a in p.actions))
        for s in statements(body) if isinstance(s, Assert) and s.sentence.startswith(HELD_AT_END)
    ]


def verify(path: Path, *args: str) -> Result:
    return CliRunner().invoke(app, ["verify", str(path), *args])


@pytest.mark.parametrize("engine", ["reference", "quick", "native", "symbolic", "induction"])
@pytest.mark.parametrize("lock", ENDS)
def test_a_process_that_ends_with_a_lock_is_a_violation(at: Path, lock: str, engine: str) -> None:
    at.write_text(HEAD + ENDS[lock], encoding="utf-8")
    if engine == "induction":  # what is false is not proved
        assert verify(at, "--engine", engine).exit_code in (10, 14, 20)
        return
    result = verify(at, "--engine", engine)
    assert f"VIOLATED  {HELD_AT_END}{lock}\n" in result.stdout, result.output
    assert "\nvalidated (memory): in the thread of cpu" in result.stdout


@pytest.mark.parametrize("lock", ENDS)
def test_expect_and_property_can_name_it(at: Path, lock: str) -> None:
    expect = f'from modelcheck.lang import violates\nEXPECT = violates("{HELD_AT_END}{lock}")\n'
    at.write_text(expect + HEAD + ENDS[lock], encoding="utf-8")
    result = verify(at)
    assert "expected   yes" in result.stdout, result.output
    result = verify(at, "--property", HELD_AT_END + lock)
    assert f"VIOLATED  {HELD_AT_END}{lock}\n" in result.stdout, result.output


@pytest.mark.parametrize("why", RIGHT)
def test_a_lock_that_is_released_is_no_violation(at: Path, why: str) -> None:
    at.write_text(HEAD + RIGHT[why], encoding="utf-8")
    result = verify(at)
    assert result.exit_code == 0, result.output


def test_an_end_at_which_nothing_can_be_held_costs_nothing(at: Path) -> None:
    for why in ("on each path", "it never ends", "another context releases it",
                "a handler takes and releases it"):
        at.write_text(HEAD + RIGHT[why], encoding="utf-8")
        assert said_at_ends(compile_spec(str(at), {})[1]) == [], why
    at.write_text(HEAD + ENDS["heap_lock"], encoding="utf-8")
    assert said_at_ends(compile_spec(str(at), {})[1]) == [HELD_AT_END + "heap_lock"]


def test_a_handler_that_keeps_a_lock_keeps_it_for_its_cpu(at: Path) -> None:
    """It is the CPU that ends with it."""
    at.write_text(HEAD + '''\
@process
def cpu() -> None:
    node.busy = True

@interrupt(of=cpu)
def timer() -> None:
    got = spin_trylock(heap_lock)
    node.other = got
''', encoding="utf-8")
    result = verify(at)
    assert f"VIOLATED  {HELD_AT_END}heap_lock\n" in result.stdout, result.output
    assert "\nvalidated (memory): in the thread of cpu" in result.stdout


def test_of_several_locks_the_first_by_name_is_said_by_both(at: Path) -> None:
    """The model and the executable allocator name the same."""
    at.write_text(HEAD + '''\
@process
def cpu() -> None:
    spin_lock(heap_lock)
    ticket_lock(ticket)
    spin_lock(element(Page, 1).lock)
''', encoding="utf-8")
    result = verify(at)
    assert f"VIOLATED  {HELD_AT_END}Page.lock\n" in result.stdout, result.output
    assert "\nvalidated (memory): in the thread of cpu" in result.stdout


@pytest.mark.parametrize("asked", [
    "node is not both", "a lock is released by the CPU that holds it",
])
def test_a_trace_of_another_property_goes_on_behind_such_an_end(at: Path, asked: str) -> None:
    """The one that is asked for is broken in the step in which another assert fails, or behind it:
    that was 'a defect of modelcheck', or NOT REPRODUCED."""
    at.write_text(HEAD + '''\
from modelcheck.lang import always

@process
def cpu() -> None:
    spin_lock(heap_lock)
    node.busy = True

@process
def other() -> None:
    if node.busy:
        node.other = True
        spin_unlock(heap_lock)

@always
def node_is_not_both() -> bool:
    return not node.busy or not node.other
''', encoding="utf-8")
    result = verify(at, "--property", asked)
    assert f"VIOLATED  {asked}\n" in result.stdout, result.output
    assert "\nvalidated (memory): " in result.stdout, result.output


def test_a_property_is_broken_in_the_step_in_which_another_assert_fails(at: Path) -> None:
    at.write_text(HEAD + '''\
from modelcheck.lang import always

@process
def cpu() -> None:
    spin_lock(heap_lock)
    node.busy = True

@always
def node_is_idle() -> bool:
    return not node.busy
''', encoding="utf-8")
    result = verify(at, "--property", "node is idle")
    assert "VIOLATED  node is idle\n" in result.stdout, result.output
    assert "\nvalidated (memory): " in result.stdout, result.output


def test_it_is_exported(at: Path) -> None:
    at.write_text(HEAD + ENDS["Page.lock"], encoding="utf-8")
    text = CliRunner().invoke(app, ["export", str(at), "--to", "murphi"]).stdout
    assert text.count(HELD_AT_END + "Page.lock")


def test_an_owned_lock_says_who_holds_it(at: Path) -> None:
    at.write_text(HEAD.replace(
        "class OwnOwned(OwnedLock):\n    taken: bool = False\n"
        "    holder: Ghost[Process | None] = None",
        "class OwnOwned(OwnedLock):\n    taken: bool = False",
    ) + ENDS["heap_lock"], encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        compile_spec(str(at), {})
    assert refused.value.text() == """\
spec.py:30:16: error: OwnOwned is an OwnedLock, and does not say who holds it
    class OwnOwned(OwnedLock):
                   ^~~~~~~~~
  write instead: holder: Ghost[Process | None] = None"""
