"""6 of 11: @sometimes, the guard against promises that hold because nothing happens.

"No page is handed out dirty" is true of a heap that never hands out a page.  It is true of the
design below as well when a typing error makes its test always false.  No @always can tell you: it
is asked of the states that there are, and the states that would break it are not there.

So say with @sometimes what must be possible.  It is a promise about reaching: there is an order of
steps that leads to a state where it is true.

    $ modelcheck verify specs/first_steps/06_sometimes.py
    HOLDS, exit code 0

With the typing error all promises but this one still hold, and the tool calls the design broken.
There is no trace to show, for what is wrong is that no run gets there; but the tool warns of
each line that is never run, and that is where to look.

    $ modelcheck verify specs/first_steps/06_sometimes.py --set TYPING_ERROR=True
    VIOLATED, exit code 15

Write the @sometimes first: each spec of this tour has one.
"""
from modelcheck.lang import Enum, always, auto, holds, param, process, shared, sometimes

TYPING_ERROR = param(False)

EXPECT = holds()


class Scrub(Enum):
    DIRTY = auto()
    CLEAN = auto()
    IN_USE = auto()


@shared
class Page:
    scrub: Scrub = Scrub.DIRTY
    zeroed: bool = False


page = Page()


@process
def idle_loop() -> None:
    if page.scrub == (Scrub.CLEAN if TYPING_ERROR else Scrub.DIRTY):
        page.zeroed = True
        page.scrub = Scrub.CLEAN


@process
def domain() -> None:
    if page.scrub == Scrub.CLEAN:
        page.scrub = Scrub.IN_USE


@always
def no_page_is_handed_out_dirty() -> bool:
    return page.zeroed or page.scrub != Scrub.IN_USE


@sometimes
def a_page_is_handed_out() -> bool:
    return page.scrub == Scrub.IN_USE
