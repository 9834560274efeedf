"""What a gate says of one instance of a spec: frozen data, for the table and for JUnit."""

from __future__ import annotations

from modelcheck.records import dataclass
from modelcheck.trace import Verdict

REFUSED, CONFIGURATION, INTERNAL, INTERRUPTED = 150, 151, 70, 130
UNREACHED, UNTRUE, INCONCLUSIVE, NO_MEMORY, NOT_VALIDATED = 15, 16, 20, 21, 22

MEANING = {
    UNREACHED: "a @sometimes is not reached",
    UNTRUE: "an EXPECT is untrue",
    INCONCLUSIVE: "inconclusive",
    NO_MEMORY: "inconclusive: out of memory",
    NOT_VALIDATED: "not as on the executable allocator",
    INTERNAL: "a defect of modelcheck",
    INTERRUPTED: "interrupted",
    REFUSED: "the spec is refused",
    CONFIGURATION: "a parameter or file that there is not",
}
"""The exit codes that one instance can lead to, as README.md lists them."""


@dataclass(frozen=True)
class Finding:
    """A reason not to let an instance pass: its exit code, and a sentence (or an error's text)."""

    code: int
    reason: str


@dataclass(frozen=True)
class Gated:
    """One instance of one spec, judged.

    sets      the parameters that differ from the spec's own, as `WAIT=True`
    clauses   what EXPECT says of this instance, as it says it; "" if that is not known
    verdict   None for a spec that was refused, or a search that came to no end
    findings  why it does not pass; nothing if it does
    seconds   wall-clock, the reading of the spec and the replay of the trace included
    """

    spec: str
    sets: tuple[str, ...]
    clauses: str
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def instance(self) -> str:
        """The parameters that were set, or `default`."""
        return " ".join(self.sets) or "default"

    @property
    def code(self) -> int:
        """The exit code that it leads to alone: 0, or the smallest that was found."""
        return min((f.code for f in self.findings), default=0)


def exit_code(results: tuple[Gated, ...]) -> int:
    """The exit code of a whole gate."""
    return of_all([r.code for r in results])


def of_all(codes: list[int]) -> int:
    """130 if it was interrupted, else the smallest that is not 0."""
    return INTERRUPTED if INTERRUPTED in codes else min(filter(None, codes), default=0)
