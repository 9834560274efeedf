"""Text -> Program.  The notation is described in the package's docstring."""

from __future__ import annotations

from dataclasses import replace

from modelcheck.ir import (
    Access,
    Action,
    Assert,
    Assign,
    Assume,
    Block,
    Choose,
    Domain,
    Enum,
    Expr,
    Fence,
    Goto,
    If,
    Load,
    Loop,
    Observe,
    Process,
    Program,
    Property,
    Record,
    Rmw,
    SetGhost,
    Sort,
    Statement,
    Store,
    Value,
    Variable,
)
from modelcheck.notation.expressions import LineReader
from modelcheck.notation.names import Names
from modelcheck.notation.tokens import Line, Token, lines_of
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError


def parse_program(text: str, file: str = "<program>") -> Program:
    """The Program that a text in the notation stands for; spans are places in that text.

    SpecError, with the line and column, where it is not in the notation."""
    return Reader(lines_of(text, file), file).program()


ACCESSES = ("load", "store", "rmw", "observe", "fence")


@dataclass
class Reader:
    """Reads a program line by line, from top to bottom; `names` grows with each declaration."""

    lines: list[Line]
    file: str
    at: int = 0

    def __post_init__(self) -> None:
        self.names = Names({}, {}, {})

    def peek(self, *words: str) -> bool:
        """Whether the next line begins with one of these words."""
        return self.at < len(self.lines) and self.lines[self.at].tokens[0].text in words

    def next(self) -> LineReader:
        """A reader for the next line, which is thereby taken."""
        if self.at == len(self.lines):
            last = self.lines[-1].tokens[-1].span if self.lines else Span(self.file, 1, 1, 1, 2)
            raise SpecError(last, "the text ends too early")
        self.at += 1
        return LineReader(self.lines[self.at - 1].tokens, self.names)

    # -------------------------------------------------------------------------- declarations

    def program(self) -> Program:
        line = self.next()
        line.expect("program")
        name = line.name("the program's name")
        parameters = self.parameters(line)
        memory = ""
        if self.peek("memory"):
            memory = self._after_word("memory").name()
        assumptions = []
        while self.peek("assumption"):
            assumptions.append(self._after_word("assumption").string())
        while self.peek("sort", "enum", "word"):
            self.declare_sort()
        variables = []
        while self.peek("shared", "ghost"):
            variables.append(self.variable(self.next()))
        self.names = replace(self.names, variables=frozenset(v.name for v in variables))
        boot = self.process() if self.peek("boot") else None
        processes = []
        while self.peek("process"):
            processes.append(self.process())
        properties = []
        while self.peek("always", "lemma", "sometimes"):
            properties.append(self.property())
        if self.at < len(self.lines):
            raise self.next().error("expected a declaration of the program (in its place)")
        return Program(
            name, parameters, tuple(self.names.index_sorts.items()), tuple(variables), boot,
            tuple(processes), tuple(properties), tuple(assumptions), memory,
        )  # fmt: skip

    def _after_word(self, word: str) -> LineReader:
        line = self.next()
        line.expect(word)
        return line

    def parameters(self, line: LineReader) -> tuple[tuple[str, Value], ...]:
        line.expect("(")
        found: list[tuple[str, Value]] = []
        while not line.accept(")"):
            if found:
                line.expect(",")
            name = line.name()
            line.expect("=")
            value = line.accept("True") if line.is_next("True", "False") else line.integer()
            line.accept("False")
            found.append((name, value))
        line.end()
        return tuple(found)

    def declare_sort(self) -> None:
        line = self.next()
        word = line.token.text
        line.expect(word)
        token = line.token
        name = line.name()
        if name in {**self.names.index_sorts, **self.names.enums, **self.names.words}:
            raise line.error("a second sort of this name", token)
        match word:
            case "sort":
                size = line.integer()
                index_sorts = {**self.names.index_sorts, name: size}
                self.names = replace(self.names, index_sorts=index_sorts)
            case "enum":
                enum = Enum(name, self.members(line))
                self.names = replace(self.names, enums={**self.names.enums, name: enum})
            case _:
                record = self.word(name, line)
                self.names = replace(self.names, words={**self.names.words, name: record})
        line.end()

    def members(self, line: LineReader) -> tuple[str, ...]:
        line.expect("{")
        found = []
        while not line.accept("}"):
            found.append(line.name("a member"))
        return tuple(found)

    def word(self, name: str, line: LineReader) -> Record:
        line.expect("{")
        fields: list[tuple[str, Sort]] = []
        while not line.accept("}"):
            if fields:
                line.expect(",")
            field = line.name("a field")
            line.expect(":")
            fields.append((field, line.sort()))
        return Record(name, tuple(fields))

    def variable(self, line: LineReader) -> Variable:
        """A shared variable, a ghost or a local, from its first word on."""
        start = line.token
        local = line.accept("local")
        ghost = line.accept("ghost")
        if not local and not ghost:
            line.expect("shared")
        checked = not line.accept("unchecked")
        passing = line.accept("passing")
        name = line.name("the variable's name")
        index: list[tuple[str, int]] = []
        if line.accept("["):
            while not line.accept("]"):
                if index:
                    line.expect(",")
                index.append(self.dimension(line))
        line.expect(":")
        sort = line.sort()
        plain = Variable(
            name, sort, tuple(index), None, ghost, checked, passing, line.span_from(start)
        )
        if not line.accept("="):
            line.end()
            return plain
        if line.accept("all"):
            values = (line.value(sort),) * plain.cells
            line.end()
            return replace(plain, initial=values)
        found = []
        while line.token.kind != "end":
            found.append(line.value(sort))
        return replace(plain, initial=tuple(found))

    def dimension(self, line: LineReader) -> tuple[str, int]:
        token = line.token
        name = line.name("an index sort")
        if line.accept(":"):
            return name, line.integer()
        if name not in self.names.index_sorts:
            raise line.error("expected an index sort declared above", token)
        return name, self.names.index_sorts[name]

    def property(self) -> Property:
        line = self.next()
        start = line.token
        line.at += 1
        sentence = line.string()
        when = line.expr() if line.accept("when") else None
        line.expect(":")
        condition = line.expr()
        line.end()
        return Property(start.text, sentence, condition, when, line.span_from(start))

    # ---------------------------------------------------------------- processes and actions

    def process(self) -> Process:
        line = self.next()
        start = line.token
        line.at += 1
        name = line.name("the process's name")
        indexed = line.accept("[")
        count = line.integer() if indexed or line.accept("count") else 1
        if indexed:
            line.expect("]")
        line.end()
        outer = self.names
        locals_ = []
        while self.peek("local"):
            locals_.append(self.variable(self.next()))
        self.names = self.names.within(*(v.name for v in locals_))
        indent = self.lines[self.at].indent if self.at < len(self.lines) else 0
        line = self._after_word("entry")
        line.expect(":")
        entry = self.arm(line, indent)
        actions = []
        while self.peek("at"):
            actions.append(self.action())
        self.names = outer
        span = line.span_from(start)
        return Process(name, count, indexed, tuple(locals_), entry, tuple(actions), span)

    def action(self) -> Action:
        indent = self.lines[self.at].indent
        line = self._after_word("at")
        span = line.token.span
        at = line.name("the location's name")
        live = line.names_list() if line.accept("live") else ()
        loops = tuple(map(Loop, line.names_list())) if line.accept("in") else ()
        resting, head, transit = (line.accept(w) for w in ("resting", "head", "transit"))
        reason = line.string() if line.accept("atomic") else None
        interrupt = line.name("the handler's name") if line.accept("interrupt") else None
        line.expect(":")
        line.end()
        wait: Expr | None = None
        if self._is_statement("wait"):
            line = self._after_word("wait")
            wait = line.expr()
            line.end()
        access = self.access(self.next()) if self._is_statement(*ACCESSES) else None
        body = self.block(indent)
        return Action(
            at, access, body, wait, live, loops, resting, head, transit, reason,
            interrupt, span,
        )  # fmt: skip

    def _is_statement(self, *words: str) -> bool:
        return self.peek(*words) and self.lines[self.at].tokens[1].text != ":="

    def access(self, line: LineReader) -> Access:
        word = line.token.text
        line.at += 1
        if word == "fence":
            fence = Fence(line.name("the barrier's name"))
            line.end()
            return fence
        access: Access
        match word:
            case "load":
                access = Load(line.place())
            case "store":
                place = line.place()
                part = tuple(line.name("a field").split(".")) if line.accept("part") else ()
                line.expect(":=")
                access = Store(place, line.expr(), part)
            case "rmw":
                place = line.place()
                line.expect(":=")
                access = Rmw(place, line.expr())
            case _:
                access = Observe(line.expr())
        if line.accept("by"):
            access = replace(access, by=line.name())
        line.end()
        return access

    # ---------------------------------------------------------------------------- statements

    def block(self, indent: int) -> Block:
        """The lines that stand deeper than `indent`; all of them must stand equally deep."""
        found: list[Statement] = []
        inner = self.lines[self.at].indent if self.at < len(self.lines) else indent
        if inner <= indent:
            raise self.next().error("expected statements, further to the right")
        while self.at < len(self.lines) and self.lines[self.at].indent > indent:
            if self.lines[self.at].indent != inner:
                raise self.next().error("this line stands too far to the left or right")
            line = self.next()
            found += self.statement(line, inner)
        return tuple(found)

    def arm(self, line: LineReader, indent: int) -> Block:
        """What follows a colon: one statement on the same line, or a block."""
        if line.token.kind == "end":
            return self.block(indent)
        if line.is_next("if"):
            raise line.error("an if stands on a line of its own")
        return tuple(self.statement(line, indent))

    def statement(self, line: LineReader, indent: int) -> list[Statement]:
        """One statement, or none for `pass`."""
        start = line.token
        if len(line.tokens) > line.at + 1 and line.tokens[line.at + 1].text == ":=":
            local = line.name("a local")
            line.expect(":=")
            value = line.expr()
            line.end()
            return [Assign(local, value, line.span_from(start))]
        if line.accept("pass"):
            line.end()
            return []
        if line.accept("if"):
            return [self.conditional(line, indent, start)]
        statement = self.simple(line, start)
        line.end()
        return [replace(statement, span=line.span_from(start))]

    def simple(self, line: LineReader, start: Token) -> Statement:
        line.at += 1
        match start.text:
            case "goto":
                return Goto(line.name("a location"))
            case "ghost":
                place = line.place()
                line.expect(":=")
                return SetGhost(place, line.expr())
            case "assert":
                condition = line.expr()
                line.expect(",")
                return Assert(condition, line.string())
            case "assume":
                return Assume(line.expr())
            case "choose":
                local = line.name("a local")
                line.expect("in")
                return Choose(local, self.options(line))
            case _:
                raise line.error("expected a statement", start)

    def options(self, line: LineReader) -> tuple[Expr, ...] | Domain:
        if not line.accept("["):
            return line.domain()
        found: list[Expr] = []
        while not line.accept("]"):
            if found:
                line.expect(",")
            found.append(line.expr())
        return tuple(found)

    def conditional(self, line: LineReader, indent: int, start: Token) -> Statement:
        """From the condition of an `if` or `elif` on, with the arms that follow at this depth."""
        condition = line.expr()
        line.expect(":")
        span = line.span_from(start)
        then = self.arm(line, indent)
        other: Block = ()
        if self.at < len(self.lines) and self.lines[self.at].indent == indent:
            if self.peek("elif"):
                start = self.lines[self.at].tokens[0]
                other = (self.conditional(self._after_word("elif"), indent, start),)
            elif self.peek("else"):
                line = self._after_word("else")
                line.expect(":")
                other = self.arm(line, indent)
        return If(condition, then, other, span)
