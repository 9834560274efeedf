"""The states in which a process might wait for ever, and of these the ones in which it does.

Most processes leave their loop or wait, or change memory, with the next step.  Of the others it is
tried whether they do so alone, or once another has gone on alone: what is found then is remembered
for all states that look the same to these two.  What is left is decided when every state is known.
"""

from __future__ import annotations

from modelcheck.engines.quick.code import MOST_KEPT, Code
from modelcheck.engines.quick.inside import Inside, needs

ALONE = 64  # steps that a process is let run alone


class Waiting(dict[int, int]):
    """The states that are left, in the order in which they were met, each with the places that are
    not known to be left in time: `places.py` says what these bits are."""

    def __init__(self, code: Code) -> None:
        super().__init__()
        self._code = code
        width = code.places.width
        processes = range(len(code.semantics.processes))
        mine = [(1 << width) - 1 << p * width for p in processes]
        self._tried = [
            (mine[p], [_Tried(code, p, q, mine[p]) for q in (p, *(q for q in processes if q != p))])
            for p in processes
        ]

    def meet(self, state: int, left: int) -> None:
        """A state, and what the processes have still to leave there."""
        for mine, tried in self._tried:
            if left & mine:
                for one in tried:
                    left &= one[state & one.mask]
                    if not left & mine:
                        break
        if left:
            self[state] = left

    def decide(self) -> None:
        """Leaves the states in which somebody is stuck: of a state, what no successor has left
        either."""
        out, expand = self._code.out, self._code.expand
        for state in self._code.cuts:
            self.pop(state, None)
        again = True
        while again:
            again = False
            for state in reversed(list(self)):  # the last first: they were met last
                out.clear()
                expand([state], nobody_asks)
                left = self[state]
                for target in out:
                    left &= self.get(target, 0)
                if left != self[state]:
                    again = True
                    self[state] = left
                    if not left:
                        del self[state]


class _Tried(dict[int, int]):
    """What process `p` has not left when `q` has run alone (or itself, alone), as a mask; by what
    the two look at."""

    def __init__(self, code: Code, p: int, q: int, mine: int) -> None:
        super().__init__()
        process, _, _ = code.semantics.processes[p]
        stays = [
            inside for a in process.actions if needs(code.places, process, a)
            for inside in Inside(process, a).actions
        ]
        self._steps, self._others, self._mine = code.steps[q], code.steps[p], mine
        self._alone = 0
        self.mask = code.steps[q].mask | code.steps[p].mask_of(stays)

    def __missing__(self, key: int) -> int:
        if len(self) > MOST_KEPT and not self._alone:
            self.clear()
        self[key] = -1  # where the run comes back to this state, it has nothing to add
        changes, left = self._steps.outcome(key)
        now = key ^ changes[-1] if changes else key
        if self._others is not self._steps:
            left = self._others.outcome(now)[1]
        left |= ~self._mine
        if changes and left & self._mine and self._alone < ALONE:
            self._alone += 1
            left &= self[now]
            self._alone -= 1
        self[key] = left
        return left


def nobody_asks(state: int, left: int) -> None:
    """Told what is still to be left, where nobody asks who is stuck."""
