"""What the random specs of random_specs.py are made of.  `$lo`, `$pages`, ... are their sizes."""

from __future__ import annotations

from string import Template

HEAD = Template('''\
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Annotated

from modelcheck.lang import (
    Ghost, Indexed, Lock, Process, always, array, at_rest, atomic, between, boot, chain, choose,
    clear_bit, cmpxchg, cpu_relax, element, fetch_add, fetch_update, free, index_of, instances,
    not_null, predicate, process, set_bit, shared, smp_mb, sometimes, spin_lock, spin_trylock,
    spin_unlock, store_part, test_and_clear_bit, test_and_set_bit, this_process, wait_until,
    wrapping, xchg,
)


class Scrub(Enum):
    DIRTY = auto()
    BUSY = auto()
    CLEAN = auto()


@dataclass(frozen=True)
class Info:
    state: Scrub = Scrub.DIRTY
    flag: bool = False
    n: Annotated[int, between($lo, $hi)] = $start


@shared(count=$pages)
class Page(Indexed):
    info: Info = Info()
    scrub: Scrub = Scrub.DIRTY
    flag: bool = False
    n: Annotated[int, between($lo, $hi)] = $start
    next: "Page | None" = None
    owner: Ghost[Process | None] = None


@dataclass(frozen=True)
class Held:
    flag: bool = False
    page: Page | None = None
    w: Annotated[int, wrapping($modulus)] = 0


@shared
class Slot:
    held: Held = Held()
    n: Annotated[int, between($lo, $hi)] = $start
    flag: bool = False
    page: Page | None = None
    owner: Ghost[Process | None] = None


@shared
class Heap:
    head: Page | None = None
    flag: bool = False
    w: Annotated[int, wrapping($modulus)] = 0
    count: Annotated[int, between(0, 4)] = 0
    bound: Annotated[int, between($lo, $hi)] = $bound


heap = Heap()
slots = array(Slot, $slots)
grid = array(Slot, 2, $slots)
lock = Lock("lock")
other = Lock("other")


@predicate
def some_flag() -> bool:
    return heap.flag or any(pg.flag for pg in instances(Page))


@predicate
def is_clean(pg: Page) -> bool:
    return pg.scrub == Scrub.CLEAN


def more(info: Info) -> Info:
    return replace(info, n=$lo if info.n == $hi else info.n + 1)


def near(n: int) -> int:
    if n > $hi:
        return $hi
    return $lo if n < $lo else n


Turn = Annotated[int, wrapping($modulus)]
Number = Annotated[int, between($lo, $hi)]


def after_turn(w: Turn) -> Turn:
    return w + 1


def later(w: Turn, by: int) -> int:
    then: Turn = w + by
    then += 1
    return then


def turn_of(n: int) -> int:
    return Held(w=n + 2).w


def in_range(n: Number) -> Number:
    return near(n + 1)


def checked(n: int) -> int:
    inside: Number = n
    return 0 if n > 99 else 1


def page_of(m: Page | None) -> int:
    page: Page = m if m is not None else element(Page, 0)
    return index_of(page)


def only_flag(flag: bool, n: int) -> bool:
    return Info(flag=flag, n=n).flag


def known(m: Page | None) -> int:
    not_null(m)
    return 1


def given(pg: Page, n: Number) -> int:
    return 1


def itself(m: Page | None) -> Page:
    return m


@predicate
def some_number(n: Number) -> bool:
    least: Number = n
    return any(in_range(pg.n) >= least for pg in instances(Page))
''')

# Of functions that declare what their locals, arguments and results are: what is always so, and
# (put into those texts that are not tame) what may go wrong.
DECLARED = (
    "w = after_turn(w + 3)", "w = later(w + 5, x)", "x = later(w, 2) % 5", "b = later(w, x) == w",
    "w = turn_of(w)", "c = after_turn(w) == w", "n = in_range(n)", "x = checked(n)",
    "x = checked(near(n + 2)) if b else 2", "k = page_of(m) % $slots", "x = page_of(m) % 4",
    "b = only_flag(c, n)", "x = known(m) if m is not None else 0", "x = given(p, n)",
    "c = m is not None and known(m) == 1", "p = itself(m) if m is not None else p",
    "b = b or checked(n) == 1", "not_null(p)", "heap.flag = later(w, x) == 0",
    "assert some_number(n) or b or c, \"a number\"", "heap.w = after_turn(w)",
    "heap.flag = after_turn(w - 1) == w", "heap.flag = later(w - 1, 0) == w",
    "assert after_turn(w - 1) == w, \"a turn\"", "heap.flag = turn_of($modulus - 2) == 0",
)
DECLARED_RISKS = (
    "n = in_range(n + 1)", "x = checked(n + 1)", "x = checked(n - x)", "x = known(m)",
    "b = only_flag(c, n + x)", "x = given(m, n)", "x = given(p, x)", "p = itself(m)",
    "if known(m) == 1:\n    pass", "c = checked(n + x) == 1 and b", "not_null(m)",
    "b = itself(m) == p", "n = checked(x)", "q.flag = checked(x) == 1",
    "b = cmpxchg(q.flag, b, known(m) == 1)", "assert some_number(x) or b, \"numbers\"",
    "wait_until(heap.count < checked(n + 1) + 4)", "x = choose(known(m), 2)",
)

BOOTS = (
    "for pg in instances(Page):\n        pg.next, heap.head = heap.head, pg",
    "for pg in instances(Page):\n        pg.next = heap.head\n        heap.head = pg\n"
    "        pg.n = near(index_of(pg))",
    "heap.head = choose(None, element(Page, 1))\n    slots[1].flag = True",
    "for i in range($slots):\n        slots[i].page = element(Page, i % $pages)\n"
    "        slots[i].n = near(i)",
    "heap.bound = choose(range($lo, $hi + 1))\n    heap.head = element(Page, 0)",
)

BOOLS = ("heap.flag", "p.flag", "p.info.flag", "q.flag", "q.info.flag", "slots[k].flag",
         "slots[k].held.flag")
ENUMS = ("p.scrub", "q.scrub", "p.info.state", "q.info.state")
NUMBERS = ("q.n", "p.n", "slots[k].n", "slots[1].n", "heap.bound", "p.info.n", "grid[1][k].n")

# What may go wrong in a step, put into those texts that are not tame.
RISKS = (
    "n = n + 1", "n = n - 1", "q.n = n + 1", "slots[k].n = n - 1", "p = not_null(m)",
    "p = not_null(p.next)", "k = k + 1", "k = n", "p = p[1]", "q = q[-1]", "p = element(Page, n)",
    "n = index_of(q)", "slots[n].flag = True", "b = slots[k + 1].flag", "heap.count = x + 2",
    "n = fetch_add(p.n, 1)", "info = replace(info, n=n + 1)", "q = not_null(slots[k].page)",
    "slots[k - 1].n = n", "slots[k + 1].flag = b", "p = p[2]", "q = p[-2]", "p = element(Page, k)",
)

# What is meant to be done by one process at a time, and the promise that it was.
IDIOMS = (
    ("x = heap.count", "heap.count = x + 1"),
    ("x = fetch_add(heap.count, 1)",),
    ("if p.scrub == Scrub.DIRTY:", "    p.scrub = Scrub.BUSY", "    p.owner = this_process()",
     "    assert p.owner == this_process(), \"one at a time\"", "    p.scrub = Scrub.CLEAN"),
    ("if cmpxchg(p.scrub, Scrub.DIRTY, Scrub.BUSY) == Scrub.DIRTY:",
     "    p.owner = this_process()", "    p.flag = True",
     "    assert p.owner == this_process(), \"it is claimed\""),
    ("m = heap.head", "if m is not None:", "    m = m.next", "    heap.head = m"),
    ("m = heap.head", "q.next = m", "heap.head = q"),
    ("b = test_and_set_bit(slots[k].flag)", "if not b:", "    n = slots[k].n",
     "    assert slots[k].n == n, \"it is mine\"", "    slots[k].n = near(n + 1)",
     "    clear_bit(slots[k].flag)"),
    ("info = p.info", "p.info = replace(info, flag=True)", "assert p.info.flag, \"it is set\""),
    ("wait_until(heap.w == w)", "heap.w = w + 1"),
    ("while heap.flag:", "    cpu_relax()"),
    ("if slots[0].n < $hi:", "    n = fetch_add(slots[0].n, 1)"),
    ("if p.n > $lo:", "    n = fetch_add(p.n, -1)"),
    ("w = heap.w", "assert heap.w == w, \"no other turn\""),
    ("m = cmpxchg(heap.head, None, p)", "assert m is None or heap.head != p, \"it was empty\""),
    ("heap.bound = near(n - 1)", "assert heap.bound < $hi, \"below the bound\""),
)  # fmt: skip

ALWAYS = (
    ("True", "not (heap.flag and slots[0].flag)"),
    ("True", "sum(1 for s in slots if s.flag) < 2"),
    ("True", "all(pg.scrub != Scrub.CLEAN or pg.flag for pg in instances(Page))"),
    ("free(lock)", "sum(1 for pg in chain(heap.head, \"next\") if pg.flag) < 2"),
    ("True", "all(slots[i].n >= heap.bound for i in range($slots))"),
    ("True", "all(heap.bound != i for i in range($bound + 1, $hi + 1))"),
    ("True", "any(heap.bound == i for i in range($lo, $hi + 1))"),
    ("True", "all(pg.n < $hi or pg.info.n < $hi for pg in instances(Page))"),
    ("at_rest()", "heap.count == $processes or heap.count == 0"),
    ("at_rest()", "not heap.flag and free(other)"),
    ("not heap.flag", "heap.count < 2"),
    ("free(other)", "slots[1].n != $hi"),
    ("True", "heap.head is None or not heap.head.flag"),
    ("True", "sum(s.n for s in slots) <= $slots * $start + 2"),
)  # fmt: skip

SOMETIMES = (
    ("True", "heap.flag or any(pg.flag or pg.info.flag for pg in instances(Page))"),
    ("at_rest()", "True"), ("free(lock)", "slots[0].n == $start"),
    ("heap.count < 2", "any(heap.bound == i for i in range($lo, $hi + 1))"),
    ("True", "heap.w != 0 or any(s.n == $hi or s.flag or s.page is not None for s in slots)"),
)  # fmt: skip

COUNTS = (
    (1, 1), (2,), (1, 1), (2,), (1, 2), (1, 1, 1), (3,), (2, 2), (1, 1, 2), (4,),
)  # fmt: skip
FEW = (1,), (1, 1), (1, 1), (2,)  # where interrupts come: there are twice as many states, or more
RANGES = ((0, 3), (0, 2), (0, 1), (-1, 1), (-2, 0), (-1, 0), (-2, 2), (-3, -1), (1, 3), (0, 4))
SIZES = (2, 3, 5, 6, 7)
