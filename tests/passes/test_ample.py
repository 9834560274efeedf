"""Who may go on alone, and unless who stands where."""

import pytest

from modelcheck.notation import parse_program
from modelcheck.passes.ample import ample
from modelcheck.passes.liveness import liveness
from modelcheck.passes.ownership import ownership

DESIGN = """\
program p()
sort process 2
shared x: 0..2 = 0
shared y: 0..2 = 0
shared mine[process]: bool = all False

process one
  entry: goto one_1
  at one_1 resting:
    store x := 1
    goto one_2
  at one_2 resting:
    store mine[self] := True
    goto end

process other
  entry: goto other_1
  at other_1 resting:
    load x
    goto other_2
  at other_2 resting:
    store mine[self] := True
    goto end
"""
"""Each has a cell of its own; x is written by one and read by the other."""

ONE, OTHER = (0, "one_"), (1, "other_")
CHANGES = {
    "as it is": ("", "", {
        "one_1": "other_1", "one_2": "", "other_1": "one_1", "other_2": "",
    }),
    "the other one does not end": ("store mine[self] := True\n    goto end\n\n", (
        "store mine[self] := True\n    goto one_1\n\n"
    ), {"one_2": "", "other_2": ""}),
    "a property sees it": ("", '\nalways "x": x < 3\n', {
        "one_2": "", "other_1": "one_1", "other_2": "",
    }),
    "a property sees when all are at rest": ("", '\nalways "x": at_rest or y < 3\n', {
        "one_1": "other_1", "other_1": "one_1",
    }),
    "it waits": ("at other_1 resting:\n", "at other_1 in w:\n    wait $ == 0\n", {
        "one_1": "other_1", "one_2": "", "other_2": "",
    }),
    "the other one's cell": ("at other_2 resting:\n    store mine[self]", (
        "at other_2 resting:\n    store mine[process[0]]"
    ), {"one_1": "other_1", "one_2": "other_1 other_2", "other_1": "one_1",
        "other_2": "one_1 one_2"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_who_may_go_on_alone(change: str) -> None:
    old, new, expected = CHANGES[change]
    text = DESIGN.replace(old, new, 1) if old else DESIGN + new
    assert (text == DESIGN) == (change == "as it is")
    found = ample(liveness(parse_program(text, "test")))
    assert {
        at: " ".join(sorted(m for _, m in unless)) for (_, at), unless in found.unless.items()
    } == expected


def test_what_was_touched_counts() -> None:
    """A step away from where owned memory was accessed hides from whoever accesses it next."""
    text = """\
program p()
sort Page 2
sort process 2
shared Page.dirty[Page]: bool = all False
shared x: bool = False
shared y: bool = False

process one
  local pg: Page
  entry:
    pg := Page[0]
    goto one_1
  at one_1 resting:
    load x
    goto one_2
  at one_2 resting:
    store Page.dirty[pg] := True
    goto one_3
  at one_3 resting:
    load x
    goto end

process other
  local pg: Page
  entry:
    pg := Page[0]
    goto other_1
  at other_1 resting:
    load y
    goto other_2
  at other_2 resting:
    store Page.dirty[pg] := True
    goto other_3
  at other_3 resting:
    load y
    goto end
"""
    owned = ownership(liveness(parse_program(text, "test")))
    assert owned.variables == ("Page.dirty",)
    assert ample(owned.program, owned).unless[0, "one_3"] == {(1, "other_1")}
    assert ample(owned.program).unless[0, "one_3"] == frozenset()
