"""11 of 11: proved for runs of every length, and the lemma that the proof lacks.

Ten files long the tool has visited states one by one.  Induction does not: it asks z3 whether any
step, from any state in which the promises are true, breaks one.  If none does, and they are true
at the start, they are true for ever, however many states there are: try PAGES=5.

"Any state" is more than those that runs reach, and a promise is seldom enough by itself.  Where
each CPU stands and what it has in hand is inferred.  What the design's author knows is not: that
`heap.empty` tells the truth while nobody holds the lock.  Say it as a @lemma: it is checked like
an @always, proved like one, and then it may be used.  Leave it out (KNOWN=False), and you are shown
a state and a step: `empty` is False, and there is no page.  No run need ever come there, so that
this is no violation: it tells you which lemma is missing.

    $ modelcheck verify specs/first_steps/11_lemma.py
    HOLDS, exit code 0

    $ modelcheck verify specs/first_steps/11_lemma.py --property there_is_a_page --engine induction
    HOLDS, exit code 0

    $ modelcheck verify specs/first_steps/11_lemma.py --set KNOWN=False --engine induction
    UNKNOWN, exit code 20

Now you know the language.  Go on with specs/scrub_in_place.py, a whole design.
"""
from modelcheck.lang import (
    Lock, boot, chain, free, holds, instances, lemma, param, process, shared, sometimes,
    spin_lock, spin_unlock,
)

PAGES = param(2, 1, 8)
KNOWN = param(True)

EXPECT = holds()


@shared(count=PAGES)
class Page:
    next: "Page | None" = None


@shared
class Heap:
    head: Page | None = None
    empty: bool = False


heap = Heap()
heap_lock = Lock("heap_lock")


@boot
def link_every_page() -> None:
    for pg in instances(Page):
        pg.next = heap.head
        heap.head = pg


@process(count=2)
def domain() -> None:
    while True:
        spin_lock(heap_lock)
        empty = heap.empty
        if empty:
            spin_unlock(heap_lock)
        else:
            pg = heap.head
            assert pg is not None, "there is a page"
            rest = pg.next
            heap.head = rest
            if rest is None:
                heap.empty = True
            spin_unlock(heap_lock)
            spin_lock(heap_lock)
            first = heap.head
            pg.next = first
            heap.head = pg
            heap.empty = False
            spin_unlock(heap_lock)


@lemma(when=KNOWN and free(heap_lock))
def empty_says_whether_there_is_a_page() -> bool:
    return heap.empty == (heap.head is None)


@sometimes
def a_page_is_not_on_the_list() -> bool:
    return any(pg not in chain(heap.head, "next") for pg in instances(Page))
