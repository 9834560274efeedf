"""What a Program may contain: one legal Program, and for each rule a change that breaks it."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from modelcheck.ir import (
    Binary,
    Bool,
    Choose,
    Const,
    Enum,
    Expr,
    Field,
    Instances,
    Int,
    Make,
    Program,
    Property,
    Record,
    Ref,
)
from modelcheck.legal import STAGES, Illegal, check
from modelcheck.legal.sites import ALLOWED
from modelcheck.notation import parse_program

LEGAL = """\
program per_page_cmpxchg(PAGES=2)
sort Page 2
sort process 3
enum Scrub { DIRTY CLEAN }
word CountInfo { state: Scrub, broken: bool }
shared heap.head: Page? = None
shared Page.next[Page]: Page?
shared Page.count_info[Page]: CountInfo = {DIRTY, False} {CLEAN, False}
shared heap_lock.locked: bool = False
ghost heap_lock.holder: process? = None
ghost Page.owner[Page]: process? = all None

boot link_every_page
  entry: goto link_30
  at link_30 transit:
    store heap.head := Page?[0]
    goto end

process domain[2]
  local pg: Page?
  local seen: Scrub
  local n: 0..3
  entry:
    choose n in range(0, 2)
    goto domain_41
  at domain_41 live n in domain_40 head:
    wait not $
    rmw heap_lock.locked := True by spin_lock
    ghost heap_lock.holder := self
    goto domain_42
  at domain_42 live n in domain_40:
    load heap.head
    pg := $
    if pg == Page.None: goto domain_50
    else: goto domain_43
  at domain_43 live pg in domain_40 atomic "the hypercall is serialised":
    load Page.count_info[pg]
    seen := $.state
    assert heap_lock.holder == self, "the lock is held"
    goto domain_44
  at domain_44 live pg, seen in domain_40 transit atomic "the hypercall is serialised":
    store Page.count_info[pg] part broken := seen == Scrub.DIRTY
    ghost Page.owner[pg] := heap_lock.holder
    goto domain_45
  at domain_45 in domain_40:
    fence smp_mb
    goto domain_46
  at domain_46 in domain_40:
    observe all(q in Page: Page.next[q] != heap.head)
    assert $, "no page leads to the head"
    choose n in [0, 1]
    goto domain_41
  at domain_50 live n:
    store heap_lock.locked := n > 2 by spin_unlock
    ghost heap_lock.holder := process.None
    goto end

process idle_loop
  entry: goto end

always "no page in use is listed" when heap_lock.holder == process.None: \
all(q in chain(heap.head, Page.next): Page.count_info[q].state == Scrub.CLEAN)
sometimes "all rest": at_rest
"""


def test_a_legal_program_is_legal() -> None:
    check(parse_program(LEGAL), "steps")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        # data
        ("local n: 0..3", "local n: 3..0", "the range 3..0 is empty"),
        ("local n: 0..3", "local n: 1..3 wraps", "a counter that wraps begins at 0, not at 1"),
        ("local n: 0..3", "local n: 0..3\n  local pg: bool", "two variables are called pg"),
        (
            "local n: 0..3",
            "local n: 0..3\n  local heap.head: bool",
            "variables are called heap.head",
        ),
        ("local n: 0..3", "local n: 0..3 = 1", "the local n is no single plain value"),
        ("local n: 0..3", "local ghost n: 0..3", "the local n is no single plain value"),
        ("{ DIRTY CLEAN }", "{ DIRTY CLEAN CLEAN }", "Scrub needs members, each once"),
        ("sort process 3", "sort process 4", "the index sort process must have size 3"),
        ("sort Page 2", "sort Page 2\nsort Heap 0", "the index sort Heap is empty"),
        ("Page.next[Page]", "Page.next[Page:3]", "Page.next: its index Page has not size 3"),
        ("{DIRTY, False} {CLEAN, False}", "{CLEAN, False}", "1 initial values for 2 cells"),
        ("shared heap.head: Page? = None", "shared heap.head: Page = Page[2]", "value 2 is not in"),
        ("shared heap.head: Page? = None", "shared heap.head: Page = None", "value None is not in"),
        (
            "shared heap_lock",
            "shared heap.head: bool = True\nshared heap_lock",
            "two variables are",
        ),
        ("process idle_loop", "process domain", "two processes are called domain"),
        ("process idle_loop", "process idle_loop count 2", "have no names of their own"),
        ("process idle_loop", "process idle_loop[0]", "have no names of their own"),
        ("all(q in Page", "all(n in Page", "domain, domain_46: n is bound, but has a meaning"),
        ("n > 2", "n > 4:0..3", "domain, domain_50: the constant 4 is not in its sort"),
        (
            '"all rest"',
            '"no page in use is listed"',
            "two properties say: no page in use is listed",
        ),
        # locations and steps
        ("at domain_46", "at domain_45", "a second location is called domain_45"),
        ("at domain_46", "at end", "a second location is called end"),
        (
            "in domain_40:\n    fence",
            "in domain_40, domain_40:\n    fence",
            "it is twice in a loop",
        ),
        (
            "domain_40 head:",
            "domain_40 resting head:",
            "domain_41: a loop that must be left is no rest",
        ),
        (
            "in domain_40:\n    fence",
            "in domain_40 resting:\n    fence",
            "a loop that must be left is no rest",
        ),
        ("    else: goto domain_43\n", "", "domain, domain_42: a path does not end in a goto"),
        ("range(0, 2)\n    goto domain_41", "range(0, 2)", "entry: a path does not end in a goto"),
        ("load heap.head\n", "load heap.head\n    goto end\n", "no path leads to this statement"),
        (
            "head := Page?[0]\n    goto end",
            "head := Page?[0]\n    goto x",
            "there is no location x",
        ),
        ("at link_30 transit", "at link_30", "link_every_page, link_30: boot has no steps"),
        (
            "in domain_40:\n    load",
            "transit:\n    load",
            "second access in a step that is not atomic",
        ),
        ("goto domain_50", "goto domain_44", "domain_42: it jumps into the atomic of domain_44"),
        (
            'transit atomic "the hypercall is serialised":\n',
            'transit atomic "another":\n',
            "domain_43: it jumps into the atomic of domain_44",
        ),
        (
            "    goto domain_41\n  at domain_41",
            "    goto domain_44\n  at domain_41",
            "it jumps into",
        ),
        ("range(0, 2)\n    goto domain_41\n", "range(0, 2)\n    goto lost\n", "no location lost"),
        (
            "at domain_50 live n:\n    store heap_lock.locked := n > 2 by spin_unlock",
            "at domain_50 live n transit:\n    wait n > 2",
            "it waits in the middle of a step",
        ),
        ("    fence smp_mb", "    wait True\n    fence smp_mb", "a barrier waits for nothing"),
        ("live pg, seen", "live seen, pg", "domain, domain_44: live is pg, seen"),
        ("at domain_42 live n", "at domain_42", "domain, domain_42: live is n"),
        ("at domain_45 in", "at domain_45 live n in", "domain, domain_45: live is nothing"),
        # expressions
        ("wait not $", "wait heap_lock.holder == self", "Cell may not stand in a wait"),
        ("wait not $", "wait any(q in Page: q == pg)", "Quantified may not stand in a wait"),
        ("if pg == Page.None", "if heap.head == Page.None", "Cell may not stand in local work"),
        ("n > 2 by", "$ by", "Loaded may not stand in a stored value"),
        (
            "load Page.count_info[pg]",
            "load Page.count_info[heap.head]",
            "in the index of an access",
        ),
        ("at_rest", "self == process.None", "a property: Self may not stand in a property"),
        ("assert $,", "assert at_rest,", "AtRest may not stand in an assert"),
        ("Page.next[q] != heap.head", "$", "Loaded may not stand in an observation"),
        (
            "head := Page?[0]",
            "head := Page.None if self == self else Page.None",
            "boot is no process",
        ),
        ("range(0, 2)", "chain(pg, Page.next)", "a chain reads memory: no local choice"),
        (
            "    fence smp_mb\n",
            "    fence smp_mb\n    n := $\n",
            "domain_45: $ where nothing is read",
        ),
        ("range(0, 2)", "range(0, $)", "domain, entry: $ where nothing is read"),
        (
            "choose n in [0, 1]",
            "choose n in [0, 1 if $ else 2]",
            "an observation may only be asserted",
        ),
        ("seen == Scrub.DIRTY", "sean == Scrub.DIRTY", "domain_44: there is no local sean"),
        ("pg := $", "gp := $", "domain_42: there is no local gp"),
        ("choose n in range", "choose m in range", "domain, entry: there is no local m"),
        ("load heap.head", "load heap.haed", "there is no variable heap.haed"),
        ("load heap.head", "load heap.head[0]", "heap.head has 0 indices"),
        ("Page.owner[pg] :=", "Page.owner :=", "Page.owner has 1 indices"),
        (
            "chain(heap.head, Page.next)",
            "chain(heap.head, Page.nxt)",
            "there is no variable Page.nxt",
        ),
        (
            "chain(heap.head, Page.next)",
            "chain(heap.head, heap.head)",
            "does not lead from an element",
        ),
        ("part broken", "part broke", "Page.count_info has no part broke"),
        # ghosts
        (
            "rmw heap_lock.locked := True",
            "rmw heap_lock.holder := $",
            "holder is a ghost: no access",
        ),
        (
            "ghost Page.owner[pg]",
            "ghost Page.next[pg]",
            "Page.next is no ghost: only an access sets",
        ),
        (
            "assert heap_lock.holder",
            "assert heap.head",
            "an assert reads heap.head without an access",
        ),
        (
            "assert heap_lock.holder == self,",
            "assert any(q in chain(pg, Page.next): q == pg),",
            "an assert reads Page.next without an access",
        ),
    ],
)  # fmt: skip
def test_each_rule(old: str, new: str, problem: str) -> None:
    assert old in LEGAL
    program = parse_program(LEGAL.replace(old, new, 1))
    with pytest.raises(Illegal) as error:
        check(program, "steps")
    assert problem in error.value.problem


WORD = Record("W", (("broken", Bool()),))
TWICE = Record("W", (("same", Bool()), ("same", Bool())))


def one_value(program: Program, value: Expr) -> Program:
    """With a property in which this value stands."""
    same = Property("always", "it is itself", Binary("==", value, value))
    return replace(program, properties=(same,))


def choosing(program: Program, pages: Ref) -> Program:
    """With a process that first chooses one of these pages."""
    first = program.processes[0]
    entry = (Choose("pg", Instances(pages)), *first.entry)
    return replace(program, processes=(replace(first, entry=entry), *program.processes[1:]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda p: one_value(p, Const(0, Ref("Page", 3, True))), "no index sort Page of size 3"),
        # a choice among all instances: its sort was passed over, as no expression mentions it
        (lambda p: choosing(p, Ref("Page", 3, False)), "no index sort Page of size 3"),
        (lambda p: one_value(p, Const(0, Enum("Scrub", ("A",)))), "two sorts are called Scrub"),
        (lambda p: one_value(p, Const(0, Enum("None", ()))), "None needs members, each once"),
        (lambda p: one_value(p, Const((), Record("W", ()))), "W needs fields, each once"),
        (lambda p: one_value(p, Const((True, False), TWICE)), "W needs fields, each once"),
        (lambda p: one_value(p, Const(1, Bool())), "the constant 1 is not in its sort"),
        (lambda p: one_value(p, Const(True, Int(0, 1))), "constant True is not in its sort"),
        (lambda p: replace(p, index_sorts=(*p.index_sorts, ("Page", 2))), "two index sorts are"),
        (lambda p: replace(p, boot=None), "Page.next: no initial value, and no boot to set it"),
        (
            lambda p: replace(p, properties=(Property("never", "x", Const(True, Bool())),)),
            "no property is of the kind never",
        ),
        (lambda p: one_value(p, Field(Const((True,), WORD), "b", WORD)), "W has no field b"),
        (lambda p: one_value(p, Make(WORD, ())), "a property: W has 1 fields"),
        (lambda p: replace(p, memory="sc"), "it is compiled for sc already"),
    ],
)
def test_what_the_notation_cannot_say(change: Callable[[Program], Program], problem: str) -> None:
    with pytest.raises(Illegal) as error:
        check(change(parse_program(LEGAL)), "steps")
    assert problem in error.value.problem


@pytest.mark.parametrize("stage", ["memory", "passes"])
def test_a_memory_model_leaves_no_barrier(stage: str) -> None:
    program = parse_program(LEGAL)
    with pytest.raises(Illegal, match="compiled for no memory model"):
        check(program, stage)
    with pytest.raises(Illegal, match="domain, domain_45: smp_mb should have been compiled away"):
        check(replace(program, memory="sc"), stage)


def test_the_offending_node_and_its_place() -> None:
    with pytest.raises(Illegal) as error:
        check(parse_program(LEGAL.replace("n > 2", "m")), "steps")
    assert str(error.value).endswith("54:31: domain, domain_50: there is no local m")
    assert getattr(error.value.node, "name", "") == "m"


def test_every_kind_of_expression_stands_somewhere() -> None:
    assert frozenset(get_args(Expr)) == frozenset().union(*ALLOWED.values())


def test_every_rule_is_in_the_table() -> None:
    """A rule that no stage names is never checked."""
    from modelcheck.legal import data, expressions, steps

    rules = {
        value
        for module in (data, expressions, steps)
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")
        and name != "in_sort"
    }
    assert rules == {rule for stage in STAGES.values() for rule in stage}
