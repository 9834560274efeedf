"""Random schedules over the shipped specs: the model and the allocator must agree at every step.

    python -m modelcheck.heap.campaign --schedules 10000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelcheck.frontend.compile import compile_spec, read_spec
from modelcheck.heap.allocator import Allocator
from modelcheck.heap.follow import Follower
from modelcheck.heap.walk import Walk, walk
from modelcheck.records import dataclass
from modelcheck.semantics import Semantics

STEPS = 100


@dataclass(frozen=True)
class Instance:
    """A spec at one instance."""

    path: str
    sets: tuple[tuple[str, bool | int], ...]

    def __str__(self) -> str:
        return " ".join([self.path, *(f"--set {n}={v}" for n, v in self.sets)])


def instances(folder: Path) -> tuple[Instance, ...]:
    """Each spec of a folder as it stands, with one page, with two idle CPUs, with each of its
    switches thrown, and with all of them."""
    found: list[Instance] = []
    for path in sorted(folder.glob("*.py")):
        spec = read_spec(str(path), {})
        found.append(Instance(str(path), ()))
        thrown: list[tuple[str, bool | int]] = []
        tickets = tuple(("TICKETS", p.hi) for p in spec.parameters if p.name == "TICKETS")
        for p in spec.parameters:
            if p.span.file == spec.module.file and isinstance(p.default, bool):
                thrown.append((p.name, not p.default))
                found.append(Instance(str(path), (thrown[-1],)))
            elif p.name in ("PAGES", "IDLE_CPUS"):
                other = p.lo if p.default != p.lo else p.lo + 1
                more = tickets if p.name == "IDLE_CPUS" else ()  # a lock has one for each CPU
                found.append(Instance(str(path), ((p.name, other), *more)))
        if len(thrown) > 1:
            found.append(Instance(str(path), tuple(thrown)))
    return tuple(found)


def walks(instance: Instance, seeds: range, steps: int) -> Iterator[Walk]:
    """A random schedule for each seed, on one allocator."""
    sets: Mapping[str, bool | int] = dict(instance.sets)
    spec, program = compile_spec(instance.path, sets)
    with Allocator(spec) as allocator:
        follower = Follower(allocator, Semantics(program))
        for seed in seeds:
            yield walk(follower, seed, steps)


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign; 0 if the two sides never parted."""
    parser = argparse.ArgumentParser(prog="python -m modelcheck.heap.campaign")
    parser.add_argument("--schedules", type=int, default=10_000, help="how many, over all specs")
    parser.add_argument("--steps", type=int, default=STEPS, help="the most steps of a schedule")
    parser.add_argument("--seed", type=int, default=0, help="the first schedule's seed")
    parser.add_argument("--specs", type=Path, default=Path("specs"), help="their folder")
    chosen = parser.parse_args(arguments)
    found = instances(chosen.specs)
    began, total, parted = time.monotonic(), 0, 0
    for n, instance in enumerate(found):
        share = chosen.schedules // len(found) + (n < chosen.schedules % len(found))
        taken = 0
        for result in walks(instance, range(chosen.seed, chosen.seed + share), chosen.steps):
            taken += result.steps
            if result.difference is not None:
                parted += 1
                print(f"{instance} seed {result.seed}: {result.difference}")
        total += taken
        print(f"{instance}: {share:,} schedules, {taken:,} steps", flush=True)
    seconds = time.monotonic() - began
    agree = "the model and the allocator agree" if not parted else f"{parted} schedules parted"
    print(f"{chosen.schedules:,} schedules, {total:,} steps in {seconds:.0f} s: {agree}")
    return 1 if parted else 0


if __name__ == "__main__":
    sys.exit(main())
