"""Random spec texts of the shapes that reductions act on: data under a lock, loops under it, an
access to the same data outside it, pages that are claimed, or a process's own, or two processes'
at once, processes of one template, and properties and @predicates that look at all that.

They are small, and most of what they do is done under a lock, or on pages: in the texts of
random_specs.py that is so rarely that a reduction which forgets to ask something is seldom caught.
A text is a function of its seed alone."""

from __future__ import annotations

import dataclasses
import random
from string import Template
from typing import Any

from modelcheck.ir import Action, Const, Element, Ref

HEAD = Template('''\
from enum import Enum, auto
from typing import Annotated

from modelcheck.lang import (
    Indexed, Lock, Pattern, always, assume, at_rest, between, choose, cmpxchg, cpu_relax, element,
    free, instances, pattern_of, predicate, process, shared, sometimes, spin_lock, spin_trylock,
    spin_unlock, wait_until, xchg,
)


class Scrub(Enum):
    DIRTY = auto()
    BUSY = auto()
    CLEAN = auto()


@shared(count=$pages)
class Page(Indexed):
    scrub: Scrub = Scrub.DIRTY
    flag: bool = False
    next: "Page | None" = None
    mark: Pattern = Pattern.ZERO


@shared(count=$cpus)
class Cpu(Indexed):
    flag: bool = False


@shared
class Heap:
    flag: bool = False
    stop: bool = False
    head: Page | None = None
    count: Annotated[int, between(0, 2)] = 0


heap = Heap()
lock = Lock("lock")
other = Lock("other")


@predicate
def flagged(pg: Page) -> bool:
    return pg.flag


@predicate
def heap_flagged() -> bool:
    return heap.flag


def sated(n: int) -> int:
    return n + 1 if n < 2 else 2
''')

# On what a lock may protect.
GUARDED = (
    "heap.flag = True", "heap.flag = False", "b = heap.flag", "n = heap.count",
    "heap.count = sated(n)", "heap.count = 0", "heap.head = p", "heap.head = None",
    "m = heap.head", "heap.flag = not b",
)
# On pages: what is nobody else's if they are claimed.
OWN = (
    "p.flag = True", "p.flag = False", "b = p.flag", "q.flag = True", "p.scrub = Scrub.CLEAN",
    "p.scrub = Scrub.BUSY", "s = p.scrub", "p.next = m", "m = p.next",
    "p.mark = pattern_of(me)", "p.mark = Pattern.ZERO", "b = p.mark == pattern_of(me)",
)
# How a page is come by.
COMES_BY = (
    "p = choose(instances(Page))", "p = element(Page, 0)", "p = element(Page, 1)",
    "p = p if heap.head is None else p", "q = p",
    "if cmpxchg(p.scrub, Scrub.DIRTY, Scrub.BUSY) != Scrub.DIRTY:\n    return",
)
LOOPS = (
    "while heap.flag:\n    cpu_relax()", "while not heap.stop:\n    cpu_relax()",
    "while heap.count < 2:\n    heap.count = sated(n)", "while b:\n    b = heap.flag",
    "while heap.flag:\n    heap.flag = False", "for pg in instances(Page):\n    pg.flag = False",
    "while p.flag:\n    cpu_relax()",
)
# Of a tame text: what is set and cleared again, by whom it is seen, and what it must not be; of the
# heap, and of pages.
PASSING = {
    "heap": ("heap.flag", "heap.flag", "heap.flag", "element(Cpu, me).flag"),
    "pages": ("p.flag", "p.flag", "p.flag", "q.flag", "heap.flag"),
}
LOOKS = {
    "heap": (
        "b = heap.flag\nassert not b", "assert not heap_flagged()", "b = heap.flag\nheap.stop = b",
    ),
    "pages": (
        "b = p.flag\nassert not b", "assert not flagged(p)", "b = p.flag\nheap.stop = b",
        "assert not flagged(q)",
    ),
}
NEVER = {
    "heap": (
        "not heap.flag", "not heap.flag", "not heap.stop", "heap.count < 2 or not heap.flag",
        "not all(cpu.flag for cpu in instances(Cpu))",
    ),
    "pages": (
        "not all(pg.flag for pg in instances(Page))", "all(not pg.flag for pg in instances(Page))",
        "sum(1 for pg in instances(Page) if pg.flag) < 2", "not heap.stop",
        "all(not pg.flag or pg.scrub != Scrub.CLEAN for pg in instances(Page))",
    ),
}
BETWEEN = ("n = heap.count", "heap.count = 1", "b = heap.stop", "s = p.scrub", "p.scrub = s")
ENDLESS = (  # and yet each turn changes something, so that nobody is stuck
    "while heap.flag:\n    heap.count = n\n    n = 1 if n == 0 else 0",
    "while not b:\n    heap.count = n\n    n = 1 if n == 0 else 0",
    "while n < 2:\n    heap.count = n\n    n = n + 1",
)
OUTSIDE = (
    "b = heap.flag", "heap.stop = True", "heap.flag = True", "n = heap.count", "heap.stop = False",
    "b = p.flag", "p.flag = True", "m = heap.head", "wait_until(heap.stop)", "b = heap.stop",
    "heap.head = p", "m = xchg(heap.head, p)", "b = element(Cpu, me).flag",
)
ASSERTS = (
    "not b", "not b", "b", "n < 2", "n == 0", "m is None", "s != Scrub.CLEAN", "not flagged(p)",
    "not heap_flagged()", "flagged(q) or not b",
)
ALWAYS = (
    "not heap.flag", "heap.count < 2", "heap.head is None", "not (heap.flag and heap.count == 1)",
    "not all(pg.flag for pg in instances(Page))", "sum(1 for pg in instances(Page) if pg.flag) < 2",
    "all(not pg.flag for pg in instances(Page))", "heap.head != element(Page, 1)",
    "all(pg.scrub != Scrub.CLEAN or not pg.flag for pg in instances(Page))",
    "not (element(Page, 0).flag and not element(Page, 1).flag)",
    "not any(pg.flag and pg == heap.head for pg in instances(Page))",
    "all(pg.mark == Pattern.ZERO or not pg.flag for pg in instances(Page))",
    "not all(cpu.flag for cpu in instances(Cpu))", "not element(Cpu, 1).flag", "True",
)
PAGES = ("element(Page, 0)", "element(Page, 1)", "element(Page, me % 2)",
         "choose(instances(Page))", "choose(instances(Page))")
WHENS = ("", "", "", "(when=free(lock))", "(when=at_rest())", "(when=free(other))")
COUNTS = ((1,), (2,), (2,), (3,), (1, 1), (1, 1), (2, 1), (1, 2), (1, 1, 1))


SINGLE = {  # what a process alone does, and what another, or a property, may make of it
    "does": (
        "spin_lock(lock)\nheap.flag = True\nspin_unlock(lock)", "heap.flag = True\nb = heap.stop",
        "b = heap.stop\nassume(b)", "assume(heap.stop)", "n = heap.count\nassume(n == 1)",
    ),
    "asks": (
        "b = heap.flag\nassert b", "n = heap.count\nb = heap.flag\nassert b or n == 1",
        "b = heap.stop\nassert not b", "heap.count = 1\nn = heap.count\nassert n == 0",
    ),
    "never": (
        "at_rest() or not heap.flag", "at_rest() or not heap.stop", "not at_rest() or heap.flag",
    ),
}


class _Writer:
    """Writes one spec.  In a process `p` and `q` are pages, `b` is a bool, `n` a number, `m` a page
    or None, `s` a Scrub.

    tame  little goes wrong but for who looks at what passes: of all else a violation, which would
          be found first, is no matter of the reductions"""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(f"guarded {seed}")
        self.lines: list[str] = []
        self.asserts = 0
        self.counts = self.random.choice(COUNTS)
        self.tame = self.chance(0.6)
        self.about = self.random.choice(("heap", "pages"))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def put(self, indent: str, text: str) -> None:
        self.lines += [indent + line for line in text.splitlines()]

    def some(self, indent: str, texts: tuple[str, ...], most: int) -> None:
        for _ in range(self.random.randint(1, most)):
            self.put(indent, self.random.choice(texts))
            if self.chance(0.2):
                self.promise(indent)

    def promise(self, indent: str) -> None:
        self.asserts += 1
        self.put(indent, f'assert {self.random.choice(ASSERTS)}, "assert {self.asserts}"')

    def locked(self, indent: str) -> None:
        """Under the lock, which is seldom kept."""
        name = "lock" if self.chance(0.85) else "other"
        if self.chance(0.85):
            self.put(indent, f"spin_lock({name})")
        else:
            self.put(indent, f"if not spin_trylock({name}):\n    return")
        self.some(indent, GUARDED, 3)
        if self.chance(0.25):
            self.put(indent, self.random.choice(LOOPS))
        if self.chance(0.3):
            self.some(indent, OWN, 2)
        if self.chance(0.92):
            self.put(indent, f"spin_unlock({name})")

    def passing(self, indent: str) -> None:
        """What is set and cleared again; or a look at it; under the lock, or not."""
        locks = ("lock", "lock", "lock", "lock", "other", None)
        lock = self.random.choice(locks if self.about == "heap" else (None, None, None, "lock"))
        if lock is not None:
            self.put(indent, f"spin_lock({lock})")
        if self.chance(0.6):
            target = self.random.choice(PASSING[self.about])
            self.put(indent, f"{target} = True")
            if self.chance(0.3):
                self.put(indent, self.random.choice(BETWEEN))
            if self.chance(0.1):
                self.put(indent, self.random.choice(ENDLESS))
            self.put(indent, f"{target} = False")
        else:
            look = self.random.choice(LOOKS[self.about])
            self.asserts += 1
            self.put(indent, f'{look}, "assert {self.asserts}"' if "assert" in look else look)
        if lock is not None:
            self.put(indent, f"spin_unlock({lock})")

    def turn(self, indent: str) -> None:
        match 8 if self.tame else self.random.randrange(8):
            case 0 | 1 | 2:
                self.locked(indent)
            case 3 | 4:
                self.put(indent, self.random.choice(COMES_BY))
                self.some(indent, OWN, 3)
            case 5:
                self.some(indent, OUTSIDE, 1)
            case 6:
                self.put(indent, "element(Cpu, me).flag = True")
            case 7:
                self.promise(indent)
            case _:
                self.passing(indent)

    def process(self, number: int, count: int) -> None:
        self.put("", f"\n\n@process(count={count})\ndef cpu{number}(me: int) -> None:")
        page = self.random.choice(PAGES)
        indent = "    "
        self.put(indent, f"p = {page}\nq = p\nb = False\nm: Page | None = None\ns = Scrub.DIRTY")
        self.put(indent, "n: Annotated[int, between(0, 2)] = 0")
        if self.chance(0.05 if self.tame else 0.2):
            self.put(indent, f"while True:\n    {self.random.choice(OUTSIDE)}")
            indent += "    "
        for _ in range(self.random.randint(1, 3)):
            self.turn(indent)

    def single(self) -> None:
        """Few steps of one or two processes, which nothing else stands in the way of."""
        kinds = self.random.choice((("does",), ("does", "asks"), ("does", "asks")))
        for number, of in enumerate(kinds):
            self.put("", f"\n\n@process\ndef cpu{number}() -> None:\n    b = False")
            self.put("    ", "n: Annotated[int, between(0, 2)] = 0")
            what = self.random.choice(SINGLE[of])
            self.put("    ", f'{what}, "assert {number}"' if of == "asks" else what)
        if self.chance(0.5):
            never = self.random.choice(SINGLE["never"])
            self.put("", f"\n\n@always\ndef always_so() -> bool:\n    return {never}")

    def text(self) -> str:
        sizes = {"pages": self.random.choice((2, 2, 3)), "cpus": max(2, sum(self.counts))}
        self.lines = HEAD.substitute(sizes).splitlines()
        if self.seed % 10 == 2:
            self.single()
            return "\n".join([*self.lines, ""])
        for number, count in enumerate(self.counts):
            self.process(number, count)
        for kind in ("always", "sometimes"):
            if self.chance(0.3 if self.tame and kind == "sometimes" else 0.7):
                conditions = NEVER[self.about] if self.tame else ALWAYS
                when, condition = self.random.choice(WHENS), self.random.choice(conditions)
                if kind == "sometimes":
                    condition = f"not ({condition})"
                self.put("", f"\n\n@{kind}{when}\ndef {kind}_so() -> bool:\n    return {condition}")
        return "\n".join([*self.lines, ""])


def guarded_spec(seed: int) -> str:
    """The text of a spec of this kind."""
    return _Writer(seed).text()


def as_no_text_says(node: Any) -> Any:
    """A Program in which an element whose number is a constant is one too (`Page[1]` for
    `element(Page, 1)`), and no loop has a head, so that a circle of steps may be hidden whole."""
    match node:
        case Element(Ref() as sort, Const(int() as number), 0) if 0 <= number < sort.count:
            return Const(number, sort, node.span)
        case tuple():
            return tuple(map(as_no_text_says, node))
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            made = dataclasses.replace(node, **{
                f.name: as_no_text_says(getattr(node, f.name))
                for f in dataclasses.fields(node) if f.name != "span"
            })
            return dataclasses.replace(made, head=False) if isinstance(made, Action) else made
        case _:
            return node
