"""4 of 11: cmpxchg, and what it returns.

`cmpxchg(place, old, new)` is one step: if the place holds `old` it stores `new`, else it stores
nothing.  Either way it returns what the place held, as Xen's does.  That value is the only way to
know whether it was you who changed it.

Two idle CPUs want to scrub one page, and exactly one of them shall.  This design does not look
at the value: the second CPU's cmpxchg fails, and it goes on as if it had the page.

    $ modelcheck verify specs/first_steps/04_cmpxchg.py
    VIOLATED in 4 steps, exit code 14

An `assert` is a promise too, made at one line by the CPU that runs it.  Here it is about a value
of that CPU's own: what `test_and_set_bit` found, before it set the flag.

    $ modelcheck verify specs/first_steps/04_cmpxchg.py --set LOOK=True
    HOLDS, exit code 0
"""
from modelcheck.lang import (
    Enum, auto, cmpxchg, holds, param, process, shared, sometimes, test_and_set_bit, violates,
)

LOOK = param(False)

EXPECT = violates("a page is scrubbed by one CPU", when=not LOOK), holds(when=LOOK)


class Scrub(Enum):
    NEED_SCRUB = auto()
    SCRUBBING = auto()


@shared
class Page:
    scrub: Scrub = Scrub.NEED_SCRUB
    scrubbed: bool = False


page = Page()


@process(count=2)
def idle_loop() -> None:
    was = cmpxchg(page.scrub, Scrub.NEED_SCRUB, Scrub.SCRUBBING)
    if was == Scrub.NEED_SCRUB or not LOOK:
        before = test_and_set_bit(page.scrubbed)
        assert not before, "a page is scrubbed by one CPU"


@sometimes
def a_page_is_scrubbed() -> bool:
    return page.scrubbed
