"""How a peer is run: in a folder of its own, within limits, as one process after the other."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelcheck.agreement import Answer, Said

NAME = "design"  # what the files of a model are called where they are run


@dataclass(frozen=True)
class Task:
    """What a peer is given beside the files.

    beginnings  how many states a run may begin in
    states      how many states there are, if that is known: what to make room for
    seconds     how long it may take; `memory` how many bytes it may use
    """

    beginnings: int
    states: int | None
    seconds: float | None
    memory: int


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
        left = None
        if self.task.seconds is not None:
            left = max(0.1, self.task.seconds - (time.monotonic() - self.began))
        try:
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=left, check=False,
                preexec_fn=self._limit if limited else None,
            )
        except subprocess.TimeoutExpired:
            raise GaveUp(f"{command[0]}: the time was spent") from None
        if done.returncode < 0:
            raise GaveUp(f"{command[0]} was ended by signal {-done.returncode}")
        if done.returncode and not fails:
            raise GaveUp(f"{command[0]}: {_last_line(done.stdout)}")
        return done.stdout

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (self.task.memory, self.task.memory))


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
            version = self.version(runner)
            try:
                found = self.explore(runner)
            except GaveUp as why:
                found = Found("NOT KNOWN", why=str(why))
            seconds = time.monotonic() - runner.began
        return Answer(
            self.tool, version, found.said, found.states, found.steps, seconds,
            found.bytes_per_state, found.why,
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return lines[-1] if lines else "it says nothing"
