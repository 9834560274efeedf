"""The native engine: a Program as C, compiled by the system's compiler and run to its end.

`packed.py` says where everything stands in a packed state; `expressions.py`, `actions.py` and
`emit.py` say in C what `semantics` says in closures; `runtime/search.c` is the search, with what
stands beside it; `build.py` compiles and keeps what was compiled; `ends.py` says how that, or the
search, may fail; `search.py` runs it and gives a Verdict, after it has asked `semantics` about
everything that the search says is broken.
"""

from __future__ import annotations

from modelcheck.passes import REDUCTIONS
from modelcheck.records import dataclass


@dataclass(frozen=True)
class Native:
    """How the native engine shall search.

    reductions    those that it may use
    jobs          threads, at most; they help in levels of many states
    fingerprints  a state of more than 63 bits is known by a hash of 64: less memory, and odds
    """

    reductions: frozenset[str] = frozenset(REDUCTIONS)
    jobs: int = 1
    fingerprints: bool = False


class NotNative(Exception):
    """A Program that the native engine does not search; the sentence says why."""
