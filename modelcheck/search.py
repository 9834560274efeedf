"""Which engine searches a Program: the one that is asked for, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelcheck.ir import Program
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, Verdict

ENGINES = ("reference", "symbolic", "induction", "auto")
AUTO_STATES = 300_000  # what `auto` lets the reference engine look at: some 20 seconds
AUTO_SECONDS = 60.0  # what it gives to a proof, where nobody says how long all may take

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Engine:
    """What is asked for: an engine, and (symbolic, auto) how many steps it shall look ahead."""

    name: str = "reference"
    depth: int | None = None

    def fits(self, limits: Limits) -> None:
        """ConfigurationError if a limit means nothing to the engine."""
        if self.name in ("reference", "induction") and self.depth is not None:
            raise ConfigurationError(
                "--max-depth is for the symbolic engine: write --engine symbolic, or auto"
            )
        z3 = {"symbolic": "--max-depth or --max-seconds", "induction": "--max-seconds"}
        if self.name in z3 and (limits.states, limits.memory) != (None, None):
            instead = z3[self.name]
            raise ConfigurationError(f"the {self.name} engine keeps no states: write {instead}")


def search(
    program: Program, engine: Engine, limits: Limits, properties: tuple[str, ...],
    progress: Progress,
) -> Verdict:
    """The verdict of the engine that is asked for.

    `auto`: the reference engine decides everything where the states are not too many.  Where they
    are, a proof by induction is tried, of as much as there is; if that leaves anything open, z3
    looks for a violation, and the answer is that of the engine which looked further, with what was
    proved."""
    engine.fits(limits)
    match engine.name:
        case "reference":
            return _reference(program, limits, properties, progress)
        case "symbolic":
            return _symbolic(program, engine, limits, properties, progress)
        case "induction":
            return _induction(program, limits, properties, progress)
    began = time.monotonic()
    few = limits if limits.states is not None else replace(limits, states=AUTO_STATES)
    first = _reference(program, few, properties, progress)
    if first.stopped is None or first.stopped.reason != "states":
        return first

    def left() -> float | None:
        spent = time.monotonic() - began
        return None if limits.seconds is None else max(0.0, limits.seconds - spent)

    half = AUTO_SECONDS if limits.seconds is None else (left() or 0.0) / 2
    proof = _induction(program, Limits(seconds=half), properties, progress)
    if proof.outcome == "HOLDS":
        return replace(proof, limits=limits)
    second = _symbolic(program, engine, Limits(seconds=left()), properties, progress)
    if second.outcome == "VIOLATED":
        return replace(second, limits=limits)  # the shortest, where a proof may meet a longer one
    if proof.outcome == "VIOLATED":
        return replace(proof, limits=limits)
    further = second if second.depth >= first.stopped.depth else first
    return with_proof(replace(further, limits=limits), proof)


def with_proof(verdict: Verdict, proof: Verdict) -> Verdict:
    """What a search that was stopped found, with what is proved of all runs."""
    if proof.proof is None:
        return verdict
    proved = {(p.kind, p.sentence): p for p in proof.properties if p.status == "holds"}
    results = tuple(
        proved.get((p.kind, p.sentence), p) if p.status == "not checked" else p
        for p in verdict.properties
    )
    return replace(
        verdict, properties=results, proof=proof.proof, never_taken=proof.never_taken,
    )


def _reference(
    program: Program, limits: Limits, properties: tuple[str, ...], progress: Progress
) -> Verdict:
    from modelcheck.engines.reference import explore  # networkx: 0.2 s that a refusal need not wait

    return explore(program, limits, properties, progress)


def _induction(
    program: Program, limits: Limits, properties: tuple[str, ...], progress: Progress
) -> Verdict:
    from modelcheck.engines.symbolic.induction import explore

    return explore(program, limits, properties, progress)


def _symbolic(
    program: Program, engine: Engine, limits: Limits, properties: tuple[str, ...],
    progress: Progress,
) -> Verdict:
    from modelcheck.engines.symbolic.bounded import DEPTH, explore  # z3: only where it is asked for

    depth = DEPTH if engine.depth is None else engine.depth
    return explore(program, limits, properties, progress, depth)
