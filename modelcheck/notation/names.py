"""What a name means in the notation: shared by printer and parser, so that they cannot differ."""

from __future__ import annotations

import re
from dataclasses import replace

from modelcheck.ir import Enum, Record
from modelcheck.records import dataclass

RESERVED = frozenset(
    ("and", "or", "not", "if", "elif", "else", "in", "True", "False", "None", "bool", "me", "self",
     "at_rest", "all", "any", "sum", "index_of", "not_null", "element", "range", "chain",
     "fit", "after")
)  # fmt: skip
PLAIN = re.compile(r"[A-Za-z_]\w*(\.\w+)*")

LEVELS = (
    ("or",), ("and",), ("not",), ("==", "!=", "<", "<=", ">", ">="), ("|",), ("^",), ("&",),
    ("<<", ">>"), ("+", "-"), ("*", "//", "%"),
)  # fmt: skip
"""Operators from the loosest (level 1) to the tightest, as in Python; 0 is `a if t else b`."""
NOT, COMPARE, UNARY, POSTFIX = 3, 4, 11, 12
LEVEL = {op: level for level, ops in enumerate(LEVELS, start=1) for op in ops}


def written(name: str) -> str:
    """A name as it stands in the text."""
    if PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    if not name or "`" in name or "\n" in name:
        raise ValueError(f"a name that cannot be printed: {name!r}")
    return f"`{name}`"


@dataclass(frozen=True)
class Meaning:
    """What a (dotted) name stands for: `kind` is local, cell, member (of an Enum) or none (of an
    index sort); `name` is the local, variable or sort, `rest` the fields (or the member) behind."""

    kind: str
    name: str
    rest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Names:
    """The names that are declared where an expression stands."""

    index_sorts: dict[str, int]
    enums: dict[str, Enum]
    words: dict[str, Record]
    variables: frozenset[str] = frozenset()
    locals: frozenset[str] = frozenset()

    def within(self, *names: str) -> Names:
        """With more locals, or names bound by a quantifier."""
        return replace(self, locals=self.locals | frozenset(names))

    def meaning(self, dotted: str) -> Meaning:
        """What a plain name means; one that nothing declares is taken for a local."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            name, rest = ".".join(parts[:length]), tuple(parts[length:])
            if name in self.locals:
                return Meaning("local", name, rest)
            if name in self.variables:
                return Meaning("cell", name, rest)
        sort, last = ".".join(parts[:-1]), parts[-1]
        if sort in self.enums and last in self.enums[sort].members:
            return Meaning("member", sort, (last,))
        if sort in self.index_sorts and last == "None":
            return Meaning("none", sort)
        return Meaning("local", dotted)

    def words_with(self, field: str) -> list[Record]:
        """The words that have a field of that name."""
        return [w for w in self.words.values() if any(field == n for n, _ in w.fields)]
