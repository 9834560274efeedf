"""Interrupts: the front end puts them where they may come, as a naive reading of what they mean
says; states counted by hand; who waits for ever, as every engine and the allocator see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend import interrupts, steps
from modelcheck.frontend.compile import compile_spec
from modelcheck.frontend.points import AtomicEnd, Point, above
from modelcheck.ir import Action, Block, Process, Program
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.source import SpecError, lines_of
from modelcheck.trace import Limits, Verdict, exit_code
from tests.agree.naive_interrupts import interrupts_agree
from tests.agree.random_specs import random_spec
from tests.heap.small import agreed

HEAD = """\
from modelcheck.lang import (
    Ghost, Lock, always, atomic, choose, interrupt, irqs_off, process, shared, sometimes, smp_mb,
    spin_lock, spin_trylock, spin_unlock, this_process, wait_until,
)
@shared
class Memory:
    x: bool = False
    y: bool = False
    z: bool = False
    tick: bool = False
    seen: Ghost[bool] = False
m = Memory()
a = Lock("a")
b = Lock("b")
"""

SET_X = """
@process
def cpu() -> None:
    m.x = True
"""
SET_Y = """
@interrupt(of=cpu)
def irq() -> None:
    m.y = True
"""
TICK = """
@interrupt(of=cpu)
def timer() -> None:
    tick = m.tick
    m.tick = not tick
"""


def write(folder: Path, text: str) -> str:
    path = folder / "small.py"
    path.write_text(HEAD + text, encoding="utf-8")
    lines_of.cache_clear()
    return str(path)


def program_of(folder: Path, text: str) -> Program:
    return compile_spec(write(folder, text), {})[1]


COUNTED = {
    # In front of x, or in the interrupt there, each with y or without; and so at the end.
    "one step": (SET_X + SET_Y, 6, 6),
    # It comes before the first access with interrupts off, which is no different.
    "one step, interrupts off": (
        "@process\ndef cpu() -> None:\n    with irqs_off():\n        m.x = True\n" + SET_Y, 6, 6),
    # Not behind that: in front of z only the process, with y or without.
    "two steps, interrupts off": (
        "@process\ndef cpu() -> None:\n    with irqs_off():\n        m.x = True\n"
        "        m.z = True\n" + SET_Y, 8, 8),
    "two steps": (
        "@process\ndef cpu() -> None:\n    m.x = True\n    m.z = True\n" + SET_Y, 10, 14),
    # Atomic: one step, and before it as above.
    "two accesses in one step": (
        "@process\ndef cpu() -> None:\n    with atomic('why'):\n        m.x = True\n"
        "        m.z = True\n" + SET_Y, 6, 6),
}


@pytest.mark.parametrize("name", COUNTED)
def test_states_counted_by_hand(name: str, tmp_path: Path) -> None:
    text, states, transitions = COUNTED[name]
    verdict = explore(program_of(tmp_path, text), Limits())
    assert (verdict.outcome, verdict.states, verdict.transitions) == ("HOLDS", states, transitions)


WAITS = """
@process
def cpu() -> None:
    wait_until(m.y)
"""
SPINS = """
@process
def cpu() -> None:
    while not m.y:
        pass
"""
OFF = """
@process
def cpu() -> None:
    m.x = True
    with irqs_off():
        wait_until(m.y)
"""
CALLED_OFF = """
def waits() -> None:
    wait_until(m.y)
@process
def cpu() -> None:
    m.x = True
    with irqs_off():
        m.z = True
        with irqs_off():
            waits()
"""
ABBA = """
@process
def cpu() -> None:
    spin_lock(a)
    spin_lock(b)
    spin_unlock(b)
    spin_unlock(a)
@process
def other() -> None:
    spin_lock(b)
    spin_lock(a)
    spin_unlock(a)
    spin_unlock(b)
"""
SPIN_ABBA = ABBA.replace("    spin_lock(a)\n    spin_lock(b)\n", """\
    while not spin_trylock(a):
        pass
    while not spin_trylock(b):
        pass
""")
OWN_LOCK = """
@process
def cpu() -> None:
    spin_lock(a)
    m.x = True
    spin_unlock(a)
@interrupt(of=cpu)
def irq() -> None:
    spin_lock(a)
    m.y = True
    spin_unlock(a)
"""
STUCK = {
    "the interrupt brings what is waited for": (WAITS + SET_Y, False),
    "it ends a loop": (SPINS + SET_Y, False),
    "not with interrupts off: then it may have come too early, or never": (OFF + SET_Y, True),
    "not in what is called with interrupts off": (CALLED_OFF + SET_Y, True),
    "who only waits, over and over": (
        "@process\ndef cpu() -> None:\n    while True:\n        wait_until(not m.x)\n" + SET_Y,
        False),
    "who waits for each other": (ABBA, True),
    "a timer that ticks is no progress of who waits": (ABBA + TICK, True),
    "nor of who spins": (SPIN_ABBA + TICK, True),
    "a handler takes its own CPU's lock": (OWN_LOCK, True),
    "with interrupts off it does not": (OWN_LOCK.replace(
        "    spin_lock(a)\n    m.x = True\n    spin_unlock(a)\n",
        "    with irqs_off():\n        spin_lock(a)\n        m.x = True\n        spin_unlock(a)\n",
    ), False),
    "nor if it only tries": (OWN_LOCK.replace(
        "    spin_lock(a)\n    m.y = True\n    spin_unlock(a)\n",
        "    if spin_trylock(a):\n        m.y = True\n        spin_unlock(a)\n",
    ), False),
    "a handler waits for another CPU": (
        SET_X + "@process\ndef other() -> None:\n    m.z = True\n"
        "@interrupt(of=cpu)\ndef irq() -> None:\n    wait_until(m.z)\n", False),
}


@pytest.mark.parametrize("engine", ["reference", "quick", "native"])
@pytest.mark.parametrize("name", STUCK)
def test_who_waits_for_ever(name: str, engine: str, tmp_path: Path) -> None:
    text, stuck = STUCK[name]
    verdict = searched(write(tmp_path, text), engine)
    assert [p.status for p in verdict.properties if p.kind == "deadlock"] == [
        "violated" if stuck else "holds"
    ]
    if stuck:
        assert verdict.validation is not None
        assert (verdict.validation.mark, verdict.validation.by) == ("validated", "stuck")
        assert exit_code(verdict) == 11


def searched(path: str, engine: str) -> Verdict:
    return verify(path, {}, (), Limits(), lambda *_: None, Engine(engine)).verdict


MORE = {
    "two handlers, one of both processes": OWN_LOCK + """
@process
def other(me: int) -> None:
    with irqs_off():
        spin_lock(a)
        m.z = m.x if me == 1 else False
        spin_unlock(a)
""".replace("m.z = m.x if me == 1 else False", "m.z = True") + """
@interrupt(of=cpu)
def second(me: int) -> None:
    if choose(False, True):
        m.z = me == 0
""",
    "a handler that may do nothing": WAITS + """
@interrupt(of=cpu)
def irq(me: int) -> None:
    if choose(False, True):
        m.y = True
""",
    "ghosts before the first access": SET_X + """
@interrupt(of=cpu)
def irq() -> None:
    m.seen = True
    y = m.y
    m.y = not y
    m.seen = False
@process
def other() -> None:
    m.z = True
@always
def seen() -> bool:
    return not (m.seen and m.x and m.z)
""",
    "barriers": """
@process
def cpu() -> None:
    smp_mb()
    m.x = True
    smp_mb()
    with atomic('why'):
        smp_mb()
        m.y = True
        m.z = True
    smp_mb()
@interrupt(of=cpu)
def irq() -> None:
    smp_mb()
    y = m.y
    smp_mb()
    m.tick = y
""",
    "a function of both, with a loop": """
def swap() -> None:
    for i in range(2):
        x = m.x
        y = m.y
        m.x = y
        m.y = not x
@process
def cpu() -> None:
    swap()
@interrupt(of=cpu)
def irq() -> None:
    swap()
""",
}


TEXTS = {
    **{name: text for name, (text, _, _) in COUNTED.items()},
    **{name: text for name, (text, _) in STUCK.items()}, **MORE,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_they_come_where_they_are_meant_to(text: str, tmp_path: Path) -> None:
    """By the naive interpreter of processes and handlers apart; and on the executable allocator the
    threads find them where the model has them."""
    if "@interrupt" in text:
        assert interrupts_agree(write(tmp_path, text), 3_000)
    agreed(*compile_spec(write(tmp_path, text), {}))


def random_text(number: int, folder: Path) -> str | None:
    """The path of a random text with interrupts; None if it is refused."""
    path = folder / f"spec{number}.py"
    path.write_text(random_spec(8 * number + 3), encoding="utf-8")
    lines_of.cache_clear()
    try:
        compile_spec(str(path), {})
    except SpecError:
        return None
    return str(path)


def compared(numbers: range, folder: Path, most: int) -> int:
    found = 0
    for number in numbers:
        print(f"seed {8 * number + 3}")
        path = random_text(number, folder)
        found += path is not None and interrupts_agree(path, most)
    return found


def test_random_texts(tmp_path: Path) -> None:
    assert compared(range(16), tmp_path, 100) > 5


@pytest.mark.slow
def test_many_random_texts(tmp_path: Path) -> None:
    assert compared(range(16, 800), tmp_path, 1_500) > 500


# ------------------------------------------------------------------------------------- planted


ONE_OF, MEANT, APART = interrupts._Weaver._one_of, steps.interrupts, interrupts._apart


def only_to_who_waits(self: interrupts._Weaver, at: Action, none: Block) -> Block:
    return none or ONE_OF(self, at, none)


def nowhere_off(point: Point) -> str:
    """As if irqs_off() did nothing."""
    inside = any(isinstance(p, AtomicEnd) and not p.fresh for p in above(point))
    return "off" if inside else "come"


def off_at_once(point: Point) -> str:
    """With interrupts off already in front of the first access."""
    return "off" if MEANT(point) == "before" else MEANT(point)


def same_locals(handler: interrupts.Handler, process: Process) -> interrupts.Handler:
    """A handler's locals are those of the process, where it calls what that calls."""
    right = APART(handler, process)
    old = {new.name: v.name for new, v in zip(
        right.process.locals, handler.process.locals, strict=True)}
    wrong = interrupts._with_locals(right.process, old)
    own = tuple(v for v in wrong.locals if v.name not in {v.name for v in process.locals})
    return replace(right, process=replace(wrong, locals=own))


PLANTED = {
    "an interrupt comes with interrupts off": (steps, "interrupts", nowhere_off, False),
    "none comes just before they are off": (steps, "interrupts", off_at_once, False),
    "one comes only to who waits": (interrupts._Weaver, "_one_of", only_to_who_waits, True),
    "a handler has the locals of who is interrupted": (interrupts, "_apart", same_locals, True),
}
"""And whether the naive interpreter can see it: it is told where they may come, the allocator not.
"""


@pytest.mark.parametrize("bug", PLANTED)
def test_what_is_planted_is_found(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, name, what, seen = PLANTED[bug]
    monkeypatch.setattr(where, name, what)
    naively, live = 0, 0
    for text in TEXTS.values():
        try:
            interrupts_agree(write(tmp_path, text), 3_000)
        except (AssertionError, KeyError):
            naively += 1
        try:
            agreed(*compile_spec(write(tmp_path, text), {}), schedules=10)
        except AssertionError:
            live += 1
    assert live and bool(naively) == seen
