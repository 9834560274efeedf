"""From the quick engine to the native one: the first starts at once, the second is a compiler later
many times as fast.

A search begins in the quick engine.  When it has met some thousands of states the Program's C is
compiled beside it, or taken from what was compiled before; as soon as that is there the native
engine starts anew.  Where it cannot serve, the quick one goes on to the end, and the verdict says
why.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from modelcheck.engines.asked import asked_for, only
from modelcheck.engines.limits import Progress
from modelcheck.engines.native import Native, NotNative
from modelcheck.engines.quick import search as quick
from modelcheck.ir import Program
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits, Verdict

if TYPE_CHECKING:
    from modelcheck.engines.native.build import Making

PAYS = 10_000  # states: to start the native engine takes as long as the quick one takes for these

EXACT = Native(reductions=frozenset())  # every state, as it is, in one thread


NOT_SERVED = "the native engine did not serve"


class _Ready(Exception):
    """The native engine can start."""


class _Beside:
    """What is done beside the quick engine.

    why  a sentence that says why the native engine does not serve; "" if nobody had to ask"""

    def __init__(self, program: Program, how: Native) -> None:
        self.program = program
        self.how = how
        self.why = ""
        self._making: Making | None = None

    def look(self, states: int) -> None:
        """Told how many states there are.  _Ready as soon as the native engine can start."""
        if states < PAYS or self.why:
            return
        from modelcheck.engines.native.build import Making
        from modelcheck.engines.native.ends import NoCompiler
        from modelcheck.engines.native.reduced import source_of

        try:
            if self._making is None:
                self._making = Making(
                    source_of(self.program, self.how.reductions, self.how.fingerprints)
                )
            if self._making.ready():
                raise _Ready
        except (NotNative, NoCompiler) as error:
            self.why = f"{NOT_SERVED}: {error}"

    def stop(self) -> None:
        """No compiler runs after this."""
        if self._making is not None:
            self._making.stop()


def explicit(
    program: Program, limits: Limits, properties: tuple[str, ...] = (),
    progress: Progress | None = None, how: Native = EXACT,
) -> Verdict:
    """The verdict of the quick engine, or of the native one if it could take over and came to a
    result."""
    began = time.monotonic()
    beside = _Beside(only(program, asked_for(program, properties)), how)
    try:
        verdict = quick.explore(program, limits, properties, progress, beside.look)
        return replace(verdict, remark=beside.why)
    except _Ready:
        pass
    finally:
        beside.stop()
    from modelcheck.engines.native.ends import NotServed
    from modelcheck.engines.native.reduced import explore

    try:
        verdict = explore(
            program, limits_left(limits, began), properties, progress, how.reductions, how.jobs,
            how.fingerprints,
        )
    except (NotNative, NotServed) as error:
        rest = limits_left(limits, began)
        verdict = quick.explore(program, rest, properties, progress)
        verdict = replace(verdict, remark=f"{NOT_SERVED}: {error}")
    return replace(verdict, limits=limits, seconds=time.monotonic() - began)


def native(
    program: Program, limits: Limits, properties: tuple[str, ...] = (),
    progress: Progress | None = None, how: Native = EXACT,
) -> Verdict:
    """The verdict of the native engine; ConfigurationError if it cannot serve."""
    from modelcheck.engines.native.ends import NotServed
    from modelcheck.engines.native.reduced import explore

    try:
        return explore(
            program, limits, properties, progress, how.reductions, how.jobs, how.fingerprints
        )
    except (NotNative, NotServed) as error:
        text = f"--engine native cannot serve: {error}; --engine quick can"
        raise ConfigurationError(text) from None


def limits_left(limits: Limits, began: float) -> Limits:
    """The limits of what goes on when another engine has searched since then."""
    if limits.seconds is None:
        return limits
    return replace(limits, seconds=max(0.0, limits.seconds - (time.monotonic() - began)))
