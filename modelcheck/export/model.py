"""What every exporter prints: guarded commands over finite scalar variables.  Frozen data.

A body is a tree: a Branch comes last, and every path through it is one step.  What a command may
choose is chosen already: there is a command for each way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from modelcheck.export.terms import Cells, Scratch, Term
from modelcheck.records import dataclass
from modelcheck.source import Span


@dataclass(frozen=True)
class Let:
    """Compute something for this step only."""

    scratch: Scratch
    value: Term


@dataclass(frozen=True)
class Set:
    """Set one cell of a variable."""

    cells: Cells
    index: Term
    value: Term


@dataclass(frozen=True)
class Check:
    """The design is broken, in this sentence, where `bad` is true."""

    bad: Term
    sentence: str


@dataclass(frozen=True)
class Require:
    """There is no such step where `test` is false.  Only lowering sees it: it becomes part of the
    guard."""

    test: Term


@dataclass(frozen=True)
class Branch:
    """One body or the other."""

    test: Term
    then: Body
    other: Body


Statement: TypeAlias = Let | Set | Check | Require | Branch
Body: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True)
class Command:
    """One step of one process from one location, for one way to choose.

    choices  the number of the option taken, at each choice
    spans    the line of the spec; those that follow within the same step
    """

    process: str
    at: str
    name: str
    choices: tuple[int, ...]
    spans: tuple[Span, ...]
    guard: Term
    body: Body


@dataclass(frozen=True)
class Invariant:
    """An `@always`: false as well where it cannot be evaluated."""

    name: str
    sentence: str
    holds: Term
    span: Span


@dataclass(frozen=True)
class Model:
    """A Program, ready to be printed.

    constants    the names of numbers (members of enums, None, locations): as terms have them, as
                 the target language has them, and the numbers
    beginnings   for each, the values of every variable, in order
    """

    name: str
    spec: str
    instance: str
    memory: str
    constants: tuple[tuple[str, str, int], ...]
    variables: tuple[Cells, ...]
    beginnings: tuple[tuple[tuple[int, ...], ...], ...]
    commands: tuple[Command, ...]
    invariants: tuple[Invariant, ...]
    sometimes: tuple[str, ...]

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file that a line is shown of, in the order of their numbers; the spec is the first.
        """
        spans = [span for c in self.commands for span in c.spans]
        spans += [invariant.span for invariant in self.invariants]
        return tuple(dict.fromkeys([self.spec, *(span.file for span in spans)]))

    @property
    def scratches(self) -> tuple[Scratch, ...]:
        """What is computed within some step."""
        return tuple(dict.fromkeys(s for c in self.commands for s in scratches(c.body)))


def terms_in(body: Body) -> Iterator[Term]:
    """Every term that a body is made of."""
    for statement in body:
        match statement:
            case Let(_, value):
                yield value
            case Set(_, index, value):
                yield from (index, value)
            case Check(term) | Require(term):
                yield term
            case Branch(test, then, other):
                yield from (test, *terms_in(then), *terms_in(other))


def scratches(body: Body) -> tuple[Scratch, ...]:
    """What is computed within a step, each once."""
    found: dict[Scratch, None] = {}
    for statement in body:
        match statement:
            case Let(scratch):
                found[scratch] = None
            case Branch(_, then, other):
                found.update(dict.fromkeys((*scratches(then), *scratches(other))))
            case Set() | Check() | Require():
                pass
    return tuple(found)


LONGEST = 100  # characters of a name, and a number: SPIN crashes at some of a thousand


class Names:
    """Names that a language takes, each given once.  Two underscores in a row are in none of them:
    printers have those for themselves."""

    def __init__(self, keywords: str) -> None:
        self.taken = {keyword.lower() for keyword in keywords.split()}

    def given(self, shown: str) -> str:
        """A name like this one, that nothing else has."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", shown).strip("_") or "v"
        if plain[0].isdigit() or plain.startswith(("WF_", "SF_")):  # TLA+ has a use for these
            plain = f"v{plain}"
        plain = plain[:LONGEST].rstrip("_")
        name, n = plain, 1
        while name.lower() in self.taken:
            n += 1
            name = f"{plain}_{n}"
        self.taken.add(name.lower())
        return name
