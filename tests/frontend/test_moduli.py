"""A modulus that is too small for tickets is refused; of a counter that is no ticket lock's it is
the spec's own affair."""

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.pipeline import verify
from modelcheck.search import Engine
from modelcheck.source import SpecError
from modelcheck.trace import Limits

HEAD = """
from typing import Annotated
from modelcheck.lang import (
    always, cmpxchg, cpu_relax, fetch_add, process, shared, sometimes, wait_until, wrapping,
)

@shared
class Ring:
    head: Annotated[int, wrapping(2)] = 0
    tail: Annotated[int, wrapping(2)] = 0
    served: bool = False
    mine: Annotated[int, wrapping(2)] = 0

ring = Ring()

def work() -> None:
    ring.served = True

@process(count=3)
def cpu() -> None:
"""
NO_TICKETS = {
    "drawn, and not awaited": """
    head = ring.head
    cmpxchg(ring.head, head, head + 1)
""",
    "until the ring is not empty": """
    tail = ring.tail
    wait_until(ring.head != tail)
    ring.tail = tail + 1
""",
    "a retry until the counter is what it was": """
    head = ring.head
    while cmpxchg(ring.head, head, head + 1) != head:
        head = ring.head
""",
    "a generation, read twice": """
    before = ring.head
    after = ring.head
    while after != before:
        before = ring.head
        after = ring.head
    fetch_add(ring.tail, 1)
""",
}
TICKETS = {
    "a wait": """
    mine = fetch_add(ring.tail, 1)
    wait_until(ring.head == mine)
""",
    "a loop": """
    mine = fetch_add(ring.tail, 1)
    while ring.head != mine:
        cpu_relax()
""",
    "a loop with something to do": """
    mine = fetch_add(ring.tail, 1)
    while ring.head != mine:
        work()
""",
    "by cmpxchg, and by the other way round": """
    mine = ring.tail
    while cmpxchg(ring.tail, mine, mine + 1) != mine:
        mine = ring.tail
    while not ring.head == mine:
        cpu_relax()
""",
    "under a lock of another kind": """
    mine = ring.tail
    ring.tail = mine + 1
    wait_until(mine == ring.head)
""",
    "kept in memory": """
    ticket = fetch_add(ring.tail, 1)
    ring.mine = ticket
    mine = ring.mine
    wait_until(ring.head == mine)
""",
}


def _spec(tmp_path: Path, body: str) -> str:
    path = tmp_path / "spec.py"
    path.write_text(HEAD + body.lstrip("\n"))
    return str(path)


@pytest.mark.parametrize("name", NO_TICKETS)
def test_no_ticket(tmp_path: Path, name: str) -> None:
    """The index of a ring of two slots wraps, and was refused as if it were a ticket lock of three
    processes: any counter that wraps was."""
    path = _spec(tmp_path, NO_TICKETS[name])
    found = {
        (v.outcome, v.exhaustive) for v in (
            verify(path, {}, (), Limits(), lambda *_: None, Engine(engine)).verdict
            for engine in ("reference", "quick", "native")
        )
    }
    assert len(found) == 1


@pytest.mark.parametrize("name", TICKETS)
def test_a_ticket(tmp_path: Path, name: str) -> None:
    """Where it is drawn and awaited, two processes would hold the same one."""
    with pytest.raises(SpecError, match="two of them could hold the same ticket"):
        compile_spec(_spec(tmp_path, TICKETS[name]), {})
