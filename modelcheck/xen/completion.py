"""A completion, as Linux's: what one context waits for, and any other says that it is done.

It has no holder: a thread may wait, and an interrupt complete, which a spin lock does not allow.
So it is the word for what is taken by one context and released by another: a page that is locked by
its reader until the I/O has ended, a vCPU that is paused until its handler answers.

`complete` lets one waiter go, now or later: a completion that comes before the wait is counted, not
lost.  `complete_all` lets all go, until `reinit_completion`.  The count and its test are under the
wait queue's own lock in Linux, which nothing else is done under: each is one step here.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from modelcheck.lang import between, cpu_relax, fetch_update, param, shared

COMPLETIONS = param(4, 1, 16)  # that may be outstanding: one more leaves the range


@dataclass(frozen=True)
class Done:
    count: Annotated[int, between(0, COMPLETIONS)] = 0
    for_all: bool = False


@shared
class Completion:
    done: Done = Done()


def _one_more(done: Done) -> Done:
    return done if done.for_all else replace(done, count=done.count + 1)


def _one_less(done: Done) -> Done:
    return done if done.for_all or done.count == 0 else replace(done, count=done.count - 1)


def complete(completion: Completion) -> None:
    """By any context, interrupts too: one waiter goes on, or who waits next."""
    fetch_update(completion.done, _one_more)


def complete_all(completion: Completion) -> None:
    """By any context: all go on, and whoever waits later."""
    completion.done = Done(for_all=True)


def wait_for_completion(completion: Completion) -> None:
    while not try_wait_for_completion(completion):
        cpu_relax()


def try_wait_for_completion(completion: Completion) -> bool:
    """Returns whether it was complete; then it has used one up."""
    found = fetch_update(completion.done, _one_less)
    return found.for_all or found.count > 0


def reinit_completion(completion: Completion) -> None:
    """Nothing is complete any more.  Nobody may wait meanwhile."""
    completion.done = Done()
