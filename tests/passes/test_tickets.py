"""Which counters may be turned, and what keeps them where they are."""

import pytest

from modelcheck.notation import parse_program
from modelcheck.passes.liveness import liveness
from modelcheck.passes.tickets import Counters, tickets

DESIGN = """\
program p()
sort process 2
shared lock.head: 0..3 wraps = 0
shared lock.tail: 0..3 wraps = 0
shared seen: 0..3 = 0

process cpu[2]
  local ticket: 0..3
  entry: goto cpu_1
  at cpu_1 resting head:
    rmw lock.tail := $ + 1 by fetch_add
    ticket := $
    goto cpu_2
  at cpu_2 in wait_1:
    wait $ == ticket
    load lock.head
    goto cpu_3
  at cpu_3 resting:
    rmw lock.head := $ + 1 by fetch_add
    goto cpu_4
  at cpu_4 resting:
    store seen := 2
    goto cpu_1
"""
LOCK = {("", "lock.head"), ("", "lock.tail"), ("cpu", "ticket")}
CHANGES = {
    "as it is": ("", "", LOCK),
    "a property compares two": ("", '\nalways "few": lock.head != lock.tail\n', LOCK),
    "it goes to another variable": ("store seen := 2", "store seen := ticket",
                                    {*LOCK, ("", "seen")}),
    "that is set to a number too": ("goto cpu_4\n", "goto cpu_4\n  at cpu_5 resting:\n"
                                    "    store seen := ticket\n    goto cpu_1\n", None),
    "it is set to a number": ("store seen := 2", "store lock.head := 2", None),
    "it is compared with a number": ("", '\nalways "few": lock.head != 2\n', None),
    "it is compared with the next": ("wait $ == ticket", "wait $ == ticket + 1", None),
    "an assert compares it with a number": (  # a mutant lived that looked at no assert
        "store seen := 2\n", "store seen := 2\n    assert ticket != 2, \"few\"\n", None),
    "its order is asked for": ("wait $ == ticket", "wait $ <= ticket", None),
    "a difference is asked for": ("", '\nalways "few": lock.tail - lock.head < 3\n', None),
    "it is counted where it does not wrap": ("store seen := 2", "store seen := ticket + 1", None),
    "it is chosen": ("goto cpu_4\n", "choose ticket in [0, 1]\n    goto cpu_2\n", None),
    "it is counted in another size": ("lock.head: 0..3", "lock.head: 0..7", None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_turned(change: str) -> None:
    old, new, expected = CHANGES[change]
    text = DESIGN.replace(old, new) if old else DESIGN + new
    assert (text == DESIGN) == (change == "as it is")
    found = tickets(liveness(parse_program(text, "test")))
    assert found == (() if expected is None else (Counters(4, frozenset(expected)),))
