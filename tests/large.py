"""The specs that are no small examples: over 120 lines, and more states than the reference engine,
or a peer, can be asked to look at in every run.  Each has a test file of its own."""

from __future__ import annotations

from pathlib import Path

LARGE = frozenset({"xen_idle_scrub", "xen_idle_scrub_offline"})


def small(folder: Path) -> list[Path]:
    """The specs of a folder that are small."""
    return sorted(path for path in folder.glob("*.py") if path.stem not in LARGE)
