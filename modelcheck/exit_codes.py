"""Every exit code of every command, and what it means: declared here and nowhere else.

README.md lists them; `tests/test_exit_codes.py` holds its table against these."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ends.  Of several the smallest that is not 0 is the command's; only an
    interrupt outweighs all."""

    FINE = 0
    USAGE = 2
    DEADLOCK = 11
    PROPERTY = 12
    FAULT = 14
    UNREACHED = 15
    UNTRUE = 16
    INCONCLUSIVE = 20
    NO_MEMORY = 21
    DISAGREES = 22
    INTERNAL = 70
    INTERRUPTED = 130
    REFUSED = 150
    CONFIGURATION = 151


MEANING = {
    Exit.FINE: "HOLDS, or what the command was asked for is done",
    Exit.USAGE: "an option or argument is wrong",
    Exit.DEADLOCK: "deadlock",
    Exit.PROPERTY: "an @always or a @lemma is broken",
    Exit.FAULT: "an assert, None, an index or a range",
    Exit.UNREACHED: "a @sometimes is not reached",
    Exit.UNTRUE: "an EXPECT is untrue",
    Exit.INCONCLUSIVE: "inconclusive",
    Exit.NO_MEMORY: "inconclusive: out of memory",
    Exit.DISAGREES: "not as on the executable allocator",
    Exit.INTERNAL: "a defect of modelcheck",
    Exit.INTERRUPTED: "interrupted",
    Exit.REFUSED: "the spec is refused",
    Exit.CONFIGURATION: "a parameter or file that there is not",
}
"""What each one says, in the words of reports."""


def of_all(codes: list[Exit]) -> Exit:
    """The exit code of several: 130 if it was interrupted, else the smallest that is not 0."""
    if Exit.INTERRUPTED in codes:
        return Exit.INTERRUPTED
    return min((code for code in codes if code), default=Exit.FINE)
