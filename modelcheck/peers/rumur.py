"""Rumur: writes a verifier in C, which explores breadth first."""

from __future__ import annotations

import html
import platform
import re

from modelcheck.peers.tools import NAME, Found, Peer, Runner, complaint

BROKEN = ("Assertion failed:", "invariant ")  # how what we export as a promise fails


def _version(runner: Runner) -> str:
    found = re.search(r"version v?(\S+)", runner.run("rumur", "--version", fails=True))
    return found[1] if found else ""


def _explore(runner: Runner) -> Found:
    runner.run(
        "rumur", "--deadlock-detection", "off", "--value-type", "int32_t", "--threads", "1",
        "--symmetry-reduction", "off", "--counterexample-trace", "off",
        "--output-format", "machine-readable", "-o", "design.c", f"{NAME}.m",
    )
    wide = ["-mcx16"] if platform.machine() == "x86_64" else []  # a compare-and-swap of 16 bytes
    runner.run(
        "cc", "-std=c11", runner.task.optimise, "-w", *wide, "-o", "verifier", "design.c",
        "-lpthread",
    )
    text = runner.run("./verifier", limited=True, fails=True)
    summary = re.search(r'<summary states="(\d+)" rules_fired="(\d+)" errors="(\d+)"', text)
    message = re.search(r"<message>(.*?)</message>", text, re.DOTALL)
    if message is not None:
        why = html.unescape(message[1])
        return Found("VIOLATED" if why.startswith(BROKEN) else "NOT KNOWN", why=why)
    size = re.search(r'state_size_bytes="(\d+)"', text)
    if summary is None or summary[3] != "0" or size is None:
        return Found("NOT KNOWN", why=f"the verifier: {complaint(text)}")
    return Found("HOLDS", int(summary[1]), int(summary[2]), float(size[1]))


PEER = Peer(
    "Rumur", "murphi", ("rumur", "cc"), "Rumur: apt-get install rumur gcc", _version, _explore
)
