"""TLC: reads TLA+, explores breadth first, and keeps a 64-bit fingerprint of each state."""

from __future__ import annotations

import re
from pathlib import Path

from modelcheck.peers.tools import NAME, Found, Peer, Runner, complaint

BROKEN = re.compile(
    r"^Error: (Invariant \S+ is violated.*|The first argument of Assert evaluated to FALSE.*\n.*)",
    re.MULTILINE,
)
WHOLE = "Model checking completed. No error has been found."
COUNTS = re.compile(r"^(\d+) states generated, (\d+) distinct states found, 0 states left",
                    re.MULTILINE)


def peer(jar: str) -> Peer:
    """TLC as it is in this jar."""
    path = str(Path(jar).resolve())

    def version(runner: Runner) -> str:
        found = re.search(r"TLC2 Version (.*)", runner.run(*_java(runner, path), fails=True))
        return found[1] if found else ""

    def explore(runner: Runner) -> Found:
        command = (*_java(runner, path), "-workers", "1", "-metadir", "states", NAME)
        text = runner.run(*command, fails=True)
        if (broken := BROKEN.search(text)) is not None:
            return Found("VIOLATED", why=" ".join(broken[1].split()))
        counts = COUNTS.search(text)
        if WHOLE not in text or counts is None:
            return Found("NOT KNOWN", why=complaint(text))
        generated, distinct = int(counts[1]), int(counts[2])
        return Found("HOLDS", distinct, generated - runner.task.beginnings)

    return Peer("TLC", "tlaplus", ("java",), "TLC: java, and --tlc tla2tools.jar", version, explore)


def _java(runner: Runner, jar: str) -> tuple[str, ...]:
    heap = max(1, runner.task.memory // 2**20)
    return (
        "java", "-XX:+UseParallelGC", f"-Xmx{heap}m", f"-Djava.io.tmpdir={runner.folder}",
        "-cp", jar, "tlc2.TLC",
    )
