"""What the instances of D8, and all the designs, take: states, how many of them a search with the
reductions looks at, and processor seconds of the whole way (front end, compiler, search).

    python benchmarks/designs.py               # D8's instances in the gate
    python benchmarks/designs.py --large       # and the larger ones: minutes each
    python benchmarks/designs.py --readme      # the same as --large, and README's table
    python benchmarks/designs.py --all         # each shipped spec's default instance
    python benchmarks/designs.py --again       # README's table, from what was measured last

The seconds are those of `modelcheck verify` as anybody would call it, with an empty cache.  Where
something is broken the search ends there, and the states are those until then.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from peers import MEASURE, machine, renew_readme

ROOT = Path(__file__).parents[1]
README, MEASURED = ROOT / "README.md", ROOT / "benchmarks" / "designs.json"
BEGIN, END = "<!-- by benchmarks/designs.py --readme -->\n", "<!-- end of the instances -->"
D8 = "specs/xen_idle_scrub.py"
GATED = {
    (): "two allocations at once: a free finds its neighbour being scrubbed, an allocation fails",
    ("PAGES=4", "MAX_ORDER=2", "DOMAINS=1"):
        "a buddy is split twice, and first_dirty stands in the middle of one",
    ("CLEAN_FREES=True", "NO_SCRUB=True", "DOMAINS=1"):
        "clean and dirty buddies meet, and some allocations take dirty pages as they are",
}
LARGE = {
    ("IDLE_CPUS=2", "TICKETS=5", "DOMAINS=1"): "two idle CPUs want the node",
    ("PAGES=4", "DOMAINS=1"): "two buddies on one list, one of them being scrubbed",
}


@dataclass(frozen=True)
class Line:
    """An instance.  `states`: without reductions; `reduced`: with them; both till the end of the
    search; `seconds`: of the processor."""

    spec: str
    sets: tuple[str, ...]
    verdict: str
    states: int
    reduced: int
    seconds: float


def asked(spec: str, sets: Iterable[str], *options: str) -> tuple[dict[str, object], float]:
    """What `verify --json` says, and the processor's seconds."""
    command = [sys.executable, "-m", "modelcheck", "verify", "--json", spec, *options]
    command += [part for one in sets for part in ("--set", one)]
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "XDG_CACHE_HOME": cache}, check=True,
        )
    _, seconds, _, out, err = json.loads(done.stdout)
    if not out:
        raise SystemExit(f"{' '.join(command)} gave no answer: {err[-500:]}")
    return json.loads(out), seconds


def line_of(spec: str, sets: tuple[str, ...]) -> Line:
    """An instance, measured."""
    said, seconds = asked(spec, sets)
    whole, _ = asked(spec, sets, "--engine", "native", "--no-reductions")
    fewer, _ = asked(spec, sets, "--engine", "native")
    if len({one["verdict"] for one in (said, whole, fewer)}) > 1:
        raise SystemExit(f"{spec} {' '.join(sets)}: with and without reductions the verdicts part")
    counts = [int(str(one["states"])) for one in (whole, fewer)]
    return Line(spec, sets, str(said["verdict"]), *counts, seconds)


# --------------------------------------------------------------------------------------- telling


def row(line: Line, first: str, what_for: str = "") -> str:
    """A row of a table."""
    fewer = f"{line.reduced:,}" if line.reduced < line.states else ""
    cells = [first, *([what_for] if what_for else []), line.verdict, f"{line.states:,}", fewer,
             f"{line.seconds:.1f}"]
    return f"| {' | '.join(cells)} |"


def for_readme(lines: list[Line], where: str) -> str:
    """What stands between the markers."""
    head = ("| instance | what for | verdict | states | reduced to | CPU s |\n"
            "| --- | --- | --- | ---: | ---: | ---: |")
    rows = [
        row(line, " ".join(f"`{s}`" for s in line.sets) or "the default",
            {**GATED, **LARGE}[line.sets])
        for line in lines
    ]
    return "\n".join([head, *rows]) + f"\n\nOne run of each, on {where}.\n"


def kept() -> tuple[list[Line], str]:
    """What was measured last, and on what."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    return [Line(**{**one, "sets": tuple(one["sets"])}) for one in found["lines"]], found["where"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for option in ("large", "readme", "all", "again"):
        parser.add_argument(f"--{option}", action="store_true")
    chosen = parser.parse_args()
    if chosen.again:
        renew_readme(for_readme(*kept()), BEGIN, END)
        return
    wanted = [(D8, sets) for sets in GATED]
    if chosen.large or chosen.readme:
        wanted += [(D8, sets) for sets in LARGE]
    if chosen.all:
        specs = sorted((ROOT / "specs").rglob("*.py"), key=lambda p: (len(p.parts), p))
        wanted = [(str(path.relative_to(ROOT)), ()) for path in specs]
    lines = []
    print("| instance | verdict | states | reduced to | CPU s |")
    print("| --- | --- | ---: | ---: | ---: |")
    for spec, sets in wanted:
        lines.append(line_of(spec, sets))
        print(row(lines[-1], " ".join((Path(spec).stem, *sets))), flush=True)
    if chosen.readme:
        text = {"where": machine(), "lines": [asdict(line) for line in lines]}
        MEASURED.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
        renew_readme(for_readme(*kept()), BEGIN, END)


if __name__ == "__main__":
    main()
