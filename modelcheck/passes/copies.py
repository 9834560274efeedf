"""Copies of locations: where one follows at once (`transit`), and others may stand at the original.

BEFORE   nothing of the step concerns others yet
BEHIND   what concerned others is done; all that follows may as well have been done at once
AT_ONCE  an access to owned memory
"""

from __future__ import annotations

from dataclasses import replace

from modelcheck.flow import reachable
from modelcheck.ir import Process

BEFORE, BEHIND, AT_ONCE = "_before", "_behind", "_at_once"
SUFFIXES = (BEFORE, BEHIND, AT_ONCE)


def original(at: str) -> str:
    """The location that this one is a copy of, or is."""
    for suffix in SUFFIXES:
        at = at.removesuffix(suffix)
    return at


def copied(at: str) -> frozenset[str]:
    """By which suffixes a location is a copy of its original."""
    return frozenset(s for s in SUFFIXES if s in at[len(original(at)) :])


def is_copy(at: str) -> bool:
    """Whether a location is a copy: a step of the Program before the reduction begins there."""
    return at.endswith(SUFFIXES)


def without_unreached(process: Process) -> Process:
    """The process without the locations that nothing goes to any more."""
    kept = reachable(process)
    return replace(process, actions=tuple(a for a in process.actions if a.at in kept))
