"""The notation: text to Program to the same text, and Program to text to the same Program."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from textwrap import dedent

import pytest

import modelcheck.notation
from modelcheck.ir import (
    END,
    Action,
    After,
    Assert,
    Assign,
    Assume,
    AtRest,
    Binary,
    Block,
    Bool,
    Cell,
    Chain,
    Choose,
    Cond,
    Const,
    Element,
    Enum,
    Expr,
    Fence,
    Field,
    Fit,
    Goto,
    If,
    Instances,
    Int,
    Load,
    Loaded,
    Local,
    Loop,
    Make,
    Me,
    NotNull,
    Observe,
    Place,
    Process,
    Program,
    Property,
    Quantified,
    Range,
    Record,
    Ref,
    Rmw,
    Self,
    SetGhost,
    Sort,
    Statement,
    Store,
    Unary,
    Value,
    Variable,
)
from modelcheck.notation import parse_program, print_program
from modelcheck.source import SpecError


def test_the_example_of_the_docstring() -> None:
    """The example that explains the notation is in it, and is printed as it stands there."""
    doc = modelcheck.notation.__doc__ or ""
    example = dedent(doc[doc.index("    program ") : doc.index("Other accesses")])
    plain = re.sub(r" +#.*", "", example).rstrip() + "\n"
    assert print_program(parse_program(example)) == plain


def a_program(expr: str) -> str:
    return (
        dedent("""\
            program p()
            sort Page 2
            enum Scrub { DIRTY CLEAN }
            word Info { state: Scrub, broken: bool }
            word Other { broken: bool }
            shared heap.head: Page? = None
            shared heap.info: Info = {CLEAN, False}
            shared Page.next[Page]: Page? = all None

            process p
              local a: 0..3
              local b: 0..3
              local w: Info
              local o: Other
              local `if`: bool
              entry: a := """)
        + expr
        + "\n"
    )


@pytest.mark.parametrize(
    "expr",
    [
        "a - b - 1",
        "a - (b - 1)",
        "-a * b",
        "-(a * b)",
        "a - -1",
        "-(1)",
        "-(1.(Other.broken))",
        "-(1:0..3 wraps.(Other.broken)) + 1:0..3 wraps.(Other.broken)",
        "(-1).(Other.broken) - -(-1).(Other.broken)",
        "-True or -Scrub.CLEAN == -w.state",
        "--1",
        "not a == b and (a or b)",
        "(not a) == b",
        "(a == b) == (a < b)",
        "a | b ^ a & b << 1 + a % 2",
        "((((a | b) ^ a) & b) << 1) + a",
        "a if a else b if a else b",
        "(a if a else b) if b else a",
        "(a if b else a) + 1",
        "3:0..7 + 1:0..3 wraps - -2:-4..4",
        "Page[1] == Page?[1] or Page.None != heap.head",
        "w.state == Scrub.CLEAN and w.(Info.broken) != o.(Other.broken)",
        "heap.info.state",
        "Info{CLEAN, True} == Info(state=Scrub.DIRTY, broken=$.state == Scrub.CLEAN)",
        "Page.next[heap.head].state",
        "`if` and self == me",
        "element(Page, index_of(heap.head) + 1, -1) == not_null(Page.next[Page[0]])",
        "sum(pg in Page: 1 if Page.next[pg] == Page.None else 0)",
        "all(i in range(0, a): any(pg in chain(heap.head, Page.next): at_rest))",
        "unknown.name + unknown[a]",
    ],
)
def test_expressions(expr: str) -> None:
    """Minimal parentheses, exact sorts: each of these is printed as it was read."""
    text = a_program(expr)
    assert print_program(parse_program(text)) == text


def test_layout_by_hand() -> None:
    """Comments, blank lines and deep arms are read; the printer lays them out its way."""
    by_hand = """\
program p()   # nothing here

process p
    local a: bool

    entry:
        goto p_1
    at p_1 live a:
        if a:   # twice
            goto end
        else:
            if not a:
                goto p_1
            goto end
"""
    printed = """\
program p()

process p
  local a: bool
  entry: goto p_1
  at p_1 live a:
    if a: goto end
    else:
      if not a: goto p_1
      goto end
"""
    assert print_program(parse_program(by_hand)) == printed


def test_an_if_in_an_arm_keeps_its_else() -> None:
    """`if a: { if b: goto x } else: goto y`: the else is the outer one's."""
    inner = If(Local("b"), (Goto("x"),), ())
    both = If(Local("a"), (inner,), (Goto("y"),))
    locals_ = (Variable("a", Bool()), Variable("b", Bool()))
    process = Process("p", 1, False, locals_, (both,), ())
    program = Program("p", (), (), (), None, (process,), ())
    assert print_program(program).splitlines()[5:] == [
        "  entry:",
        "    if a:",
        "      if b: goto x",
        "    else: goto y",
    ]
    assert parse_program(print_program(program)) == program


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("entry: a := a", "entry: a := a +", "16:18: expected an expression, found the end"),
        ("entry: a := a", "entry: a := (a", "16:17: expected ), found the end of the line"),
        ("entry: a := a", "entry: a := a ~ 1", "16:17: not a word of the notation: ~"),
        ("entry: a := a", "entry: a := a < b < a", "16:21: comparisons do not chain"),
        ("entry: a := a", "entry: a := None", "16:15: None of which sort?"),
        ("entry: a := a", "entry: a := w.colour", "16:15: no word has this field: colour"),
        ("entry: a := a", "entry: a := $.broken", "16:17: two words have this field: broken"),
        ("entry: a := a", "entry: walk home", "16:10: expected a statement, found walk"),
        ("entry: a := a", "entry: if a: goto b", "16:10: an if stands on a line of its own"),
        ("entry: a := a", "entry:", "16:9: the text ends too early"),
        ("entry: a := a", "entry:\n  pass", "17:3: expected statements, further to the right"),
        ("entry: a := a", "entry:\n    pass\n   pass", "18:4: this line stands too far to the"),
        ("entry: a := a", "at x:", "16:3: expected entry, found at"),
        ("entry: a := a", 'entry: assert a, "\\x"', "16:20: expected a JSON string"),
        ("local a: 0..3", "local a: Pages", "11:12: expected a sort declared above, found Pages"),
        ("local a: 0..3", "local in: 0..3", "11:9: expected the variable's name (a word of"),
        ("= {CLEAN, False}", "= {CLEEN, False}", "7:27: expected a member of Scrub, found CLEEN"),
        ("= {CLEAN, False}", "= {CLEAN}", "7:32: expected ,, found }"),
        ("sort Page 2", "sort Page 2\nsort Page 3", "3:6: a second sort of this name, found Page"),
        ("program p()", "modul p()", "1:1: expected program, found modul"),
        ("process p", "proces p", "10:1: expected a declaration of the program"),
    ],
)
def test_errors_have_a_line_and_column(old: str, new: str, message: str) -> None:
    text = a_program("a")
    assert text.count(old) == 1
    with pytest.raises(SpecError) as error:
        parse_program(text.replace(old, new))
    assert str(error.value).startswith(f"<program>:{message}")


def test_the_text_ends_too_early() -> None:
    with pytest.raises(SpecError, match=r"<program>:1:1: the text ends too early"):
        parse_program("\n")
    with pytest.raises(SpecError, match=r"f.txt:4:16: the text ends too early"):
        parse_program("program p()\n\nprocess p\n  local a: 0..1", "f.txt")


def test_spans_are_places_in_the_text() -> None:
    """An action knows its line, an expression its columns."""
    text = "program p()\nprocess p\n  entry: goto x\n  at x:\n    assume 1 + 2 == 3\n    goto end\n"
    action = parse_program(text, "f.txt").processes[0].actions[0]
    assert str(action.span) == "f.txt:4:6"
    statement = action.body[0]
    assert isinstance(statement, Assume)
    assert str(statement.condition.span) == "f.txt:5:12"
    assert statement.condition.span.end_column == 22


def test_a_name_with_two_meanings_is_not_printed() -> None:
    program = parse_program(a_program("a"))
    clash = replace(program.processes[0].locals[0], name="Scrub.CLEAN")
    process = replace(
        program.processes[0],
        locals=(clash,),
        entry=(Assign("b", Const(1, Enum("Scrub", ("DIRTY", "CLEAN")))),),
    )
    with pytest.raises(ValueError, match=r"Scrub\.CLEAN has two meanings"):
        print_program(replace(program, processes=(process,)))


# ------------------------------------------------------------------------------ any Program at all

PAGE, PAGE_OR_NONE = Ref("Page", 2, nullable=False), Ref("Page", 2, nullable=True)
SCRUB = Enum("Scrub", ("DIRTY", "CLEAN", "if"))
INFO = Record("Info", (("state", SCRUB), ("next", PAGE_OR_NONE), ("n", Int(-2, 5))))
PAIR = Record("Pair", (("info", INFO), ("state", Bool())))
SORTS: list[Sort] = [
    Bool(), Int(0, 3), Int(-3, -1), Int(0, 7, wraps=True), SCRUB, PAGE, PAGE_OR_NONE, INFO, PAIR,
]  # fmt: skip
LOCALS = ["a", "p.pg", "in", "b'", "heap"]
SHARED = ["heap.head", "Page.next", "x", "at"]
INDEX = [(), (("Page", 2),), (("Page", 2), ("heap", 3)), (("Page", 1),)]


class AnyProgram:
    """Makes Programs of every kind of node, legal or not."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, most: int) -> range:
        return range(self.random.randint(0, most))

    def flag(self) -> bool:
        return self.random.random() < 0.3

    def value(self, sort: Sort) -> Value:
        match sort:
            case Bool():
                return self.flag()
            case Int(lo, hi):
                return self.random.randint(lo, hi)
            case Enum(_, members):
                return self.random.randrange(len(members))
            case Ref(_, count, nullable):
                return None if nullable and self.flag() else self.random.randrange(count)
            case Record(_, fields):
                return tuple(self.value(s) for _, s in fields)

    def const(self) -> Const:
        sort = self.random.choice(SORTS)
        value = self.value(sort)
        if sort == SCRUB:
            value = self.random.randrange(2)  # Scrub.if cannot be written as an expression
        return Const(value, sort)

    def place(self, depth: int) -> Place:
        return Place(self.random.choice(SHARED), tuple(self.expr(depth) for _ in self.some(2)))

    def domain(self, depth: int) -> Instances | Range | Chain:
        match self.random.randrange(3):
            case 0:
                return Instances(self.random.choice([PAGE, PAGE_OR_NONE]))
            case 1:
                return Range(self.expr(depth), self.expr(depth))
            case _:
                return Chain(self.expr(depth), self.random.choice(SHARED))

    def expr(self, depth: int) -> Expr:
        if depth == 0 or self.flag():
            leaves: list[Expr] = [
                self.const(), Local(self.random.choice(LOCALS)), Loaded(), Me(), Self(), AtRest(),
            ]  # fmt: skip
            return self.random.choice(leaves)
        return self.inner(depth - 1)

    def inner(self, depth: int) -> Expr:
        match self.random.randrange(10):
            case 0:
                return Cell(self.place(depth))
            case 1:
                op = self.random.choice(["not", "-", "index_of"])
                return Unary(op, self.expr(depth))
            case 2 | 3 | 4:
                ops = "+ - * // % << >> & | ^ == != < <= > >= and or".split()  # noqa: SIM905
                return Binary(self.random.choice(ops), self.expr(depth), self.expr(depth))
            case 5:
                return Cond(self.expr(depth), self.expr(depth), self.expr(depth))
            case 6:
                word = self.random.choice([INFO, PAIR])
                name = self.random.choice(word.fields)[0]
                return Field(self.expr(depth), name, word)
            case 7:
                word = self.random.choice([INFO, PAIR])
                return Make(word, tuple(self.expr(depth) for _ in word.fields))
            case 8:
                numbered: list[Ref | Enum] = [PAGE, PAGE_OR_NONE, SCRUB]
                sort = self.random.choice(numbered)
                return Element(sort, self.expr(depth), self.random.randint(-1, 1))
            case _:
                kind = self.random.randrange(6)
                if kind < 3:
                    return NotNull(self.expr(depth))
                if kind == 3:
                    return self.declared(depth)
                op = self.random.choice(["all", "any", "sum"])
                name = self.random.choice([*LOCALS, "q", "x"])
                return Quantified(op, name, self.domain(depth), self.expr(depth))

    def declared(self, depth: int) -> Expr:
        if self.flag():
            return After(self.expr(depth), self.expr(depth))
        sorts: list[Sort] = [PAGE, PAGE_OR_NONE, SCRUB, INFO, Bool(), Int(-3, -1), Int(0, 6, True)]
        return Fit(self.random.choice(sorts), self.expr(depth))

    def block(self, depth: int) -> Block:
        return tuple(self.statement(depth) for _ in self.some(3))

    def statement(self, depth: int) -> Statement:
        e = self.expr(3)
        match self.random.randrange(8 if depth else 7):
            case 0:
                return Assign(self.random.choice(LOCALS), e)
            case 1:
                return SetGhost(self.place(1), e)
            case 2:
                return Assert(e, self.random.choice(["it's so", 'say "no"', "tab\t é\u2028", ""]))
            case 3:
                return Assume(e)
            case 4:
                return Choose(self.random.choice(LOCALS), tuple(self.expr(1) for _ in self.some(2)))
            case 5:
                return Choose(self.random.choice(LOCALS), self.domain(1))
            case 6:
                return Goto(self.random.choice([END, "p_1", "p 2", "p.3"]))
            case _:
                return If(e, self.block(depth - 1), self.block(depth - 1))

    def action(self, number: int) -> Action:
        accesses = [
            None,
            Load(self.place(2), by=self.random.choice(["load", "wait_until"])),
            Store(self.place(2), self.expr(2), self.random.choice([(), ("n",), ("info", "n")])),
            Rmw(self.place(2), self.expr(2), by=self.random.choice(["rmw", "cmpxchg", "by"])),
            Observe(self.expr(3), by=self.random.choice(["observe", "is_scrubbed"])),
            Fence("smp_mb"),
        ]
        return Action(
            at=f"p_{number}",
            access=self.random.choice(accesses),
            body=self.block(2),
            wait=self.expr(2) if self.flag() else None,
            live=tuple(self.random.sample(LOCALS, self.random.randint(0, 2))),
            loops=self.random.choice([(), (Loop("p_1"),), (Loop("p_1"), Loop("l"))]),
            resting=self.flag(),
            head=self.flag(),
            transit=self.flag(),
            reason="why \\ not" if self.flag() else None,
            interrupt="timer" if number % 3 == 1 else None,
        )

    def process(self, name: str) -> Process:
        locals_ = tuple(
            Variable(n, self.random.choice(SORTS), checked=not self.flag()) for n in LOCALS
        )
        actions = tuple(self.action(n) for n in self.some(4))
        count = self.random.randint(0, 3)
        return Process(name, count, self.flag(), locals_, self.block(2), actions)

    def variable(self, name: str) -> Variable:
        sort = self.random.choice(SORTS)
        v = Variable(name, sort, self.random.choice(INDEX), None, self.flag(), not self.flag())
        values = tuple(self.value(sort) for _ in range(v.cells))
        return v if self.flag() else replace(v, initial=values)

    def program(self) -> Program:
        kinds = ["always", "sometimes"]
        return Program(
            "any program",
            (("PAGES", 2), ("WAIT", self.flag()), ("N", -1)),
            (("Page", 2), ("process", 3)),
            tuple(map(self.variable, SHARED)),
            self.process("boot") if self.flag() else None,
            (self.process("p"), self.process("process")),
            tuple(
                Property(self.random.choice(kinds), f"s{i}", self.expr(4), self.expr(2))
                for i in self.some(2)
            ),
            ("it is so",) if self.flag() else (),
            "sc" if self.flag() else "",
        )


@pytest.mark.parametrize("seed", range(150))
def test_any_program_comes_back(seed: int) -> None:
    program = AnyProgram(seed).program()
    text = print_program(program)
    assert parse_program(text) == program
    assert print_program(parse_program(text)) == text


LEAVES: list[Expr] = [
    Const(True, Bool()), Const(0, Int(0, 0)), Const(2, Int(0, 3)), Const(-3, Int(-3, -3)),
    Const(-2, Int(-3, -1)), Const(7, Int(0, 7, wraps=True)), Const(-4, Int(0, 7, wraps=True)),
    Const(1, SCRUB), Const(1, PAGE), Const(1, PAGE_OR_NONE), Const(None, PAGE_OR_NONE),
    Const((0, None, -2), INFO), Const(((1, 0, 5), False), PAIR), Local("a"), Local("p.pg"),
    Local("in"), Local("b'"), Local("heap"), Loaded(), Me(), Self(), AtRest(),
    Cell(Place("x", ())), Cell(Place("heap.head", ())), Cell(Place("at", ())),
]  # fmt: skip
A = Local("a")
AROUND: list[Callable[[Expr], Expr]] = [
    *(partial(Unary, op) for op in ("not", "-", "index_of")),
    *(partial(Binary, op, right=A) for op in ("or", "and", "==", "|", "^", "&", "<<", "+", "%")),
    *(partial(Binary, op, A) for op in ("or", "and", "==", "|", "^", "&", "<<", "-", "*")),
    lambda e: Cond(e, A, A), lambda e: Cond(A, e, A), lambda e: Cond(A, A, e),
    lambda e: Field(e, "n", INFO), lambda e: Field(e, "state", INFO), lambda e: NotNull(e),
    lambda e: Field(e, "info", PAIR), lambda e: Make(PAIR, (e, A)), lambda e: Make(PAIR, (A, e)),
    lambda e: Element(PAGE_OR_NONE, e, -1), lambda e: Element(SCRUB, e, 0),
    lambda e: Fit(Int(-1, 2), e), lambda e: Fit(PAGE, e), lambda e: After(e, A),
    lambda e: After(A, e),
    lambda e: Quantified("sum", "x", Instances(PAGE), e),
    lambda e: Quantified("any", "q", Range(e, A), A),
    lambda e: Quantified("any", "q", Range(A, e), A),
    lambda e: Quantified("all", "q", Chain(e, "Page.next"), A),
    lambda e: Cell(Place("Page.next", (e,))), lambda e: Cell(Place("x", (A, e))),
]  # fmt: skip
"""Every place in which an expression stands within another."""


@pytest.mark.parametrize("outer", AROUND)
def test_whatever_stands_in_whatever_comes_back(outer: Callable[[Expr], Expr]) -> None:
    """Every leaf in every place, and of some that in every place once more.  `-4.(Info.state)` was
    printed for the negation of a field of 4, and read as -4, with something odd behind it."""
    few = LEAVES[2:7:2]  # 2, -2, and -4 that wraps
    made = [outer(leaf) for leaf in LEAVES]
    made += [outer(inner(leaf)) for inner in AROUND for leaf in few]
    frame = AnyProgram(0).program()
    locals_ = tuple(Variable(name, Bool()) for name in LOCALS)
    body = tuple(Assume(e) for e in made)
    program = replace(
        frame, boot=None, properties=(), processes=(Process("p", 1, False, locals_, body, ()),),
    )
    assert parse_program(print_program(program)) == program
