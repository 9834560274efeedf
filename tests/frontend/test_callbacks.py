"""A function passed by its name: its steps take the place of the call, as those of any function."""

from pathlib import Path

import pytest

from modelcheck.engines.reference import explore
from modelcheck.frontend.compile import compile_spec
from modelcheck.source import SpecError
from modelcheck.trace import Limits

SPEC = '''\
from dataclasses import dataclass
from typing import Callable, TypeVar
from modelcheck.lang import process, replace, shared
from modelcheck.xen.spinlock import TicketLock, spin_lock_cb, ticket_lock, ticket_unlock
S = TypeVar("S")
@shared
class Flag:
    asked: bool = False
    answered: bool = False
@dataclass(frozen=True)
class Wait:
    seen: bool
flag = Flag()
lock = TicketLock()
def answer(w: Wait) -> Wait:
    if w.seen:
        return w
    if flag.asked:
        flag.answered = True
        return replace(w, seen=True)
    return w
def twice(callback: Callable[[S], S], data: S) -> S:
    data = callback(data)
    data = callback(data)
    return data
@process
def holder() -> None:
    ticket_lock(lock)
    flag.asked = True
    while not flag.answered:
        pass
    ticket_unlock(lock)
@process
def waiter() -> None:
    w = Wait(False)
    w = spin_lock_cb(lock, answer, w)
    if not w.seen:
        flag.answered = True
    ticket_unlock(lock)
'''


def written(text: str, folder: Path) -> str:
    path = folder / "design.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def outcome(text: str, folder: Path) -> str:
    return explore(compile_spec(written(text, folder), {})[1], Limits()).outcome


def test_who_waits_for_a_lock_answers_its_holder(tmp_path: Path) -> None:
    assert outcome(SPEC, tmp_path) == "HOLDS"


def test_who_waits_as_anybody_does_is_waited_for(tmp_path: Path) -> None:
    assert "spin_lock_cb(lock, answer, w)" in SPEC
    assert outcome(SPEC.replace("w = spin_lock_cb(lock, answer, w)", "ticket_lock(lock)"),
                   tmp_path) == "VIOLATED"


def test_a_callback_is_handed_on(tmp_path: Path) -> None:
    assert outcome(SPEC.replace("w = spin_lock_cb(lock, answer, w)",
                                "w = twice(answer, w)\n    w = spin_lock_cb(lock, answer, w)"),
                   tmp_path) == "HOLDS"


REFUSED = {
    "a value for a function": (
        "spin_lock_cb(lock, w, w)", "w is not a function", "the name of a function"),
    "a function for a value": (
        "spin_lock_cb(lock, answer, answer)", "answer is a function", "answer(...)"),
    "a call for a function": (
        "spin_lock_cb(lock, answer(w), w)", "answer(w) is not a function",
        "the name of a function"),
    "a function with more arguments": (
        "spin_lock_cb(lock, twice, w)", "twice takes 2 arguments: callback, data",
        "twice(callback, data)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str, tmp_path: Path) -> None:
    call, problem, instead = REFUSED[what]
    text = SPEC.replace("spin_lock_cb(lock, answer, w)", call)
    with pytest.raises(SpecError) as error:
        compile_spec(written(text, tmp_path), {})
    assert (error.value.problem, error.value.instead) == (problem, instead)
