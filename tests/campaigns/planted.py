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


def all_is_ours(patch: pytest.MonkeyPatch) -> None:
    """What others access is taken for what a process alone accesses."""
    patch.setattr(lock_protected._Facts, "_is_ours", lambda *_: True)


PLANTED: dict[str, Plant] = {
    "a fault is dropped": drop_faults,
    "references stay as they are": exchange_nothing,
    "all memory is a process's own": all_is_ours,
    **{bug: plant for bug, (_, plant, _) in test_reductions_agree.PLANTED.items()},
}

FIRST = {
    "a fault is dropped": 2,
    "references stay as they are": 15,
    "all memory is a process's own": 59,
    "what a property reads is written at once": 163,
    "what others access is accessed at once": 59,
    "a circle of steps at once": 111,
    "what concerns others is done later": 27,
    "a property sees that a process is not at rest": 891,
    "a lock that is taken and released changes nothing": 26,
    "a loop that is left and entered again is not left": 26,
    "a property that reads two cells of an element": 355,
    "by which local a cell was known is forgotten": 943,
    "a property that reads what was written in part": 355,
    "nobody looks whether it is owned": 27,
    "one may go on alone for ever": 98,
    "what others may do later does not count": 7,
    "what others do does not count": 7,
    "a property sees who goes on alone": 79,
    "who goes on alone may be cut short": 11,
    "a ticket is compared with a number": 98,
    "what is said by number is exchanged": 863,
}
"""A number that shows each: all are among those that CI tries."""


def main() -> None:
    """Says of each which number shows it, of those made for the reductions at first."""
    with tempfile.TemporaryDirectory() as folder:
        for bug, plant in PLANTED.items():
            with pytest.MonkeyPatch.context() as patch:
                plant(patch)
                every = (*range(2, 1_000, 4), *range(3, 1_000, 4), *range(1, 1_000, 4))
                number = next((n for n in every if tried(False, Path(folder), n).findings), None)
            print(f'    "{bug}": {number},', flush=True)


if __name__ == "__main__":
    main()
