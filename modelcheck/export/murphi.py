"""A Model in Murphi, for Rumur: a rule for each step, and our states are its states."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.export.model import (
    Body, Branch, Check, Command, Let, Model, Require, Set, scratches,
)
from modelcheck.export.printing import Syntax, about, floor_division, head, shown, value_text
from modelcheck.export.terms import Cells, Scratch, not_
from modelcheck.quoting import quoted

KEYWORDS = """
    alias array assert assume begin boolean by case clear const cover do else elsif end endalias
    endexists endfor endforall endfunction endif endprocedure endrecord endrule endruleset
    endstartstate endswitch endwhile enum error exists false for forall function if in interleaved
    invariant isundefined liveness multiset multisetadd multisetcount multisetremove
    multisetremovepred of procedure process program property put record return rule ruleset
    scalarset startstate switch then to traceuntil true type undefine undefined union until var
    while
"""

OPERATORS = {
    "not": "!{0}", "and": "{0} & {1}", "or": "{0} | {1}", "==": "{0} = {1}", "!=": "{0} != {1}",
    "<": "{0} < {1}", "<=": "{0} <= {1}", "ite": "({0} ? {1} : {2})", "minus": "-{1}",
    "+": "{0} + {1}", "-": "{0} - {1}", "*": "{0} * {1}", "//": "{0} / {1}", "%": "{0} % {1}",
    "<<": "{0} << {1}", ">>": "{0} >> {1}", "&": "{0} & {1}", "|": "{0} | {1}", "^": "{0} ^ {1}",
}  # fmt: skip

STEP = "  "


def murphi(model: Model) -> str:
    """The text of the file."""
    syntax = Syntax(
        "true", "false", OPERATORS,
        lambda op, texts: floor_division(op, texts, "&", "({0} ? {1} : {2})"),
        {name: given for name, given, _ in model.constants},
    )
    rows = [f"-- {line}".rstrip() for line in head(model, HOW)]
    rows += ["", "const", *(f"  {given}: {value};" for _, given, value in model.constants)]
    rows += ["", "var", *map(_variable, model.variables), ""]
    for number, values in enumerate(model.beginnings):
        rows += [f'startstate "beginning {number}"', "begin"]
        for cells, held in zip(model.variables, values, strict=True):
            for index, value in enumerate(held):
                place = f"{cells.name}[{index}]" if cells.array else cells.name
                rows.append(f"{STEP}{place} := {value_text(cells, value, syntax)};")
        rows += ["end;", ""]
    for command in model.commands:
        rows += [*_rule(command, model, syntax), ""]
    for invariant in model.invariants:
        rows += [f"-- {shown(invariant.span, model)}"]
        rows += [f'invariant "{quoted(invariant.sentence, "string")}"']
        rows += syntax.lines(invariant.holds, STEP, STEP)
        rows[-1] += ";"
        rows.append("")
    return "\n".join(rows)


HOW = (
    "Rumur's states are ours, and the rules that it fires our steps.  To count them, call this",
    "file design.m, and",
    "  rumur --deadlock-detection off --value-type int32_t --threads 1 -o design.c design.m",
    "  cc -std=c11 -O2 -o design design.c -lpthread && ./design",
)


def _type(truth: bool, lo: int, hi: int) -> str:
    return "boolean" if truth else f"{lo}..{hi}"


def _variable(cells: Cells) -> str:
    held = _type(cells.truth, cells.lo, cells.hi)
    sort = f"array [0..{cells.size - 1}] of {held}" if cells.array else held
    row = f"  {cells.name}: {sort};"
    return row if cells.name == cells.shown else f"{row}  -- {quoted(cells.shown, 'comment')}"


def _rule(command: Command, model: Model, syntax: Syntax) -> Iterator[str]:
    first, *lines = about(command, model)
    yield from (f"-- {line}" for line in lines)
    yield f'rule "{quoted(first, "string")}"'
    yield from syntax.lines(command.guard, STEP, STEP)
    yield "==>"
    if kept := _widest(scratches(command.body)):
        yield "var"
        yield from (f"{STEP}{s.name}: {_type(s.truth, s.lo, s.hi)};" for s in kept)
    yield "begin"
    yield from _body(command.body, STEP, syntax)
    yield "end;"


def _widest(all_: tuple[Scratch, ...]) -> list[Scratch]:
    """Each name once, with all that it ever holds."""
    found: dict[str, Scratch] = {}
    for s in all_:
        before = found.get(s.name, s)
        found[s.name] = Scratch(
            s.name, s.truth, min(s.lo, before.lo), max(s.hi, before.hi), s.none
        )
    return list(found.values())


def _body(body: Body, indent: str, syntax: Syntax) -> Iterator[str]:
    for statement in body:
        match statement:
            case Let(scratch, value):
                yield f"{indent}{scratch.name} := {syntax.text(value)};"
            case Set(cells, index, value):
                yield f"{indent}{syntax.place(cells, index)} := {syntax.text(value)};"
            case Check(bad, sentence):
                yield f'{indent}assert {syntax.text(not_(bad))} "{quoted(sentence, "string")}";'
            case Branch(test, then, other):
                yield f"{indent}if {syntax.text(test)} then"
                yield from _body(then, indent + STEP, syntax)
                yield f"{indent}else"
                yield from _body(other, indent + STEP, syntax)
                yield f"{indent}end;"
            case Require():
                raise AssertionError("it is in the guard")
