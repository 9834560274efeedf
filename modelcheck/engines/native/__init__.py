"""The native engine: a Program as C, compiled by the system's compiler and run to its end.

`packed.py` says where everything stands in a packed state; `expressions.py`, `actions.py` and
`emit.py` say in C what `semantics` says in closures; `runtime.c` is the search; `build.py` compiles
and keeps what was compiled; `search.py` runs it and gives a Verdict, after it has asked `semantics`
about everything that the search says is broken.
"""

from __future__ import annotations


class NotNative(Exception):
    """A Program that the native engine does not search; the sentence says why."""
