"""9 of 11: how large is large enough, and choices that are nobody's.

A verdict is about one instance.  Its sizes are parameters: `param(2, 1, 4)` is 2 unless
you say `--set DOMAINS=3`, and may be 1 to 4.  Two or three of each is often enough to show a bug,
and never a proof that a larger heap is safe: begin small, then turn each size up by one.

`choose(...)` is any of its options; the tool tries every one, in every order of steps, and a trace
says which it was.  Use it for what the design leaves open, such as which free page an allocation
finds.  Each domain here needs two pages at once, and takes one after the other:

    $ modelcheck verify specs/first_steps/09_sizes_and_choice.py
    HOLDS, exit code 0

With three pages, two domains can never both be left waiting for a second.  Three domains can:

    $ modelcheck verify specs/first_steps/09_sizes_and_choice.py --set DOMAINS=3
    VIOLATED in 3 steps, exit code 11
"""
from modelcheck.lang import (
    choose, clear_bit, holds, instances, param, process, shared, sometimes, test_and_set_bit,
    violates,
)

PAGES = param(3, 2, 4)
DOMAINS = param(2, 1, 4)

EXPECT = holds(when=DOMAINS < PAGES), violates("deadlock", when=DOMAINS >= PAGES)


@shared(count=PAGES)
class Page:
    in_use: bool = False


def alloc_any_page() -> Page:
    while True:
        pg = choose(instances(Page))
        if not test_and_set_bit(pg.in_use):
            return pg


@process(count=DOMAINS)
def domain() -> None:
    while True:
        first = alloc_any_page()
        second = alloc_any_page()
        clear_bit(second.in_use)
        clear_bit(first.in_use)


@sometimes
def every_page_is_in_use() -> bool:
    return all(pg.in_use for pg in instances(Page))
