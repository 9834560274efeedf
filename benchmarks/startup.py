"""How long the command line takes: wall-clock, best and median of some runs, and the least of the
processor's time.

    python benchmarks/startup.py [RUNS]

Aims: `--version` under 0.15 s; a spec of under 1,000 states verified under 0.25 s.  It never fails:
what a machine is busy with is not our affair."""

import resource
import statistics
import subprocess
import sys
import time

COMMANDS = (
    ["--version"],
    ["--help"],
    ["verify", "specs/per_page_cmpxchg.py"],
    ["verify", "specs/per_page_cmpxchg.py", "--set", "WAIT=True", "--set", "PAGES=1"],
    ["verify", "specs/scrub_in_place.py", "--set", "PAGES=1"],
    ["verify", "specs/sync_scrub.py", "--set", "BALLOON=True", "--json"],
)


def seconds(command: list[str]) -> tuple[float, float]:
    """One run: wall-clock, and the processor's time."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "modelcheck", *command], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - began, used


def main() -> None:
    """Print a line per command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for command in COMMANDS:
        times, used = zip(*(seconds(command) for _ in range(runs)), strict=True)
        best, median = min(times), statistics.median(times)
        print(
            f"{best:.3f} s best  {median:.3f} s median  {min(used):.3f} s of processor  "
            f"modelcheck {' '.join(command)}"
        )


if __name__ == "__main__":
    main()
