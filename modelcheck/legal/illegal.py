"""How a rule says what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from modelcheck.ir import (
    Access,
    Action,
    Domain,
    Expr,
    Place,
    Process,
    Program,
    Property,
    Sort,
    Statement,
    Variable,
)
from modelcheck.source import NOWHERE

Node: TypeAlias = (
    Program | Process | Action | Access | Statement | Expr | Domain | Place | Property | Variable
    | Sort
)  # fmt: skip


class Illegal(Exception):
    """A Program that breaks a rule: the node, and what is wrong with it (`where` it stands)."""

    def __init__(self, node: Node, where: str, problem: str) -> None:
        self.node = node
        self.problem = f"{where}: {problem}" if where else problem
        span = getattr(node, "span", NOWHERE)
        super().__init__(self.problem if span == NOWHERE else f"{span}: {self.problem}")


Rule: TypeAlias = Callable[[Program], Iterator[Illegal]]


def processes(program: Program) -> tuple[Process, ...]:
    """Boot, then the others."""
    return program.processes if program.boot is None else (program.boot, *program.processes)
