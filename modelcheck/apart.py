"""Pieces of work in processes of their own, some at a time: one that hangs, or that the system
kills for its memory, is inconclusive and hurts no other."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

from modelcheck.exit_codes import Exit
from modelcheck.gated import Finding
from modelcheck.records import dataclass

R = TypeVar("R")

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
LOOK = 0.2  # seconds between two looks at the processes

Told = Callable[[str], None]
"""Told how far the work has got, a few times a second."""

Without = Callable[[int, Finding, float], R]
"""What stands for a piece of work that came to no result: its number, why, and its seconds."""


@dataclass(frozen=True)
class _Running:
    process: BaseProcess
    pipe: Connection
    began: float

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def in_processes(
    names: tuple[str, ...], work: Callable[[int], R], without: Without[R], most: float, jobs: int,
    told: Told,
) -> tuple[R, ...]:
    """The results in the order of the names, whichever ends first.  After Ctrl-C: what was found by
    then, the others as interrupted.

    most  seconds after which a piece of work is killed"""
    done: dict[int, R] = {}
    running: dict[int, _Running] = {}
    todo = list(range(len(names)))
    try:
        while todo or running:
            while todo and len(running) < jobs:
                i = todo.pop(0)
                running[i] = _start(i, work)
            told(f"{len(done)} of {len(names)} done; {', '.join(names[i] for i in running)}")
            wait([r.pipe for r in running.values()], LOOK)
            for i, one in list(running.items()):
                late = one.seconds > most
                if one.pipe.poll():
                    done[i] = _result(i, one, without)
                elif late:
                    text = "the time was spent: it did not stop by itself, and was killed"
                    done[i] = without(i, Finding(Exit.INCONCLUSIVE, text), one.seconds)
                if i in done:
                    _end(running.pop(i))
    except KeyboardInterrupt:
        for one in running.values():
            _end(one)
    stopped = Finding(Exit.INTERRUPTED, "interrupted")
    return tuple(
        done[i] if i in done else without(i, stopped, running[i].seconds if i in running else 0.0)
        for i in range(len(names))
    )


def _start(number: int, work: Callable[[int], R]) -> _Running:
    """A process for one piece of work.  Ctrl-C at the terminal reaches all of them: only the first
    one is to hear it.  It ends when we do, however that is."""
    fork = multiprocessing.get_context("fork")  # what is imported here need not be imported there
    pipe, theirs = fork.Pipe(duplex=False)
    arguments = os.getpid(), number, work, theirs
    process = fork.Process(target=_in_process, args=arguments, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return _Running(process, pipe, time.monotonic())


def _in_process(
    parent: int, number: int, work: Callable[[int], R], pipe: Connection
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has ended already
        os.kill(os.getpid(), signal.SIGKILL)
    pipe.send(work(number))


def _result(number: int, one: _Running, without: Without[R]) -> R:
    """What a process sent; if it died before, that."""
    try:
        found: R = one.pipe.recv()
    except EOFError:
        one.process.join()
        code = one.process.exitcode or 0
        if code == -signal.SIGKILL:
            text = "its process was killed, as the system does when memory is short"
            return without(number, Finding(Exit.NO_MEMORY, text), one.seconds)
        if code == -signal.SIGTERM:
            return without(number, Finding(Exit.INTERRUPTED, "interrupted"), one.seconds)
        text = f"its process ended with {code} and said nothing"
        return without(number, Finding(Exit.INTERNAL, text), one.seconds)
    return found


def _end(one: _Running) -> None:
    one.process.kill()
    one.process.join()
    one.pipe.close()
