"""Malformed and mutated spec texts through the front end: each is accepted, or refused with a
sentence; never another exception, never over 5 seconds, and nothing is touched but the spec and
the library, which are read.

    python -m tests.campaigns.front_end --texts 20000
"""

from __future__ import annotations

import argparse
import difflib
import encodings.utf_8_sig
import shutil
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import modelcheck
from modelcheck.frontend.compile import compile_spec
from modelcheck.source import ConfigurationError, SpecError, lines_of
from tests.campaigns.texts import ROOT, sources, text_of
from tests.campaigns.watched import TooLong, Touched, Watch, watching

SECONDS = 5.0
LIBRARY = Path(modelcheck.__file__).parent
USED = (difflib, encodings.utf_8_sig, unicodedata)  # by the front end: an import is an event


@dataclass(frozen=True)
class Finding:
    """What should not have happened to a text, and where in our code."""

    number: int
    what: str


@dataclass(frozen=True)
class Result:
    """How many were accepted and refused, and what was found."""

    accepted: int
    refused: int
    findings: tuple[Finding, ...]


def campaign(numbers: range, seed: int, folder: Path) -> Result:
    """Compile the texts of these numbers, in this folder, which gains copies of the specs."""
    for spec in (ROOT / "specs").glob("*.py"):
        shutil.copy(spec, folder)  # what a text may import from `specs`
    texts, outcomes, findings = sources(), Counter[str](), list[Finding]()
    for number in numbers:
        outcome = tried(text_of(texts, seed, number), folder)
        outcomes[outcome] += 1
        if outcome not in ("accepted", "refused"):
            findings.append(Finding(number, outcome))
    return Result(outcomes["accepted"], outcomes["refused"], tuple(findings))


def tried(text: bytes, folder: Path) -> str:
    """`accepted`, `refused`, or what went wrong."""
    path = folder / "spec.py"
    path.write_bytes(text)
    lines_of.cache_clear()  # of the text before this one
    watch = Watch((folder, LIBRARY / "xen", LIBRARY / "lang.py"))
    outcome = "accepted"
    try:
        with watching(watch, SECONDS):
            try:
                compile_spec(str(path), {})
            except SpecError as error:
                outcome = "refused" if error.text() else "refused without a word"
            except ConfigurationError:
                outcome = "refused"
    except TooLong as error:
        outcome = f"over {SECONDS:g} s, {_place(error)}"
    except (Exception, Touched) as error:
        outcome = f"{type(error).__name__}, {_place(error)}: {error}"[:300]
    return f"touched {watch.events[0]}" if watch.events else outcome


def _place(error: BaseException) -> str:
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "modelcheck" in f.filename]
    at = ours[-1] if ours else traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(at.filename).name}:{at.lineno}"


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.front_end")
    parser.add_argument("--texts", type=int, default=20_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one's number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the texts of what is found")
    chosen = parser.parse_args(arguments)
    numbers = range(chosen.first, chosen.first + chosen.texts)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(numbers, chosen.seed, Path(folder))
    texts = sources()
    for finding in result.findings:
        print(f"seed {chosen.seed} text {finding.number}: {finding.what}")
        if chosen.keep is not None:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            kept = chosen.keep / f"text_{chosen.seed}_{finding.number}.py"
            kept.write_bytes(text_of(texts, chosen.seed, finding.number))
    seconds = time.monotonic() - began
    print(
        f"{chosen.texts:,} texts in {seconds:.0f} s: {result.refused:,} refused, "
        f"{result.accepted:,} accepted, {len(result.findings):,} findings"
    )
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
