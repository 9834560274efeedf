"""Which engine searches a Program: the one that is asked for, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelcheck.ir import Program
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, Verdict

ENGINES = ("auto", "quick", "native", "reference", "symbolic")

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Engine:
    """What is asked for: an engine, and (symbolic, auto) how many steps it shall look ahead."""

    name: str = "auto"
    depth: int | None = None

    def fits(self, limits: Limits) -> None:
        """ConfigurationError if a limit means nothing to the engine."""
        ahead = self.name == "symbolic" or (self.name == "auto" and limits.states is not None)
        if self.depth is not None and not ahead:
            raise ConfigurationError(
                "--max-depth is for the symbolic engine: write --engine symbolic, or --max-states "
                "(auto), after which it goes on"
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

    `auto`: the quick engine decides, or the native one from where that pays (`handover.py`).  Where
    there are more states than `--max-states`, and `--max-depth` is given, the symbolic engine goes
    on, and the answer is that of the one which looked further."""
    from modelcheck import handover  # engines: a refusal, or --version, need not wait for them

    engine.fits(limits)
    match engine.name:
        case "quick":
            from modelcheck.engines.quick import search as quick

            return quick.explore(program, limits, properties, progress)
        case "native":
            return handover.native(program, limits, properties, progress)
        case "reference":
            from modelcheck.engines import reference  # networkx: 0.2 s

            return reference.explore(program, limits, properties, progress)
        case "symbolic":
            return _symbolic(program, engine, limits, properties, progress)
    began = time.monotonic()
    first = handover.explicit(program, limits, properties, progress)
    if engine.depth is None or first.stopped is None or first.stopped.reason != "states":
        return first
    left = handover.limits_left(limits, began).seconds
    second = _symbolic(program, engine, Limits(seconds=left), properties, progress)
    if second.outcome == "VIOLATED" or second.depth >= first.stopped.depth:
        return replace(second, limits=limits)
    return first


def _symbolic(
    program: Program, engine: Engine, limits: Limits, properties: tuple[str, ...],
    progress: Progress,
) -> Verdict:
    from modelcheck.engines.symbolic.bounded import DEPTH, explore  # z3: only where it is asked for

    depth = DEPTH if engine.depth is None else engine.depth
    return explore(program, limits, properties, progress, depth)
