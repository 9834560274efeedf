"""What can go wrong in a thread of the executable allocator, and how Python's own errors say it.

The kinds are those of a trace's Failure: assert, none, index, range, choose, ghost, runaway.
"""

from __future__ import annotations


class Fault(Exception):
    """A violation in the step of a process."""

    def __init__(self, kind: str, sentence: str = "") -> None:
        self.kind = kind
        self.sentence = sentence
        super().__init__(f"{kind}: {sentence}" if sentence else kind)


class Difference(Exception):
    """The allocator and the model part here."""


class TornDown(BaseException):
    """Raised in a parked thread so that it ends."""


class CutShort(Exception):
    """An `assume` is false: the model takes no such step."""


def fault_of(error: Exception) -> Fault | None:
    """The fault that an error in generated code stands for; None if it is an error of ours."""
    match error:
        case Fault():
            return error
        case AssertionError():
            return Fault("assert", str(error))
        case AttributeError() | TypeError() if "'NoneType' object" in str(error):
            return Fault("none")
        case ZeroDivisionError():
            return Fault("range")
        case ValueError() if str(error) == "negative shift count":
            return Fault("range")
        case _:
            return None
