"""A graph of numbered states: what `shortest.py` and `deadlock.py` ask of one, and a small one.

The reference engine keeps a networkx graph, of which this is the part that they need.  Importing
networkx takes 0.2 s, which is most of the time that a small spec takes; the others keep this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol


class Digraph(Protocol):
    """Nodes, and `adj[u][v]["labels"]` where a step leads from u to v."""

    def __iter__(self) -> Iterator[int]: ...

    def predecessors(self, n: int) -> Iterator[int]:
        """The nodes from which a step leads to this one."""
        ...

    @property
    def adj(self) -> Mapping[int, Mapping[int, Any]]:
        """For each node, the nodes to which a step leads from it, each with what is noted."""
        ...


class Graph:
    """Such a graph, in dictionaries."""

    def __init__(self, nodes: Iterable[int]) -> None:
        self.adj: dict[int, dict[int, dict[str, tuple[Any, ...]]]] = {n: {} for n in nodes}
        self._before: dict[int, list[int]] = {n: [] for n in self.adj}

    def __iter__(self) -> Iterator[int]:
        return iter(self.adj)

    def predecessors(self, n: int) -> Iterator[int]:
        """The nodes from which a step leads to this one."""
        return iter(self._before[n])

    def add_step(self, u: int, v: int, label: object = None) -> None:
        """A step from u to v."""
        if v not in self.adj[u]:
            self.adj[u][v] = {"labels": ()}
            self._before[v].append(u)
        self.adj[u][v]["labels"] += (label,)
