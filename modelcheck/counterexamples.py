"""`python -m modelcheck.counterexamples` in the root of a checkout: writes counterexamples/ anew.

One per known violation of the shipped specs: the trace as JSON, for `modelcheck replay`, and as
text, for people.  The same spec gives the same bytes every time, so a test compares them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelcheck.pipeline import Checked, Sets, verify, write_aside
from modelcheck.report.pieces import plain
from modelcheck.report.text import verdict_rows
from modelcheck.search import Engine
from modelcheck.trace import Limits, timeless, to_json

FOLDER = Path("counterexamples")
QUICK = Engine("quick")  # named, so that a slower machine says the same

KNOWN: tuple[tuple[str, str, Sets], ...] = (
    ("sync_scrub_balloon", "specs/sync_scrub.py", {"BALLOON": True}),
    ("idle_scrub_drop_lock", "specs/idle_scrub_locked.py", {"DROP_LOCK": True}),
    ("per_page_cmpxchg", "specs/per_page_cmpxchg.py", {}),
    ("per_page_cmpxchg_lists", "specs/per_page_cmpxchg_lists.py", {}),
    ("scrub_in_place_deadlock", "specs/scrub_in_place.py",
     {"WAIT_LOCKED": True, "DONE_LOCKED": True}),
    ("xen_idle_scrub_offline", "specs/xen_idle_scrub.py",
     {"PAGES": 1, "MAX_ORDER": 0, "DOMAINS": 1, "OFFLINE": True}),
    ("xen_idle_scrub_online", "specs/xen_idle_scrub.py",
     {"PAGES": 1, "MAX_ORDER": 0, "DOMAINS": 1, "OFFLINE": True, "ONLINE": True}),
)
"""The name of the files, the spec, and the instance."""


def files(name: str, spec: str, sets: Sets) -> Iterator[tuple[str, str]]:
    """The files of one counterexample, with their texts."""
    checked = verify(spec, sets, (), Limits(), lambda *_: None, QUICK)
    checked = Checked(timeless(checked.verdict), checked.expected)
    yield f"{name}.json", to_json(checked.verdict)
    yield f"{name}.txt", plain(verdict_rows(checked.verdict, checked.expected))


def main() -> None:
    """Write them all."""
    for known in KNOWN:
        for name, text in files(*known):
            write_aside(FOLDER / name, text)
            print(FOLDER / name)


if __name__ == "__main__":
    main()
