"""Texts, lines and paths that try to become code, or another line of a log, where they are put."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelcheck import source
from modelcheck.frontend.compile import compile_spec
from modelcheck.ir import Assert, Block, If, Program, Property
from modelcheck.source import Span

PRINTABLE = (
    "*/", "*\\", "\\*", "*\\/", "/*", "*/*", "/*/", "//", "ends in \\", "??/", "a ??/ b", "??)",
    '"',
    'a " b', "'", "'''", '"""', "*)", "(*", "(*)", "--", "---- MODULE x ----", "====", "=====",
    "#include \"/etc/hosts\"", "#define x y", "{}", "{0}", "%s %n %d", "%", "`x`", "| a |",
    "<!-- x",
    "<script>", "]]>", "&amp;", "$(id)", "`id`", "::error file=a::b", "  ::error::x", "##[error]x",
    "##vso[task.setvariable]x", "###[x]", "[a](javascript:b)", "\\N", "\\l",
    "é\N{GREEK SMALL LETTER PI}",
    "*/ int own; /*", "\"; own := 1; \"", "*\\ own = 1; \\*", "*/ #error own", "end", "\\u0022",
)  # fmt: skip
SEPARATORS = "\n\r\t\0\x0b\x0c\x1b\x1c\x85\x9b\u2028\u2029\u202e\u2066\u200f\ufeff\ud800"
UNSEEN = (
    *(f"a{c}own := 1" for c in SEPARATORS),
    "\x1b[2J\x1b[32mHOLDS", "a\n::error::b", "\r\n::set-output name=x::y",
    "a\n9 of 9 as expected",
)
TEXTS = PRINTABLE + UNSEEN
HARMLESS = tuple(f"so it is {n}" for n in range(len(TEXTS)))

SPEC = """\
from typing import Annotated

from modelcheck.lang import Lock, always, between, process, shared, spin_lock, spin_unlock


@shared
class Node:
    dirty: Annotated[int, between(0, 3)] = 0


node = Node()
heap_lock = Lock("heap_lock")


@process(count=2)
def scrub() -> None:
    spin_lock(heap_lock)
    dirty = node.dirty
    assert dirty < 3, "a page is dirty at most three times"
    node.dirty = dirty + 1
    spin_unlock(heap_lock)


@always
def it_is_so() -> bool:
    return node.dirty >= 0
"""


def program_with(texts: tuple[str, ...], folder: Path, patch: pytest.MonkeyPatch) -> Program:
    """A small Program, in which each text is a property's sentence, an assert's, a reason, the name
    of a file and a line of it.  The front end refuses most of them; what prints does not rely on
    that."""
    file = folder / "spec.py"
    file.write_text(SPEC, encoding="utf-8")
    _, program = compile_spec(str(file), {})
    (kept,) = program.properties
    patch.setattr(source, "lines_of", lambda _: texts)
    properties = tuple(
        Property("always", text, kept.condition, None, _at(n, text))
        for n, text in enumerate(texts, 1)
    )
    processes = []
    for process in program.processes:
        actions = []
        for n, action in enumerate(process.actions, 1):
            line = n % len(texts) + 1
            body = tuple(_asserting(action.body, texts))
            actions.append(replace(action, body=body, span=_at(line, texts[line - 1])))
        processes.append(replace(process, actions=tuple(actions)))
    return replace(
        program, properties=properties, processes=tuple(processes), assumptions=texts
    )


def _at(line: int, text: str) -> Span:
    return Span(f"a*/{text}.py", line, 1, line, 2)


def _asserting(body: Block, texts: tuple[str, ...]) -> Any:
    for statement in body:
        match statement:
            case Assert():
                yield from (replace(statement, sentence=text) for text in texts)
            case If(_, then, other):
                yield replace(
                    statement, then=tuple(_asserting(then, texts)),
                    other=tuple(_asserting(other, texts)),
                )
            case _:
                yield statement
