"""Each classic with what its textbook says of it: the right algorithm, and its broken sibling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "specs"

Sets = Mapping[str, int | bool]

HOLDING: tuple[tuple[str, Sets], ...] = (
    ("peterson", {}),
    ("dekker", {}),
    ("tas_lock", {}),
    ("ticket_lock", {}),
    ("mcs_lock", {}),
    ("mcs_lock", {"CPUS": 3}),
    ("readers_and_writers", {}),
    ("readers_and_writers", {"READERS": 3, "WRITERS": 2}),
    ("dining_philosophers", {"ASYMMETRIC": True}),
    ("dining_philosophers", {"ASYMMETRIC": True, "SEATS": 4}),
    ("treiber_stack", {}),
    ("treiber_stack", {"NODES": 3}),
    ("double_checked_init", {}),
    ("seqlock", {}),
)
"""The spec and the instance."""

INSIDE = "at most one CPU is inside"
ABA = "nobody holds a node on the stack"

VIOLATING: tuple[tuple[str, Sets, str, int], ...] = (
    ("peterson", {"TURN_FIRST": True}, INSIDE, 7),
    ("dekker", {"BACK_OFF": False}, "deadlock", 2),
    ("tas_lock", {"TWO_STEPS": True}, INSIDE, 4),
    ("ticket_lock", {"PLAIN_DRAW": True}, INSIDE, 6),
    ("mcs_lock", {"MARK_LATE": True}, "deadlock", 13),
    ("readers_and_writers", {"COUNT_UNLOCKED": True}, "a writer is alone", 5),
    ("dining_philosophers", {}, "deadlock", 3),
    ("dining_philosophers", {"SEATS": 4}, "deadlock", 4),
    ("treiber_stack", {"VERSIONED": False}, ABA, 12),
    ("treiber_stack", {"GENERATIONS": 3}, ABA, 12),
    ("double_checked_init", {"FLAG_FIRST": True}, "whoever uses the object finds it made", 7),
    ("seqlock", {"RECHECK": False}, "both halves are of one write", 5),
)
"""The spec, the instance, the one property that fails, and the steps of the shortest trace (of a
deadlock: to where every CPU that will be stuck is stuck)."""

MUTANTS: tuple[tuple[str, Sets, str, str, str, int], ...] = (
    ("peterson", {}, "        if arbiter.turn == this:", "        if False:", "deadlock", 4),
    ("dekker", {}, "    while other.wants:", "    while False:", INSIDE, 2),
    ("mcs_lock", {}, "    before = xchg(lock.tail, node)",
     "    before = lock.tail\n    lock.tail = node", INSIDE, 8),
    ("mcs_lock", {}, "        wait_until(node.next is not None)", "        return", "deadlock", 13),
    ("dining_philosophers", {"ASYMMETRIC": True, "SEATS": 4}, "    right = (me + 1) % SEATS",
     "    right = (me + 2) % SEATS", "neighbours do not eat at once", 4),
    ("double_checked_init", {}, "    if not singleton.ready:", "    if True:",
     "the object is made once", 9),
    ("seqlock", {}, "        if seq % 2 == 0:", "        if True:",
     "both halves are of one write", 6),
)
"""Of those that hold, where no sibling breaks the property: a line, what stands there instead, the
property that then fails, and the steps of the shortest trace."""
