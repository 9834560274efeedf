"""The meaning of a Program, on Programs small enough to be worked out by hand."""

from __future__ import annotations

import random
from textwrap import dedent, indent

import pytest

from modelcheck.ir import Binary, Cell, Const, Int, Place
from modelcheck.semantics import Fault, Semantics
from modelcheck.source import SpecError
from tests.agree.random_programs import random_program
from tests.small_programs import LOST_UPDATE, meaning, shown, shown_steps, start

MEMORY = """\
program p()
sort Page 2
sort process 1
enum State { DIRTY CLEAN }
word Info { count: 0..3 wraps, owner: Page? }
shared x: 0..8 = 3
shared Page.next[Page]: Page? = None Page[0]
shared heap.head: Page = Page[1]
shared info: Info = {3, None}
ghost seen: 0..8 = 0
process p
  local n: 0..8
  local a: 0..3 wraps
  local pg: Page?
  local w: Info
  entry: goto p_1
"""


def one_process(actions: str) -> Semantics:
    """The semantics of one process p with these actions, over the variables above."""
    return meaning(MEMORY + indent(dedent(actions), "  "))


def test_a_step_is_one_access_and_the_local_work_behind_it() -> None:
    semantics = meaning(LOST_UPDATE)
    state = start(semantics)
    assert shown(semantics, state) == "counter=0 | adder[0] adder_1 n=0 | adder[1] adder_1 n=0"
    assert shown_steps(semantics, state) == [
        "adder[0]@adder_1: counter=0 | adder[0] adder_2 n=0 | adder[1] adder_1 n=0",
        "adder[1]@adder_1: counter=0 | adder[0] adder_1 n=0 | adder[1] adder_2 n=0",
    ]


# ----------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("work", "kind", "sentence"), [
    ("load Page.next[pg]", "none", "None is dereferenced"),
    ("pg := not_null(pg)", "none", "None is dereferenced"),
    ("n := index_of(pg)", "none", "None is dereferenced"),
    ("store heap.head := pg", "none", "None is put where only an element may be"),
    ("pg := element(Page, n, 2)", "index", "an index leaves its array"),
    ("pg := element(Page, n - 1)", "index", "an index leaves its array"),
    ("load Page.next[n + 2]", "index", "an index leaves its array"),
    ("load Page.next[2]", "index", "an index leaves its array"),
    ("store x := 9", "range", "a value leaves its range: 9 is not in 0..8"),
    ("n := n - 1", "range", "a value leaves its range: -1 is not in 0..8"),
    ("ghost seen := 10", "range", "a value leaves its range: 10 is not in 0..8"),
    ("rmw x := $ + 6", "range", "a value leaves its range: 9 is not in 0..8"),
    ("choose n in [9]", "range", "a value leaves its range: 9 is not in 0..8"),
    ("n := 1 // n", "range", "a division by zero"),
    ("n := 1 % n", "range", "a division by zero"),
    ("n := 1 << n - 1", "range", "a shift by a negative count"),
    ("choose n in range(0, n)", "choose", "there is nothing to choose from"),
    ('assert x == 4, "x is four"', "assert", "x is four"),
])  # fmt: skip
def test_a_step_that_goes_wrong(work: str, kind: str, sentence: str) -> None:
    """A fault is a violation at that step, with a standing sentence and a place; there is no next
    state, and the step is not taken for an impossible one."""
    semantics = one_process(f"at p_1:\n  {work}\n  goto end\n")
    (step,) = semantics.successors(start(semantics))
    assert step.target is None
    assert step.fault is not None
    assert (step.fault.kind, step.fault.sentence) == (kind, sentence)
    assert step.fault.span.file == "small.txt"


def test_a_ghost_that_no_state_shows() -> None:
    """`in_cs := True; in_cs := False` in one step: no property would ever see it."""
    semantics = one_process("""
        at p_1:
          store x := 1
          ghost seen := 1
          ghost seen := 1
          if n == 0: ghost seen := 2
          goto end
        """)
    assert shown_steps(semantics, start(semantics)) == [
        "p@p_1: ghost: a ghost is overwritten within the step that set it: "
        "no state shows its value"
    ]


def test_a_step_that_does_not_end() -> None:
    semantics = one_process("""
        at p_1:
          load x
          goto p_2
        at p_2 transit:
          goto p_2
        """)
    assert shown_steps(semantics, start(semantics)) == [
        "p@p_1: runaway: a step does not end: 10,000 actions and no access"
    ]


def test_short_circuits_do_not_fault() -> None:
    semantics = one_process("""
        at p_1:
          if pg != Page.None and index_of(pg) == 0: n := 1
          elif pg == Page.None or index_of(pg) == 0: n := 2 if pg == Page.None else index_of(pg)
          else: n := 3
          assert n == 2, "the second arm"
          goto end
        """)
    (step,) = semantics.successors(start(semantics))
    assert step.fault is None


# ------------------------------------------------------------------------------------------- data


def after(semantics: Semantics) -> str:
    """Where the only step of the only process leads."""
    (step,) = semantics.successors(start(semantics))
    assert step.target is not None, step.fault
    return shown(semantics, step.target)


def test_wrapping_ints_are_reduced_in_stores_words_and_locals() -> None:
    semantics = one_process("""
        at p_1:
          store info := Info(count=5, owner=heap.head)
          a := 3 + 3
          goto p_2
        at p_2 live a, w:
          load info
          w := Info(count=a + 2, owner=$.owner)
          goto p_3
        at p_3 live w:
          store info part owner := w.owner
          goto end
        """)
    assert after(semantics) == (
        "x=3 Page[0].next=None Page[1].next=Page[0] heap.head=Page[1] "
        "info=Info(count=1, owner=Page[1]) seen=0 | "
        "p p_2 n=0 a=2 pg=None w=Info(count=0, owner=None)"
    )


def test_a_store_of_a_part_keeps_the_rest_of_the_word() -> None:
    semantics = one_process("""
        at p_1:
          store info part owner := heap.head
          goto end
        """)
    assert "info=Info(count=3, owner=Page[1])" in after(semantics)


def test_a_local_that_does_not_matter_any_more_is_reset() -> None:
    """Of two runs that differ in dead locals only, one state remains."""
    semantics = one_process("""
        at p_1:
          load heap.head
          pg := $
          n := 7
          goto p_2
        at p_2 live pg:
          load Page.next[pg]
          goto end
        """)
    assert after(semantics).endswith("| p p_2 n=0 a=0 pg=Page[1] w=Info(count=0, owner=None)")


def test_read_modify_write_reads_then_writes() -> None:
    """A failed cmpxchg is one read-modify-write, too: it stores what was there."""
    semantics = one_process("""
        at p_1:
          rmw x := 5 if $ == 3 else $ by cmpxchg
          n := $
          goto p_2
        at p_2 live n:
          rmw x := 6 if $ == 3 else $ by cmpxchg
          goto end
        """)
    state = start(semantics)
    (first,) = semantics.successors(state)
    assert first.target is not None
    assert semantics.cell(first.target, "x") == 5
    assert semantics.locals(first.target, 0)["n"] == "3"
    (second,) = semantics.successors(first.target)
    assert second.target is not None
    assert semantics.cell(second.target, "x") == 5
    assert semantics.successors(second.target) == []


# ------------------------------------------------------------------------------------------ steps


def test_a_wait_is_no_step_until_its_condition_holds() -> None:
    semantics = meaning("""\
        program lock()
        sort process 2
        shared lock: bool = False
        ghost holder: process? = None
        process cpu[2]
          entry: goto cpu_1
          at cpu_1 in wait_1:
            wait not $
            rmw lock := True by spin_lock
            ghost holder := self
            goto cpu_2
          at cpu_2:
            store lock := False
            ghost holder := process.None
            goto end
        """)
    state = start(semantics)
    first, _ = semantics.successors(state)
    assert first.target is not None
    assert shown(semantics, first.target) == (
        "lock=True holder=cpu[0] | cpu[0] cpu_2 | cpu[1] cpu_1"
    )
    assert shown_steps(semantics, first.target) == [
        "cpu[0]@cpu_2: lock=False holder=None | cpu[0] end | cpu[1] cpu_1"
    ]


def test_a_chain_of_transit_locations_is_one_step() -> None:
    semantics = one_process("""
        at p_1:
          store x := 0
          goto p_2
        at p_2 live n transit:
          store info part owner := Page[0]
          n := n + 1
          if n < 3: goto p_2
          else: goto p_3
        at p_3 live n:
          load x
          goto end
        """)
    (step,) = semantics.successors(start(semantics))
    assert [a.at for a in step.through] == ["p_2", "p_2", "p_2"]
    assert after(semantics) == (
        "x=0 Page[0].next=None Page[1].next=Page[0] heap.head=Page[1] "
        "info=Info(count=3, owner=Page[0]) seen=0 | "
        "p p_3 n=3 a=0 pg=None w=Info(count=0, owner=None)"
    )


def test_a_wait_within_a_step_makes_the_whole_step_impossible() -> None:
    semantics = one_process("""
        at p_1:
          store x := 0
          goto p_2
        at p_2 transit:
          wait $ == 5
          load x
          goto end
        """)
    assert semantics.successors(start(semantics)) == []


def test_each_choice_is_a_step() -> None:
    """In the order of the options; a choice that depends on another is made after it."""
    semantics = one_process("""
        at p_1:
          choose pg in Page
          if pg == Page[1]: choose n in range(1, index_of(pg) + 2)
          goto p_2
        at p_2 live n, pg:
          load x
          goto end
        """)
    state = start(semantics)
    assert [
        (step.choices, semantics.locals(step.target, 0))
        for step in semantics.successors(state) if step.target is not None
    ] == [
        ((0,), {"n": "0", "a": "0", "pg": "Page[0]", "w": "Info(count=0, owner=None)"}),
        ((1, 0), {"n": "1", "a": "0", "pg": "Page[1]", "w": "Info(count=0, owner=None)"}),
        ((1, 1), {"n": "2", "a": "0", "pg": "Page[1]", "w": "Info(count=0, owner=None)"}),
    ]
    detail = semantics.detail(state, 0, (1, 1))
    assert detail is not None
    assert [tuple(m) for m in detail.made] == [(1, "pg", "Page[1]"), (1, "n", "2")]
    assert semantics.detail(state, 0, (1, 2)) is None
    assert semantics.detail(state, 0, ()) is None


def test_an_assume_cuts_the_runs_short_where_it_is_false() -> None:
    semantics = one_process("""
        at p_1:
          choose n in [0, 1, 2]
          assume n != 1
          goto end
        """)
    state = start(semantics)
    assert [step.choices for step in semantics.successors(state)] == [(0,), (2,)]
    assert semantics.steps(state, 0)[1]


def test_me_and_self() -> None:
    """`me` counts within a template, `self` among all processes."""
    semantics = meaning("""\
        program p()
        sort process 3
        shared me.of[process]: 0..9 = all 9
        shared last: process? = None
        process a
          entry: goto a_1
          at a_1:
            store me.of[self] := me
            goto end
        process b[2]
          entry: goto b_1
          at b_1:
            store me.of[self] := me
            goto b_2
          at b_2:
            store last := self
            goto end
        """)
    state = start(semantics)
    for process in (2, 0, 1, 2):
        (step,) = semantics.steps(state, process)[0]
        assert step.target is not None
        state = step.target
    assert shown(semantics, state) == (
        "me[0].of=0 me[1].of=0 me[2].of=1 last=b[1] | a end | b[0] b_2 | b[1] end"
    )


# -------------------------------------------------------------------------------------- beginning

BOOT = """\
program booted()
sort Page 2
sort process 2
shared Page.next[Page]: Page?
shared heap.head: Page? = None
ghost owner: process? = None
boot link
  local pg: Page?
  local unused: bool
  entry:
    choose unused in [False, True]
    choose pg in Page
    goto link_1
  at link_1 live pg transit:
    store Page.next[pg] := heap.head
    ghost owner := process.None
    ghost owner := process?[0]
    goto link_2
  at link_2 live pg transit:
    store heap.head := pg
    pg := Page[1] if pg == Page[0] else Page[0]
    %s
  at link_3 live pg transit:
    store Page.next[pg] := Page.None
    goto end
process domain[2]
  local first: bool
  entry:
    choose first in [False, True]
    assume not first or me == 0
    goto domain_1
  at domain_1 live first:
    load heap.head
    goto end
"""


def test_boot_and_entries_make_the_beginnings() -> None:
    """Boot is sequential and may overwrite ghosts; each process's entry runs to its first access;
    each choice is tried, and of equal states the one with the smallest choices is kept."""
    semantics = meaning(BOOT % "goto link_3")
    assert [
        (b.choices, [tuple(m) for m in b.made], shown(semantics, b.state))
        for b in semantics.initial() if b.state is not None
    ] == [
        ((0, 0, 0, 0),
         [(0, "link.unused", "False"), (0, "link.pg", "Page[0]"),
          (0, "domain[0].first", "False"), (0, "domain[1].first", "False")],
         "Page[0].next=None Page[1].next=None heap.head=Page[0] owner=domain[0] | "
         "domain[0] domain_1 first=False | domain[1] domain_1 first=False"),
        ((0, 0, 1, 0),
         [(0, "link.unused", "False"), (0, "link.pg", "Page[0]"),
          (1, "domain[0].first", "True"), (0, "domain[1].first", "False")],
         "Page[0].next=None Page[1].next=None heap.head=Page[0] owner=domain[0] | "
         "domain[0] domain_1 first=True | domain[1] domain_1 first=False"),
        ((0, 1, 0, 0),
         [(0, "link.unused", "False"), (1, "link.pg", "Page[1]"),
          (0, "domain[0].first", "False"), (0, "domain[1].first", "False")],
         "Page[0].next=None Page[1].next=None heap.head=Page[1] owner=domain[0] | "
         "domain[0] domain_1 first=False | domain[1] domain_1 first=False"),
        ((0, 1, 1, 0),
         [(0, "link.unused", "False"), (1, "link.pg", "Page[1]"),
          (1, "domain[0].first", "True"), (0, "domain[1].first", "False")],
         "Page[0].next=None Page[1].next=None heap.head=Page[1] owner=domain[0] | "
         "domain[0] domain_1 first=True | domain[1] domain_1 first=False"),
    ]  # fmt: skip


def test_a_cell_that_boot_leaves_unset() -> None:
    with pytest.raises(SpecError) as refused:
        meaning(BOOT % "goto end").initial()
    assert refused.value.problem == "Page[1].next has no default, and boot leaves it unset"
    assert refused.value.span.line == 4


@pytest.mark.parametrize("read", [
    "if Page.next[pg] == Page.None: goto end",
    "if any(page in chain(pg, Page.next): page != pg): goto link_3",
])
def test_a_cell_that_boot_reads_before_it_is_set(read: str) -> None:
    with pytest.raises(SpecError) as refused:
        meaning(BOOT % f"{read}\n    goto link_3").initial()
    assert refused.value.problem == "Page.next is read before it is set"


def test_a_fault_before_the_first_step() -> None:
    semantics = meaning("""\
        program p()
        sort process 1
        process p
          local n: 0..3
          entry:
            choose n in [0, 1]
            assert n == 0, "n is zero"
            goto end
        """)
    good, bad = semantics.initial()
    assert good.state is not None and good.choices == (0,)
    assert bad.state is None and bad.choices == (1,)
    assert bad.fault is not None and bad.fault.sentence == "n is zero"


# ------------------------------------------------------------------------------------- properties

LISTS = MEMORY.replace("Page? = None Page[0]", "Page? = %s") + """\
  at p_1 head:
    load x
    goto p_2
  at p_2:
    load x
    goto end
%s
"""


@pytest.mark.parametrize(("links", "condition", "value"), [
    ("None Page[0]", "all(pg in Page: Page.next[pg] != pg)", True),
    ("None Page[0]", "any(pg in Page: Page.next[pg] == pg)", False),
    ("None Page[0]", "sum(pg in chain(heap.head, Page.next): index_of(pg)) == 1", True),
    ("Page[1] Page[0]", "sum(pg in chain(heap.head, Page.next): 1) == 2", True),
    ("None None", "sum(pg in chain(heap.head, Page.next): 1) == 1", True),
    ("None None", "all(i in range(0, 3): any(pg in Page: index_of(pg) == i or i == 2))", True),
    ("None None", "index_of(Page.next[Page[1]]) == 0", "none"),
    ("None None", "any(pg in Page: index_of(Page.next[pg]) == 0)", "none"),
    ("Page[0] None", "any(pg in Page: index_of(Page.next[pg]) == 0)", True),
    ("None None", "at_rest", True),
    ("None None", "info.count == 3 and info.owner == Page.None", True),
])  # fmt: skip
def test_properties(links: str, condition: str, value: bool | str) -> None:
    """`all` and `any` stop at the first element that decides; a chain ends where it repeats."""
    semantics = meaning(LISTS % (links, f'always "p": {condition}'))
    held = semantics.holds(semantics.program.properties[0], start(semantics))
    assert (held.kind if isinstance(held, Fault) else held) == value


def test_at_rest_is_the_head_of_the_outermost_loop_or_the_end() -> None:
    semantics = meaning(LISTS % ("None None", 'always "p": at_rest'))
    state, found = start(semantics), []
    while True:
        found.append(semantics.holds(semantics.program.properties[0], state))
        steps = semantics.successors(state)
        if not steps:
            break
        assert steps[0].target is not None
        state = steps[0].target
    assert found == [True, False, True]


def test_when_says_where_a_property_is_asked() -> None:
    """Elsewhere an `always` is true and a `sometimes` is not."""
    for kind, held in (("always", True), ("sometimes", False)):
        semantics = meaning(LISTS % ("None None", f'{kind} "p" when x == 4: x == 5'))
        assert semantics.holds(semantics.program.properties[0], start(semantics)) is held


def test_an_expression_can_be_asked_of_a_state() -> None:
    semantics = one_process("at p_1:\n  load x\n  goto end\n")
    five = Binary("+", Cell(Place("x")), Const(2, Int(2, 2)))
    assert semantics.evaluate(five, start(semantics)) == 5
    fault = semantics.evaluate(Binary("//", five, Const(0, Int(0, 0))), start(semantics))
    assert isinstance(fault, Fault) and fault.sentence == "a division by zero"


def test_cells_have_the_names_that_an_author_gives_them() -> None:
    semantics = meaning("""\
        program p()
        sort Page 2
        sort Cpu 2
        sort process 1
        shared Page.contents.first[Page]: bool = all False
        shared tlb.valid[Cpu, Page]: bool = all False
        shared plain: bool = False
        process p
          entry: goto end
        """)
    assert [name for name, _ in semantics.show_cells(start(semantics))] == [
        "Page[0].contents.first", "Page[1].contents.first",
        "tlb[0][0].valid", "tlb[0][1].valid", "tlb[1][0].valid", "tlb[1][1].valid", "plain",
    ]
    assert semantics.number_of("tlb.valid", (1, 0)) == 4


# -------------------------------------------------------------------------------- as a function


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_successors_is_a_function_of_the_state(seed: int) -> None:
    """A random walk: asked twice, and of a second compilation, it answers the same; what it was
    given is unchanged."""
    print(f"seed {seed}")
    one, other = Semantics(random_program(seed)), Semantics(random_program(seed))
    choose = random.Random(seed)
    states = [b.state for b in one.initial() if b.state is not None]
    for _ in range(50):
        if not states:
            break
        state = choose.choice(states)
        before = shown(one, state)
        steps = one.successors(state)
        assert steps == one.successors(state) == other.successors(state)
        assert shown(one, state) == before
        hash(state)
        states = [step.target for step in steps if step.target is not None]
