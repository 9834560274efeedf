"""StateGraph: the reachable states of a design as people look at them, in texts; frozen data."""

from __future__ import annotations

from modelcheck.records import dataclass
from modelcheck.trace.data import Line


@dataclass(frozen=True)
class Standing:
    """Where a process stands, and its locals that matter there.

    lines  that of its next step; several where equal locations were merged, () if it has ended
    """

    process: str
    lines: tuple[Line, ...]
    locals: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Node:
    """A state.

    cells     every shared and ghost cell with its value
    depth     how many steps it lies from where a run may begin
    begins    a run may begin here
    path      the numbers of the counterexample's steps (0: its beginning) that arrive here
    broken    what is wrong here, in sentences
    followed  the steps that lead on from here were looked at
    """

    stands: tuple[Standing, ...]
    cells: tuple[tuple[str, str], ...]
    depth: int
    begins: bool
    path: tuple[int, ...]
    broken: tuple[str, ...]
    followed: bool


@dataclass(frozen=True)
class Edge:
    """A step from one state to another, by their numbers.

    target   None if the step fails; then `broken` says how
    choices  what is chosen in it, by the number of the option
    path     the numbers of the counterexample's steps that are this one
    """

    source: int
    target: int | None
    process: str
    lines: tuple[Line, ...]
    choices: tuple[int, ...]
    path: tuple[int, ...]
    broken: str = ""


@dataclass(frozen=True)
class StateGraph:
    """The states in the order in which they were met, and the steps between them.

    ghosts    the cells that are there for properties only
    complete  every reachable state is among them
    """

    spec: str
    parameters: tuple[tuple[str, str], ...]
    said: str
    ghosts: frozenset[str]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    complete: bool
