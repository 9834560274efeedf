"""RwLock and Completion of modelcheck.xen, by small designs that use them, and by mutants of their
text: each must break what the design says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelcheck.xen
from modelcheck.frontend.compile import compile_spec
from modelcheck.pipeline import verify
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine
from modelcheck.trace import Limits, Verdict
from tests.heap.small import agreed

LIBRARY = Path(modelcheck.xen.__file__).parent
READERS_AND_WRITERS = """
from modelcheck.lang import always, process, shared, sometimes

@shared
class Data:
    reading: bool = False
    reading_too: bool = False
    writing: bool = False

data = Data()
lock = RwLock()

@process(count=2)
def reader(me: int) -> None:
    read_lock(lock)
    if me == 0:
        data.reading = True
        data.reading = False
    else:
        data.reading_too = True
        data.reading_too = False
    read_unlock(lock)

@process(count=2)
def writer() -> None:
    write_lock(lock)
    writing = data.writing
    assert not writing, "one writer at a time"
    data.writing = True
    data.writing = False
    write_unlock(lock)

@always
def a_writer_is_alone() -> bool:
    return not (data.writing and (data.reading or data.reading_too))

@sometimes
def readers_together() -> bool:
    return data.reading and data.reading_too

@sometimes
def a_writer_waits_for_a_reader() -> bool:
    return lock.counts.waiting and data.reading
"""
TRIES = """
from modelcheck.lang import always, process, shared

@shared
class Data:
    writing: bool = False

data = Data()
lock = RwLock()

@process
def reader() -> None:
    if read_trylock(lock):
        writing = data.writing
        assert not writing, "no writer while one reads"
        read_unlock(lock)

@process(count=2)
def writer() -> None:
    if write_trylock(lock):
        data.writing = True
        data.writing = False
        write_unlock(lock)
"""
PAGE_IN = """
from modelcheck.lang import process, shared

@shared
class Page:
    asked: bool = False
    uptodate: bool = False

page = Page()
read_in = Completion()

@process
def reader() -> None:
    page.asked = True
    wait_for_completion(read_in)
    uptodate = page.uptodate
    assert uptodate, "who waited finds the page read in"

@process
def end_io() -> None:
    page.uptodate = True
    complete(read_in)
"""
FOR_ALL = """
from modelcheck.lang import process

ready = Completion()

@process(count=2)
def waiter() -> None:
    wait_for_completion(ready)

@process
def starter() -> None:
    complete_all(ready)
"""
ONE_EACH = FOR_ALL.replace("complete_all(ready)", "complete(ready)\n    complete(ready)")
LOST = FOR_ALL.replace("complete_all(ready)", "complete(ready)")
AGAIN = """
from modelcheck.lang import process

ready = Completion()

@process
def waiter() -> None:
    complete_all(ready)
    wait_for_completion(ready)
    reinit_completion(ready)
    was = try_wait_for_completion(ready)
    assert not was, "nothing is complete any more"
"""
OF = {
    "rwlock": ("RwLock", "read_lock", "read_trylock", "read_unlock", "write_lock",
               "write_trylock", "write_unlock"),
    "completion": ("Completion", "complete", "complete_all", "reinit_completion",
                   "try_wait_for_completion", "wait_for_completion"),
}


def _uses(library: str, design: str) -> str:
    names = [n for n in OF[library] if f"{n}(" in design]
    return f"from modelcheck.xen.{library} import {', '.join(names)}\n{design}"


def _verdict(tmp_path: Path, text: str, engine: str = "quick", **sets: int) -> Verdict:
    path = tmp_path / "spec.py"
    path.write_text(text)
    return verify(str(path), sets, (), Limits(), lambda *_: None, Engine(engine)).verdict


@pytest.mark.parametrize("engine", ["reference", "quick", "native"])
@pytest.mark.parametrize("library, design", [
    ("rwlock", READERS_AND_WRITERS), ("rwlock", TRIES), ("completion", PAGE_IN),
    ("completion", FOR_ALL), ("completion", ONE_EACH), ("completion", AGAIN),
])  # fmt: skip
def test_it_holds(tmp_path: Path, library: str, design: str, engine: str) -> None:
    """Readers together, a writer alone, and one waits for the other; a completion before the wait
    is not lost.  Nothing that the locks are made of is an assumption of the spec."""
    sets = {"READERS": 2} if library == "rwlock" else {}
    found = _verdict(tmp_path, _uses(library, design), engine, **sets)
    assert (found.outcome, found.assumptions) == ("HOLDS", ())


@pytest.mark.parametrize("library, design", [
    ("rwlock", READERS_AND_WRITERS), ("completion", PAGE_IN), ("completion", AGAIN),
])  # fmt: skip
def test_the_allocator_does_the_same(tmp_path: Path, library: str, design: str) -> None:
    """A Lock that is a field of another object was known to the allocator only where the spec had a
    Lock of its own besides: a RwLock alone ended in an AssertionError behind its verdict."""
    path = tmp_path / "spec.py"
    path.write_text(_uses(library, design))
    agreed(*compile_spec(str(path), {}), schedules=8)


MUTANTS = {
    "a reader does not look for a writer": (
        "rwlock", READERS_AND_WRITERS, "    if found.waiting or found.locked:\n        fetch_update"
        "(lock.counts, _less)\n        spin_lock", "    if False:\n        fetch_update"
        "(lock.counts, _less)\n        spin_lock", "a writer is alone",
    ),
    "a reader who queues does not wait": (
        "rwlock", READERS_AND_WRITERS, "        wait_until(not lock.counts.locked)\n", "",
        "a writer is alone",
    ),
    "a reader who queues stays counted": (
        "rwlock", READERS_AND_WRITERS, "        fetch_update(lock.counts, _less)\n"
        "        spin_lock(lock.queue)\n", "        spin_lock(lock.queue)\n", "READERS",
    ),
    "a writer does not wait for readers": (
        "rwlock", READERS_AND_WRITERS, "    while cmpxchg(lock.counts, alone, RwCounts(locked=True)"
        ") != alone:\n        cpu_relax()\n",
        "    fetch_update(lock.counts, _taken)\n", "a write lock is released by its holder",
    ),
    "a writer does not say that he waits": (
        "rwlock", READERS_AND_WRITERS, "    set_bit(lock.counts.waiting)\n    alone = RwCounts("
        "waiting=True)\n", "    alone = RwCounts()\n", "a writer waits for a reader",
    ),
    "a write lock is not released": (
        "rwlock", READERS_AND_WRITERS, "    clear_bit(lock.counts.locked)\n",
        "    clear_bit(lock.counts.waiting)\n", "deadlock",
    ),
    "a reader does not leave": (
        "rwlock", READERS_AND_WRITERS, "    found = fetch_update(lock.counts, _less)\n    assert",
        "    found = fetch_update(lock.counts, _more)\n    assert", "READERS",
    ),
    "try ignores readers": (
        "rwlock", TRIES, "    unlocked = RwCounts()\n", "    unlocked = lock.counts\n",
        "no writer while one reads",
    ),
    "a completion is lost": (
        "completion", PAGE_IN, "replace(done, count=done.count + 1)", "done", "deadlock",
    ),
    "a waiter does not wait": (
        "completion", PAGE_IN, "    while not try_wait_for_completion(completion):\n",
        "    while try_wait_for_completion(completion):\n", "who waited finds the page read in",
    ),
    "complete_all lets one go": (
        "completion", FOR_ALL, "Done(for_all=True)", "Done(count=1)", "deadlock",
    ),
    "nothing is used up": (
        "completion", LOST, "replace(done, count=done.count - 1)", "done", "HOLDS",
    ),
    "it stays complete": (
        "completion", AGAIN, "    completion.done = Done()\n", "    completion.done = Done(1)\n",
        "nothing is complete any more",
    ),
}  # fmt: skip
TAKEN = "\n\ndef _taken(counts: RwCounts) -> RwCounts:\n    return replace(counts, locked=True)\n"


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants(tmp_path: Path, name: str) -> None:
    """What the library must not do; each is found by the design that relies on it."""
    library, design, old, new, broken = MUTANTS[name]
    text = (LIBRARY / f"{library}.py").read_text()
    assert text.count(old) == 1
    sets = {"READERS": 2} if library == "rwlock" else {}
    found = _verdict(tmp_path, text.replace(old, new) + TAKEN * (library == "rwlock") + design,
                     **sets)
    match broken:
        case "HOLDS":
            assert found.outcome == "HOLDS"
        case "READERS":  # more are counted than there are: or nobody is let in any more
            assert found.outcome == "VIOLATED"
        case "deadlock":
            assert found.trace and found.trace.failure and found.trace.failure.kind == "deadlock"
        case _:
            assert broken in [p.sentence for p in found.properties
                              if p.status in ("violated", "not reached")]


def test_one_completion_lets_one_waiter_go(tmp_path: Path) -> None:
    """complete() once, for two waiters: the second is stuck.  complete_all is for both."""
    found = _verdict(tmp_path, _uses("completion", LOST))
    assert found.trace and found.trace.failure and found.trace.failure.kind == "deadlock"
    assert found.validation and found.validation.mark == "validated"


def test_who_may_release(tmp_path: Path) -> None:
    """A write lock is its holder's, whatever the word says; a read lock is nobody's where nobody
    reads."""
    design = """
from modelcheck.lang import process, spin_lock, spin_unlock

lock = RwLock()

@process
def taker() -> None:
    write_lock(lock)
    write_unlock(lock)

@process
def other() -> None:
    {}(lock)
"""
    for name, sentence in (
        ("write_unlock", "a write lock is released by its holder"),
        ("read_unlock", "a read lock is released by somebody who reads"),
    ):
        text = design.format(name)
        found = _verdict(tmp_path, _uses("rwlock", text))
        assert found.trace and found.trace.failure and found.trace.failure.sentence == sentence


@pytest.mark.parametrize("again", ["pass", "spin_lock(page_lock)"])
def test_a_spin_lock_that_another_context_releases(tmp_path: Path, again: str) -> None:
    """PG_locked is taken by who reads a page in, and released by the I/O's end: with a Lock that is
    a violation, and nothing said what to write instead."""
    path = tmp_path / "spec.py"
    path.write_text(f"""
from modelcheck.lang import Lock, process, spin_lock, spin_unlock
page_lock = Lock("PG_locked")
@process
def reader() -> None:
    spin_lock(page_lock)
    {again}
@process
def end_io() -> None:
    spin_unlock(page_lock)
""")
    checked = verify(str(path), {}, (), Limits(), lambda *_: None)
    text = "\n".join(
        "".join(p.text for p in row) for row in verdict_rows(checked.verdict, helps=checked.helps)
    )
    assert "Completion, of modelcheck.xen.completion" in text
