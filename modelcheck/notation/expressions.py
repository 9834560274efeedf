"""One line of text -> expressions, sorts, places: recursive descent over the line's tokens."""

from __future__ import annotations

from modelcheck.ir import (
    After,
    AtRest,
    Binary,
    Bool,
    Cell,
    Chain,
    Cond,
    Const,
    Domain,
    Element,
    Enum,
    Expr,
    Field,
    Fit,
    Instances,
    Int,
    Loaded,
    Local,
    Make,
    Me,
    NotNull,
    Place,
    Quantified,
    Range,
    Record,
    Ref,
    Self,
    Sort,
    Unary,
    Value,
)
from modelcheck.notation.names import COMPARE, LEVELS, NOT, RESERVED, Names
from modelcheck.notation.tokens import Token, TokenReader
from modelcheck.source import SpecError


class LineReader(TokenReader):
    """Reads one line from left to right, where `names` are declared."""

    def __init__(self, tokens: tuple[Token, ...], names: Names) -> None:
        super().__init__(tokens)
        self.names = names

    # ---------------------------------------------------------------------- sorts and values

    def sort(self) -> Sort:
        if self.accept("bool"):
            return Bool()
        if self.token.kind == "int" or self.is_next("-"):
            lo = self.integer()
            self.expect("..")
            return Int(lo, self.integer(), wraps=self.accept("wraps"))
        token = self.token
        name = self.name("a sort")
        if name in self.names.enums:
            return self.names.enums[name]
        if name in self.names.words:
            return self.names.words[name]
        return self.ref(name, token)

    def ref(self, name: str, token: Token) -> Ref:
        """The rest of a reference sort whose name was read."""
        if name not in self.names.index_sorts:
            raise self.error("expected a sort declared above", token)
        return Ref(name, self.names.index_sorts[name], nullable=self.accept("?"))

    def value(self, sort: Sort) -> Value:
        """A value where its sort is known."""
        match sort:
            case Bool():
                if not self.is_next("True", "False"):
                    raise self.error("expected True or False")
                return self.accept("True") or not self.accept("False")
            case Int():
                return self.integer()
            case Enum(name, members):
                token = self.token
                member = self.name(f"a member of {name}")
                if member not in members:
                    raise self.error(f"expected a member of {name}", token)
                return members.index(member)
            case Ref():
                return self._ref_value(sort)
            case Record(_, fields):
                self.expect("{")
                parts: list[Value] = []
                for _, part in fields:
                    if parts:
                        self.expect(",")
                    parts.append(self.value(part))
                self.expect("}")
                return tuple(parts)

    def _ref_value(self, sort: Ref) -> Value:
        if self.accept("None"):
            return None
        token = self.token
        if self.name("None or an element") != sort.cls:
            raise self.error(f"expected None or an element of {sort.cls}", token)
        self.expect("[")
        number = self.integer()
        self.expect("]")
        return number

    # -------------------------------------------------------------------------- expressions

    def place(self) -> Place:
        start = self.token
        variable = self.name("a shared variable")
        index = self._index() if self.is_next("[") else ()
        return Place(variable, index, self.span_from(start))

    def _index(self) -> tuple[Expr, ...]:
        self.expect("[")
        index: list[Expr] = []
        while not self.is_next("]"):
            if index:
                self.expect(",")
            index.append(self.expr())
        self.expect("]")
        return tuple(index)

    def expr(self) -> Expr:
        start = self.token
        then = self._binary(1)
        if not self.accept("if"):
            return then
        test = self._binary(1)
        self.expect("else")
        other = self.expr()
        return Cond(test, then, other, self.span_from(start))

    def _binary(self, level: int) -> Expr:
        """Operators of this level and tighter ones."""
        if level > len(LEVELS):
            return self._minus()
        start = self.token
        if level == NOT:
            if self.accept("not"):
                return Unary("not", self._binary(NOT), self.span_from(start))
            return self._binary(COMPARE)
        left = self._binary(level + 1)
        while self.is_next(*LEVELS[level - 1]):
            op = self.token.text
            self.at += 1
            left = Binary(op, left, self._binary(level + 1), self.span_from(start))
            if level == COMPARE and self.is_next(*LEVELS[level - 1]):
                raise self.error("comparisons do not chain: expected `and`")
        return left

    def _minus(self) -> Expr:
        start = self.token
        if not self.accept("-"):
            return self._postfix()
        if self.token.kind == "int":
            self.at -= 1
            return self._int()
        return Unary("-", self._minus(), self.span_from(start))

    def _int(self) -> Expr:
        start = self.token
        sign = -1 if self.accept("-") else 1
        token = self.take("a number", "int")
        number, _, sort = token.text.partition(":")
        value = sign * int(number)
        if not sort:
            return Const(value, Int(value, value), self.span_from(start))
        lo, _, hi = sort.removesuffix(" wraps").partition("..")
        own = Int(int(lo), int(hi), wraps=sort.endswith(" wraps"))
        return Const(value, own, self.span_from(start))

    def _postfix(self) -> Expr:
        start = self.token
        e = self._atom()
        while self.accept("."):
            if self.accept("("):
                word, _, field = self.name("a word and its field").rpartition(".")
                self.expect(")")
                if word not in self.names.words:
                    raise self.error("expected a word declared above", self.tokens[self.at - 2])
                e = Field(e, field, self.names.words[word], self.span_from(start))
            else:
                token = self.take("a field", "name")
                e = self._fields(e, tuple(token.text.split(".")), start, token)
        return e

    def _fields(self, e: Expr, fields: tuple[str, ...], start: Token, token: Token) -> Expr:
        for field in fields:
            words = self.names.words_with(field)
            if len(words) != 1:
                problem = "two words have this field" if words else "no word has this field"
                raise SpecError(token.span, f"{problem}: {field}", f"e.(Word.{field})")
            e = Field(e, field, words[0], self.span_from(start))
        return e

    def _atom(self) -> Expr:
        start = self.token
        if self.accept("$"):
            return Loaded(start.span)
        if self.accept("("):
            e = self.expr()
            self.expect(")")
            return e
        match start.kind, start.text:
            case "int", _:
                return self._int()
            case "name", word if word in RESERVED:
                self.at += 1
                return self._reserved(word, start)
            case "name", _:
                return self._named(start)
            case "quoted", _:
                return self._quoted(start)
            case _:
                raise self.error("expected an expression")

    def _reserved(self, word: str, start: Token) -> Expr:
        match word:
            case "True" | "False":
                return Const(word == "True", Bool(), start.span)
            case "me":
                return Me(start.span)
            case "self":
                return Self(start.span)
            case "at_rest":
                return AtRest(start.span)
            case "index_of" | "not_null":
                self.expect("(")
                e = self.expr()
                self.expect(")")
                span = self.span_from(start)
                return NotNull(e, span) if word == "not_null" else Unary(word, e, span)
            case "element":
                return self._element(start)
            case "fit":
                self.expect("(")
                sort = self.sort()
                self.expect(",")
                operand = self.expr()
                self.expect(")")
                return Fit(sort, operand, self.span_from(start))
            case "after":
                self.expect("(")
                first = self.expr()
                self.expect(",")
                operand = self.expr()
                self.expect(")")
                return After(first, operand, self.span_from(start))
            case "all" | "any" | "sum":
                return self._quantified(word, start)
            case "None":
                raise SpecError(start.span, "None of which sort?", "Page.None")
            case _:
                raise self.error("expected an expression", start)

    def _element(self, start: Token) -> Expr:
        self.expect("(")
        token = self.token
        sort = self.sort()
        if not isinstance(sort, Ref | Enum):
            raise self.error("expected an index sort or an Enum", token)
        self.expect(",")
        number = self.expr()
        offset = self.integer() if self.accept(",") else 0
        self.expect(")")
        return Element(sort, number, offset, self.span_from(start))

    def _quantified(self, op: str, start: Token) -> Expr:
        self.expect("(")
        name = self.name()
        self.expect("in")
        domain = self.domain()
        self.expect(":")
        outer, self.names = self.names, self.names.within(name)
        body = self.expr()
        self.names = outer
        self.expect(")")
        return Quantified(op, name, domain, body, self.span_from(start))

    def domain(self) -> Domain:
        if self.accept("range"):
            self.expect("(")
            lo = self.expr()
            self.expect(",")
            hi = self.expr()
            self.expect(")")
            return Range(lo, hi)
        if self.accept("chain"):
            self.expect("(")
            first = self.expr()
            self.expect(",")
            variable = self.name("a shared variable")
            self.expect(")")
            return Chain(first, variable)
        token = self.token
        return Instances(self.ref(self.name("a sort, range(...) or chain(...)"), token))

    def _quoted(self, start: Token) -> Expr:
        text = self.name()
        followed = self._followed(text, start)
        if followed is not None:
            return followed
        if text in self.names.variables and text not in self.names.locals:
            return Cell(Place(text, (), start.span), start.span)
        return Local(text, start.span)

    def _named(self, start: Token) -> Expr:
        text = self.name()
        return self._followed(text, start) or self._meant(text, start)

    def _followed(self, text: str, start: Token) -> Expr | None:
        """A constant, a made word or a cell by what follows its name, if that says so."""
        sorts, words = self.names.index_sorts, self.names.words
        if text in sorts and self.is_next("[", "?"):
            sort = self.ref(text, start)
            self.expect("[")
            number = self.integer()
            self.expect("]")
            return Const(number, sort, self.span_from(start))
        if text in words and self.is_next("{"):
            value = self.value(words[text])
            return Const(value, words[text], self.span_from(start))
        if text in words and self.is_next("("):
            return self._make(words[text], start)
        if self.is_next("["):
            place = Place(text, self._index(), self.span_from(start))
            return Cell(place, self.span_from(start))
        return None

    def _make(self, word: Record, start: Token) -> Expr:
        self.expect("(")
        parts: list[Expr] = []
        for name, _ in word.fields:
            if parts:
                self.expect(",")
            token = self.token
            if self.take("a field", "name", "quoted").text != name:
                raise self.error(f"expected the field {name}", token)
            self.expect("=")
            parts.append(self.expr())
        self.expect(")")
        return Make(word, tuple(parts), self.span_from(start))

    def _meant(self, text: str, start: Token) -> Expr:
        meaning = self.names.meaning(text)
        match meaning.kind:
            case "local":
                local = Local(meaning.name, start.span)
                return self._fields(local, meaning.rest, start, start)
            case "cell":
                cell = Cell(Place(meaning.name, (), start.span), start.span)
                return self._fields(cell, meaning.rest, start, start)
            case "member":
                enum = self.names.enums[meaning.name]
                return Const(enum.members.index(meaning.rest[0]), enum, start.span)
            case _:
                size = self.names.index_sorts[meaning.name]
                return Const(None, Ref(meaning.name, size, nullable=True), start.span)
