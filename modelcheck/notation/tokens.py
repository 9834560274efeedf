"""The lines and tokens of the notation, each with where it stands, and reading them in order."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from modelcheck.notation.names import RESERVED
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError

TOKEN = re.compile(
    r"""(?P<blank>\ +|\#.*)
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<int>\d+(?::-?\d+\.\.-?\d+(?:\ wraps\b)?)?)    # 3, or 3:0..7 with its sort
    | (?P<name>[A-Za-z_]\w*(?:\.\w+)*)
    | (?P<quoted>`[^`]+`)
    | (?P<op>:=|==|!=|<=|>=|<<|>>|//|\.\.|[-+*%&|^<>()\[\]{},:=?.$])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """`kind` is string, int, name, quoted (a name that stood in backquotes), op or end."""

    kind: str
    text: str
    span: Span


@dataclass(frozen=True)
class Line:
    """A line that is not blank: how many spaces it begins with, and its tokens, `end` last."""

    indent: int
    tokens: tuple[Token, ...]


def lines_of(text: str, file: str) -> list[Line]:
    """Every line that holds something."""
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        tokens = _tokens(line, number, file)
        if len(tokens) > 1:
            lines.append(Line(len(line) - len(line.lstrip(" ")), tuple(tokens)))
    return lines


def _tokens(line: str, number: int, file: str) -> list[Token]:
    tokens = []
    at = 0
    while at < len(line):
        match = TOKEN.match(line, at)
        if match is None:
            here = Span(file, number, at + 1, number, at + 2)
            raise SpecError(here, f"not a word of the notation: {line[at]}")
        span = Span(file, number, at + 1, number, match.end() + 1)
        kind = match.lastgroup or ""
        if kind != "blank":
            text = match.group().strip("`") if kind == "quoted" else match.group()
            tokens.append(Token(kind, text, span))
        at = match.end()
    tokens.append(Token("end", "", Span(file, number, at + 1, number, at + 2)))
    return tokens


class TokenReader:
    """Reads the tokens of one line from left to right."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def is_next(self, *texts: str) -> bool:
        """Whether the next token is one of these words or signs."""
        return self.token.kind in ("name", "op") and self.token.text in texts

    def accept(self, *texts: str) -> bool:
        found = self.is_next(*texts)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.error(f"expected {text}")

    def error(self, problem: str, token: Token | None = None) -> SpecError:
        token = token or self.token
        found = "the end of the line" if token.kind == "end" else token.text
        return SpecError(token.span, f"{problem}, found {found}")

    def end(self) -> None:
        if self.token.kind != "end":
            raise self.error("expected the end of the line")

    def take(self, what: str, *kinds: str) -> Token:
        token = self.token
        if token.kind not in kinds:
            raise self.error(f"expected {what}")
        self.at += 1
        return token

    def name(self, what: str = "a name") -> str:
        token = self.take(what, "name", "quoted")
        if token.kind == "name" and token.text in RESERVED:
            raise self.error(f"expected {what} (a word of the notation goes in `...`)", token)
        return token.text

    def names_list(self) -> tuple[str, ...]:
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        return tuple(found)

    def string(self) -> str:
        token = self.take('a sentence in "..."', "string")
        try:
            text = json.loads(token.text)
        except json.JSONDecodeError:
            raise self.error("expected a JSON string", token) from None
        assert isinstance(text, str)
        return text

    def integer(self) -> int:
        sign = -1 if self.accept("-") else 1
        token = self.take("a number", "int")
        if ":" in token.text:
            raise self.error("expected a number without a sort", token)
        return sign * int(token.text)

    def span_from(self, start: Token) -> Span:
        last = self.tokens[max(self.at - 1, 0)].span
        return replace(start.span, end_column=last.end_column)
