"""What the printers share: terms as text, by a table of operators, and what stands at the top."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from modelcheck.export.model import Command, Model
from modelcheck.export.terms import Cells, Num, Op, Read, Scratch, Term, Truth
from modelcheck.quoting import quoted
from modelcheck.records import dataclass
from modelcheck.source import Span, line_text

WIDTH = 92


@dataclass(frozen=True)
class Syntax:
    """How a language writes terms.

    operators   a text with {0}, {1}, ... for the operands, which are in brackets where they need
                them; "!=" is `not` of "=="
    special     operations that depend on what is known of the operands
    constants   what a named number is called
    versions    what stands for a variable, where that is not its name
    """

    true: str
    false: str
    operators: Mapping[str, str]
    special: Callable[[Op, tuple[str, ...]], str | None]
    constants: Mapping[str, str]
    versions: Mapping[str, str] = field(default_factory=dict)

    def text(self, a: Term) -> str:
        """A term, without brackets around it."""
        match a:
            case Num(value, name):
                if name:
                    return self.constants[name]
                return str(value) if value >= 0 else f"({value})"
            case Truth(value):
                return self.true if value else self.false
            case Scratch(name):
                return name
            case Read(cells, index):
                return self.place(cells, index)
            case Op("not", (Op("==", args),)):
                return self.operators["!="].format(*map(self.operand, args))
            case Op("and" | "or"):
                sign = self.operators[a.op].format("", "")
                return sign.join(map(self.operand, chain(a)))
            case Op(op, args):
                texts = tuple(map(self.operand, args))
                key = "minus" if op == "-" and args[0] == Num(0) else op
                return self.special(a, texts) or self.operators[key].format(*texts)

    def place(self, cells: Cells, index: Term) -> str:
        """A cell of a variable."""
        name = self.versions.get(cells.name, cells.name)
        return f"{name}[{self.text(index)}]" if cells.array else name

    def operand(self, a: Term) -> str:
        """A term, in brackets where it has parts."""
        bracketed = isinstance(a, Op) and a.op != "ite"  # which has brackets of its own
        return f"({self.text(a)})" if bracketed else self.text(a)

    def lines(self, a: Term, first: str, further: str) -> list[str]:
        """A term over as many lines as it takes, each after what is given."""
        whole = first + self.text(a)
        if len(whole) <= WIDTH or not isinstance(a, Op) or a.op not in ("and", "or"):
            return [whole]
        sign = self.operators[a.op].format("", "").strip()
        parts = [self.operand(part) for part in chain(a)]
        rows = [f"{part} {sign}" for part in parts[:-1]] + parts[-1:]
        return [first + rows[0], *(further + row for row in rows[1:])]


def chain(a: Op) -> list[Term]:
    """The operands of `a and b and c`, or of `or`."""
    found: list[Term] = []
    for arg in a.args:
        found += chain(arg) if isinstance(arg, Op) and arg.op == a.op else [arg]
    return found


def floor_division(op: Op, texts: tuple[str, ...], both: str, test: str) -> str | None:
    """`//` and `%` for a language that rounds towards zero: `both` is its `and`, `test` its
    conditional expression, over a condition and two values.  None where there is no difference."""
    if op.op not in ("//", "%") or (op.args[0].lo >= 0 and op.args[1].lo >= 0):
        return None
    a, b = texts
    apart = f"(({a} % {b}) != 0) {both} ((({a} % {b}) < 0) != ({b} < 0))"
    if op.op == "//":
        return test.format(apart, f"({a} / {b}) - 1", f"{a} / {b}")
    return test.format(apart, f"({a} % {b}) + {b}", f"{a} % {b}")


def shown(span: Span, model: Model) -> str:
    """A line of the spec, with where it stands: its file by the number that `head` gives it."""
    where = f"file {model.files.index(span.file) + 1}, line {span.line}"
    text = line_text(span)
    return quoted(f"{where}: {text}" if text else where, "comment")


def about(command: Command, model: Model) -> list[str]:
    """What stands above a step."""
    options = ", ".join(map(str, command.choices))
    chosen = f", option {options}" if options else ""
    which = quoted(f"{command.process} at {command.at}{chosen}", "comment")
    return [which, *(shown(span, model) for span in command.spans)]


def head(model: Model, how: Iterable[str]) -> list[str]:
    """What stands at the top of a file: what it is, how its states relate to ours, and `how` to
    run it."""
    instance = f" with {model.instance}" if model.instance else ""
    lines = [
        f"{quoted(model.spec, 'file')}{instance}, memory model {model.memory},",
        "as written by `modelcheck export`: one step here for one step there.",
        "",
        *how,
        "",
        "Checked: the asserts, every @always, and that no step meets a fault (None, an index, a",
        "range, nothing to choose from, a ghost set twice).  Not checked: deadlock, which",
        "modelcheck asks of each process, not of all at once"
        + ("," if model.sometimes else "."),
    ]
    if model.sometimes:
        lines += ["and what must be reachable:", *(f"  sometimes {s}" for s in model.sometimes)]
    lines += ["", *(f"file {n}: {quoted(f, 'file')}" for n, f in enumerate(model.files, 1))]
    return [quoted(line, "comment") for line in lines]


def value_text(cells: Cells, value: int, syntax: Syntax) -> str:
    """A value of a variable."""
    if cells.truth:
        return syntax.true if value else syntax.false
    return syntax.text(Num(value, dict(cells.names).get(value, "")))
