"""3 of 11: flags that share a word: a plain change of one rewrites them all.

A frozen dataclass is a "word": its fields lie in one memory location, like the flags in Xen's
count_info.  A CPU cannot store one flag of a word; C's `count_info |= PGC_broken` loads the word
and stores it whole.  So the language has you write two steps: a load, and a store of a copy in
which one field is replaced.  A line like `page.count_info.broken = True` is refused.

Here one CPU frees the page and another one finds it broken.  Each change is right by itself, and
the second store writes back the other's flag as it was.

    $ modelcheck verify specs/first_steps/03_words_and_flags.py
    VIOLATED in 4 steps, exit code 12

`set_bit` does it in one step, as the CPU's locked instruction does.  SET_BIT is a parameter of this
spec, a switch that is off unless you turn it on, and EXPECT says what we believe of either:

    $ modelcheck verify specs/first_steps/03_words_and_flags.py --set SET_BIT=True
    HOLDS, exit code 0
"""
from dataclasses import dataclass, replace

from modelcheck.lang import (
    always, at_rest, holds, param, process, set_bit, shared, sometimes, violates,
)

SET_BIT = param(False)

EXPECT = violates("no flag is lost", when=not SET_BIT), holds(when=SET_BIT)


@dataclass(frozen=True)
class CountInfo:
    need_scrub: bool = False
    broken: bool = False


@shared
class Page:
    count_info: CountInfo = CountInfo()


page = Page()


@process
def free_heap_page() -> None:
    if SET_BIT:
        set_bit(page.count_info.need_scrub)
    else:
        info = page.count_info
        page.count_info = replace(info, need_scrub=True)


@process
def memory_failure() -> None:
    if SET_BIT:
        set_bit(page.count_info.broken)
    else:
        info = page.count_info
        page.count_info = replace(info, broken=True)


@always(when=at_rest())
def no_flag_is_lost() -> bool:
    return page.count_info == CountInfo(need_scrub=True, broken=True)


@sometimes
def both_flags_are_set() -> bool:
    return page.count_info == CountInfo(need_scrub=True, broken=True)
