"""What the designs promise, by invariant and of their own: frozen data, for the text, for Markdown
and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args

from modelcheck.exit_codes import Exit, of_all
from modelcheck.gated import Finding
from modelcheck.quoting import document as json_document
from modelcheck.records import dataclass

FORMAT, VERSION = "modelcheck-table", 2
ORDER = "SLAKXP"  # secrets, lists, accounting, locks, deadlock, progress; others after them

Status = Literal["fails", "faults", "unreached", "unknown", "holds", "vacuous"]


@dataclass(frozen=True)
class Promise:
    """What became of one property of an instance.

    label   of the invariant that has its sentence; None: it is the design's own
    status  faults: a run dereferences None, leaves a range, ... before any breaks this, and nothing
            is known of longer ones; unreached: a @sometimes that no run reaches; vacuous: no run
            comes to where it is asserted, or meant to hold
    length  of a shortest run that breaks it, or that faults; else None
    """

    label: str | None
    sentence: str
    status: Status
    length: int | None = None


@dataclass(frozen=True)
class Tabled:
    """One instance of one spec: a row.

    sets      the parameters that differ from the spec's own, as `WAIT=True`
    promises  all of them, in the order in which a verdict lists properties
    sources   each file that was read, with the hash of its text
    findings  why something is unknown
    """

    spec: str
    sets: tuple[str, ...]
    promises: tuple[Promise, ...]
    sources: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def instance(self) -> str:
        """The parameters that were set, or `default`."""
        return " ".join(self.sets) or "default"

    def cell(self, label: str | None) -> tuple[Status | Literal["not promised"], int | None]:
        """What became of the promises under a label (None: of the design's own): a failure, the
        shortest, before what is not known, and that before what holds."""
        under = [p for p in self.promises if p.label == label]
        if not self.promises:  # it was not come to
            return "unknown", None
        for status in get_args(Status):
            lengths = [p.length for p in under if p.status == status]
            if lengths:
                return status, min(filter(None, lengths), default=None)
        return "not promised", None


def labels(rows: tuple[Tabled, ...]) -> dict[str, tuple[str, ...]]:
    """Each label that some row promises, in the order of columns, with what it says."""
    said: dict[str, dict[str, None]] = {}
    for promise in (p for r in rows for p in r.promises):
        if promise.label is not None:
            said.setdefault(promise.label, {})[promise.sentence] = None
    return {label: tuple(said[label]) for label in sorted(said, key=_place)}


def _place(label: str) -> tuple[int, str, int, str]:
    """S2 stands before S10, and that before L1."""
    letters, digits = re.findall(r"\A(\D*)(\d*)", label)[0]
    known = ORDER.find(letters) if letters else -1
    return (known if known >= 0 else len(ORDER), letters, int(digits or 0), label)


def exit_code(rows: tuple[Tabled, ...]) -> Exit:
    """0 if everything is decided, also where it fails."""
    return of_all([finding.code for row in rows for finding in row.findings])


# ---------------------------------------------------------------------------------------- as JSON


def to_json(rows: tuple[Tabled, ...]) -> str:
    """The document; the same rows give the same bytes."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "labels": labels(rows),
        "rows": [
            {
                "spec": r.spec,
                "set": r.sets,
                "promises": [
                    {"label": p.label, "sentence": p.sentence, "status": p.status}
                    | ({"length": p.length} if p.length is not None else {})
                    for p in r.promises
                ],
                "findings": [{"code": int(f.code), "reason": f.reason} for f in r.findings],
                "sources": [file for file, _ in r.sources],
            }
            for r in rows
        ],
        "sources": dict(sorted(source for r in rows for source in r.sources)),
    }
    return json_document(document)


def from_json(text: str) -> tuple[Tabled, ...]:
    """The rows of a document that `to_json` made."""
    document = json.loads(text)
    assert (document["format"], document["version"]) == (FORMAT, VERSION)
    return tuple(_rows(document))


def _rows(document: dict[str, Any]) -> Iterator[Tabled]:
    for r in document["rows"]:
        yield Tabled(
            r["spec"], tuple(r["set"]), tuple(Promise(**p) for p in r["promises"]),
            tuple((file, document["sources"][file]) for file in r["sources"]),
            tuple(Finding(Exit(f["code"]), f["reason"]) for f in r["findings"]),
        )
