"""Runs a compiled Program, and makes a Verdict of what it says.

Nothing that it says is broken is believed before `semantics` has said so of the same state
(`evidence.py`).  For a trace the search is run once more, this time keeping its levels, and gives
the states on all shortest paths to what is broken.
"""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import NoReturn, cast

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.evidence import Evidence, to_show
from modelcheck.engines.found import Found, verdict_of
from modelcheck.engines.limits import Progress, most_of_the_machine
from modelcheck.engines.native import NotNative
from modelcheck.engines.native.build import built
from modelcheck.engines.native.emit import actions_of, program_in_c
from modelcheck.engines.packed import WORD, Layout, leaves
from modelcheck.engines.places import Places
from modelcheck.ir import Program
from modelcheck.semantics import Semantics, State

Words = tuple[int, ...]

MOST_NUMBERS = 1 << 16  # of one process: a table says which location each belongs to


@dataclass
class Said:
    """What a search says.

    figures    states, transitions, depth, level, queue, bytes
    stopped    "complete", "violated", or the limit that it met
    taken      for each action, whether it was
    reached    the number of a property and the depth where it was first true
    kept       states by what they are: violating, faulting, stuck, on (a shortest path); each with
               its bits (of stuck: what is not left) and its depth
    """

    figures: dict[str, int] = field(default_factory=dict)
    stopped: str = ""
    taken: str = ""
    reached: dict[int, int] = field(default_factory=dict)
    kept: dict[str, list[tuple[Words, int, int]]] = field(default_factory=dict)


def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> tr.Verdict:
    """The verdict on a Program, as `reference.explore` gives it.

    NotNative if the Program is beyond this engine, NoCompiler if nothing can be compiled."""
    asked = asked_for(program, properties or ())
    return verdict_of(_Search(program, asked, limits, progress).run())


def in_c(program: Program, semantics: Semantics) -> tuple[str, Layout]:
    """The C of a Program, and where everything stands in its states; NotNative if there is none."""
    for variable in program.variables:
        for leaf in leaves(variable.sort):
            if leaf.bits > WORD - 2:
                raise NotNative(f"{variable.name} needs {leaf.bits} bits: over {WORD - 2}")
    layout = Layout(semantics)
    for name, control in layout.controls.items():
        if control.first[-1] > MOST_NUMBERS:
            raise NotNative(
                f"{name} has {control.first[-1]:,} combinations of locations and live locals: over "
                f"{MOST_NUMBERS:,}"
            )
    width, processes = Places(program).width, len(semantics.processes)
    if width * processes > WORD:
        raise NotNative(f"{processes} processes stand in up to {width} loops at once: over {WORD}")
    return program_in_c(program, semantics, layout), layout


class _Search:
    """A search, and what is made of it."""

    def __init__(
        self, program: Program, asked: frozenset[str], limits: tr.Limits,
        progress: Progress | None,
    ) -> None:
        self.began = time.monotonic()
        self.whole = program
        self.asked = asked
        self.limits = limits
        self.progress = progress
        self.program = only(program, asked)
        self.semantics = Semantics(self.program)
        self.evidence = Evidence(self.semantics)

    def run(self) -> Found:
        self.evidence.begin()
        at_once = self.evidence.at_once(
            Found("native", self.whole, self.asked, self.limits, self.began)
        )
        if at_once.failures:
            return at_once
        source, self.layout = in_c(self.program, self.semantics)
        self.executable = built(source)
        said = self._ask(
            "--deadlock", str(int(not self.asked or NO_DEADLOCK in self.asked)), *self._limits()
        )
        if said.stopped == "forks":
            self._raise_forks(said)
        if said.stopped == "violated":
            self._violations(said)
        elif said.kept.get("stuck"):
            self._deadlocks(said)
        return self.evidence.shown(self._found(said))

    # --------------------------------------------------------------------------------- the search

    def _limits(self) -> list[str]:
        limits = self.limits
        options = ["--bytes", str(limits.memory or most_of_the_machine())]
        if limits.states is not None:
            options += ["--states", str(limits.states)]
        if limits.seconds is not None:
            options += ["--seconds", str(limits.seconds)]
        return options

    def _ask(self, *options: str, ends: str = "") -> Said:
        """Runs the search; Ctrl-C stops it, and it says how far it got."""
        begins = "".join(
            f"initial {_hex(self.layout.pack(b.state))}\n" for b in self.evidence.begins if b.state
        )
        with subprocess.Popen(
            [str(self.executable), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, start_new_session=True,
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

    def _found(self, said: Said) -> Found:
        figures = said.figures
        complete = said.stopped == "complete"
        stopped = None
        if not complete and said.stopped != "violated":
            reason = cast(tr.Reason, said.stopped)
            stopped = tr.Stopped(reason, figures["states"], figures["level"], figures["queue"])
        return Found(
            "native", self.whole, self.asked, self.limits, self.began, figures["states"],
            figures["transitions"], figures["depth"], complete, stopped,
            reached={
                self.program.properties[n].sentence: depth for n, depth in said.reached.items()
            },
            taken={
                (process.name, action.at)
                for (process, action), was in zip(
                    actions_of(self.program), said.taken, strict=True
                ) if was == "1"
            },
        )

    def _raise_forks(self, said: Said) -> NoReturn:
        """A step forks too often: `semantics` says which."""
        for words, _, _ in said.kept["faulting"]:
            self.semantics.successors(self.layout.unpack(words))
        raise tr.Disagreement("the native engine finds that a step forks too often, semantics none")

    # ---------------------------------------------------------------------------- what is broken

    def _violations(self, said: Said) -> None:
        """What is broken in these states, and in steps from those."""
        level = said.figures["level"]
        violating = [self.layout.unpack(words) for words, _, _ in said.kept.get("violating", [])]
        faulting = [self.layout.unpack(words) for words, _, _ in said.kept.get("faulting", [])]
        self._paths(level, violating, faulting)
        for state in dict.fromkeys(faulting):
            faults = [s for s in self.semantics.successors(state) if s.fault is not None]
            if not faults:
                raise tr.Disagreement(f"no step from {state} fails, as the native engine says")
            for step in faults:
                self.evidence.fails(state, level, step)
        for state in violating:
            if not self.evidence.breaks(state, level + 1, list(self.program.properties)):
                raise tr.Disagreement(f"nothing is broken in {state}, as the native engine says")

    def _deadlocks(self, said: Said) -> None:
        """The stuck processes of the nearest states in which all are stuck that will be."""
        width = Places(self.program).width
        mine = (1 << width) - 1
        shown = to_show(self.semantics, [
            (
                self.layout.unpack(words), depth,
                [p for p in range(len(self.semantics.names)) if bits >> p * width & mine],
            )
            for words, bits, depth in said.kept["stuck"]
        ])
        self._paths(shown[0][1] - 1, [state for state, _, _ in shown], [])
        for state, depth, processes in shown:
            self.evidence.stuck(state, depth, processes)

    def _paths(self, level: int, final: list[State], failing: list[State]) -> None:
        """Numbers the states on shortest paths to `final`, a step behind this level, and to those
        of the level from which a step fails."""
        if level < 0:
            return
        ends = "".join(f"final {_hex(self.layout.pack(s))}\n" for s in final)
        ends += "".join(f"failing {_hex(self.layout.pack(s))}\n" for s in failing)
        said = self._ask("--paths", str(level), "--deadlock", "0", *self._limits(), ends=ends)
        if said.stopped:
            raise tr.Disagreement(f"the way to what is broken is not found: {said.stopped}")
        for words, _, depth in said.kept.get("on", []):
            self.evidence.number(self.layout.unpack(words), depth)


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
