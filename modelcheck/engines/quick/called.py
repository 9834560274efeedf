"""What the text that is made of a Program calls: checks of a number, and the walk along a chain.

A check raises `Wrong`, and says no more: `semantics` is asked later what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator


class Wrong(Exception):
    """An expression went wrong, or an assert is false."""


def within(n: int, count: int) -> int:
    """A number that must be one of 0..count-1 (None, being -1, is not)."""
    if 0 <= n < count:
        return n
    raise Wrong


def fits(n: int, lo: int, hi: int) -> int:
    """A number that must be one of lo..hi."""
    if lo <= n <= hi:
        return n
    raise Wrong


def sound(n: int, lo: int, hi: int) -> int:
    """A number that the front end says is one of lo..hi: another would overwrite others."""
    if lo <= n <= hi:
        return n
    raise AssertionError(f"a value left its sort: {n} is not in {lo}..{hi}")


def nonzero(n: int) -> int:
    """A divisor."""
    if n:
        return n
    raise Wrong


def natural(n: int) -> int:
    """What must not be negative: a shift's count, or a Ref that must not be None."""
    if n >= 0:
        return n
    raise Wrong


def chain(element: int, onward: Callable[[int], int]) -> Iterator[int]:
    """The elements from this one on, until None or one that was met."""
    met = set[int]()
    while element >= 0 and element not in met:
        met.add(element)
        yield element
        element = onward(element)


CHECKS = (within, fits, sound, nonzero, natural)
CALLED = {f.__name__: f for f in (*CHECKS, chain)} | {"Wrong": Wrong}
"""What the text can name beside its own."""
