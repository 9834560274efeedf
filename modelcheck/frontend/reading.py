"""How an expression is read: what the place where it stands allows, and what reading it does."""

from __future__ import annotations

from dataclasses import field

from modelcheck import ir
from modelcheck.records import dataclass
from modelcheck.source import Span, SpecError


@dataclass
class Reading:
    """Where an expression stands, and what reading it does.

    how     "step", "assert" or "instant"
    access  the shared access found so far ("step", "assert")
    before  choices made before it;  after: ghost work that rides on it
    dry     only types are wanted: nothing is counted
    quiet   no atomic and no choice here: it might not run
    behind  after `and` or `or`, or in an arm, within a larger expression: no access here
    fused   a wait's condition is evaluated as a whole: its load may be behind another condition,
            and it may use several parts of the word that it loads
    steers  what is read at this instant decides where a process goes: no ghost
    """

    how: str
    access: ir.Access | None = None
    before: list[ir.Statement] = field(default_factory=list)
    after: list[ir.Statement] = field(default_factory=list)
    dry: bool = False
    touched: bool = False  # whether memory was accessed at all
    forks: bool = False  # whether it chooses, or calls what loops, chooses or asserts
    why_not: str = "a property only reads"  # said of an atomic where memory is only read
    quiet: bool = False
    behind: bool = False
    fused: bool = False
    steers: bool = False


def several_places(span: Span) -> SpecError:
    """What is said of a wait that would have to load several places."""
    return SpecError(
        span, "a wait loads one place, and this is a second: another CPU may come between the two",
        'with atomic("why they are seen at once"): and the whole wait as its first line; the '
        "verdict lists the reason as an assumption.  For readers and writers there is RwLock, of "
        "modelcheck.xen.rwlock",
    )
