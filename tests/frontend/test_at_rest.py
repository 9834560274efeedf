"""`at_rest()`: at which locations a process is at the head of its loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.source import SpecError
from modelcheck.trace import Limits

HEAD = '''\
from modelcheck.lang import always, at_rest, between, cmpxchg, process, shared
from typing import Annotated

@shared
class Word:
    count: Annotated[int, between(0, 3)] = 0
    done: bool = False

word = Word()

def increment() -> None:
    old = word.count
    while True:
        found = cmpxchg(word.count, old, (old + 1) % 4)
        if found == old:
            break
        old = found

@always(when=at_rest())
def it_is_done() -> bool:
    return word.done
'''

ENDS = '''
@process
def cpu() -> None:
    increment()
    word.done = True

@process
def other() -> None:
    increment()
'''

BEHIND = '''
@process
def cpu() -> None:
    increment()
    increment()
    word.done = True
'''

ENDLESS = '''
def idle_loop() -> None:
    while True:
        increment()
        word.done = True
        word.done = {last}

@process
def cpu() -> None:
    word.done = True
    idle_loop()
'''


@pytest.mark.parametrize(("process", "holds"), [
    pytest.param(ENDS, True, id="a loop that a function leaves is no place of rest"),
    pytest.param(ENDS.replace("word.done = True", "word.done = False"), False, id="an end is"),
    pytest.param(BEHIND, True, id="nor is what comes behind it"),
    pytest.param(ENDLESS.format(last=True), True, id="a loop that is never left is"),
    pytest.param(ENDLESS.format(last=False), False, id="and there the promise can be broken"),
])
def test_where_a_process_is_at_rest(process: str, holds: bool, tmp_path: Path) -> None:
    path = tmp_path / "spec.py"
    path.write_text(f'"""A spec."""\n{HEAD}{process}', encoding="utf-8")
    verdict = explore(compile_spec(str(path), {})[1], Limits())
    assert (verdict.outcome == "HOLDS") is holds


RETRY = """
from typing import Annotated
from modelcheck.lang import always, at_rest, between, cmpxchg, process, shared

@shared
class Word:
    count: Annotated[int, between(0, 3)] = 0
    near: bool = False

word = Word()

{}
    old = word.count
    while True:
        if old == 1:
            word.near = True
        found = cmpxchg(word.count, old, old + 1)
        if found == old:
            return
        old = found

{}

@always(when=at_rest())
def both_have_counted() -> bool:
    return word.count == 2
"""
PROCESS = "@process(count=2)\ndef cpu() -> None:"


def test_a_compare_and_swap_loop_in_the_process_itself(tmp_path: Path) -> None:
    """It comes to its cmpxchg from the head, and from behind a store.  The advice, a loop whose
    first access is the same on every turn, was none: the loop belongs into a function, and then a
    process that still tries again is not at rest."""
    path = tmp_path / "spec.py"
    path.write_text(RETRY.format(PROCESS, ""))
    with pytest.raises(SpecError, match="cannot tell") as refused:
        compile_spec(str(path), {})
    assert "the loop in a function that the process calls" in refused.value.instead
    path.write_text(RETRY.format("def count() -> None:", PROCESS + "\n    count()"))
    _, program = compile_spec(str(path), {})
    assert explore(program, Limits()).outcome == "HOLDS"
