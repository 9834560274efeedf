"""Runs a compiled Program, and makes a Verdict of what it says.

Nothing that it says is broken is believed before `semantics` has said so of the same state, and the
trace is chosen as the reference engine chooses it: the search is run once more, this time keeping
its levels, and gives the states on all shortest paths to what is broken.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, cast

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.found import Found, shortest_trace, verdict_of
from modelcheck.engines.native.build import built
from modelcheck.engines.native.emit import actions_of, program_in_c
from modelcheck.engines.native.layout import Layout
from modelcheck.engines.native.places import Places
from modelcheck.engines.shortest import End
from modelcheck.ir import Program
from modelcheck.semantics import Fault, Initial, Semantics, State
from modelcheck.source import NOWHERE, SpecError

if TYPE_CHECKING:
    import networkx as nx

Progress = Callable[[int, int, int], None]
Words = tuple[int, ...]


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
        self.layout = Layout(self.semantics)
        self.begins: list[Initial] = []
        self.stillborn: list[tuple[Initial, tr.Failure]] = []
        self.failures: list[tuple[End, tr.Failure]] = []
        self.broken: set[str] = set()
        # the part of the graph that a trace is chosen from: states 0, 1, ... are the beginnings
        self.states: list[State] = []
        self.numbers: dict[State, int] = {}
        self.depths: list[int] = []

    def run(self) -> Found:
        self._begin()
        if self.stillborn or self.failures:
            return self._at_once()
        source = program_in_c(self.program, self.semantics, self.layout)
        self.executable = built(source)
        said = self._ask(
            "--deadlock", str(int(not self.asked or NO_DEADLOCK in self.asked)), *self._limits()
        )
        if said.stopped == "forks":
            self._raise_forks(said)
        found = self._found(said)
        if said.stopped == "violated":
            self._violations(said)
        elif said.kept.get("stuck"):
            self._deadlocks(said)
        found.failures = [failure for _, failure in self.failures]
        found.broken = self.broken
        if self.failures:
            found.trace, at = shortest_trace(
                self.semantics, self.begins, self._graph(), self.depths, [], self.failures
            )
            if said.stopped == "complete":  # who else is stuck there
                found.failures = [failure for end, failure in self.failures if end == at]
        return found

    # ------------------------------------------------------------------------------ the beginning

    def _begin(self) -> None:
        """The initial states, and what is wrong with them: `semantics` says it."""
        begins = self.semantics.initial()
        if not begins:
            span = NOWHERE if self.program.boot is None else self.program.boot.span
            raise SpecError(span, "no run begins: `assume` cuts all of them short before a step")
        for begin in begins:
            if begin.state is None:
                assert begin.fault is not None
                self.stillborn.append((begin, tr.failure_of_fault(begin.fault, "")))
            else:
                self.begins.append(begin)
                self._number(begin.state, 0)
                self._broken_in(begin.state)

    def _broken_in(self, state: State) -> bool:
        """Notes the properties that are broken in a state; whether there is one."""
        some = False
        for property in self.program.properties:
            held = self.semantics.holds(property, state)
            if isinstance(held, Fault) or (property.kind == "always" and not held):
                failure = tr.failure_of_property(property, held)
                self.failures.append((End(self.numbers[state], None), failure))
                self.broken.add(property.sentence)
                some = True
        return some

    def _at_once(self) -> Found:
        """The verdict where something is wrong before the first step."""
        found = Found(
            "native", self.whole, self.asked, self.limits, self.began,
            len(self.begins), 0, 0, False, None, broken=self.broken,
        )
        found.failures = [f for _, f in (*self.stillborn, *self.failures)]
        for property in self.program.properties:
            if property.kind == "sometimes" and any(
                self.semantics.holds(property, state) is True for state in self.states
            ):
                found.reached[property.sentence] = 0
        found.trace, _ = shortest_trace(
            self.semantics, self.begins, self._graph(), self.depths, self.stillborn, self.failures
        )
        return found

    def _number(self, state: State, depth: int) -> int:
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.depths.append(depth)
        return number

    # --------------------------------------------------------------------------------- the search

    def _limits(self) -> list[str]:
        limits = self.limits
        most = limits.memory or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
        options = ["--bytes", str(most)]
        if limits.states is not None:
            options += ["--states", str(limits.states)]
        if limits.seconds is not None:
            options += ["--seconds", str(limits.seconds)]
        return options

    def _ask(self, *options: str, ends: str = "") -> Said:
        """Runs the search; Ctrl-C stops it, and it says how far it got."""
        begins = "".join(
            f"initial {_hex(self.layout.pack(b.state))}\n" for b in self.begins if b.state
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
            number = self._number(state, level)
            faults = [s for s in self.semantics.successors(state) if s.fault is not None]
            if not faults:
                raise tr.Disagreement(f"no step from {state} fails, as the native engine says")
            for step in faults:
                assert step.fault is not None
                name = self.semantics.names[step.process]
                label = (step.process, step.action.at, step.choices)
                failure = tr.failure_of_fault(step.fault, name)
                self.failures.append((End(number, label), failure))
        for state in violating:
            self._number(state, level + 1)
            if not self._broken_in(state):
                raise tr.Disagreement(f"nothing is broken in {state}, as the native engine says")

    def _deadlocks(self, said: Said) -> None:
        """The stuck processes of the nearest states in which all are stuck that will be."""
        import networkx as nx

        from modelcheck.engines.deadlock import settled

        width = Places(self.program).width
        kept = said.kept["stuck"]
        states = [self.layout.unpack(words) for words, _, _ in kept]
        numbers = {state: n for n, state in enumerate(states)}
        stuck = {
            n: [p for p in range(len(self.semantics.names)) if bits >> p * width & (1 << width) - 1]
            for n, (_, bits, _) in enumerate(kept)
        }
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(stuck)
        for n, state in enumerate(states):
            for step in self.semantics.successors(state):
                if step.target is not None and step.target in numbers:
                    graph.add_edge(n, numbers[step.target])
        shown = settled(graph, stuck)
        nearest = min(kept[n][2] for n in shown)
        ends = [n for n in sorted(shown) if kept[n][2] == nearest]
        self._paths(nearest - 1, [states[n] for n in ends], [])
        for n in ends:
            number = self._number(states[n], nearest)
            for process in stuck[n]:
                failure = tr.failure_of_deadlock(self.semantics, states[n], process)
                assert failure is not None, "a process that has ended rests"
                self.failures.append((End(number, None), failure))

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
            self._number(self.layout.unpack(words), depth)

    def _graph(self) -> nx.DiGraph[int]:
        """The steps between the numbered states."""
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self.states)))
        for number, state in enumerate(self.states):
            for step in self.semantics.successors(state):
                to = None if step.target is None else self.numbers.get(step.target)
                if to is not None:
                    label = (step.process, step.action.at, step.choices)
                    if graph.has_edge(number, to):
                        graph.edges[number, to]["labels"] += (label,)
                    else:
                        graph.add_edge(number, to, labels=(label,))
        return graph


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
