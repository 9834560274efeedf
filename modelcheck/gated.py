"""What a gate says of one instance of a spec: frozen data, for the table and for JUnit."""

from __future__ import annotations

from modelcheck.exit_codes import Exit, of_all
from modelcheck.records import dataclass
from modelcheck.trace import Verdict


@dataclass(frozen=True)
class Finding:
    """A reason not to let an instance pass: its exit code, and a sentence (or an error's text)."""

    code: Exit
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
    def code(self) -> Exit:
        """The exit code that it leads to alone: 0, or the smallest that was found."""
        return min((f.code for f in self.findings), default=Exit.FINE)


def exit_code(results: tuple[Gated, ...]) -> Exit:
    """The exit code of a whole gate."""
    return of_all([r.code for r in results])
