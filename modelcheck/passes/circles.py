"""Circles of steps in a process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def without_circles(found: Iterable[str], targets: Mapping[str, Collection[str]]) -> list[str]:
    """Fewer locations, such that each circle goes through another one."""
    kept = set(found)
    done: set[str] = set()
    for begin in sorted(kept):
        if begin in done or begin not in kept:
            continue
        above = {begin: iter(sorted(targets.get(begin, ())))}  # the way to here, in order
        while above:
            at = next(reversed(above))
            target = next(above[at], None)
            if target is None:
                del above[at]
                done.add(at)
            elif target in above:
                kept.discard(target)
            elif target in kept and target not in done:
                above[target] = iter(sorted(targets.get(target, ())))
    return sorted(kept)
