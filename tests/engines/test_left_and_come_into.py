"""A loop that is left, and come into anew within one step, was left: who goes round so for ever
only turns its outermost loop, and rests.  Who never leaves it is stuck."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.frontend.compile import compile_spec
from modelcheck.search import Engine, search
from modelcheck.trace import Limits

SPEC = """
from modelcheck.lang import cpu_relax, process, shared, wait_until

@shared
class Node:
    flag: bool = {flag}

node = Node()

def twice() -> None:
    n = 0
    while n < 2:
        flag = node.flag
        n += 1

@process
def idle_loop() -> None:
    while True:
"""
WAIT = "        for i in range(2):\n            wait_until(node.flag)\n"
SPIN = "        while node.flag:\n            cpu_relax()\n"
BOTH = "        for i in range(2):\n            while node.flag:\n                cpu_relax()\n"
CALL = "        twice()\n"


@pytest.mark.parametrize("engine", ["quick", "reference", "native"])
@pytest.mark.parametrize(("flag", "body", "outcome"), [
    (True, WAIT, "HOLDS"), (False, WAIT, "VIOLATED"),
    (True, SPIN, "VIOLATED"), (False, SPIN, "HOLDS"),
    (True, BOTH, "VIOLATED"), (False, BOTH, "HOLDS"),
    (True, CALL, "HOLDS"), (False, CALL, "HOLDS"),
])
def test_who_is_stuck(
    flag: bool, body: str, outcome: str, engine: str, tmp_path: Path
) -> None:
    path = tmp_path / "spec.py"
    path.write_text(SPEC.format(flag=flag) + body, encoding="utf-8")
    _, program = compile_spec(str(path), {})
    verdict = search(program, Engine(engine), Limits(), (), lambda *_: None)
    assert verdict.outcome == outcome
