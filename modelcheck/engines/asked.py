"""What can be asked of a Program, and the Program in which only what was asked is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeAlias

from modelcheck.ir import NO_DEADLOCK as NO_DEADLOCK
from modelcheck.ir import Assert, Block, If, Program, Property, statements
from modelcheck.source import NOWHERE, ConfigurationError
from modelcheck.trace import Line, line_of

PropertyKind: TypeAlias = Literal["always", "lemma", "sometimes", "assert", "deadlock"]


def asked_for(program: Program, properties: tuple[str, ...]) -> frozenset[str]:
    """The sentences of these properties; empty: all."""
    known = {sentence for _, sentence, _ in sentences(program)}
    asked = set()
    for name in properties:
        sentence = NO_DEADLOCK if name == "deadlock" else name.replace("_", " ")
        if name not in known and sentence not in known:
            raise ConfigurationError(f"no property is called {name!r}; there are: {sorted(known)}")
        asked.add(name if name in known else sentence)
    return frozenset(asked)


def sentences(program: Program) -> Iterator[tuple[PropertyKind, str, Line]]:
    """Kind, sentence and line of everything that can be asked for; each once, in order."""
    for p in program.properties:
        yield _kind(p), p.sentence, line_of(p.span)
    asserts: dict[str, Assert] = {}
    for process in program.processes:
        for body in (process.entry, *(action.body for action in process.actions)):
            for statement in statements(body):
                if isinstance(statement, Assert):
                    asserts.setdefault(statement.sentence, statement)
    for statement in asserts.values():
        yield "assert", statement.sentence, line_of(statement.span)
    yield "deadlock", NO_DEADLOCK, line_of(NOWHERE)


def _kind(property: Property) -> PropertyKind:
    match property.kind:
        case "always" | "lemma" | "sometimes" as kind:
            return kind
    raise ValueError(f"no such property: {property.kind}")


def only(program: Program, asked: frozenset[str]) -> Program:
    """The Program with those properties and asserts alone that are asked for."""
    if not asked:
        return program

    def block(body: Block) -> Block:
        return tuple(
            replace(s, then=block(s.then), other=block(s.other)) if isinstance(s, If) else s
            for s in body if not isinstance(s, Assert) or s.sentence in asked
        )

    return replace(
        program,
        properties=tuple(p for p in program.properties if p.sentence in asked),
        processes=tuple(
            replace(p, entry=block(p.entry), actions=tuple(
                replace(action, body=block(action.body)) for action in p.actions
            ))
            for p in program.processes
        ),
    )
