"""What several model checkers say of one Program, and whether they agree.

Compared are what all of them look for (asserts, each `@always`, faults), the number of reachable
states and that of steps; the numbers only where nothing is broken, since each stops its search in
its own way.  A checker that did not finish says nothing: that is never agreement.
"""

from __future__ import annotations

from typing import Literal

from modelcheck.exit_codes import Exit
from modelcheck.records import dataclass

Said = Literal["HOLDS", "VIOLATED", "NOT KNOWN"]


@dataclass(frozen=True)
class Answer:
    """What one checker says.

    states, steps    of the whole graph, counted as modelcheck counts them; None if it is not whole
    bytes_per_state  of its state vector, if it tells
    why              what is broken, or why it is not known
    """

    tool: str
    version: str
    said: Said
    states: int | None
    steps: int | None
    seconds: float
    bytes_per_state: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Crosscheck:
    """Our answer and those of the peers.  `missing`: the peers that are not here, each with how to
    install it."""

    spec: str
    instance: str
    ours: Answer
    peers: tuple[Answer, ...]
    missing: tuple[str, ...]


def agrees(ours: Answer, peer: Answer) -> bool | None:
    """Whether a peer says the same; None if that is not known."""
    if "NOT KNOWN" in (ours.said, peer.said):
        return None
    if ours.said != peer.said:
        return False
    return ours.said == "VIOLATED" or (ours.states, ours.steps) == (peer.states, peer.steps)


def exit_code(crosscheck: Crosscheck) -> Exit:
    """0 if all agree; a disagreement outweighs what is not known."""
    found = [agrees(crosscheck.ours, peer) for peer in crosscheck.peers]
    if False in found:
        return Exit.DISAGREES
    return Exit.INCONCLUSIVE if None in found or not found else Exit.FINE
