"""5 of 11: waiting, and waiting for ever.

`wait_until(condition)` is a step that a CPU can take only when the condition is true; until then
it stands there.  (A loop that only looks and looks again is a wait too: spinning is no progress.)
A CPU that stands somewhere, and will for ever, whatever the others do, is deadlocked.  The tool
always looks for that; you need not ask.

An allocation takes heap_lock, then waits until its page is scrubbed.  The idle CPU has scrubbed
the page, and takes heap_lock to say so.  If the allocation is first to get the lock, each waits
for what only the other can give.

    $ modelcheck verify specs/first_steps/05_deadlock.py
    VIOLATED in 1 step, exit code 11

The arrow marks the step after which nothing can help any more, and the line below it says who is
stuck, and where.  The mended design lets go of the lock before it waits:

    $ modelcheck verify specs/first_steps/05_deadlock.py --set DROP_LOCK=True
    HOLDS, exit code 0
"""
from modelcheck.lang import (
    Lock, holds, param, process, shared, sometimes, spin_lock, spin_unlock, violates, wait_until,
)

DROP_LOCK = param(False)

EXPECT = violates("deadlock", when=not DROP_LOCK), holds(when=DROP_LOCK)


@shared
class Page:
    scrubbing: bool = True


page = Page()
heap_lock = Lock("heap_lock")


@process
def alloc_heap_pages() -> None:
    spin_lock(heap_lock)
    if DROP_LOCK:
        spin_unlock(heap_lock)
    wait_until(not page.scrubbing)
    if not DROP_LOCK:
        spin_unlock(heap_lock)


@process
def idle_loop() -> None:
    spin_lock(heap_lock)
    page.scrubbing = False
    spin_unlock(heap_lock)


@sometimes
def the_scrub_is_over() -> bool:
    return not page.scrubbing
