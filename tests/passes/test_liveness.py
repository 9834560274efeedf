"""Which locals matter at each location."""

from modelcheck.notation import parse_program, print_program
from modelcheck.passes.liveness import liveness

BEFORE = """\
program p()
sort Page 2
enum Scrub { DIRTY CLEAN }
shared heap.head: Page? = None
shared Page.state[Page]: Scrub = all DIRTY
ghost Page.owner[Page]: 0..3 = all 0

process p
  local pg: Page?
  local seen: Scrub
  local never: bool
  local n: 0..3
  local i: 0..3
  local deaf: Scrub
  entry:
    n := 0
    goto p_1
  at p_1 live never:
    load heap.head
    pg := $
    if pg == Page.None: goto p_1
    goto p_2
  at p_2:
    wait n < 2
    load Page.state[pg]
    seen := $
    deaf := $
    if seen == Scrub.DIRTY:
      i := 0
      goto p_3
    ghost Page.owner[pg] := n
    goto end
  at p_3 transit:
    if i < 2:
      i := i + 1
      goto p_3
    goto p_4
  at p_4:
    store Page.state[pg] := seen
    assert all(n in Page: n == pg), "n is bound here"
    choose n in [0, 1]
    goto p_1
"""

AFTER = """\
program p()
sort Page 2
enum Scrub { DIRTY CLEAN }
shared heap.head: Page? = None
shared Page.state[Page]: Scrub = all DIRTY
ghost Page.owner[Page]: 0..3 = all 0

process p
  local pg: Page?
  local seen: Scrub
  local n: 0..3
  local i: 0..3
  local deaf: Scrub
  entry:
    n := 0
    goto p_1
  at p_1 live n:
    load heap.head
    pg := $
    if pg == Page.None: goto p_1
    goto p_2
  at p_2 live pg, n:
    wait n < 2
    load Page.state[pg]
    seen := $
    deaf := $
    if seen == Scrub.DIRTY:
      i := 0
      goto p_3
    ghost Page.owner[pg] := n
    goto end
  at p_3 live pg, seen, i transit:
    if i < 2:
      i := i + 1
      goto p_3
    goto p_4
  at p_4 live pg, seen:
    store Page.state[pg] := seen
    assert all(n in Page: n == pg), "n is bound here"
    choose n in [0, 1]
    goto p_1
"""


def test_live_where_read_before_set() -> None:
    """`never` is dropped; `deaf` is set but matters nowhere; at p_4 the bound n is not the local,
    and the local n is chosen anew."""
    assert print_program(liveness(parse_program(BEFORE))) == AFTER


def test_it_is_stable() -> None:
    once = liveness(parse_program(BEFORE))
    assert liveness(once) == once


def test_an_arm_that_falls_through() -> None:
    """`a` is live: where c is false, the read behind the if sees the value of before."""
    program = parse_program("""\
program p()

process p
  local a: 0..3
  local b: 0..3
  local c: bool
  entry: goto p_1
  at p_1:
    if c:
      a := 1
      b := 2
    else: b := 1
    assert a + b == 3, "three"
    goto end
""")
    assert liveness(program).processes[0].actions[0].live == ("a", "c")


def test_boot_too() -> None:
    program = parse_program("""\
program p()
shared x: 0..3 = 0

boot set_x
  local a: 0..3
  entry:
    choose a in range(0, 2)
    goto b_1
  at b_1 transit:
    store x := a
    goto end
""")
    boot = liveness(program).boot
    assert boot is not None
    assert boot.actions[0].live == ("a",)
