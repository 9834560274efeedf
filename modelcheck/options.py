"""What the options of the command line say, once they are read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck.engines.limits import MOST_SECONDS, is_time, most_of_the_machine
from modelcheck.pipeline import parameter
from modelcheck.source import ConfigurationError
from modelcheck.trace import Limits

if TYPE_CHECKING:
    from modelcheck.gate import Instance, Rules

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
MOST_BYTES = 2**63  # what a counter of bytes has room for


def usable_cpus() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def settings(sets: list[str]) -> dict[str, int | bool]:
    """`["PAGES=3", "WAIT=True"]` as a dictionary."""
    found = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ConfigurationError(f"--set {text}: write --set NAME=VALUE, as in --set PAGES=3")
        if name in found:
            raise ConfigurationError(f"--set {text}: {name} is set twice")
        try:
            found[name] = parameter(value)
        except ConfigurationError as error:
            raise ConfigurationError(f"--set {text}: {error}") from None
    return found


def limited(states: int | None, seconds: float | None, memory: str | None) -> Limits:
    """The limits that the options ask for."""
    if seconds is not None:
        check_seconds("--max-seconds", seconds)
    return Limits(states, seconds, size(memory) if memory is not None else None)


def check_seconds(option: str, seconds: float) -> None:
    """ConfigurationError for what is no length of time.  0 is one: nothing is searched in it."""
    if is_time(seconds):
        return
    problem = f"at most {MOST_SECONDS:,}; " if MOST_SECONDS < seconds < float("inf") else ""
    raise ConfigurationError(
        f"{option} {seconds:g}: {problem}write a number of seconds, as in {option} 60"
    )


def size(text: str) -> int:
    """`512M` or `4G` in bytes."""
    match = re.fullmatch(r"([0-9]{1,15})([KMGT]?)(i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise ConfigurationError(f"--max-memory {text}: write a size, as in 512M or 4G")
    found = int(match[1]) * UNITS[match[2].upper()]
    if not 0 < found < MOST_BYTES:
        problem = "no search fits into that" if not found else "no machine has so much"
        raise ConfigurationError(f"--max-memory {text}: {problem}; write a size, as in 512M or 4G")
    return found


def asked_of_many(
    paths: list[str] | None, budget: float | None, jobs: int | None, max_memory: str | None,
    walks: int | None,
) -> tuple[tuple[Instance, ...], Rules, int]:
    """What the options and the project say of several specs: which instances, what each is held
    to, and how many at once."""
    from modelcheck import gate
    from modelcheck.engines.native import kept
    from modelcheck.project import project

    settings = project(Path.cwd())
    seconds = settings.budget if budget is None else budget
    check_seconds("--budget", seconds)
    memory = None if max_memory is None else size(max_memory)
    at_once = jobs or settings.jobs or os.cpu_count() or 1
    wanted = gate.instances(paths or [], settings)
    rules = gate.Rules(
        seconds, memory or most_of_the_machine(min(at_once, len(wanted))),
        settings.require_validated, settings.walks if walks is None else walks,
    )
    for path in paths or settings.paths:
        kept.never_below(path)
    kept.folder()  # before there are processes that share it
    return wanted, rules, at_once
