"""How long the command line takes, wall-clock, best and median of some runs.

    python benchmarks/startup.py [RUNS]

Aims: `--version` under 0.15 s; a spec of under 1,000 states verified under 0.5 s.  It never fails:
what a machine is busy with is not our affair."""

import statistics
import subprocess
import sys
import time

COMMANDS = (
    ["--version"],
    ["--help"],
    ["verify", "specs/per_page_cmpxchg.py"],
    ["verify", "specs/sync_scrub.py", "--set", "BALLOON=True", "--json"],
)


def seconds(command: list[str]) -> float:
    """One run."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "modelcheck", *command], capture_output=True, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Print a line per command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for command in COMMANDS:
        times = [seconds(command) for _ in range(runs)]
        best, median = min(times), statistics.median(times)
        print(f"{best:.3f} s best  {median:.3f} s median  modelcheck {' '.join(command)}")


if __name__ == "__main__":
    main()
