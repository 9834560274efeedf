"""A lock's holder runs on: which steps follow at once (`-`: before what concerns others, `+`:
behind it), and which must not."""

from dataclasses import replace

import pytest

from modelcheck.engines.reference import explore
from modelcheck.legal import check
from modelcheck.notation import parse_program
from modelcheck.passes import lock_protected as lock_protected_
from modelcheck.passes.copies import BEFORE, original
from modelcheck.passes.liveness import liveness
from modelcheck.passes.lock_protected import HELD, lock_protected
from modelcheck.trace import Limits

DESIGN = """\
program p()
sort Page 2
sort process 3
shared heap_lock.locked: bool = False
ghost passing heap_lock.holder: process? = None
shared heap.head: Page? = Page[1]
shared heap.count: 0..2 = 0
shared seen: 0..2 = 0

process domain[2]
  local pg: Page?
  local n: 0..2
  entry: goto domain_1
  at domain_1 in wait_domain_1 head:
    wait not $
    rmw heap_lock.locked := True by spin_lock
    ghost heap_lock.holder := self
    goto domain_2
  at domain_2 resting:
    load heap.head
    pg := $
    goto domain_3
  at domain_3 resting:
    load heap.count
    n := $
    if n < 2: goto domain_4
    else: goto domain_5
  at domain_4 resting:
    store heap.count := n + 1
    goto domain_5
  at domain_5 resting:
    store heap.head := pg
    goto domain_6
  at domain_6 resting:
    store heap_lock.locked := False by spin_unlock
    ghost heap_lock.holder := process.None
    goto domain_1

process idle_loop
  local pg: Page?
  entry: goto idle_loop_1
  at idle_loop_1 resting head:
    load heap.head
    pg := $
    goto idle_loop_1

always "little is seen": seen < 2
sometimes "something is there": heap.head != Page.None
"""

CHANGES = {
    # heap.head is read by the idle loop without the lock: its store is what concerns others
    "as it is": ("", "", "2- 3- 4- 5+ 6+"),
    "a store without the lock": ("store heap.head := pg\n    goto domain_6",
                                 "store heap.head := pg\n    goto domain_6\n"
                                 "  at domain_7 resting:\n    store heap.head := Page.None\n"
                                 "    goto domain_1", "2+ 3+ 4+ 6+"),
    "the lock is looked at": ("    load heap.head\n    pg := $\n    goto idle_loop_1",
                              "    load heap_lock.locked\n    goto idle_loop_1", ""),
    "the lock is tried": ("    load heap.head\n    pg := $\n    goto idle_loop_1",
                          "    rmw heap_lock.locked := True by spin_trylock\n"
                          "    goto idle_loop_1", ""),
    "a property reads the count": ("seen < 2", "heap.count < 3", "2- 3- 4+ 5+ 6+"),
    "a property reads it when the lock is free": (
        'seen": seen < 2',
        'seen" when heap_lock.holder == process.None: heap.count < 3', "2- 3- 4- 5+"),
    "a property reads who holds the lock": (
        "seen < 2", "heap_lock.holder != process.None or seen < 2", "2+ 3+ 4+"),
    "somebody observes the count": (
        "    load heap.head\n    pg := $\n    goto idle_loop_1",
        "    observe heap.count < 3\n    assert $, \"few\"\n    goto idle_loop_1",
        "2- 3- 4+ 5+ 6+"),
    "another domain reads the count without the lock": (  # `_is_ours` without `counts == 1`
        "by spin_unlock\n    ghost heap_lock.holder := process.None\n    goto domain_1",
        "by spin_unlock\n    ghost heap_lock.holder := process.None\n    goto domain_7\n"
        "  at domain_7 resting:\n    load heap.count\n    goto domain_1",
        "2- 3- 4+ 5+ 6+"),
    "a way to it without the lock": ("    if n < 2: goto domain_4\n    else: goto domain_5",
                                     "    if n < 2: goto domain_4\n    else: goto domain_1",
                                     "2- 3- 4- 5+ 6+"),
    "entered without the lock": ("entry: goto domain_1", "entry: goto domain_2", ""),
    "a choice": ("pg := $\n    goto domain_3", "pg := $\n    choose n in [0, 1]\n    goto domain_3",
                 "2+ 3+ 4+ 6+"),
    "an assume": ("pg := $\n    goto domain_3", "pg := $\n    assume n < 2\n    goto domain_3",
                  "3+ 4+ 6+"),
    "it waits": ("at domain_3 resting:\n", "at domain_3 in w:\n    wait $ < 2\n", "2- 4+ 6+"),
    "a circle": ("store heap.count := n + 1\n    goto domain_5",
                 "store heap.count := n + 1\n    goto domain_3", "2- 3+ 4+ 4- 5+ 6+"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_follows_at_once(change: str) -> None:
    old, new, expected = CHANGES[change]
    assert old in DESIGN
    program = liveness(parse_program(DESIGN.replace(old, new), "test"))
    reduced = lock_protected(program)
    check(replace(reduced, memory="sc"), "reductions")
    domain = reduced.processes[0]
    follow = [
        f"{original(a.at).removeprefix('domain_')}{'-' if a.at.endswith(BEFORE) else '+'}"
        for a in domain.actions if a.transit
    ]
    assert " ".join(sorted(follow)) == expected
    assert not any(a.transit for a in reduced.processes[1].actions)
    whole, fewer = (explore(p, Limits()) for p in (program, reduced))
    assert fewer.outcome == whole.outcome
    assert fewer.states < whole.states if follow else fewer.states == whole.states


def test_a_wrong_inference_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that begins behind the place where the lock is taken: the first step that follows
    at once says that the lock is not held."""
    monkeypatch.setattr(lock_protected_, "held_at", lambda process: {
        a.at: frozenset([("heap_lock", ())]) for a in process.actions
    })
    program = parse_program(DESIGN.replace("goto domain_1", "goto domain_4", 1), "test")
    verdict = explore(lock_protected(liveness(program)), Limits())
    assert verdict.trace is not None and verdict.trace.failure is not None
    assert verdict.trace.failure.sentence == HELD


def test_a_ghost_that_may_be_set_once_in_a_step() -> None:
    """`_may_move` without `passing`, a mutant of the checker, lived: two actions that set the same
    ghost became one step, in which that is a fault.  Only a lock's holder may be set twice."""
    text = DESIGN.replace("shared seen", "ghost last: 0..2 = 0\nshared seen").replace(
        "    n := $\n", "    n := $\n    ghost last := 1\n"
    ).replace("store heap.count := n + 1\n", "store heap.count := n + 1\n    ghost last := 2\n")
    assert text.count("ghost last :=") == 2
    program = liveness(parse_program(text, "test"))
    assert [explore(p, Limits()).outcome for p in (program, lock_protected(program))] == [
        "HOLDS", "HOLDS",
    ]
