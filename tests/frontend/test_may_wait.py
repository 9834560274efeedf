"""`with may_wait("reason"):` a wait that need not come to an end is no deadlock; every other is."""

import re
from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.source import SpecError
from modelcheck.trace import Limits, Verdict
from tests.heap.small import agreed

ENGINES = ("reference", "quick", "native")
HEAD = """
from modelcheck.lang import (
    Lock, atomic, choose, cpu_relax, interrupt, may_wait, process, shared, spin_lock, spin_unlock,
    wait_until,
)
from modelcheck.xen.completion import Completion, complete, wait_for_completion
from modelcheck.xen.spinlock import TasLock, tas_lock

@shared
class Queue:
    request: bool = False
    reply: bool = False
    more: bool = False
    tick: bool = False

queue = Queue()
lock = Lock("lock")
tas = TasLock()
done = Completion()
"""
SERVER = """
@process
def server() -> None:
    while True:
        with may_wait("no request may ever come"):
            wait_until(queue.request)
        queue.request = False
        queue.reply = True
"""
CLIENT = """
@process
def client() -> None:
    if choose(False, True):
        queue.request = True
        wait_until(queue.reply)
"""


def _found(tmp_path: Path, text: str, engine: str) -> Verdict:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + text)
    return verify(str(path), {}, (), Limits(), lambda *_: None, Engine(engine)).verdict


def _stuck(verdict: Verdict) -> tuple[str, int]:
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.kind == "deadlock"
    assert verdict.validation is not None and verdict.validation.mark == "validated"
    return verdict.trace.failure.process, verdict.trace.failure.source.line


HOLD = {
    "a server": SERVER + CLIENT,
    "a library's loop": """
@process
def server() -> None:
    with may_wait("nobody need complete"):
        wait_for_completion(done)

@process
def other() -> None:
    if choose(False, True):
        complete(done)
""",
    "within a loop that can be left": """
@process
def server() -> None:
    more = True
    while more:
        with may_wait("no request may ever come"):
            wait_until(queue.request)
        queue.request = False
        more = queue.more

@process
def client() -> None:
    queue.more = True
    queue.request = True
""",
    "several places": """
@process
def server() -> None:
    with may_wait("no request may ever come"):
        with atomic("seen at once"):
            wait_until(queue.request and queue.more)
            queue.request = False
""",
    "with interrupts": SERVER + """
@interrupt(of=server)
def timer() -> None:
    queue.tick = True
""",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", HOLD)
def test_it_may_wait_for_ever(tmp_path: Path, name: str, engine: str) -> None:
    """A server whose last client has gone was a deadlock, and there was no word for it.  With one,
    its reason is listed; without it, it is a deadlock as before."""
    found = _found(tmp_path, HOLD[name], engine)
    assert found.outcome == "HOLDS"
    assert [a for a in found.assumptions if a.startswith("may wait for ever: ")]
    without = re.sub(r"with may_wait\(.*\)", "if True", HOLD[name])
    assert _stuck(_found(tmp_path, without, engine))[0] == "server"


STUCK = {
    "its client is not served": (SERVER.replace("        queue.reply = True\n", "") + CLIENT,
                                 ("client", 32)),
    "a lock is held meanwhile": ("""
@process
def server() -> None:
    spin_lock(lock)
    with may_wait("no request may ever come"):
        wait_until(queue.request)
    spin_unlock(lock)

@process
def other() -> None:
    spin_lock(lock)
    spin_unlock(lock)
""", ("other", 30)),
    "for a lock in the block": ("""
@process
def server() -> None:
    with may_wait("no request may ever come"):
        spin_lock(lock)
        spin_lock(lock)
""", ("server", 25)),
    "for a lock of the library in the block": ("""
@process
def server() -> None:
    with may_wait("no request may ever come"):
        tas_lock(tas)
        tas_lock(tas)
""", None),
    "the same wait elsewhere": ("""
@process
def server() -> None:
    if choose(False, True):
        with may_wait("no request may ever come"):
            wait_until(queue.request)
    else:
        wait_until(queue.request)
""", ("server", 27)),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", STUCK)
def test_everybody_else_is_stuck_as_ever(tmp_path: Path, name: str, engine: str) -> None:
    """Who waits for one that rests, or for a lock that it holds, or for a lock in the block, is
    stuck; so is who waits for the same outside: such equal waits are not merged."""
    text, where = STUCK[name]
    stuck = _stuck(_found(tmp_path, text, engine))
    assert where is None or stuck == where


@pytest.mark.parametrize("name", HOLD)
def test_the_allocator_does_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + HOLD[name])
    agreed(*compile_spec(str(path), {}), schedules=5)


@pytest.mark.parametrize("text, problem", [
    ("    with may_wait():\n        wait_until(queue.more)", "may_wait needs its reason"),
    ("    may_wait('why')", "may_wait(...) stands after `with`"),
])  # fmt: skip
def test_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "spec.py"
    path.write_text(f"{HEAD}\n@process\ndef cpu() -> None:\n{text}\n")
    with pytest.raises(SpecError) as refused:
        compile_spec(str(path), {})
    assert problem in refused.value.problem


def test_an_interrupt_may_not(tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(f"""{HEAD}
@process
def cpu() -> None:
    queue.more = True

@interrupt(of=cpu)
def timer() -> None:
    with may_wait("a tick"):
        wait_until(queue.tick)
""")
    with pytest.raises(SpecError, match="an interrupt runs to its end"):
        compile_spec(str(path), {})
