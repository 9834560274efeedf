"""Ours against SPIN, Rumur and TLC on the very same states: processor seconds of the whole way
(front end, compiler, search), states per second, peak memory per state, and the ratios; in turns,
in one run.

    python benchmarks/peers.py                       # a table
    python benchmarks/peers.py --tlc tla2tools.jar --readme
                                                     # all of it: README's table and the picture
    python benchmarks/peers.py --again --readme      # both anew, from what was measured last

The peers are given what `modelcheck export` prints, which has the same states, one step for one
step.  All have one thread.  They are compiled with -O2 (TLC: a serial collector), and look at
asserts and invariants.  Ours is exact and unreduced, begins with an empty cache, and looks for
deadlock too; at `small` it picks its engine itself, which needs no compiler there.  `huge` is for
ours alone, and is done once.  What is taken is the largest process's memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
README, PICTURE = ROOT / "README.md", ROOT / "benchmarks" / "peers.png"
MEASURED = ROOT / "benchmarks" / "peers.json"
BEGIN, END = "<!-- by benchmarks/peers.py --readme -->\n", "<!-- end -->"
SPEC = str(ROOT / "specs" / "per_page_cmpxchg.py")
SIZES = {
    "small": ("WAIT=True", "PAGES=1"),
    "medium": ("WAIT=True", "PAGES=3", "IDLE_CPUS=2"),
    "large": ("WAIT=True", "PAGES=3", "IDLE_CPUS=3"),
    "huge": ("WAIT=True", "PAGES=7", "DOMAINS=3"),
}
SPIN_ROOM = {"small": (14, 10**5), "medium": (21, 10**6), "large": (24, 2 * 10**6)}
"""SPIN's table (the logarithm of its slots) and stack: of a larger one the clearing is measured."""

OURS, FINGERPRINTS = "modelcheck", "modelcheck --fingerprints"
SPIN, RUMUR, TLC = "SPIN", "Rumur", "TLC"
FEW = 100_000  # states: of fewer the bytes are those of the programs themselves

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


@dataclass(frozen=True)
class Line:
    """Medians of one tool at one size.  `slower`, `larger`: how many times ours."""

    size: str
    tool: str
    states: int
    seconds: float
    each: float
    runs: int
    slower: float
    larger: float


# ------------------------------------------------------------------------------------- measuring


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


def command_of(
    tool: str, size: str, folder: Path, jar: str
) -> tuple[list[str], str]:
    """The whole way of a tool, in one command; and how it says the number of states."""
    options = [part for name in SIZES[size] for part in ("--set", name)]
    ours = [sys.executable, "-m", "modelcheck"]
    if tool in (OURS, FINGERPRINTS):
        engine = ["--engine", "auto" if size == "small" else "native", "--jobs", "1"]
        search = ["--no-reductions", *engine, *tool.split()[1:]]
        return [*ours, "verify", SPEC, *options, *search], r"([\d,]+) states,"
    language, file = {
        SPIN: ("promela", "design.pml"), RUMUR: ("murphi", "design.m"),
        TLC: ("tlaplus", "design.tla"),
    }[tool]
    export = [*ours, "export", "--to", language, SPEC, *options, "-o", file]
    subprocess.run(export, cwd=folder, check=True, capture_output=True)
    if tool == TLC:
        return [
            "java", "-XX:+UseSerialGC", "-Xmx8g", "-cp", jar, "tlc2.TLC", "-workers", "1",
            "-metadir", "states", "design",
        ], r"(\d+) distinct states found, 0 states left"
    if tool == SPIN:
        slots, stack = SPIN_ROOM[size]
        return ["sh", "-c", (
            "spin -o1 -o2 -a design.pml > /dev/null && cc -O2 -w -DSAFETY -DNOREDUCE -DNOCLAIM "
            f"-DMEMLIM=20000 -o pan pan.c && ./pan -E -w{slots} -m{stack}"
        )], r"(\d+) states, stored"
    return ["sh", "-c", (
        "rumur --deadlock-detection off --value-type int32_t --threads 1 --symmetry-reduction off "
        "--counterexample-trace off -o design.c design.m > /dev/null && "
        "cc -std=c11 -O2 -w -mcx16 -o verifier design.c -lpthread && ./verifier"
    )], r"(\d+) states, \d+ rules fired"


def compared(size: str, tools: list[str], runs: int, jar: str) -> dict[str, list[Took]]:
    """So many runs of each tool, in turns."""
    took: dict[str, list[Took]] = {tool: [] for tool in tools}
    for _ in range(runs):
        for tool in tools:
            with tempfile.TemporaryDirectory() as folder:
                command, states = command_of(tool, size, Path(folder), jar)
                took[tool].append(measured(command, states, Path(folder)))
    counts = {t.states for of_it in took.values() for t in of_it}
    if len(counts) > 1:
        raise SystemExit(f"{size}: these are not the same states: {sorted(counts)}")
    return took


def tools_of(size: str, jar: str) -> list[str]:
    """Who is asked at a size: of the peers those that are there."""
    said = subprocess.run(
        [sys.executable, "-m", "modelcheck", "verify", "--help"], capture_output=True, text=True,
        check=True,
    ).stdout
    ours = [OURS, *([FINGERPRINTS] if "--fingerprints" in said and size == "huge" else [])]
    peers = [tool for tool in (SPIN, RUMUR) if shutil.which(tool.lower())]
    return ours if size == "huge" else [*ours, *peers, *([TLC] if jar else [])]


def lines_of(size: str, took: dict[str, list[Took]]) -> list[Line]:
    """A line for each tool: the medians, and how many times ours is faster and smaller."""
    def median(tool: str) -> tuple[float, float]:
        seconds = statistics.median(t.seconds for t in took[tool])
        return seconds, statistics.median(t.bytes / t.states for t in took[tool])

    own_seconds, own_bytes = median(OURS)
    return [
        Line(size, tool, runs[0].states, *median(tool), len(runs),
             median(tool)[0] / own_seconds, median(tool)[1] / own_bytes)
        for tool, runs in took.items()
    ]


def versions(jar: str) -> dict[str, str]:
    """What each peer says that it is."""
    from modelcheck.peers import Task, known
    from modelcheck.peers.tools import Runner

    said = {}
    for peer in known(jar or None):
        if peer.installed():
            with tempfile.TemporaryDirectory() as folder:
                task = Task(1, None, None, 2**32, "-O2")
                said[peer.tool] = peer.version(Runner(Path(folder), task))
    return said


def machine() -> str:
    """What it was measured on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cpu = found[1] if found else platform.machine()
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB; {date.today():%B %Y}"


# --------------------------------------------------------------------------------------- telling

HEAD = (
    "| states | tool | CPU s | states / CPU s | bytes / state | ours is faster | and smaller |\n"
    "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
)


def row(line: Line, version: str) -> str:
    """A row of the table."""
    many, other = line.states > FEW, line.tool not in (OURS, FINGERPRINTS)
    name = f"{line.tool} {version}".strip()
    cells = [
        f"{line.states:,}", f"**{name}**" if not other else name, f"{line.seconds:,.2f}",
        f"{line.states / line.seconds:,.0f}", f"{line.each:,.1f}" if many else "",
        f"{line.slower:,.1f} x" if other else "", f"{line.larger:,.1f} x" if other and many else "",
    ]
    return f"| {' | '.join(cells)} |"


def for_readme(lines: list[Line], said: dict[str, str], where: str) -> str:
    """What stands between the markers."""
    sizes = "; ".join(
        f"{next(ln.states for ln in lines if ln.size == size):,}: "
        f"`{' '.join(s for s in SIZES[size])}`"
        for size in dict.fromkeys(line.size for line in lines)
    )
    runs = min(line.runs for line in lines if line.size != "huge")
    once = ", that of over 1e8 states once" if any(line.size == "huge" for line in lines) else ""
    how = f"Medians of {runs} runs in turns" if runs > 1 else "One run of each"
    rows = "\n".join([HEAD, *(row(line, said.get(line.tool, "")) for line in lines)])
    return (
        "![Processor seconds over the number of states, and bytes a state]"
        f"(benchmarks/peers.png)\n\n{rows}\n\n"
        f"{how}{once}, on {where}. The instances: {sizes}.\n"
    )


def renew_readme(text: str, begin: str = BEGIN, end: str = END) -> None:
    """Write README's part between these markers anew."""
    from modelcheck.pipeline import between_markers
    from modelcheck.writing import write_whole

    try:
        whole = between_markers(README.read_text(encoding="utf-8"), begin, end, text)
    except ValueError as error:
        raise SystemExit(f"{README.name} {error}") from None
    write_whole(README, whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--tlc", default=os.environ.get("TLC_JAR", ""), metavar="JAR")
    parser.add_argument("--readme", action="store_true", help="write README's table, the picture")
    parser.add_argument("--plot", type=Path, metavar="PNG")
    parser.add_argument("--again", action="store_true", help="tell what was measured last")
    chosen = parser.parse_args()
    picture = PICTURE if chosen.readme else chosen.plot
    if picture is not None and importlib.util.find_spec("matplotlib") is None:
        raise SystemExit("a picture needs matplotlib: pip install matplotlib")
    if chosen.again:
        kept = json.loads(MEASURED.read_text(encoding="utf-8"))
        lines, said, where = [Line(**line) for line in kept["lines"]], kept["said"], kept["where"]
        print("\n".join([HEAD, *(row(line, said.get(line.tool, "")) for line in lines)]))
    else:
        jar = str(Path(chosen.tlc).resolve()) if chosen.tlc else ""
        said, where, lines = versions(jar), machine(), list[Line]()
        print(HEAD, flush=True)
        for size in chosen.sizes.split(","):
            runs = 1 if size == "huge" else chosen.runs
            found = lines_of(size, compared(size, tools_of(size, jar), runs, jar))
            print("\n".join(row(line, said.get(line.tool, "")) for line in found), flush=True)
            lines += found
        if chosen.readme:
            kept = {"where": where, "said": said, "lines": [asdict(line) for line in lines]}
            MEASURED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if picture is not None:
        from peers_plot import plot

        plot(lines, OURS, picture)
    if chosen.readme:
        renew_readme(for_readme(lines, said, where))


if __name__ == "__main__":
    main()
