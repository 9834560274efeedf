"""Memory that is never accessed by two at once: which it may be, and what follows at once."""

from dataclasses import replace

import pytest

from modelcheck.engines.reference import explore
from modelcheck.legal import check
from modelcheck.notation import parse_program
from modelcheck.passes.liveness import liveness
from modelcheck.passes.ownership import COPY, Touches, ownership
from modelcheck.trace import Limits

DESIGN = """\
program p()
sort Page 2
sort process 2
shared Page.state[Page]: 0..1 = all 0
shared Page.first[Page]: bool = all False
shared Page.second[Page]: bool = all False
shared turn: 0..2 = 0

process domain
  local pg: Page
  local mine: Page
  entry: goto domain_1
  at domain_1 resting:
    rmw Page.state[Page[1]] := 1
    pg := Page[1]
    if $ == 1: goto domain_1
    goto domain_2
  at domain_2 resting:
    store Page.first[pg] := True
    mine := pg
    goto domain_3
  at domain_3 resting:
    store Page.second[mine] := True
    goto domain_4
  at domain_4 resting:
    observe Page.first[mine] and Page.second[mine]
    assert $, "both halves"
    goto domain_5
  at domain_5 resting:
    store Page.state[mine] := 0
    goto domain_1

process idle_loop
  entry: goto idle_loop_1
  at idle_loop_1 resting:
    load turn
    goto idle_loop_1

always "a free page": all(pg in Page: Page.state[pg] == 1 or Page.first[pg] == Page.second[pg])
"""

BOTH = ("Page.first", "Page.second")
CHANGES = {
    "as it is": ("", "", BOTH, "3 4 5"),
    "an atomic": ("store Page.second[mine] := True", "rmw Page.second[mine] := True",
                  (), ""),
    "by name": ("store Page.second[mine] := True", "store Page.second[Page[1]] := True", (), ""),
    "a sometimes reads it": ('always "a free page": all(', 'sometimes "a free page": all(', (), ""),
    "a property reads two together": (
        "== Page.second[pg])", "== Page.second[pg] or any(other in Page: Page.first[other]))",
        (), ""),
    "a predicate reads all": ("observe Page.first[mine] and Page.second[mine]",
                              "observe all(each in Page: Page.first[each] == Page.second[each])",
                              (), ""),
    "what follows waits": ("at domain_5 resting:\n", "at domain_5 in w:\n    wait mine == pg\n",
                           BOTH, "3 4"),
    "what follows chooses": ("store Page.state[mine] := 0\n",
                             "store Page.state[mine] := 0\n    choose pg in Page\n", BOTH, "3 4"),
    "a circle": ("at domain_4 resting:\n    observe Page.first[mine] and Page.second[mine]\n"
                 "    assert $, \"both halves\"\n    goto domain_5",
                 "at domain_4 resting:\n    load Page.first[mine]\n"
                 "    if not $: goto domain_3\n    goto domain_5", BOTH, "5"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_be_owned(change: str) -> None:
    old, new, variables, follow = CHANGES[change]
    assert old in DESIGN
    program = replace(liveness(parse_program(DESIGN.replace(old, new), "test")), memory="sc")
    owned = ownership(program)
    check(owned.program, "reductions")
    assert owned.variables == variables
    copies = [a.at for a in owned.program.processes[0].actions if a.at.endswith(COPY)]
    assert sorted(at.removeprefix("domain_").removesuffix(COPY) for at in copies) == follow.split()
    whole, fewer = (explore(p, Limits()) for p in (program, owned.program))
    assert (fewer.outcome, fewer.states < whole.states) == (whole.outcome, bool(follow))


def test_what_is_touched_is_known_where_a_process_stands() -> None:
    """Also of what it accesses by another local, which is set on the way."""
    owned = ownership(replace(liveness(parse_program(DESIGN, "test")), memory="sc"))
    domain, idle_loop = owned.program.processes
    cells = frozenset([("Page.first", 1), ("Page.second", 1)])
    assert owned.touches(domain, "domain_2", {"pg": 1}) == Touches(cells, cells)
    assert owned.touches(domain, "domain_1", {}) == Touches()
    assert owned.touches(idle_loop, "idle_loop_1", {}) == Touches()


def test_what_is_touched_may_be_any() -> None:
    """An element that depends on what is loaded on the way may be any."""
    loads = DESIGN.replace("mine := pg\n    goto domain_3", "goto domain_3").replace(
        "store Page.second[mine] := True", "load Page.next[pg]\n    mine := $"
    ).replace("shared turn", "shared Page.next[Page]: Page = all Page[0]\nshared turn")
    owned = ownership(replace(liveness(parse_program(loads, "test")), memory="sc"))
    found = owned.touches(owned.program.processes[0], "domain_2", {"pg": 1})
    assert found.writes == {("Page.first", 1)}
    assert found.reads >= {("Page.next", 1), ("Page.first", 0), ("Page.first", 1)}
