"""A compiled Program, run as a process of its own; what it is asked, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import cast

from modelcheck import trace as tr
from modelcheck.engines.found import Found
from modelcheck.engines.limits import Progress, most_of_the_machine
from modelcheck.engines.native import ends
from modelcheck.engines.native.build import built
from modelcheck.engines.native.emit import actions_of
from modelcheck.engines.packed import Layout
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import State

Words = tuple[int, ...]

FIGURES = (
    "threads", "states", "transitions", "depth", "level", "queue", "bytes", "alone", "ahead",
)
LIMITS = ("states", "seconds", "memory", "interrupted")
STOPPED = ("complete", "violated", "meddled", "forks", *LIMITS)
MARKS = ("violating", "faulting", "stuck", "on")


def odds(states: int) -> float:
    """The probability, at most, that two of so many states have the same fingerprint."""
    return min(1.0, states * (states - 1) / 2**65)


@dataclass
class Said:
    """What a search says.

    figures    states, transitions, depth, level, queue, bytes, threads; alone: the states from
               which one process went on alone while others had not ended; ahead: while one of
               these could surely take a step
    stopped    "complete", "violated", or the limit that it met
    taken      for each action, whether it was
    exchanged  for each exchange, whether it made the state that stood for another
    reached    the number of a property and the depth where it was first true
    kept       states by what they are: violating, faulting, stuck, on (a shortest path); each with
               its bits (of stuck: what is not left) and its depth
    remark     why it was stopped, where `stopped` does not say all
    """

    figures: dict[str, int] = field(default_factory=dict)
    stopped: str = ""
    taken: str = ""
    exchanged: str = ""
    reached: dict[int, int] = field(default_factory=dict)
    kept: dict[str, list[tuple[Words, int, int]]] = field(default_factory=dict)
    remark: str = ""


class WayNotFound(Exception):
    """Something is broken after so many steps, and a limit was met before the way there was found.
    """

    def __init__(self, reason: tr.Reason, steps: int) -> None:
        super().__init__(reason)
        self.reason: tr.Reason = reason
        self.steps = steps


class Running:
    """A compiled Program, and how it is asked.  NoCompiler if it cannot be compiled; whatever is
    asked raises NoResult if its process comes to no end of its own."""

    def __init__(
        self, source: str, layout: Layout, begins: list[State], limits: tr.Limits,
        progress: Progress | None, jobs: int = 1, fingerprints: bool = False,
    ) -> None:
        self.jobs = jobs
        self.fingerprints = fingerprints
        self.layout = layout
        self.begins = begins
        self.limits = limits
        self.progress = progress
        self.began = time.monotonic()
        self.executable: Path | None = None
        with suppress(ends.StillCompiling):  # each search says so
            self.executable = built(source, seconds=limits.seconds)

    def search(self, deadlock: bool) -> Said:
        """The search.  What is broken is looked for once more in one thread, where several looked:
        in which order it is met would else be their luck."""
        limits = self._limits()
        if self.executable is None:
            return self._cut_short("seconds", ends.COMPILING, ())
        asked = ["--deadlock", str(int(deadlock)), *limits]
        said = self._ask(*asked, "--threads", str(self.jobs))
        if said.stopped == "violated" and said.figures["threads"] > 1:
            alone = self._ask(*asked)
            return alone if alone.stopped == "violated" else said  # the other met a limit first
        return said

    def paths(
        self, level: int, final: list[State], failing: list[State]
    ) -> list[tuple[State, int]]:
        """The states on shortest paths to `final`, a step behind this level, and to those of the
        level from which a step fails; each with its depth."""
        if level < 0:
            return []
        ends_of = "".join(f"final {_hex(self.layout.pack(s))}\n" for s in final)
        ends_of += "".join(f"failing {_hex(self.layout.pack(s))}\n" for s in failing)
        said = self._ask("--paths", str(level), "--deadlock", "0", *self._memory(), ends_of=ends_of)
        if said.stopped:
            raise WayNotFound(cast(tr.Reason, said.stopped), level + 1)
        return [
            (self.layout.unpack(words), depth) for words, _, depth in said.kept.get("on", [])
        ]

    def found_by(self, said: Said, found: Found, program: Program) -> Found:
        """What was found, with the figures of a search of this Program."""
        figures = said.figures
        complete = said.stopped == "complete"
        stopped = None
        if not complete and said.stopped != "violated":
            reason = cast(tr.Reason, said.stopped)
            stopped = tr.Stopped(reason, figures["states"], figures["level"], figures["queue"])
        actions = actions_of(program)
        if len(said.taken) != len(actions) and not said.remark:
            raise ends.damaged(f"taken {said.taken}")
        if not all(n < len(program.properties) for n in said.reached):
            raise ends.damaged("reached")
        hashed = self.fingerprints and self.layout.words > 1
        return replace(
            found, states=figures["states"], transitions=figures["transitions"],
            depth=figures["depth"], complete=complete, stopped=stopped,
            odds=odds(figures["states"]) if hashed else None,
            reached={program.properties[n].sentence: depth for n, depth in said.reached.items()},
            taken={
                (process.name, action.at)
                for (process, action), was in zip(actions, said.taken, strict=False)
                if was == "1"
            },
            remark=said.remark,
        )

    def _memory(self) -> list[str]:
        return ["--bytes", str(self.limits.memory or most_of_the_machine())]

    def _limits(self) -> list[str]:
        limits, options = self.limits, self._memory()
        if limits.states is not None:
            options += ["--states", str(limits.states)]
        if limits.seconds is not None:
            left = limits.seconds - (time.monotonic() - self.began)
            options += ["--seconds", str(max(0.0, left))]
        return options

    def _cut_short(self, reason: tr.Reason, remark: str, progress: tuple[int, ...]) -> Said:
        """What there is to say of a search that was stopped, and could not say so itself.

        progress  what it said last: states, level, queue, transitions"""
        begins = len(set(self.begins))
        states, level, queue, transitions = progress or (begins, 0, begins, 0)
        figures = dict.fromkeys(FIGURES, 0)
        figures.update(
            threads=self.jobs, states=states, transitions=transitions, depth=level, level=level,
            queue=queue,
        )
        return Said(figures, reason, remark=remark)

    def _ask(self, *options: str, ends_of: str = "") -> Said:
        """Runs it; Ctrl-C stops it, and it says how far it got."""
        assert self.executable is not None
        begins = "".join(f"initial {_hex(self.layout.pack(s))}\n" for s in self.begins)
        program = [str(self.executable), *options, "--parent", str(os.getpid())]
        try:
            running = subprocess.Popen(
                program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            with suppress(OSError):  # it is compiled anew the next time
                self.executable.unlink()
            raise ends.not_run(self.executable, error) from None
        with running:
            assert running.stdin is not None
            try:
                try:
                    running.stdin.write((begins + ends_of).encode("ascii"))
                    running.stdin.close()
                except BrokenPipeError:
                    with suppress(BrokenPipeError):
                        running.stdin.close()  # how it ended is seen below
                lines, last = self._lines(running)
            except BaseException:
                running.kill()
                raise
        if "end" in lines[-1:]:
            return _said(lines, self.layout.words, "--paths" not in options)
        if lines and lines[-1].startswith("internal "):
            raise tr.Disagreement(f"the native engine gives up: {lines[-1].partition(' ')[2]}")
        if running.returncode == -signal.SIGKILL:
            return self._cut_short("memory", ends.KILLED, last)
        raise ends.came_to_no_end(running.returncode)

    def _lines(self, running: subprocess.Popen[bytes]) -> tuple[list[str], tuple[int, ...]]:
        """What it says, but for its progress, of which the last is given."""
        assert running.stdout is not None
        lines: list[str] = []
        last: tuple[int, ...] = ()
        while True:
            try:
                for raw in running.stdout:
                    line = raw.decode("utf-8", "replace").rstrip("\n")
                    if not line.startswith("progress "):
                        lines.append(line)
                        continue
                    last = tuple(_number(word) for word in line.split()[1:])
                    if len(last) != 4:
                        raise ends.damaged(line)
                    if self.progress is not None:
                        self.progress(*last[:3])
                return lines, last
            except KeyboardInterrupt:
                running.send_signal(signal.SIGINT)


def _hex(words: Words) -> str:
    return " ".join(f"{word:x}" for word in words)


def _said(lines: list[str], words: int, searched: bool) -> Said:
    """What a process printed that came to its end; NoResult if none of ours prints such a thing.

    words     of a state
    searched  it was not asked for paths alone"""
    said = Said()
    for line in lines[:-1]:
        match line.split():
            case ["stopped", reason] if reason in STOPPED:
                said.stopped = reason
            case ["taken", *bits]:
                said.taken = "".join(bits)
            case ["exchanged", *bits]:
                said.exchanged = "".join(bits)
            case ["reached", number, depth]:
                said.reached[_number(number)] = _number(depth)
            case [mark, bits, depth, *state] if mark in MARKS and len(state) == words:
                packed = tuple(_number(word, 16) for word in state)
                entry = (packed, _number(bits, 16), _number(depth))
                said.kept.setdefault(mark, []).append(entry)
            case [figure, number] if figure in FIGURES:
                said.figures[figure] = _number(number)
            case _:
                raise ends.damaged(line)
    if not searched and not said.stopped and not said.figures:
        return said
    some = {"violated": {"violating", "faulting"}, "forks": {"faulting"}}.get(said.stopped)
    if (
        not said.stopped or len(said.figures) != len(FIGURES) or set(said.taken) - {"0", "1"}
        or (some is not None and not some & set(said.kept))
    ):
        raise ends.damaged("")
    return said


def _number(word: str, base: int = 10) -> int:
    """A number that is not negative; NoResult if it is none."""
    try:
        if word.isalnum() and word.isascii():
            return int(word, base)
    except ValueError:
        pass
    raise ends.damaged(word)
