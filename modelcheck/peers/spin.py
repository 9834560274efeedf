"""SPIN: `spin -a` writes a verifier in C, which explores depth first."""

from __future__ import annotations

import re

from modelcheck.peers.tools import NAME, Found, Peer, Runner

DEEPEST = 10_000_000  # steps in a row, where it is not known how many states there are
SPARE = 10_000
WHOLE = ("-o1", "-o2")
"""Keeps in a state what the model never reads: else SPIN drops it, and has fewer states than we."""


def _version(runner: Runner) -> str:
    found = re.search(r"Version (\S+)", runner.run("spin", "-V", fails=True))
    return found[1] if found else ""


def _explore(runner: Runner) -> Found:
    task = runner.task
    runner.run("spin", *WHOLE, "-a", f"{NAME}.pml")
    megabytes = max(1, task.memory // 2**20)
    runner.run(
        "cc", task.optimise, "-w", "-DSAFETY", "-DNOREDUCE", "-DNOCLAIM", f"-DMEMLIM={megabytes}",
        "-DVECTORSZ=30000", "-o", "pan", "pan.c",
    )
    deepest = DEEPEST if task.states is None else 2 * task.states + SPARE
    text = runner.run("./pan", "-E", "-w20", f"-m{deepest}", fails=True)
    if (broken := re.search(r"^pan:\d+: assertion violated.*", text, re.MULTILINE)) is not None:
        return Found("VIOLATED", why=broken[0])
    stored = re.search(r"(\d+) states, stored", text)
    taken = re.search(r"(\d+) transitions", text)
    vector = re.search(r"State-vector (\d+) byte", text)
    whole = "Search not completed" not in text and "errors: 0" in text
    if not whole or not stored or not taken or not vector:
        wrong = re.search(r"^(pan: .*|pan:\d+: .*|error: .*)", text, re.MULTILINE)
        return Found("NOT KNOWN", why=wrong[0] if wrong else "pan did not complete its search")
    # The initial state counts as a transition, and so does the choice of a beginning.
    several = task.beginnings if task.beginnings > 1 else 0
    return Found(
        "HOLDS", int(stored[1]) - (several > 0), int(taken[1]) - 1 - several, float(vector[1])
    )


PEER = Peer(
    "SPIN", "promela", ("spin", "cc"), "SPIN: apt-get install spin gcc", _version, _explore
)
