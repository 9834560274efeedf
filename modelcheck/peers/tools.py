"""How a peer is run: in a folder of its own, within limits, as one process after the other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from modelcheck.agreement import Answer, Said
from modelcheck.records import dataclass

NAME = "design"  # what the files of a model are called where they are run
MOST_LINES = 6  # of what a peer complains of


@dataclass(frozen=True)
class Task:
    """What a peer is given beside the files.

    beginnings  how many states a run may begin in
    states      how many states there are, if that is known: what to make room for
    seconds     how long it may take; `memory` how many bytes it may use
    optimise    what the C compiler is told: of a small model its time is all the time there is
    """

    beginnings: int
    states: int | None
    seconds: float | None
    memory: int
    optimise: str


class GaveUp(Exception):
    """A peer does not come to an answer; the text says why."""


@dataclass
class Runner:
    """Runs the commands of one peer, one after the other."""

    folder: Path
    task: Task
    began: float = field(default_factory=time.monotonic)

    def run(self, *command: str, limited: bool = False, fails: bool = False) -> str:
        """What a command prints; GaveUp if it takes too long or (unless `fails`) goes wrong.

        `limited`: its memory is limited here; the others limit it themselves."""
        name, left = command[0], None
        if self.task.seconds is not None:
            left = max(0.0, self.task.seconds - (time.monotonic() - self.began))
        if limited:
            kilobytes = str(self.task.memory // 2**10)
            command = ("sh", "-c", 'ulimit -v "$0" && exec "$@"', kilobytes, *command)
        with subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        ) as process:
            try:
                text, _ = process.communicate(timeout=left)
            except BaseException as error:  # a compiler has children, which must end with it
                os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise GaveUp(f"{name}: the time was spent") from None
                raise
        if process.returncode < 0:
            spent = ": the memory may have been spent" if limited else ""
            raise GaveUp(f"{name} was ended by signal {-process.returncode}{spent}")
        if process.returncode and not fails:
            raise GaveUp(f"{name}: {complaint(text)}")
        return text


@dataclass(frozen=True)
class Found:
    """What was read off a peer's output."""

    said: Said
    states: int | None = None
    steps: int | None = None
    bytes_per_state: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Peer:
    """A model checker that is not ours.

    language  what it reads: one of export's
    commands  what must be installed for it; `install` says how
    version   the command that prints its version
    explore   runs it in the runner's folder, where its files are
    """

    tool: str
    language: str
    commands: tuple[str, ...]
    install: str
    version: Callable[[Runner], str]
    explore: Callable[[Runner], Found]

    def installed(self) -> bool:
        """Whether it can be run here."""
        return all(shutil.which(command) for command in self.commands)

    def answer(self, files: Mapping[str, str], task: Task) -> Answer:
        """What it says of a model: its files, by the ends of their names."""
        with tempfile.TemporaryDirectory(prefix="modelcheck-") as folder:
            for suffix, text in files.items():
                (Path(folder) / f"{NAME}{suffix}").write_text(text, encoding="utf-8")
            runner = Runner(Path(folder), task)
            version = ""
            try:
                version = self.version(runner)
                found = self.explore(runner)
            except GaveUp as why:
                found = Found("NOT KNOWN", why=str(why))
            seconds = time.monotonic() - runner.began
        return Answer(
            self.tool, version, found.said, found.states, found.steps, seconds,
            found.bytes_per_state, found.why,
        )


def complaint(text: str) -> str:
    """The lines in which a peer says what is wrong, as they are: the first that speaks of an error
    and those behind it; where none does, the first of all."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    first = next((n for n, line in enumerate(lines) if "error" in line.lower()), 0)
    return "\n".join(lines[first : first + MOST_LINES]) or "it says nothing"
