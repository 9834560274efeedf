"""Equal locations become one, and who was stuck is still stuck."""

from modelcheck.legal import check
from modelcheck.notation import parse_program, print_program
from modelcheck.passes.merge_locations import merge_locations

HEAD = """\
program p()
memory sc
shared x: bool = False
shared y: bool = False
shared lock: bool = False

process p
"""


def merged(lines: str, properties: str = "") -> str:
    """What becomes of a process, from its `local` lines on."""
    program = parse_program(HEAD + lines + properties)
    check(program, "memory")
    made = merge_locations(program)
    check(made, "passes")
    text = print_program(made)
    return text[text.index("process p\n") + len("process p\n") :].removesuffix(properties)


def test_load_and_load_again_is_one_wait() -> None:
    """val = x; while not val: val = x -- standing before the loop is doing its first turn."""
    before = """\
  local val: bool
  entry: goto p_1
  at p_1:
    load x
    val := $
    if not val: goto p_3
    goto p_4
  at p_3 in p_2:
    load x
    val := $
    if not val: goto p_3
    goto p_4
  at p_4 live val:
    store y := val
    goto end
"""
    after = """\
  local val: bool
  entry: goto p_1
  at p_1 in p_2:
    load x
    val := $
    if not val: goto p_1
    goto p_4
  at p_4 live val:
    store y := val
    goto end
"""
    assert merged(before) == after


def test_the_other_lines_are_kept() -> None:
    """The first line gives the name; the others are `also`, in their order."""
    program = parse_program("""\
program p()

process p
  entry:
    goto p_9
  at p_9:
    if me == 0: goto p_3
    goto p_4
  at p_4:
    goto p_4
  at p_3:
    goto p_3
  at p_5:
    goto p_4
""")
    process = merge_locations(program).processes[0]
    assert [a.at for a in process.actions] == ["p_9", "p_4"]
    assert [str(s) for s in process.actions[1].also] == ["<program>:11:6"]


def test_a_turn_of_two_loads() -> None:
    """The first turn, before the loop, is merged with the loop's turns, location by location."""
    before = """\
  entry: goto p_1
  at p_1 resting:
    load x
    goto p_2
  at p_2 resting:
    load y
    if not $: goto p_4
    goto p_6
  at p_4 in p_3:
    load x
    goto p_5
  at p_5 in p_3:
    load y
    if not $: goto p_4
    goto p_6
  at p_6 resting:
    store lock := True
    goto p_1
"""
    after = """\
  entry: goto p_1
  at p_1 in p_3:
    load x
    goto p_2
  at p_2 in p_3:
    load y
    if not $: goto p_1
    goto p_6
  at p_6 resting:
    store lock := True
    goto p_1
"""
    assert merged(before) == after


def test_whoever_is_asked_outside_is_asked_still() -> None:
    """`while not done: { a = x; while not a: a = x; b = y; while not b: b = y }` with a local that
    nobody sets: turning that loop for ever is being stuck in it, at p_1 and p_3.  Merged, the
    process would leave an inner loop at each step."""
    lines = """\
  entry: goto p_1
  at p_1 in p_0, p_00:
    load x
    if not $: goto p_2
    goto p_3
  at p_2 in p_0, p_00, p_2:
    load x
    if not $: goto p_2
    goto p_3
  at p_3 in p_0, p_00:
    load y
    if not $: goto p_4
    goto p_1
  at p_4 in p_0, p_00, p_4:
    load y
    if not $: goto p_4
    goto p_1
"""
    assert merged(lines) == lines


def test_whoever_goes_round_outside_does_so_still() -> None:
    """while True: { val = x; while not val: val = x } -- as one location it would never leave the
    inner loop, and look stuck though x is set again and again."""
    lines = """\
  entry: goto p_1
  at p_1 resting:
    load x
    if not $: goto p_2
    goto p_1
  at p_2 in p_0, p_2:
    load x
    if not $: goto p_2
    goto p_1
"""
    assert merged(lines) == lines


def test_whoever_leaves_a_loop_must_still_leave_it() -> None:
    """p_1 and p_3 do the same, and p_2 leaves its loop by going to p_1: as one location in that
    loop, nobody would leave it, and whoever turns the outermost loop would look stuck."""
    lines = """\
  entry: goto p_1
  at p_1 resting:
    load y
    goto p_2
  at p_2 in p_0, p_2:
    load x
    if $: goto p_1
    else: goto p_3
  at p_3 in p_0, p_2:
    load y
    goto p_2
"""
    assert merged(lines) == lines


def test_a_loop_is_not_merged_with_another() -> None:
    """p_3 and p_4 turn one inner loop while y holds, p_2 turns another while it does not.  With
    p_3 in the loop of p_2, going from it to p_4 would leave a loop, and nobody be stuck."""
    lines = """\
  entry: goto p_1
  at p_1 resting:
    load x
    goto p_3
  at p_2 in p_0, p_2:
    load y
    if $: goto p_1
    else: goto p_2
  at p_3 in p_3:
    load y
    if $: goto p_4
    else: goto p_2
  at p_4 in p_3:
    load x
    goto p_3
"""
    after = lines.replace("goto p_4", "goto p_1")
    after = after[: after.index("  at p_4")].replace("at p_1 resting", "at p_1 in p_3")
    assert merged(lines) == after


def test_whoever_rests_is_not_put_into_an_inner_loop() -> None:
    """p_1 turns its outermost loop for ever, and rests; p_3 turns an inner one, and is stuck."""
    lines = """\
  entry:
    if me == 0: goto p_1
    goto p_3
  at p_1 resting:
    load x
    goto p_1
  at p_3 in p_3:
    load x
    goto p_3
"""
    assert merged(lines) == lines


def test_two_waits_are_two_waits() -> None:
    """Equal loops of different names, the one after the other: leaving the one is progress."""
    lines = """\
  entry: goto p_1
  at p_1 in p_0, p_1:
    load x
    if $: goto p_1
    goto p_2
  at p_2 in p_0, p_2:
    load x
    if $: goto p_2
    goto p_1
"""
    assert merged(lines) == lines


def test_what_differs_is_not_merged() -> None:
    """Access, wait, what is live, `transit`, `reason`, what is said, where it goes."""
    lines = """\
  local a: bool
  entry:
    choose a in [True, False]
    if a: goto p_1
    if me == 0: goto p_2
    if me == 1: goto p_3
    if me == 2: goto p_4
    if me == 3: goto p_5
    if me == 4: goto p_6
    if me == 5: goto p_7
    goto p_8
  at p_1:
    load x
    goto end
  at p_2:
    wait $
    load x
    goto end
  at p_3 live a:
    load x
    assert a, "a"
    goto end
  at p_4 live a:
    load x
    assert a, "not the same sentence"
    goto end
  at p_5 atomic "r":
    load x
    goto end
  at p_6:
    load y
    goto end
  at p_7:
    load x
    goto p_1
  at p_8:
    load x by xchg
    goto end
"""
    assert merged(lines) == lines


HEADS = """\
  entry: goto p_1
  at p_1 resting head:
    load x
    if $: goto p_2
    goto p_3
  at p_2 resting:
    load y
    goto p_1
  at p_3 resting head:
    load y
    goto p_1
"""


def test_heads_count_only_where_a_property_asks() -> None:
    assert "at p_3" not in merged(HEADS)
    assert merged(HEADS, '\nsometimes "it rests": at_rest\n') == HEADS


def test_boot_too() -> None:
    program = parse_program("""\
program p()

boot b
  entry: goto b_1
  at b_1 transit:
    goto end
  at b_2 transit:
    goto end
""")
    boot = merge_locations(program).boot
    assert boot is not None
    assert [a.at for a in boot.actions] == ["b_1"]
