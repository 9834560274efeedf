"""Barriers vanish under sequential consistency."""

import pytest

from modelcheck.ir import Process
from modelcheck.legal import check
from modelcheck.memory.sc import sc
from modelcheck.notation import parse_program, print_program

HEAD = """\
program p()
shared x: 0..3 = 0
shared y: 0..3 = 0

process p
"""


def after_sc(lines: str, properties: str = "") -> str:
    """What becomes of a process, from its `local` lines on."""
    program = parse_program(HEAD + lines + properties)
    check(program, "steps")
    made = sc(program)
    check(made, "memory")
    assert made.memory == "sc"
    text = print_program(made)
    return text[text.index("process p\n") + len("process p\n") :].removesuffix(properties)


def test_a_barrier_joins_the_step_before_it() -> None:
    before = """\
  local a: 0..3
  entry: goto p_1
  at p_1:
    fence smp_mb
    a := 1
    goto p_2
  at p_2 live a:
    store x := a
    if a == 1: goto p_3
    goto p_1
  at p_3 live a:
    fence smp_wmb
    if a == 2: goto p_1
    goto p_4
  at p_4:
    fence smp_rmb
    goto p_5
  at p_5:
    load y
    goto end
"""
    after = """\
  local a: 0..3
  entry:
    a := 1
    goto p_2
  at p_2 live a:
    store x := a
    if a == 1:
      if a == 2:
        a := 1
        goto p_2
      goto p_5
    a := 1
    goto p_2
  at p_5:
    load y
    goto end
"""
    assert after_sc(before) == after


def test_a_cycle_of_barriers_becomes_a_loop_over_locals() -> None:
    before = """\
  local i: 0..3
  entry:
    i := 0
    goto p_1
  at p_1 live i:
    fence smp_mb
    i := i + 1
    goto p_2
  at p_2 live i:
    fence smp_mb
    if i < 3: goto p_1
    goto p_3
  at p_3:
    store x := 1
    goto end
"""
    after = """\
  local i: 0..3
  entry:
    i := 0
    i := i + 1
    goto p_2
  at p_2 live i transit:
    if i < 3:
      i := i + 1
      goto p_2
    goto p_3
  at p_3:
    store x := 1
    goto end
"""
    assert after_sc(before) == after


def test_within_an_atomic() -> None:
    before = """\
  entry: goto p_1
  at p_1 atomic "r":
    load x
    goto p_2
  at p_2 transit atomic "r":
    fence smp_mb
    goto p_3
  at p_3 transit atomic "r":
    load y
    goto p_4
  at p_4:
    fence smp_mb
    goto end
"""
    after = """\
  entry: goto p_1
  at p_1 atomic "r":
    load x
    goto p_3
  at p_3 transit atomic "r":
    load y
    goto end
"""
    assert after_sc(before) == after


def test_an_atomic_that_begins_with_barriers() -> None:
    """Its first access must not join the step before it: p_2 becomes the beginning."""
    before = """\
  entry: goto p_1
  at p_1:
    load x
    goto p_2
  at p_2 atomic "r":
    fence smp_mb
    goto p_3
  at p_3 transit atomic "r":
    fence smp_mb
    goto p_4
  at p_4 transit atomic "r":
    wait $ == 0
    load y
    goto end
"""
    after = """\
  entry: goto p_1
  at p_1:
    load x
    goto p_2
  at p_2 atomic "r":
    wait $ == 0
    load y
    goto end
"""
    assert after_sc(before) == after


@pytest.mark.parametrize("behind", [
    "if a: goto p_3\n    goto end", "if a: goto p_2\n    goto p_3",
    "if a: goto p_3\n    else: goto end",
])
def test_an_atomic_that_begins_with_a_barrier_and_a_branch(behind: str) -> None:
    """No single location begins it: the location stays, as a step without an access.  The campaign
    on random programs found that a branch that was the whole body was lost: p_3 began the atomic,
    whatever `a` was, and an assert that `a` makes true was said to be violated."""
    lines = f"""\
  local a: bool
  entry: goto p_1
  at p_1 live a:
    load x
    goto p_2
  at p_2 live a atomic "r":
    fence smp_mb
    {behind}
  at p_3 transit atomic "r":
    load y
    goto end
"""
    assert after_sc(lines) == lines.replace("    fence smp_mb\n", "")


LOOP = """\
  entry: goto p_1
  at p_1 resting head:
    fence smp_rmb
    goto p_2
  at p_2 resting:
    load x
    goto p_1
"""


def test_a_barrier_at_the_head_of_the_loop() -> None:
    assert after_sc(LOOP) == """\
  entry: goto p_2
  at p_2 resting:
    load x
    goto p_2
"""


def test_a_barrier_where_a_property_looks_for_rest() -> None:
    """`at_rest` speaks of the state at the head of the loop, so that it must stay a state."""
    rests = '\nsometimes "it rests": at_rest\n'
    assert after_sc(LOOP, rests) == LOOP.replace("    fence smp_rmb\n", "")


def test_boot_too() -> None:
    program = parse_program("""\
program p()

boot b
  entry: goto b_1
  at b_1 transit:
    fence smp_mb
    goto end
""")
    boot = sc(program).boot
    assert isinstance(boot, Process)
    assert boot.actions == ()
