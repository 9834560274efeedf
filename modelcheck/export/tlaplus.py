"""A Model in TLA+, for TLC: an action for each step, and our states are its distinct states.

What a step does in order is said as values: each variable that is read again has a name of its own
for what it holds by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modelcheck.export.bodies import read_in
from modelcheck.export.model import Body, Branch, Check, Command, Let, Model, Require, Set
from modelcheck.export.printing import Syntax, about, head, shown, value_text
from modelcheck.export.terms import Beyond, Cells, Op, Term, is_truth, not_
from modelcheck.quoting import quoted
from modelcheck.source import SpecError

KEYWORDS = """
    action assume assumption axiom boolean by bygroup case choose const constant constants
    constant_level corollary def define domain else enabled except extends false have hide if in
    init instance int is_finite lambda lemma let local module nat new obvious omitted only other
    pick proof proposition prove qed real recursive seq spec sf_ state step strict string subset
    suffices take temporal temporal_level then theorem true type unchanged union use variable
    variables vars wf_ witness with next assert print printt range permutations tostring any
    javatime tlcget tlcset tlceval randomelement sortseq i
"""

OPERATORS = {
    "not": "~{0}", "and": "{0} /\\ {1}", "or": "{0} \\/ {1}", "==": "{0} = {1}",
    "!=": "{0} # {1}", "<": "{0} < {1}", "<=": "{0} <= {1}",
    "ite": "(IF {0} THEN {1} ELSE {2})", "minus": "-{1}",
    "+": "{0} + {1}", "-": "{0} - {1}", "*": "{0} * {1}", "//": "{0} \\div {1}",
    "%": "{0} % {1}", "<<": "{0} * 2^{1}", ">>": "{0} \\div 2^{1}",
    "&": "Bit__And({0}, {1})", "|": "{0} + {1} - Bit__And({0}, {1})",
    "^": "{0} + {1} - 2 * Bit__And({0}, {1})",
}  # fmt: skip

BITS = r"""
RECURSIVE Bit__And(_, _)
Bit__And(a, b) ==
  IF a = 0 \/ b = 0 THEN 0
  ELSE 2 * Bit__And(a \div 2, b \div 2) + (a % 2) * (b % 2)
"""

def tlaplus(model: Model) -> str:
    """The module."""
    syntax = Syntax(
        "TRUE", "FALSE", OPERATORS, _special, {name: given for name, given, _ in model.constants}
    )
    rows = [f"---- MODULE {model.name} ----"]
    rows += [f"\\* {line}".rstrip() for line in head(model, _how(model))]
    rows += ["EXTENDS Integers, TLC", ""]
    rows += [f"{given} == {value}" for _, given, value in model.constants]
    body = _variables(model) + _beginnings(model, syntax)
    for command in model.commands:
        try:
            body += [*_action(command, model, syntax), ""]
        except Beyond as beyond:
            raise SpecError(command.spans[0], f"{beyond} cannot be said in TLA+") from None
    body += ["Next ==", *(f"  \\/ {c.name}" for c in model.commands), ""]
    for invariant in model.invariants:
        body += [
            f"\\* always {quoted(invariant.sentence, 'comment')}",
            f"\\* {shown(invariant.span, model)}",
        ]
        try:
            body += [f"{invariant.name} ==", *syntax.lines(invariant.holds, "  ", "  "), ""]
        except Beyond as beyond:
            raise SpecError(invariant.span, f"{beyond} cannot be said in TLA+") from None
    if any("Bit__And" in row for row in body):
        rows += BITS.rstrip().split("\n")
    return "\n".join([*rows, "", *body, "====", ""])


def configuration(model: Model) -> str:
    """What TLC is to do with the module."""
    rows = ["INIT Init", "NEXT Next", "CHECK_DEADLOCK FALSE"]
    rows += [f"INVARIANT {invariant.name}" for invariant in model.invariants]
    return "\n".join([*rows, ""])


def _how(model: Model) -> list[str]:
    return [
        "TLC's distinct states are ours; of those that it generates, so many as runs begin in",
        f"are not our steps.  To count them, call this file {model.name}.tla, its configuration",
        f"(beside it, or behind the module's end) {model.name}.cfg, and",
        f"  java -cp tla2tools.jar tlc2.TLC -workers 1 {model.name}",
    ]


def _special(op: Op, texts: tuple[str, ...]) -> str | None:
    """What TLA+ defines for positive divisors only, and what we define for no negative numbers."""
    a, b = op.args[0], op.args[-1]
    if op.op in ("&", "|", "^") and min(a.lo, b.lo) < 0:
        raise Beyond("bits of a negative number")
    if op.op not in ("//", "%") or b.lo >= 0:
        return None
    x, y = texts
    floor = f"(IF {y} > 0 THEN {x} \\div {y} ELSE (-{x}) \\div (-{y}))"
    return floor if op.op == "//" else f"{x} - {y} * {floor}"


def _variables(model: Model) -> list[str]:
    rows = ["VARIABLES"]
    for n, cells in enumerate(model.variables, 1):
        comma = "," if n < len(model.variables) else ""
        row = f"  {cells.name}{comma}"
        comment = "" if cells.name == cells.shown else f"  \\* {quoted(cells.shown, 'comment')}"
        rows.append(row + comment)
    return [*rows, ""]


def _beginnings(model: Model, syntax: Syntax) -> list[str]:
    rows = ["Init =="]
    one = len(model.beginnings) == 1
    for values in model.beginnings:
        bullet = "  /\\ " if one else "  \\/ /\\ "
        for cells, held in zip(model.variables, values, strict=True):
            texts = [value_text(cells, value, syntax) for value in held]
            value = _function(texts) if cells.array else texts[0]
            rows.append(f"{bullet}{cells.name} = {value}")
            bullet = "  /\\ " if one else "     /\\ "
    return [*rows, ""]


def _function(texts: list[str]) -> str:
    """An array from its elements; an array of equal elements in short."""
    last = len(texts) - 1
    if len(set(texts)) == 1:
        return f"[i \\in 0..{last} |-> {texts[0]}]"
    return f"[i \\in 0..{last} |-> <<{', '.join(texts)}>>[i + 1]]"


def _action(command: Command, model: Model, syntax: Syntax) -> Iterator[str]:
    yield from (f"\\* {line}" for line in about(command, model))
    yield f"{command.name} =="
    if _has_or(command.guard):  # in an action, TLC takes each side of an `or` for a step of its own
        yield f"  /\\ TRUE = ({syntax.text(command.guard)})"
    else:
        yield from syntax.lines(command.guard, "  /\\ ", "     ")
    names = tuple(cells.name for cells in model.variables)
    yield from _body(command.body, {}, "  ", names, syntax)


def _has_or(a: Term) -> bool:
    return isinstance(a, Op) and (a.op in ("or", "ite") or any(map(_has_or, a.args)))


def _body(
    body: Body, values: dict[str, str], indent: str, names: tuple[str, ...], syntax: Syntax
) -> Iterator[str]:
    """Conjuncts: what must not be, and what each variable is in the next state.  `values`: what the
    variables set so far hold."""
    values = dict(values)
    for n, statement in enumerate(body):
        rest = body[n + 1 :]
        match statement:
            case Let(scratch, value):
                yield f"{indent}/\\ LET {scratch.name} == {syntax.text(value)} IN"
                yield from _body(rest, values, indent + "   ", names, syntax)
                return
            case Check(bad, sentence):
                said = quoted(sentence, "string")
                yield f'{indent}/\\ Assert({syntax.text(not_(bad))}, "{said}")'
            case Set(cells):
                new = _new(statement, values, syntax)
                if cells.name not in read_in(rest) and not _set_again(rest, cells):
                    values[cells.name] = new
                    continue
                version = f"{cells.name}__{len(indent)}"
                yield f"{indent}/\\ LET {version} == {new} IN"
                values[cells.name] = version
                again = replace(syntax, versions={**syntax.versions, cells.name: version})
                yield from _body(rest, values, indent + "   ", names, again)
                return
            case Branch(test, then, other):
                yield f"{indent}/\\ IF {syntax.text(test)}"
                for word, arm in (("THEN", then), ("ELSE", other)):
                    yield f"{indent}   {word}"
                    yield from _body(arm, values, indent + "     ", names, syntax)
                return
            case Require():
                raise AssertionError("it is in the guard")
    yield from (f"{indent}/\\ {name}' = {values[name]}" for name in names if name in values)
    if same := [name for name in names if name not in values]:
        yield f"{indent}/\\ UNCHANGED <<{', '.join(same)}>>"


def _new(statement: Set, values: dict[str, str], syntax: Syntax) -> str:
    """What the whole variable is after a Set."""
    cells = statement.cells
    new = statement.value  # beside its `=`, which binds closer than `or`, a truth is in brackets
    value = syntax.operand(new) if is_truth(new) else syntax.text(new)
    if not cells.array:
        return value
    before = values.get(cells.name, cells.name)
    return f"[{before} EXCEPT ![{syntax.text(statement.index)}] = {value}]"


def _set_again(body: Body, cells: Cells) -> bool:
    return any(
        (isinstance(s, Set) and s.cells == cells)
        or (isinstance(s, Branch) and (_set_again(s.then, cells) or _set_again(s.other, cells)))
        for s in body
    )
