"""Corrupted trace documents through `replay`: each is refused with a sentence, or replayed to what
is true; never another exception, and never shown as validated where it was not.

    python -m tests.campaigns.traces --traces 5000
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from modelcheck import pipeline
from modelcheck.cli import app
from modelcheck.exit_codes import Exit
from modelcheck.trace import Limits, Verdict, exit_code, to_json

Corrupt = Callable[[random.Random, str], bytes]

# One spec for each kind of failure; small, because each trace is run on the allocator.
SPECS = {
    "counted.py": """\
from typing import Annotated

from modelcheck.lang import always, at_rest, between, choose, param, process, shared, violates

CPUS = param(2, 1, 3)
EXPECT = violates("every page is counted")


@shared
class Node:
    pages: Annotated[int, between(0, 3)] = 0


node = Node()


@process(count=CPUS)
def cpu() -> None:
    pages = node.pages
    more = choose(0, 1)
    node.pages = pages + more


@always(when=at_rest())
def every_page_is_counted() -> bool:
    return node.pages == CPUS
""",
    "scrubbed.py": """\
from modelcheck.lang import Pattern, element, process, shared, violates
from modelcheck.xen.page import PageContents, is_scrubbed

EXPECT = violates("no dirty page is returned to a caller")


@shared(count=2)
class Page:
    contents: PageContents


@process
def domain() -> None:
    pg = element(Page, 1)
    pg.contents.first = Pattern.ZERO
    assert is_scrubbed(pg), "no dirty page is returned to a caller"


@process
def idle_loop() -> None:
    pg = element(Page, 1)
    pg.contents.second = Pattern.ZERO
""",
    "stuck.py": """\
from modelcheck.lang import Lock, process, spin_lock, spin_unlock, violates

EXPECT = violates("deadlock")

heap_lock = Lock("heap_lock")


@process
def one() -> None:
    spin_lock(heap_lock)


@process
def other() -> None:
    spin_lock(heap_lock)
    spin_unlock(heap_lock)
""",
}


@dataclass(frozen=True)
class Document:
    """A document as `verify --json` made it, and what `replay` is to say of it."""

    text: str
    verdict: Verdict
    expected: str


def documents() -> tuple[Document, ...]:
    """One for each spec, which are written into the working directory."""
    made = []
    for name, text in SPECS.items():
        Path(name).write_text(text, "utf-8")
        checked = pipeline.verify(name, {}, (), Limits(), lambda *_: None)
        made.append(Document(to_json(checked.verdict), checked.verdict, checked.expected))
    return tuple(made)


# -------------------------------------------------------------------------------- corruptions

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, -1, 10**30, 1.5, 1e308, float("nan"), "", "0", "holds", "violated",
    "HOLDS", "VIOLATED", "UNKNOWN", "deadlock", "assert", "safety", "none", "not reached", "domain",
    "counted.py", "stuck.py", ".", "missing.py", "a\0b", "\u202e", "\ud800", "x" * 5_000, [], {},
    [[]], ["CPUS", "3"], {"kind": "deadlock"},
)  # fmt: skip


def bytes_changed(chance: random.Random, text: str) -> bytes:
    """A few bytes are others, missing, or there twice; or the end is missing."""
    data = bytearray(text.encode())
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(data)), chance.randint(1, 40)
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case _:
                data[at:] = data[at:][: chance.randrange(len(data))]
        data = data or bytearray(b" ")
    return bytes(data)


def value_changed(chance: random.Random, text: str) -> bytes:
    """A value anywhere is another: an odd one, or one from elsewhere in the document."""
    document = json.loads(text)
    holder, key = chance.choice(_places(document))
    other, elsewhere = chance.choice(_places(document))
    if chance.random() < 0.5:
        holder[key] = chance.choice(VALUES)
    elif chance.random() < 0.5:
        holder[key] = copy.deepcopy(other[elsewhere])
    else:
        holder[key], other[elsewhere] = copy.deepcopy((other[elsewhere], holder[key]))
    return _written(document)


def alike_changed(chance: random.Random, text: str) -> bytes:
    """A value is another of the same field: what fits everywhere, and is not so."""
    document = json.loads(text)
    places = _places(document)
    holder, key = chance.choice(places)
    alike = [h[k] for h, k in places if k == key and type(h[k]) is type(holder[key])]
    holder[key] = copy.deepcopy(chance.choice(alike))
    if isinstance(holder[key], int) and chance.random() < 0.5:
        holder[key] += chance.choice((-1, 1))
    return _written(document)


def part_lost_or_doubled(chance: random.Random, text: str) -> bytes:
    """An element or field is missing, there twice, or has another name."""
    document = json.loads(text)
    holder, key = chance.choice(_places(document))
    match holder, chance.randrange(3):
        case _, 0:
            del holder[key]
        case list(), _:
            holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        case _:
            holder[f"{key}s"] = holder.pop(key)
    return _written(document)


def schedule_changed(chance: random.Random, text: str) -> bytes:
    """Other steps, in another order, of other processes, with other choices or parameters."""
    document = json.loads(text)
    trace = document["trace"]
    steps = trace["steps"]
    at, other = chance.randrange(len(steps)), chance.randrange(len(steps))
    match chance.randrange(6):
        case 0:
            steps[at], steps[other] = steps[other], steps[at]
        case 1:
            del steps[at:]
        case 2:
            steps.append(copy.deepcopy(steps[at]))
        case 3:
            steps[at]["number"] = chance.randrange(-1, 3)
        case 4:
            steps[at]["choices"] = copy.deepcopy(steps[other]["choices"])
            for choice in steps[at]["choices"]:
                choice["option"] = chance.randrange(-1, 3)
        case _:
            for found in (document, trace):
                found["parameters"] = [[n, str(chance.randrange(-1, 5))]
                                       for n, _ in found["parameters"]]
    return _written(document)


def claims_changed(chance: random.Random, text: str) -> bytes:
    """The run stays; what is said of it does not."""
    document = json.loads(text)
    match chance.randrange(6):
        case 0:
            document["verdict"] = chance.choice(("HOLDS", "UNKNOWN"))
        case 1:
            chance.choice(document["properties"])["status"] = chance.choice(
                ("holds", "violated", "reached", "not reached", "not checked")
            )
        case 2:
            document["validation"] = chance.choice(
                (None, {"mark": "NOT REPRODUCED", "by": None, "detail": "step 1: no"},
                 {"mark": "validated", "by": "bytes", "detail": "believe me"})
            )
        case 3:
            failure = copy.deepcopy(document["trace"]["failure"])
            failure["kind"] = chance.choice(("deadlock", "safety", "assert", "none"))
            document["others"].append(failure)
        case 4:
            document["trace"]["failure"].update(
                chance.choice(({"kind": "deadlock"}, {"kind": "safety"}, {"process": ""}))
            )
        case _:
            document["memory_model"] = "tso"
    return _written(document)


def deep_or_large(chance: random.Random, text: str) -> bytes:
    """What a reader may choke on."""
    return chance.choice((
        b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b'"' + b"x" * 1_000_000, b"\xff\xfe{}",
        text.replace(": 0", ": " + "9" * 5_000, 1).encode(), ("\ufeff" + text).encode(), b"null",
        text.replace('"trace": {', '"trace": null, "trace": {', 1).encode(),
        text.replace("\n  \"version\": 1,", "", 1).encode(),
    ))


CORRUPT: tuple[Corrupt, ...] = (
    bytes_changed, value_changed, alike_changed, part_lost_or_doubled, schedule_changed,
    claims_changed,
)


def corrupted(chance: random.Random, text: str) -> bytes:
    """A document with one thing wrong with it, or several of a kind."""
    if chance.random() < 0.02:
        return deep_or_large(chance, text)
    return chance.choice(CORRUPT)(chance, text)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (list or object, index or key) in a JSON document."""
    found: list[tuple[Any, Any]] = []
    keys: list[Any] = []
    match value:
        case dict():
            keys = list(value)
        case list():
            keys = list(range(len(value)))
        case _:
            pass
    for key in keys:
        found.append((value, key))
        found += _places(value[key])
    return found


def _written(document: Any) -> bytes:
    return json.dumps(document, indent=2).encode()


# ------------------------------------------------------------------------------- what replay says


def outcome_of(data: bytes, original: Document) -> str:
    """`refused`, `replayed`, or what is wrong with what was said."""
    path = Path("trace.json")
    path.write_bytes(data)
    run = CliRunner().invoke(app, ["replay", str(path)])
    if run.exit_code in (150, 151):
        said = run.stderr.startswith("error: ") and not run.stdout and "Traceback" not in run.stderr
        return "refused" if said else f"refused badly: {run.stderr[:200]}"
    if run.exit_code == 70 or not isinstance(run.exception, SystemExit | None):
        return f"{run.stderr.strip() or run.exception!r}"[:300]
    checked = pipeline.replay_file(str(path))
    return dishonest(checked, run.exit_code, original) or "replayed"


def dishonest(checked: pipeline.Checked, code: int, original: Document) -> str | None:
    """What is said of this design that is not so."""
    said, true = checked.verdict, original.verdict
    if said.validation is not None and said.validation.mark == "NOT REPRODUCED":
        return None if code == Exit.DISAGREES else f"exit code {code} of a trace that was not reproduced"
    for what, is_, was in (
        ("outcome", said.outcome, true.outcome),
        ("spec", said.spec, true.spec),
        ("parameters", said.parameters, true.parameters),
        ("memory model", said.memory_model, true.memory_model),
        ("assumptions", said.assumptions, true.assumptions),
        ("trace", said.trace, true.trace),
        ("validation", said.validation, true.validation),
        ("violated", _violated(said), _violated(true)),
        ("expectation", checked.expected, original.expected),
        ("exit code", code, exit_code(true)),
    ):
        if is_ != was:
            return f"{what} is {is_!r:.100}, and was {was!r:.100}"
    return None


def _violated(verdict: Verdict) -> list[tuple[str, int | None]]:
    return [(p.sentence, p.depth) for p in verdict.properties if p.status == "violated"]


@dataclass(frozen=True)
class Result:
    """How many were refused and replayed, and (number, what) of those that should not be so."""

    refused: int
    replayed: int
    findings: tuple[tuple[int, str], ...]


def campaign(numbers: range, seed: int) -> Result:
    """Corrupt documents in the working directory, which gains files."""
    originals, outcomes, findings = documents(), Counter[str](), list[tuple[int, str]]()
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        original = originals[number % len(originals)]
        outcome = outcome_of(corrupted(chance, original.text), original)
        outcomes[outcome] += 1
        if outcome not in ("refused", "replayed"):
            findings.append((number, outcome))
    return Result(outcomes["refused"], outcomes["replayed"], tuple(findings))


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.traces")
    parser.add_argument("--traces", type=int, default=5_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one's number")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    numbers = range(chosen.first, chosen.first + chosen.traces)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        result = campaign(numbers, chosen.seed)
    for number, what in result.findings:
        print(f"seed {chosen.seed} trace {number}: {what}")
    seconds = time.monotonic() - began
    print(
        f"{chosen.traces:,} traces in {seconds:.0f} s: {result.refused:,} refused, "
        f"{result.replayed:,} replayed, {len(result.findings):,} findings"
    )
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
