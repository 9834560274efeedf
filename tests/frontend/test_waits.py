"""What a wait may read: one place, or several fields of one word; several places at once only
as the first line of an atomic block, which the verdict lists as an assumption."""

from pathlib import Path

import pytest

from modelcheck import ir
from modelcheck.frontend.compile import compile_spec
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.source import SpecError
from modelcheck.trace import Limits
from tests.heap.small import agreed

HEAD = """
from dataclasses import dataclass
from typing import Annotated
from modelcheck.lang import (
    Ghost, Lock, always, atomic, between, free, instances, predicate, process, shared, sometimes,
    spin_lock, spin_unlock, wait_until,
)

@dataclass(frozen=True)
class Word:
    a: bool = False
    b: bool = False

@shared
class Rw:
    readers: Annotated[int, between(0, 2)] = 0
    writer: bool = False
    word: Word = Word()
    seen: Ghost[bool] = False

@shared(count=2)
class Cpu:
    busy: bool = False

rw = Rw()
lock = Lock("lock")

def only_a(word: Word) -> bool:
    return word.a and not word.b

@predicate
def all_idle() -> bool:
    return all(not cpu.busy for cpu in instances(Cpu))

@always
def never_both() -> bool:
    return not (rw.writer and rw.readers > 0)
"""
WRITER = """
@process
def writer() -> None:
    with atomic("one word in the hardware"):
        wait_until(rw.readers == 0 and not rw.writer)
        rw.writer = True
    rw.writer = False

@process(count=2)
def reader() -> None:
    with atomic("one word in the hardware"):
        wait_until(not rw.writer)
        readers = rw.readers
        rw.readers = readers + 1
    with atomic("one word in the hardware"):
        readers = rw.readers
        rw.readers = readers - 1

@sometimes
def readers_together() -> bool:
    return rw.readers == 2
"""


def _write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + text)
    return str(path)


def _waits(line: str) -> str:
    return f"@process\ndef cpu() -> None:\n    wait_until({line})\n"


@pytest.mark.parametrize("engine", ["reference", "quick", "native"])
def test_several_places_are_waited_for_at_once(tmp_path: Path, engine: str) -> None:
    """A reader-writer lock of two fields had no honest form: a wait with two loads was refused, the
    advice to load one before made a stale read, and a second wait in an atomic block was refused
    too.  The condition is one observation; the reason is printed as an assumption."""
    path = _write(tmp_path, WRITER)
    found = verify(path, {}, (), Limits(), lambda *_: None, Engine(engine)).verdict
    assert found.outcome == "HOLDS"
    assert found.assumptions == ("atomic: one word in the hardware",)
    apart = WRITER.replace(
        "        wait_until(rw.readers == 0 and not rw.writer)\n",
        "        wait_until(not rw.writer)\n",
    )
    path = _write(tmp_path, apart)
    found = verify(path, {}, (), Limits(), lambda *_: None, Engine(engine)).verdict
    assert (found.outcome, found.validation and found.validation.mark) == ("VIOLATED", "validated")


def test_the_allocator_waits_for_several_places_too(tmp_path: Path) -> None:
    """On random schedules model and allocator agree on who can go, at each step."""
    spec, program = compile_spec(_write(tmp_path, WRITER), {})
    agreed(spec, program, schedules=10)


@pytest.mark.parametrize("line", ["rw.word.a and not rw.word.b", "only_a(rw.word)"])
def test_fields_of_one_word_are_one_load(tmp_path: Path, line: str) -> None:
    """The hardware loads a word at once: a wait for two of its fields is one load, spelled out or
    by a function, and was refused as two accesses."""
    _, program = compile_spec(_write(tmp_path, _waits(line)), {})
    (action,) = program.processes[0].actions
    assert action.access == ir.Load(ir.Place("rw.word")) and action.wait is not None


@pytest.mark.parametrize(
    "line", ["all(not cpu.busy for cpu in instances(Cpu))", "all_idle()", "rw.writer or all_idle()"]
)
def test_an_atomic_wait_may_read_all_of_memory(tmp_path: Path, line: str) -> None:
    text = f"@process\ndef cpu() -> None:\n    with atomic('seen'):\n        wait_until({line})\n"
    _, program = compile_spec(_write(tmp_path, text), {})
    assert isinstance(program.processes[0].actions[0].access, ir.Observe)
    with pytest.raises(SpecError, match="a wait loads one place") as refused:
        compile_spec(_write(tmp_path, _waits(line)), {})
    assert "with atomic(" in refused.value.instead


@pytest.mark.parametrize(
    "line", ["rw.readers == 0 and not rw.writer", "rw.word.a and rw.writer"]
)
def test_two_places_outside_atomic(tmp_path: Path, line: str) -> None:
    """The advice was to load one place before: that value is stale when the other is right."""
    with pytest.raises(SpecError, match="a wait loads one place") as refused:
        compile_spec(_write(tmp_path, _waits(line)), {})
    assert "with atomic(" in refused.value.instead and "RwLock" in refused.value.instead


def test_a_second_wait_in_an_atomic_block(tmp_path: Path) -> None:
    """The advice was to put it before the block, where another CPU comes between."""
    text = """
@process
def cpu() -> None:
    with atomic("one step"):
        wait_until(rw.readers == 0)
        wait_until(not rw.writer)
"""
    with pytest.raises(SpecError, match="an atomic block is one step") as refused:
        compile_spec(_write(tmp_path, text), {})
    assert "wait_until(rw.readers == 0 and not rw.writer)" in refused.value.instead


@pytest.mark.parametrize("line", ["rw.writer and rw.seen and rw.readers == 0", "free(lock)"])
def test_a_ghost_is_not_waited_for(tmp_path: Path, line: str) -> None:
    """What a wait sees at one instant decides when the process goes on: no ghost may."""
    text = f"@process\ndef cpu() -> None:\n    with atomic('s'):\n        wait_until({line})\n"
    text += "        spin_unlock(lock)\n"
    with pytest.raises(SpecError, match="is a ghost: it may not steer"):
        compile_spec(_write(tmp_path, text), {})
