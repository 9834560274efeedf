"""Which engine searches a Program: the one that is asked for, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from modelcheck.engines.native import Native
from modelcheck.ir import Program
from modelcheck.records import dataclass
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, Verdict

ALL = Native()
ENGINES = ("auto", "quick", "native", "reference", "symbolic", "induction")
AUTO_SECONDS = 60.0  # what `auto` gives to a proof, where nobody says how long all may take

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Engine:
    """What is asked for: an engine, (symbolic, auto) how many steps it shall look ahead, and
    (native, auto) how the native one shall search."""

    name: str = "auto"
    depth: int | None = None
    native: Native = ALL

    def fits(self, limits: Limits) -> None:
        """ConfigurationError if an option means nothing to the engine."""
        if self.native.fingerprints and self.name not in ("auto", "native"):
            raise ConfigurationError(
                f"--fingerprints is for the native engine, not {self.name}: leave one of them out"
            )
        ahead = self.name == "symbolic" or (self.name == "auto" and limits.states is not None)
        if self.depth is not None and not ahead:
            raise ConfigurationError(
                "--max-depth is for the symbolic engine: write --engine symbolic, or --max-states "
                "(auto), after which it goes on"
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

    `auto`: the quick engine decides, or the native one from where that pays (`handover.py`).  Where
    there are more states than `--max-states`, and `--max-depth` says to look further, a proof by
    induction is tried, of as much as there is; if that leaves anything open, z3 looks for a
    violation, and the answer is that of the engine which looked further, with what was proved."""
    from modelcheck import handover  # engines: a refusal, or --version, need not wait for them

    engine.fits(limits)
    match engine.name:
        case "quick":
            from modelcheck.engines.quick import search as quick

            return quick.explore(program, limits, properties, progress)
        case "native":
            return handover.native(program, limits, properties, progress, engine.native)
        case "reference":
            from modelcheck.engines import reference  # networkx: 0.2 s

            return reference.explore(program, limits, properties, progress)
        case "symbolic":
            return _symbolic(program, engine, limits, properties, progress)
        case "induction":
            return _induction(program, limits, properties, progress)
    began = time.monotonic()
    first = handover.explicit(program, limits, properties, progress, engine.native)
    if engine.depth is None or first.stopped is None or first.stopped.reason != "states":
        return first
    left = handover.limits_left(limits, began).seconds
    half = AUTO_SECONDS if left is None else left / 2
    proof = _induction(program, Limits(seconds=half), properties, progress)
    if proof.outcome == "HOLDS":
        return replace(proof, limits=limits)
    left = handover.limits_left(limits, began).seconds
    second = _symbolic(program, engine, Limits(seconds=left), properties, progress)
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
