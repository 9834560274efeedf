"""A compiled Program, run as a process of its own; what it is asked, and what it says."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import field, replace
from typing import cast

from modelcheck import trace as tr
from modelcheck.engines.found import Found
from modelcheck.engines.limits import Progress, most_of_the_machine
from modelcheck.engines.native.build import built
from modelcheck.engines.native.emit import actions_of
from modelcheck.engines.packed import Layout
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.semantics import State

Words = tuple[int, ...]


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
    """

    figures: dict[str, int] = field(default_factory=dict)
    stopped: str = ""
    taken: str = ""
    exchanged: str = ""
    reached: dict[int, int] = field(default_factory=dict)
    kept: dict[str, list[tuple[Words, int, int]]] = field(default_factory=dict)


class Running:
    """A compiled Program, and how it is asked."""

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
        self.executable = built(source)

    def search(self, deadlock: bool) -> Said:
        """The search.  What is broken is looked for once more in one thread, where several looked:
        in which order it is met would else be their luck."""
        limits = self._limits()
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
        ends = "".join(f"final {_hex(self.layout.pack(s))}\n" for s in final)
        ends += "".join(f"failing {_hex(self.layout.pack(s))}\n" for s in failing)
        said = self._ask("--paths", str(level), "--deadlock", "0", *self._memory(), ends=ends)
        if said.stopped:
            raise tr.Disagreement(
                f"something is broken after {level + 1} steps, and the way there is not found: "
                f"{said.stopped}"
            )
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
        hashed = self.fingerprints and self.layout.words > 1
        return replace(
            found, states=figures["states"], transitions=figures["transitions"],
            depth=figures["depth"], complete=complete, stopped=stopped,
            odds=odds(figures["states"]) if hashed else None,
            reached={program.properties[n].sentence: depth for n, depth in said.reached.items()},
            taken={
                (process.name, action.at)
                for (process, action), was in zip(actions_of(program), said.taken, strict=True)
                if was == "1"
            },
        )

    def _memory(self) -> list[str]:
        return ["--bytes", str(self.limits.memory or most_of_the_machine())]

    def _limits(self) -> list[str]:
        limits, options = self.limits, self._memory()
        if limits.states is not None:
            options += ["--states", str(limits.states)]
        if limits.seconds is not None:
            options += ["--seconds", str(limits.seconds)]
        return options

    def _ask(self, *options: str, ends: str = "") -> Said:
        """Runs it; Ctrl-C stops it, and it says how far it got."""
        begins = "".join(f"initial {_hex(self.layout.pack(s))}\n" for s in self.begins)
        with subprocess.Popen(
            [str(self.executable), *options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        ) as running:
            assert running.stdin is not None and running.stdout is not None
            try:
                running.stdin.write(begins + ends)
                running.stdin.close()
                lines = self._lines(running)
            except BaseException:
                running.kill()
                raise
        return _said(lines)

    def _lines(self, running: subprocess.Popen[str]) -> list[str]:
        assert running.stdout is not None
        lines: list[str] = []
        while True:
            try:
                for line in running.stdout:
                    word, *rest = line.split()
                    if word != "progress":
                        lines.append(line)
                    elif self.progress is not None:
                        self.progress(*map(int, rest))
                return lines
            except KeyboardInterrupt:
                running.send_signal(signal.SIGINT)


def _hex(words: Words) -> str:
    return " ".join(f"{word:x}" for word in words)


def _said(lines: list[str]) -> Said:
    """What a search printed; Disagreement if it did not come to its end."""
    said = Said()
    for line in lines:
        what, *rest = line.split()
        match what:
            case "stopped":
                said.stopped = rest[0]
            case "taken":
                said.taken = rest[0] if rest else ""
            case "exchanged":
                said.exchanged = rest[0] if rest else ""
            case "reached":
                said.reached[int(rest[0])] = int(rest[1])
            case "violating" | "faulting" | "stuck" | "on":
                bits, depth, *words = rest
                state = tuple(int(word, 16) for word in words)
                said.kept.setdefault(what, []).append((state, int(bits, 16), int(depth)))
            case "internal":
                raise tr.Disagreement(f"the native engine gives up: {' '.join(rest)}")
            case "end":
                return said
            case _:
                said.figures[what] = int(rest[0])
    raise tr.Disagreement("the native engine was killed before its end")
