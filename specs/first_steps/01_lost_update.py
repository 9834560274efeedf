"""1 of 11: two CPUs count a dirty page each, and one count is lost.

You describe what the CPUs do; the tool tries every order in which their steps can follow each
other, as if an adversary chose who runs next.  This file is read, and never run.

Fields of a @shared class are memory that all CPUs see; all else is a CPU's own, like a register.
One line touches shared memory at most once: such a line is a step, and nothing happens in the
middle of one.  C's `need_scrub++` is a load and a store, and so it is two lines here.

An @always is a promise; its name is the sentence that must be true, here when all CPUs are at
rest.  The tool finds it broken and prints the shortest run that breaks it, a "trace": a column for
each CPU, a row for each step, and what that step changed or read.  Both load 0; both store 1.

    $ modelcheck verify specs/first_steps/01_lost_update.py
    VIOLATED in 4 steps, exit code 12

(The exit code says what kind of promise was broken.)  EXPECT is what we believe about this design:
if that ever becomes untrue, you are told.
"""
from typing import Annotated

from modelcheck.lang import always, at_rest, between, process, shared, sometimes, violates

EXPECT = violates("every dirty page is counted")


@shared
class Node:
    need_scrub: Annotated[int, between(0, 2)] = 0    # every type is finite: here 0, 1 or 2


node = Node()


@process(count=2)                                    # two CPUs, and each runs this once
def free_heap_pages() -> None:
    need_scrub = node.need_scrub                     # a step: a load
    node.need_scrub = need_scrub + 1                 # another step: a store


@always(when=at_rest())
def every_dirty_page_is_counted() -> bool:
    return node.need_scrub == 2


@sometimes                                           # must be possible: 06_sometimes.py says why
def both_pages_are_counted() -> bool:
    return node.need_scrub == 2
