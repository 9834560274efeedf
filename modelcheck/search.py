"""Which engine searches a Program: the one that is asked for, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelcheck.ir import Program
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, Verdict

ENGINES = ("reference", "symbolic", "auto")
AUTO_STATES = 300_000  # what `auto` lets the reference engine look at: some 20 seconds

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Engine:
    """What is asked for: an engine, and (symbolic, auto) how many steps it shall look ahead."""

    name: str = "reference"
    depth: int | None = None

    def fits(self, limits: Limits) -> None:
        """ConfigurationError if a limit means nothing to the engine."""
        if self.name == "reference" and self.depth is not None:
            raise ConfigurationError(
                "--max-depth is for the symbolic engine: write --engine symbolic, or auto"
            )
        if self.name == "symbolic" and (limits.states, limits.memory) != (None, None):
            raise ConfigurationError(
                "the symbolic engine keeps no states: write --max-depth or --max-seconds"
            )


def search(
    program: Program, engine: Engine, limits: Limits, properties: tuple[str, ...],
    progress: Progress,
) -> Verdict:
    """The verdict of the engine that is asked for.

    `auto`: the reference engine decides everything where the states are not too many.  Where they
    are, the symbolic one goes on, and the answer is that of the one which looked further."""
    engine.fits(limits)
    match engine.name:
        case "reference":
            return _reference(program, limits, properties, progress)
        case "symbolic":
            return _symbolic(program, engine, limits, properties, progress)
    began = time.monotonic()
    few = limits if limits.states is not None else replace(limits, states=AUTO_STATES)
    first = _reference(program, few, properties, progress)
    if first.stopped is None or first.stopped.reason != "states":
        return first
    spent = time.monotonic() - began
    left = None if limits.seconds is None else max(0.0, limits.seconds - spent)
    second = _symbolic(program, engine, Limits(seconds=left), properties, progress)
    if second.outcome == "VIOLATED" or second.depth >= first.stopped.depth:
        return replace(second, limits=limits)
    return first


def _reference(
    program: Program, limits: Limits, properties: tuple[str, ...], progress: Progress
) -> Verdict:
    from modelcheck.engines.reference import explore  # networkx: 0.2 s that a refusal need not wait

    return explore(program, limits, properties, progress)


def _symbolic(
    program: Program, engine: Engine, limits: Limits, properties: tuple[str, ...],
    progress: Progress,
) -> Verdict:
    from modelcheck.engines.symbolic.bounded import DEPTH, explore  # z3: only where it is asked for

    depth = DEPTH if engine.depth is None else engine.depth
    return explore(program, limits, properties, progress, depth)
