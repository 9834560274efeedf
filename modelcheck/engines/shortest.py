"""Which of all shortest paths to a violation is shown: the one with the fewest CPU switches, then
the one that begins with the smallest choices, then the smallest sequence of (process, line,
choices).

All shortest paths are considered, not only those of the tree in which the states were first met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from modelcheck.engines.graph import Digraph
from modelcheck.records import dataclass

Label: TypeAlias = tuple[int, str, tuple[int, ...]]
"""An edge's label: process, the name of the action's location, the options chosen."""


@dataclass(frozen=True)
class End:
    """Where a violation is: in a state, or in the step with this label from it."""

    state: int
    label: Label | None


class ShortestPaths:
    """The paths of least length from the states at depth 0 to any of these ends, which all lie
    equally far away.

    costs  for each state on such a path, and each process that may take the next step there, the
           fewest switches from there to an end
    """

    def __init__(
        self, graph: Digraph, depths: list[int], ends: Iterable[End],
        lines: Callable[[Label], int],
    ) -> None:
        self.graph = graph
        self.depths = depths
        self.lines = lines
        self.costs: dict[int, dict[int, int]] = {}
        self.final = {end.state for end in ends if end.label is None}
        self.failing: dict[int, list[Label]] = {}
        for end in ends:
            if end.label is not None:
                self.failing.setdefault(end.state, []).append(end.label)
                self.costs.setdefault(end.state, {})[end.label[0]] = 0
        layer = self.final or set(self.failing)
        if self.final and self.failing:
            self._before(self.final)
            layer = set(self.costs)
        while any(depths[state] > 0 for state in layer):
            layer = self._before(layer)
        self.begins = layer

    def _before(self, layer: set[int]) -> set[int]:
        """The states one step before these, on shortest paths; sets their costs."""
        found: set[int] = set()
        for state in sorted(layer):
            for before in self.graph.predecessors(state):
                if self.depths[before] + 1 == self.depths[state]:
                    found.add(before)
                    costs = self.costs.setdefault(before, {})
                    for process, _, _ in self.graph.adj[before][state]["labels"]:
                        cost = self._cost(state, process)
                        costs[process] = min(cost, costs.get(process, cost))
        return found

    def _cost(self, state: int, last: int | None) -> int:
        """The fewest switches from a state to an end, after a step of process `last`."""
        if state in self.final:
            return 0
        return min(
            cost + (last is not None and process != last)
            for process, cost in self.costs[state].items()
        )

    def first(self) -> tuple[int, list[Label], End]:
        """The path to show: where it begins, its steps, and its end."""
        begin = min(self.begins, key=lambda state: (self._cost(state, None), state))
        state, last, labels = begin, None, list[Label]()
        while state not in self.final:
            label, to = min(self._onward(state, last), key=lambda step: self._order(step[0]))
            labels.append(label)
            if to is None:
                return begin, labels, End(state, label)
            state, last = to, label[0]
        return begin, labels, End(state, None)

    def _onward(self, state: int, last: int | None) -> list[tuple[Label, int | None]]:
        """The steps from a state that begin a path with as few switches as there can be."""
        steps: list[tuple[Label, int | None]] = []
        steps += [(label, None) for label in self.failing.get(state, ())]
        for to, data in self.graph.adj[state].items():
            if self.depths[to] == self.depths[state] + 1 and (to in self.final or to in self.costs):
                steps += [(label, to) for label in data["labels"]]
        fewest = self._cost(state, last)
        return [
            (label, to) for label, to in steps
            if fewest == (last is not None and label[0] != last)
            + (0 if to is None else self._cost(to, label[0]))
        ]

    def _order(self, label: Label) -> tuple[int, int, tuple[int, ...]]:
        process, _, choices = label
        return process, self.lines(label), choices
