"""Two locks that are taken in both orders are said, with their lines, though no run deadlocks; and
nothing is said that is not surely so."""

from pathlib import Path

import pytest

from modelcheck.pipeline import verify
from modelcheck.trace import Limits

HEAD = """
from modelcheck.lang import (
    Lock, array, choose, process, shared, spin_lock, spin_trylock, spin_unlock, wait_until,
)
from modelcheck.xen.spinlock import TasLock, TicketLock, tas_lock, tas_unlock
from modelcheck.xen.spinlock import ticket_lock, ticket_unlock

@shared
class Cell:
    go: bool = False
    never: bool = False

cell = Cell()
outer = Lock("outer")
a = Lock("a")
b = Lock("b")
t = TasLock()
u = TicketLock()
locks = array(Lock, 2)

def both(first: Lock, second: Lock) -> None:
    spin_lock(first)
    spin_lock(second)
    spin_unlock(second)
    spin_unlock(first)

"""
FIRST = """
@process
def p() -> None:
    spin_lock(a)
    spin_lock(b)
    spin_unlock(b)
    spin_unlock(a)
    cell.go = True
"""
SECOND = """
@process
def q() -> None:
    wait_until(cell.go)
    {}
"""


def _warned(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + text)
    checked = verify(str(path), {}, (), Limits(), lambda *_: None)
    assert checked.verdict.outcome == "HOLDS"
    return [w for w in checked.idle if "lock order" in w]


def _second(*lines: str) -> str:
    return SECOND.format("\n    ".join(lines))


def test_both_orders(tmp_path: Path) -> None:
    """Two processes that come one after the other take two locks in both orders: it holds, and
    nothing was said, though the next change that lets them meet is a deadlock."""
    second = _second("spin_lock(b)", "spin_lock(a)", "spin_unlock(a)", "spin_unlock(b)")
    assert _warned(tmp_path, FIRST + second) == [
        "lock order: a then b at lines 30 and 31, b then a at lines 39 and 40"
    ]


def test_by_functions_of_the_spec_and_of_the_library(tmp_path: Path) -> None:
    """The lines are the spec's own: where its function, or the library's, is called."""
    text = """
@process
def p() -> None:
    tas_lock(t)
    ticket_lock(u)
    ticket_unlock(u)
    tas_unlock(t)
    both(locks[0], locks[1])
    cell.go = True
"""
    second = _second("ticket_lock(u)", "tas_lock(t)", "tas_unlock(t)", "ticket_unlock(u)",
                     "both(locks[1], locks[0])")
    assert sorted(_warned(tmp_path, text + second)) == [
        "lock order: locks[0] then locks[1] at lines 22 and 23, called at line 34,"
        " locks[1] then locks[0] at lines 22 and 23, called at line 44",
        "lock order: t then u at lines 30 and 31, u then t at lines 40 and 41",
    ]


NO_INVERSION = {
    "one order": FIRST + _second("both(a, b)"),
    "one after the other": FIRST + _second(
        "spin_lock(b)", "spin_unlock(b)", "spin_lock(a)", "spin_unlock(a)"
    ),
    "the second one is tried": FIRST + _second(
        "spin_lock(b)", "if spin_trylock(a):", "    spin_unlock(a)", "spin_unlock(b)"
    ),
    "under one more lock": """
@process
def p() -> None:
    spin_lock(outer)
    both(a, b)
    spin_unlock(outer)

@process
def q() -> None:
    spin_lock(outer)
    both(b, a)
    spin_unlock(outer)
""",
    "by one process": FIRST + "    both(b, a)\n",
    "where no run comes": FIRST + _second("never = cell.never", "if never:", "    both(b, a)"),
    "held on some paths only": FIRST + _second(
        "some = choose(False, True)", "if some:", "    spin_lock(b)", "if some:",
        "    spin_unlock(b)", "spin_lock(a)", "spin_unlock(a)",
    ),
    "elements that are computed": """
@process
def p() -> None:
    i = choose(0, 1)
    spin_lock(locks[i])
    spin_unlock(locks[i])
""",
}


@pytest.mark.parametrize("name", NO_INVERSION)
def test_nothing_is_said_that_is_not_surely_so(tmp_path: Path, name: str) -> None:
    assert _warned(tmp_path, NO_INVERSION[name]) == []


def test_elements_by_the_process_s_own_number(tmp_path: Path) -> None:
    """Of `locks[me]` it is known which lock it is."""
    text = """
@process(count=2)
def p(me: int) -> None:
    if me == 0:
        spin_lock(locks[0])
        spin_lock(locks[1])
        spin_unlock(locks[1])
        spin_unlock(locks[0])
        cell.go = True
    else:
        wait_until(cell.go)
        spin_lock(locks[me])
        spin_lock(locks[me - 1])
        spin_unlock(locks[me - 1])
        spin_unlock(locks[me])
"""
    assert len(_warned(tmp_path, text)) == 0  # me - 1 is computed
    assert len(_warned(tmp_path, text.replace("me - 1", "0"))) == 1
