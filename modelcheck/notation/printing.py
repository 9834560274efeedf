"""Program -> text.  The notation is described in the package's docstring."""

from __future__ import annotations

from collections.abc import Iterator

from modelcheck.flow import sorts
from modelcheck.ir import (
    Access,
    Action,
    Assert,
    Assign,
    Assume,
    Block,
    Bool,
    Choose,
    Domain,
    Enum,
    Expr,
    Fence,
    Goto,
    If,
    Int,
    Load,
    Observe,
    Process,
    Program,
    Property,
    Record,
    Ref,
    Rmw,
    SetGhost,
    Statement,
    Store,
    Variable,
)
from modelcheck.notation.expression_text import (
    domain_text,
    expr_text,
    place_text,
    sort_text,
    value_text,
)
from modelcheck.notation.names import Names, written
from modelcheck.quoting import quoted


def print_program(program: Program) -> str:
    """The whole Program; ends with a newline.  ValueError if a name in it has two meanings."""
    names = names_of(program)
    parameters = ", ".join(f"{written(n)}={v}" for n, v in program.parameters)
    lines = [f"program {written(program.name)}({parameters})"]
    if program.memory:
        lines.append(f"memory {written(program.memory)}")
    lines += [f"assumption {quoted(a, 'json')}" for a in program.assumptions]
    lines += [f"sort {written(n)} {size}" for n, size in program.index_sorts]
    for enum in names.enums.values():
        lines.append(f"enum {written(enum.name)} {{ {' '.join(map(written, enum.members))} }}")
    for word in names.words.values():
        fields = ", ".join(f"{written(n)}: {sort_text(s, names)}" for n, s in word.fields)
        lines.append(f"word {written(word.name)} {{ {fields} }}")
    for v in program.variables:
        lines.append(variable_text("ghost" if v.ghost else "shared", v, names))
    if program.boot is not None:
        lines += ["", *process_lines("boot", program.boot, names)]
    for process in program.processes:
        lines += ["", *process_lines("process", process, names)]
    if program.properties:
        lines += ["", *(property_text(p, names) for p in program.properties)]
    return "\n".join(lines) + "\n"


def _local_names(process: Process) -> tuple[str, ...]:
    return tuple(v.name for v in process.locals)


# ------------------------------------------------------------------------------- declarations


def names_of(program: Program) -> Names:
    """What the Program declares; Enums and words in the order in which they are met."""
    enums: dict[str, Enum] = {}
    words: dict[str, Record] = {}
    index_sorts = dict(program.index_sorts)
    for sort in sorts(program):
        match sort:
            case Bool() | Int():
                pass
            case Enum(name):
                if enums.setdefault(name, sort) != sort:
                    raise ValueError(f"two Enums are called {name}")
            case Record(name):
                if words.setdefault(name, sort) != sort:
                    raise ValueError(f"two words are called {name}")
            case Ref(cls, count):
                if index_sorts.get(cls) != count:
                    raise ValueError(f"no index sort {cls} of size {count}")
    declared = [*index_sorts, *enums, *words, *(v.name for v in program.variables)]
    for name in declared:
        if declared.count(name) > 1:
            raise ValueError(f"two sorts or variables are called {name}")
    return Names(index_sorts, enums, words, frozenset(v.name for v in program.variables))


def variable_text(words: str, v: Variable, names: Names) -> str:
    def dimension(name: str, size: int) -> str:
        return written(name) if names.index_sorts.get(name) == size else f"{written(name)}:{size}"

    checked = ("" if v.checked else " unchecked") + (" passing" if v.passing else "")
    index = f"[{', '.join(dimension(n, size) for n, size in v.index)}]" if v.index else ""
    text = f"{words}{checked} {written(v.name)}{index}: {sort_text(v.sort, names)}"
    if v.initial is None:
        return text
    values = [value_text(value, v.sort) for value in v.initial]
    if len(values) == v.cells > 1 and len(set(values)) == 1:
        values = ["all", values[0]]
    return " ".join([text, "=", *values])


def property_text(p: Property, names: Names) -> str:
    when = "" if p.when is None else f" when {expr_text(p.when, names)}"
    return f"{p.kind} {quoted(p.sentence, 'json')}{when}: {expr_text(p.condition, names)}"


# ---------------------------------------------------------------------- processes, statements


def process_lines(word: str, process: Process, names: Names) -> Iterator[str]:
    names = names.within(*_local_names(process))
    count = "" if process.count == 1 else f" count {process.count}"
    yield f"{word} {written(process.name)}" + (f"[{process.count}]" if process.indexed else count)
    for v in process.locals:
        yield "  " + variable_text("local ghost" if v.ghost else "local", v, names)
    yield from indented(arm_lines("entry:", process.entry, names))
    for action in process.actions:
        yield from indented(action_lines(action, names))


def indented(lines: Iterator[str]) -> Iterator[str]:
    return ("  " + line for line in lines)


def action_lines(action: Action, names: Names) -> Iterator[str]:
    head = [f"at {written(action.at)}"]
    if action.live:
        head.append("live " + ", ".join(map(written, action.live)))
    if action.loops:
        head.append("in " + ", ".join(written(loop.name) for loop in action.loops))
    head += [word for word in ("resting", "head", "transit") if getattr(action, word)]
    if action.reason is not None:
        head.append(f"atomic {quoted(action.reason, 'json')}")
    if action.interrupt is not None:
        head.append(f"interrupt {written(action.interrupt)}")
    yield " ".join(head) + ":"
    if action.wait is not None:
        yield f"  wait {expr_text(action.wait, names)}"
    if action.access is not None:
        yield "  " + access_text(action.access, names)
    yield from indented(block_lines(action.body, names))


def access_text(access: Access, names: Names) -> str:
    match access:
        case Load(place, by):
            text, word = f"load {place_text(place, names)}", "load"
        case Store(place, value, part, by):
            path = f" part {'.'.join(part)}" if part else ""
            text = f"store {place_text(place, names)}{path} := {expr_text(value, names)}"
            word = "store"
        case Rmw(place, value, by):
            text, word = f"rmw {place_text(place, names)} := {expr_text(value, names)}", "rmw"
        case Observe(value, by):
            text, word = f"observe {expr_text(value, names)}", "observe"
        case Fence(by):
            return f"fence {written(by)}"
    return text if by == word else f"{text} by {written(by)}"


def block_lines(block: Block, names: Names) -> Iterator[str]:
    if not block:
        yield "pass"
    for statement in block:
        yield from statement_lines(statement, names)


def arm_lines(head: str, block: Block, names: Names) -> Iterator[str]:
    # An If within the arm is never put behind the colon: its `else` would then read as ours.
    if len(block) <= 1 and not any(isinstance(s, If) for s in block):
        yield f"{head} {next(block_lines(block, names))}"
    else:
        yield head
        yield from indented(block_lines(block, names))


def statement_lines(statement: Statement, names: Names) -> Iterator[str]:
    match statement:
        case Assign(local, value):
            yield f"{written(local)} := {expr_text(value, names)}"
        case SetGhost(place, value):
            yield f"ghost {place_text(place, names)} := {expr_text(value, names)}"
        case Assert(condition, sentence):
            yield f"assert {expr_text(condition, names)}, {quoted(sentence, 'json')}"
        case Assume(condition):
            yield f"assume {expr_text(condition, names)}"
        case Choose(local, options):
            yield f"choose {written(local)} in {options_text(options, names)}"
        case If():
            yield from if_lines("if", statement, names)
        case Goto(location):
            yield f"goto {written(location)}"


def options_text(options: tuple[Expr, ...] | Domain, names: Names) -> str:
    if isinstance(options, tuple):
        return f"[{', '.join(expr_text(o, names) for o in options)}]"
    return domain_text(options, names)


def if_lines(word: str, statement: If, names: Names) -> Iterator[str]:
    head = f"{word} {expr_text(statement.condition, names)}:"
    yield from arm_lines(head, statement.then, names)
    match statement.other:
        case ():
            return
        case (If() as other,):
            yield from if_lines("elif", other, names)
        case other_block:
            yield from arm_lines("else:", other_block, names)
