"""Ours against SPIN and Rumur on the very same states: processor seconds of the whole way (front
end, compiler, search), states per second, peak memory per state, and the ratios; in turns, in one
run.

    python benchmarks/peers.py [--runs 3] [--sizes small,medium,large] [--plot peers.png]

The peers are given what `modelcheck export` prints, which has the same states, one step for one
step; they are compiled with -O2, and look at asserts and invariants.  Ours is exact and unreduced,
begins with an empty cache, and looks for deadlock too.  `huge` is for ours alone.  What is taken is
the largest process's memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPEC = str(ROOT / "specs" / "per_page_cmpxchg.py")
SIZES = {
    "small": ("WAIT=True", "PAGES=1"),
    "medium": ("WAIT=True", "PAGES=3", "IDLE_CPUS=2"),
    "large": ("WAIT=True", "PAGES=3", "IDLE_CPUS=3"),
    "huge": ("WAIT=True", "PAGES=3", "IDLE_CPUS=4"),
}
OURS, SPIN, RUMUR = "modelcheck", "SPIN", "Rumur"

MEASURE = """\
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds = used.ru_utime + used.ru_stime
print(json.dumps([done.returncode, seconds, used.ru_maxrss * 1024, done.stdout, done.stderr]))
"""


@dataclass(frozen=True)
class Took:
    """Processor seconds, bytes at the peak, and the states found."""

    seconds: float
    bytes: int
    states: int


def measured(command: list[str], states: str, folder: Path) -> Took:
    """A command, run in a folder; `states`: how it says their number."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], capture_output=True, text=True, cwd=folder,
        env=environment, check=True,
    )
    code, seconds, most, out, err = json.loads(done.stdout)
    found = re.search(states, out)
    if code or found is None:
        raise SystemExit(f"{' '.join(command)} gave no answer: {out[-500:]}{err[-500:]}")
    return Took(seconds, most, int(found[1].replace(",", "")))


def command_of(tool: str, sets: tuple[str, ...], folder: Path) -> tuple[list[str], str]:
    """The whole way of a tool, in one command; and how it says the number of states."""
    options = [part for name in sets for part in ("--set", name)]
    ours = [sys.executable, "-m", "modelcheck"]
    if tool == OURS:
        engine = ["--engine", "native", "--no-reductions"]
        return [*ours, "verify", SPEC, *options, *engine], r"([\d,]+) states,"
    language, file = ("promela", "design.pml") if tool == SPIN else ("murphi", "design.m")
    export = [*ours, "export", "--to", language, SPEC, *options, "-o", file]
    subprocess.run(export, cwd=folder, check=True, capture_output=True)
    if tool == SPIN:
        return ["sh", "-c", (
            "spin -o1 -o2 -a design.pml > /dev/null && cc -O2 -w -DSAFETY -DNOREDUCE -DNOCLAIM "
            "-DMEMLIM=20000 -o pan pan.c && ./pan -E -w24 -m50000000"
        )], r"(\d+) states, stored"
    return ["sh", "-c", (
        "rumur --deadlock-detection off --value-type int32_t --threads 1 --symmetry-reduction off "
        "--counterexample-trace off -o design.c design.m > /dev/null && "
        "cc -std=c11 -O2 -w -mcx16 -o verifier design.c -lpthread && ./verifier"
    )], r"(\d+) states, \d+ rules fired"


def compared(size: str, tools: list[str], runs: int) -> dict[str, list[Took]]:
    """So many runs of each tool, in turns."""
    took: dict[str, list[Took]] = {tool: [] for tool in tools}
    for _ in range(runs):
        for tool in tools:
            with tempfile.TemporaryDirectory() as folder:
                command, states = command_of(tool, SIZES[size], Path(folder))
                took[tool].append(measured(command, states, Path(folder)))
    return took


def rows(size: str, took: dict[str, list[Took]]) -> list[str]:
    """A line for each tool: the medians, and how many times ours is faster and smaller."""
    def median(tool: str) -> tuple[float, float]:
        seconds = statistics.median(t.seconds for t in took[tool])
        return seconds, statistics.median(t.bytes / t.states for t in took[tool])

    own_seconds, own_bytes = median(OURS)
    lines = []
    for tool, all_of_it in took.items():
        seconds, each = median(tool)
        states = all_of_it[0].states
        ratio = "" if tool == OURS else f"{seconds / own_seconds:.1f} x"
        smaller = "" if tool == OURS else f"{each / own_bytes:.1f} x"
        lines.append(
            f"| {size} | {states:,} | {tool} | {seconds:.2f} | {states / seconds / 1e6:.2f} | "
            f"{each:,.1f} | {ratio} | {smaller} |"
        )
    return lines


def plot(results: dict[str, dict[str, list[Took]]], file: Path) -> None:
    """Seconds of each tool over the number of states, both by powers of ten."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for tool in (OURS, SPIN, RUMUR):
        points = [
            (took[tool][0].states, statistics.median(t.seconds for t in took[tool]))
            for took in results.values() if tool in took
        ]
        if points:
            axes.loglog(*zip(*points, strict=True), marker="o", label=tool)
    axes.set(xlabel="states", ylabel="processor seconds, compiler included")
    axes.grid(True, which="major", alpha=0.4)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", default="small,medium,large")
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    peers = [tool for tool in (SPIN, RUMUR) if shutil.which(tool.lower())]
    if chosen.plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("--plot needs matplotlib: pip install matplotlib")
    print("| size | states | tool | CPU s | M states / CPU s | bytes / state | slower | larger |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    results = {}
    for size in chosen.sizes.split(","):
        results[size] = compared(size, [OURS, *([] if size == "huge" else peers)], chosen.runs)
        print("\n".join(rows(size, results[size])), flush=True)
    if chosen.plot is not None:
        plot(results, chosen.plot)


if __name__ == "__main__":
    main()
