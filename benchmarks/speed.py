"""How fast the engines in Python are: states per second of quick and of reference, in one run, on
the same Program.

    python benchmarks/speed.py [SPEC.py [NAME=VALUE ...]]

Seconds are the processor's: what else a machine is busy with is not our affair.

Without a spec: 26 cells and three processes of ten locals each; two take pages off a list under a
lock, fill them and put them back, one walks the list and scrubs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from modelcheck.engines import reference
from modelcheck.engines.quick import search as quick
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Program
from modelcheck.notation import parse_program
from modelcheck.options import settings
from modelcheck.trace import Limits, Verdict

DOMAIN = """\
process domain[2]
  local pg: Page?
  local first: Page?
  local state: State
  local count: 0..7
  local a: bool
  local b: bool
  local c: 0..7
  local d: 0..7
  local e: Page?
  local f: State
  entry: goto domain_1
  at domain_1 in wait_1 head:
    wait not $
    rmw heap_lock.locked := True by spin_lock
    ghost heap_lock.holder := self
    goto domain_2
  at domain_2 resting:
    load heap.head
    pg := $
    if pg != Page.None: goto domain_3
    else: goto domain_5
  at domain_3 live pg resting:
    load Page.next[pg]
    first := $
    goto domain_4
  at domain_4 live pg, first resting:
    store heap.head := first
    goto domain_5
  at domain_5 live pg resting:
    store heap_lock.locked := False by spin_unlock
    assert heap_lock.holder == self, "a lock is released by the CPU that holds it"
    ghost heap_lock.holder := process.None
    if pg == Page.None: goto domain_1
    else: goto domain_6
  at domain_6 live pg resting:
    rmw Page.state[pg] := State.USED
    state := $
    if state == State.CLEAN: goto domain_8
    else: goto domain_7
  at domain_7 live pg resting:
    store Page.first[pg] := 0
    goto domain_8
  at domain_8 live pg resting:
    store Page.second[pg] := me + 1
    count := me + 1
    goto domain_9
  at domain_9 live pg, count resting:
    store Page.first[pg] := count
    goto domain_10
  at domain_10 live pg in wait_10:
    wait not $
    rmw heap_lock.locked := True by spin_lock
    ghost heap_lock.holder := self
    goto domain_11
  at domain_11 live pg resting:
    load heap.head
    first := $
    goto domain_12
  at domain_12 live pg, first resting:
    store Page.next[pg] := first
    goto domain_13
  at domain_13 live pg resting:
    store heap.head := pg
    goto domain_14
  at domain_14 live pg resting:
    store Page.state[pg] := State.DIRTY
    goto domain_15
  at domain_15 resting:
    store heap_lock.locked := False by spin_unlock
    ghost heap_lock.holder := process.None
    goto domain_1
"""

IDLE = """\
process idle_loop
  local pg: Page?
  local state: State
  local a: bool
  local b: bool
  local c: 0..7
  local d: 0..7
  local e: Page?
  local f: State
  local g: 0..7
  local h: 0..7
  entry: goto idle_1
  at idle_1 resting head:
    load heap.head
    pg := $
    if pg == Page.None: goto idle_1
    else: goto idle_2
  at idle_2 live pg in walk:
    rmw Page.state[pg] := State.SCRUBBING if $ == State.DIRTY else $ by cmpxchg
    state := $
    if state == State.DIRTY: goto idle_3
    else: goto idle_1
  at idle_3 live pg in walk:
    store Page.first[pg] := 0
    goto idle_4
  at idle_4 live pg in walk:
    store Page.second[pg] := 0
    goto idle_5
  at idle_5 live pg in walk:
    store Page.state[pg] := State.CLEAN
    goto idle_1
"""

PROGRAM = f"""\
program benchmark()
sort Page 4
sort process 3
enum State {{ USED DIRTY SCRUBBING CLEAN }}
shared Page.state[Page]: State = all DIRTY
shared Page.next[Page]: Page? = Page[1] Page[2] None None
shared Page.first[Page]: 0..7 = all 7
shared Page.second[Page]: 0..7 = all 7
shared Page.pad[Page]: 0..7 = all 7
shared heap.head: Page? = Page[0]
shared heap_lock.locked: bool = False
shared heap.pad[Page]: bool = all False
ghost heap_lock.holder: process? = None

{DOMAIN}
{IDLE}
always "the head is on the list": any(pg in chain(heap.head, Page.next): pg == heap.head) \
or heap.head == Page.None
always "pages are in a state": all(pg in Page: Page.first[pg] < 8 or Page.state[pg] == State.USED)
sometimes "a page is clean": any(pg in Page: Page.state[pg] == State.CLEAN)
"""


def measure(explore: Callable[[Program, Limits], Verdict], program: Program) -> float:
    """Search (half a million states at most), print what it took, and give the seconds."""
    began = time.process_time()
    verdict = explore(program, Limits(states=500_000))
    seconds = time.process_time() - began
    print(
        f"{verdict.engine}: {verdict.outcome}, {verdict.states:,} states, "
        f"{verdict.transitions:,} transitions, depth {verdict.depth}, {seconds:.2f} s: "
        f"{verdict.states / seconds:,.0f} states/s"
    )
    return seconds


def main() -> None:
    """The spec named on the command line, or the Program above."""
    if sys.argv[1:]:
        _, program = compile_spec(sys.argv[1], settings(sys.argv[2:]))
    else:
        program = parse_program(PROGRAM.replace("\n\n", "\n"))
    fast, slow = measure(quick.explore, program), measure(reference.explore, program)
    print(f"quick is {slow / fast:.1f} times as fast")


if __name__ == "__main__":
    main()
