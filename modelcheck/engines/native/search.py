"""Runs a compiled Program, and makes a Verdict of what it says.

Nothing that it says is broken is believed before `semantics` has said so of the same state
(`evidence.py`).  For a trace the search is run once more, this time keeping its levels, and gives
the states on all shortest paths to what is broken.
"""

from __future__ import annotations

import time
from typing import NoReturn

from modelcheck import trace as tr
from modelcheck.engines.asked import NO_DEADLOCK, asked_for, only
from modelcheck.engines.evidence import Evidence, to_show
from modelcheck.engines.found import Found, verdict_of
from modelcheck.engines.limits import Progress
from modelcheck.engines.native import NotNative
from modelcheck.engines.native.emit import NOTHING, program_in_c
from modelcheck.engines.native.running import Running, Said, WayNotFound
from modelcheck.engines.packed import WORD, Layout, leaves
from modelcheck.engines.places import Places
from modelcheck.ir import Program
from modelcheck.passes.ample import ALL_MOVE, Ample
from modelcheck.passes.ownership import Owned
from modelcheck.passes.symmetry import Symmetry
from modelcheck.semantics import Semantics, State

def explore(
    program: Program, limits: tr.Limits, properties: tuple[str, ...] | None = None,
    progress: Progress | None = None, jobs: int = 1, fingerprints: bool = False,
) -> tr.Verdict:
    """The verdict on a Program, as `reference.explore` gives it.

    jobs          threads, at most
    fingerprints  a state of more than 63 bits is known by a hash of 64: `Verdict.odds` says more

    NotNative if the Program is beyond this engine, NoCompiler if nothing can be compiled,
    NoResult if what was compiled does not come to its end."""
    asked = asked_for(program, properties or ())
    return verdict_of(_Search(program, asked, limits, progress, jobs, fingerprints).run())


def in_c(
    program: Program, semantics: Semantics, exchanged: Symmetry = NOTHING,
    owned: Owned | None = None, alone: Ample = ALL_MOVE, fingerprints: bool = False,
) -> tuple[str, Layout]:
    """The C of a Program, and where everything stands in its states; NotNative if there is none.

    exchanged  what is not told apart
    owned      what two processes must never access at once
    alone      who may go on alone"""
    for variable in program.variables:
        for leaf in leaves(variable.sort):
            if leaf.bits > WORD - 2:
                raise NotNative(f"{variable.name} needs {leaf.bits} bits: over {WORD - 2}")
    layout = Layout(semantics)
    for name, control in layout.controls.items():
        if control.bits > WORD:
            raise NotNative(f"{name} keeps {control.bits} bits of locals at once: over {WORD}")
    width, processes = Places(program).width, len(semantics.processes)
    if width * processes > WORD:
        raise NotNative(f"{processes} processes stand in up to {width} loops at once: over {WORD}")
    return (
        program_in_c(program, semantics, layout, exchanged, owned, alone, fingerprints), layout
    )


def without_a_way(found: Found, said: Said, why: WayNotFound) -> Found:
    """What was found, where something is broken, and a limit was met before the way there was."""
    found.complete = False
    found.stopped = tr.Stopped(
        why.reason, found.states, said.figures["level"], said.figures["queue"], why.steps
    )
    return found


class _Search:
    """A search, and what is made of it."""

    def __init__(
        self, program: Program, asked: frozenset[str], limits: tr.Limits,
        progress: Progress | None, jobs: int, fingerprints: bool,
    ) -> None:
        self.jobs = jobs
        self.fingerprints = fingerprints
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
        found = Found("native", self.whole, self.asked, self.limits, self.began)
        at_once = self.evidence.at_once(found)
        if at_once.failures:
            return at_once
        source, self.layout = in_c(
            self.program, self.semantics, fingerprints=self.fingerprints
        )
        begins = [b.state for b in self.evidence.begins if b.state is not None]
        self.running = Running(
            source, self.layout, begins, self.limits, self.progress, self.jobs, self.fingerprints
        )
        said = self.running.search(not self.asked or NO_DEADLOCK in self.asked)
        if said.stopped == "forks":
            self._raise_forks(said)
        found = self.running.found_by(said, found, self.program)
        try:
            if said.stopped == "violated":
                self._violations(said)
            elif said.kept.get("stuck"):
                self._deadlocks(said)
        except WayNotFound as not_found:
            return without_a_way(found, said, not_found)
        return self.evidence.shown(found)

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
        """Numbers the states on shortest paths to these."""
        for state, depth in self.running.paths(level, final, failing):
            self.evidence.number(state, depth)
