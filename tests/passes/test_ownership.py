"""Memory that is never accessed by two at once: which it may be, and what follows at once."""

from dataclasses import replace

import pytest

from modelcheck.engines.reference import explore
from modelcheck.legal import check
from modelcheck.notation import parse_program
from modelcheck.passes.copies import AT_ONCE, original
from modelcheck.passes.liveness import liveness
from modelcheck.passes.ownership import Touches, ownership
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
    "as it is": ("", "", BOTH, "2 3 4"),
    "an atomic": ("store Page.second[mine] := True", "rmw Page.second[mine] := True",
                  (), ""),
    "by name": ("store Page.second[mine] := True", "store Page.second[Page[1]] := True", (), ""),
    "a sometimes reads it": ('always "a free page": all(', 'sometimes "a free page": all(', (), ""),
    "a property reads two together": (
        "== Page.second[pg])", "== Page.second[pg] or any(other in Page: Page.first[other]))",
        BOTH, "2 3 4"),
    "a predicate reads all": ("observe Page.first[mine] and Page.second[mine]",
                              "observe all(each in Page: Page.first[each] == Page.second[each])",
                              (), ""),
    "what follows waits": ("at domain_5 resting:\n", "at domain_5 in w:\n    wait mine == pg\n",
                           BOTH, "2 3 4"),
    "what follows chooses": ("store Page.state[mine] := 0\n",
                             "store Page.state[mine] := 0\n    choose pg in Page\n", BOTH, "2 3 4"),
    "a circle": ("at domain_4 resting:\n    observe Page.first[mine] and Page.second[mine]\n"
                 "    assert $, \"both halves\"\n    goto domain_5",
                 "at domain_4 resting:\n    load Page.first[mine]\n"
                 "    if not $: goto domain_3\n    goto domain_5", BOTH, "2"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_may_be_owned(change: str) -> None:
    old, new, variables, follow = CHANGES[change]
    assert old in DESIGN
    program = replace(liveness(parse_program(DESIGN.replace(old, new), "test")), memory="sc")
    owned = ownership(program)
    check(owned.program, "reductions")
    assert owned.variables == variables
    copies = [a.at for a in owned.program.processes[0].actions if a.at.endswith(AT_ONCE)]
    assert sorted(original(at).removeprefix("domain_") for at in copies) == follow.split()
    whole, fewer = (explore(p, Limits()) for p in (program, owned.program))
    assert (fewer.outcome, fewer.states < whole.states) == (whole.outcome, bool(follow))


def test_what_was_touched_is_known_where_a_process_stands() -> None:
    """Also of what it accessed by another local, which does not matter any more."""
    owned = ownership(replace(liveness(parse_program(DESIGN, "test")), memory="sc"))
    domain, idle_loop = owned.program.processes
    cells = frozenset([("Page.first", 1), ("Page.second", 1)])
    assert owned.touches(domain, "domain_5", {"mine": 1}) == Touches(cells, cells)
    assert owned.touches(domain, "domain_1", {}) == Touches()
    assert owned.touches(idle_loop, "idle_loop_1", {}) == Touches()


def test_what_is_about_to_be_touched_is_known_where_a_run_begins() -> None:
    begins = DESIGN.replace("entry: goto domain_1", "entry:\n    pg := Page[1]\n    goto domain_2")
    owned = ownership(replace(liveness(parse_program(begins, "test")), memory="sc"))
    cells = frozenset([("Page.first", 1), ("Page.second", 1)])
    assert owned.touches(owned.program.processes[0], "domain_2", {"pg": 1}) == Touches(cells, cells)


def test_a_local_is_kept_by_which_it_is_known_what_was_touched() -> None:
    forgets = DESIGN.replace("store Page.state[mine] := 0", "load turn").replace(
        "$, \"both halves\"", "$, \"both halves\"\n    mine := Page[0]")
    program = replace(liveness(parse_program(forgets, "test")), memory="sc")
    assert "pg" not in next(a.live for a in program.processes[0].actions if a.at == "domain_5")
    owned = ownership(program)
    domain = owned.program.processes[0]
    live = {original(a.at): a.live for a in domain.actions if a.at != "domain_2"}
    assert all("pg" in live[at] for at in ("domain_2", "domain_3", "domain_4", "domain_5"))
    found = owned.touches(domain, "domain_5", {"pg": 1})
    assert found.writes == {("Page.first", 1), ("Page.second", 1)}


def test_what_was_touched_may_be_any() -> None:
    """An element that no local names any more may be any."""
    loads = DESIGN.replace("mine := pg\n    goto domain_3", "goto domain_3").replace(
        "store Page.second[mine] := True\n",
        "load Page.next[pg]\n    mine := $\n    pg := Page[0]\n"
    ).replace("shared turn", "shared Page.next[Page]: Page = all Page[0]\nshared turn")
    owned = ownership(replace(liveness(parse_program(loads, "test")), memory="sc"))
    found = owned.touches(owned.program.processes[0], "domain_5", {"mine": 0})
    assert found.writes == {("Page.first", 0), ("Page.first", 1)}
    assert ("Page.second", 0) in found.reads and ("Page.second", 1) not in found.reads
