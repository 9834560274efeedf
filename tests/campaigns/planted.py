"""Defects of the native engine and of the reductions, and a number of the campaign through the
engines that shows each.

    python -m tests.campaigns.planted
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcheck.engines.native import exchange, expressions
from modelcheck.passes import lock_protected
from tests.agree import test_reductions_agree
from tests.campaigns.engines import tried

Plant = Callable[[pytest.MonkeyPatch], None]


def drop_faults(patch: pytest.MonkeyPatch) -> None:
    """In C, whatever goes wrong, the run goes on."""
    patch.setattr(expressions.Text, "fault_if", lambda *_: None)


def exchange_nothing(patch: pytest.MonkeyPatch) -> None:
    """An exchange of elements leaves the references to them as they are."""
    patch.setattr(exchange, "_code", lambda code, *_: code)


def asks_when_free(patch: pytest.MonkeyPatch) -> None:
    """Each property is taken for one that asks while no lock is held."""
    patch.setattr(lock_protected, "_asks_when_free", lambda *_: True)


def all_is_ours(patch: pytest.MonkeyPatch) -> None:
    """What others access is taken for what a process alone accesses."""
    patch.setattr(lock_protected._Facts, "_is_ours", lambda *_: True)


PLANTED: dict[str, Plant] = {
    "a fault is dropped": drop_faults,
    "references stay as they are": exchange_nothing,
    "a property is asked when the lock is free": asks_when_free,
    "all memory is a process's own": all_is_ours,
    **{bug: plant for bug, (_, plant, _) in test_reductions_agree.PLANTED.items()},
}

FIRST = {
    "a fault is dropped": 7,
    "references stay as they are": 15,
    "a property is asked when the lock is free": 163,
    "all memory is a process's own": 59,
    "what a property reads is written at once": 163,
    "what others access is accessed at once": 59,
    "a circle of steps at once": 199,
    "a property that reads two together": 355,
    "nobody looks whether it is owned": 315,
    "what is said by number is exchanged": 863,
}
"""A number that shows each: all are among those that CI tries."""


def main() -> None:
    """Says of each which number shows it, of those of spec texts."""
    with tempfile.TemporaryDirectory() as folder:
        for bug, plant in PLANTED.items():
            with pytest.MonkeyPatch.context() as patch:
                plant(patch)
                texts = (*range(3, 1_000, 4), *range(1, 1_000, 4))
                number = next((n for n in texts if tried(False, Path(folder), n).findings), None)
            print(f'    "{bug}": {number},', flush=True)


if __name__ == "__main__":
    main()
