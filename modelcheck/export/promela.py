"""A Model as Promela, for SPIN: one process that does nothing but the design's steps.

Everything is in global variables, and each step is a d_step, so that SPIN's own states are ours.
"""

from __future__ import annotations

from modelcheck.export.model import Body, Branch, Check, Command, Let, Model, Require, Set
from modelcheck.export.printing import (
    Syntax, about, chain, floor_division, head, shown, value_text,
)
from modelcheck.export.terms import FALSE, Cells, Op, Term, not_, or_
from modelcheck.quoting import quoted

KEYWORDS = """
    active assert atomic bit bool break byte c_code c_decl c_expr c_state c_track chan cond d_step
    d_proctype do else empty enabled eval false fi for full get_priority goto hidden if in init
    inline int len local ltl mtype nempty never nfull nr_pr notrace np od of pc_value pid printf
    printm priority proctype provided return run select set_priority short skip show spin step
    timeout trace true typedef unless unsigned xr xs last print
    auto case char const continue default double enum extern float long register signed sizeof
    static struct switch union void volatile while now main exit abs read write index time signal
    uchar ushort uint ulong state trail design
"""
"""Promela's words, and what means something else in the C that SPIN writes."""

OPERATORS = {
    "not": "!{0}", "and": "{0} && {1}", "or": "{0} || {1}", "==": "{0} == {1}", "!=": "{0} != {1}",
    "<": "{0} < {1}", "<=": "{0} <= {1}", "ite": "({0} -> {1} : {2})", "minus": "-{1}",
    "+": "{0} + {1}", "-": "{0} - {1}", "*": "{0} * {1}", "//": "{0} / {1}", "%": "{0} % {1}",
    "<<": "{0} << {1}", ">>": "{0} >> {1}", "&": "{0} & {1}", "|": "{0} | {1}", "^": "{0} ^ {1}",
}  # fmt: skip

STEP = "          "  # where the statements of a step stand


def promela(model: Model) -> str:
    """The text of the file."""
    syntax = Syntax(
        "true", "false", OPERATORS,
        lambda op, texts: floor_division(op, texts, "&&", "({0} -> {1} : {2})"),
        {name: given for name, given, _ in model.constants},
    )
    rows = [*_comment(head(model, _how(model)), ""), ""]
    rows += [f"#define {given} {value}" for _, given, value in model.constants]
    rows += ["", *_variables(model, syntax), ""]
    if model.scratches:
        rows += ["/* within a step only */", *_scratches(model), ""]
    rows += ["active proctype design() {", *_beginnings(model, syntax), "    do"]
    for invariant in model.invariants:
        rows += _comment([f"always {invariant.sentence}", shown(invariant.span, model)], "    ")
        rows += syntax.lines(_broken(invariant.holds), "    :: d_step { (", " " * 14)
        rows[-1] += ") ->"
        rows += [f"{STEP}assert(false) }}", ""]
    for command in model.commands:
        rows += [*_command(command, model, syntax), ""]
    return "\n".join([*rows[:-1], "    od", "}", ""])


def _how(model: Model) -> list[str]:
    begins = ["SPIN's states are ours; of its transitions, one is not: the beginning."]
    if len(model.beginnings) > 1:
        begins = [
            "SPIN's states are ours, and one more, before a beginning is chosen; of its",
            f"transitions, one for each of the {len(model.beginnings)} beginnings and one more are "
            "not ours.",
        ]
    return [
        *begins, "To count them, call this file design.pml, and",
        "  spin -o1 -o2 -a design.pml && cc -O2 -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c",
        "  ./pan -E -m1000000     (with -m, as many as there may be states in a row)",
        "(-o1 -o2: else SPIN takes variables that are only written out of its states.)",
    ]


def _broken(holds: Term) -> Term:
    """That it does not hold."""
    if not isinstance(holds, Op) or holds.op != "and":
        return not_(holds)
    broken: Term = FALSE
    for part in reversed(chain(holds)):
        broken = or_(not_(part), broken)
    return broken


def _comment(lines: list[str], indent: str) -> list[str]:
    first, *others = (quoted(line, "comment") for line in lines)
    rows = [f"{indent}/* {first}", *(f"{indent}   {line}".rstrip() for line in others)]
    return [*rows[:-1], rows[-1] + " */"]


def _type(cells: Cells) -> str:
    if cells.truth:
        return "bool"
    if cells.lo >= 0 and cells.hi <= 255:
        return "byte"
    return "short" if cells.lo >= -(2**15) and cells.hi < 2**15 else "int"


def _variables(model: Model, syntax: Syntax) -> list[str]:
    rows = []
    single = model.beginnings[0] if len(model.beginnings) == 1 else None
    for n, cells in enumerate(model.variables):
        name = f"{cells.name}[{cells.size}]" if cells.array else cells.name
        begin = ""
        if single is not None:
            texts = [value_text(cells, v, syntax) for v in single[n]]
            begin = f" = {{ {', '.join(texts)} }}" if cells.array else f" = {texts[0]}"
        row = f"{_type(cells)} {name}{begin};"
        comment = "" if cells.name == cells.shown else f"  /* {quoted(cells.shown, 'comment')} */"
        rows.append(row + comment)
    return rows


def _scratches(model: Model) -> list[str]:
    return [f"hidden int {name};" for name in dict.fromkeys(s.name for s in model.scratches)]


def _beginnings(model: Model, syntax: Syntax) -> list[str]:
    if len(model.beginnings) == 1:
        return []
    rows = ["    if"]
    for number, values in enumerate(model.beginnings):
        rows.append(f"    :: d_step {{ true ->  /* beginning {number} */")
        for cells, held in zip(model.variables, values, strict=True):
            for index, value in enumerate(held):
                place = f"{cells.name}[{index}]" if cells.array else cells.name
                rows.append(f"{STEP}{place} = {value_text(cells, value, syntax)};")
        rows[-1] += " }"
    return [*rows, "    fi;"]


def _command(command: Command, model: Model, syntax: Syntax) -> list[str]:
    rows = _comment(about(command, model), "    ")
    rows += syntax.lines(command.guard, "    :: d_step { (", " " * 14)
    rows[-1] += ") ->"
    rows += _body(command.body, STEP, syntax)
    return [*rows[:-1], rows[-1] + " }"]


def _body(body: Body, indent: str, syntax: Syntax) -> list[str]:
    rows: list[str] = []
    for statement in body:
        match statement:
            case Let(scratch, value):
                rows.append(f"{indent}{scratch.name} = {syntax.text(value)};")
            case Set(cells, index, value):
                rows.append(f"{indent}{syntax.place(cells, index)} = {syntax.text(value)};")
            case Check(bad, sentence):
                rows += _check(bad, sentence, indent, syntax)
            case Branch(test, then, other):
                rows += [
                    f"{indent}if", f"{indent}:: {syntax.text(test)} ->",
                    *_body(then, indent + "     ", syntax),
                    f"{indent}:: else ->", *_body(other, indent + "     ", syntax), f"{indent}fi",
                ]
            case Require():
                raise AssertionError("it is in the guard")
    return rows or [f"{indent}skip"]


def _check(bad: Term, sentence: str, indent: str, syntax: Syntax) -> list[str]:
    comment = _comment([sentence], indent)
    return [*comment, f"{indent}assert({syntax.text(not_(bad))});"]
