"""Random spec texts: processes, functions, loops, tests, words, locks, atomics, choices, ghosts.

Most are accepted by the front end; those that it refuses (two loads by chance, a range that cannot
be inferred) are passed over by whoever asks."""

from __future__ import annotations

import random

HEAD = '''\
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Annotated

from modelcheck.lang import (
    Ghost, Indexed, Lock, Process, always, atomic, between, boot, chain, choose, clear_bit,
    cmpxchg, cpu_relax, element, fetch_add, fetch_update, free, index_of, instances, not_null,
    predicate, process, set_bit, shared, smp_mb, spin_lock, spin_trylock, spin_unlock, store_part,
    test_and_clear_bit, test_and_set_bit, this_process, wait_until, wrapping, xchg,
)


class Scrub(Enum):
    DIRTY = auto()
    BUSY = auto()
    CLEAN = auto()


@dataclass(frozen=True)
class Info:
    state: Scrub = Scrub.DIRTY
    flag: bool = False
    n: Annotated[int, between(0, 2)] = 0


@shared(count=3)
class Page(Indexed):
    info: Info = Info()
    scrub: Scrub = Scrub.DIRTY
    flag: bool = False
    n: Annotated[int, between(0, 3)] = 0
    w: Annotated[int, wrapping(4)] = 0
    next: "Page | None" = None
    owner: Ghost[Process | None] = None


@shared
class Heap:
    head: Page | None = None
    flag: bool = False
    w: Annotated[int, wrapping(4)] = 0


heap = Heap()
lock = Lock("lock")


@boot
def link() -> None:
    for pg in instances(Page):
        pg.next, heap.head = heap.head, pg


@predicate
def some_flag() -> bool:
    return heap.flag or any(pg.flag for pg in instances(Page))


@predicate
def is_clean(pg: Page) -> bool:
    return pg.scrub == Scrub.CLEAN


def more(info: Info) -> Info:
    return replace(info, n=0 if info.n == 2 else info.n + 1)


def next_number(n: int) -> int:
    if n > 2:
        return 0
    return n + 1
'''

BOOLS = ("heap.flag", "p.flag", "p.info.flag", "q.flag", "q.info.flag")
ENUMS = ("p.scrub", "q.scrub", "p.info.state", "q.info.state")


class _Writer:
    """Writes one spec.  In a function `p` and `q` are pages, `b` and `c` bools, `s` a Scrub, `n` a
    number in 0..3, `w` a ticket, `m` a page or None, `info` a word."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.functions: list[tuple[str, str]] = []
        self.loops = 0
        self.asserts = 0

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # ------------------------------------------------------------------------------ expressions

    def scrub(self) -> str:
        return self.pick("Scrub.DIRTY", "Scrub.BUSY", "Scrub.CLEAN", "s")

    def local_test(self) -> str:
        return self.pick(
            "b", "c", "not b", f"s == {self.scrub()}", "n > 1", "w == 2", "m is None", "p == q",
            "index_of(p) != 1", "b and not c", "n == next_number(n)", "info.flag",
            "info.state in (Scrub.DIRTY, Scrub.CLEAN)", "me == 0", "b if c else n < 2",
        )

    def load(self) -> str:
        return self.pick(
            self.pick(*BOOLS), f"{self.pick(*ENUMS)} == {self.scrub()}", "p.next is not None",
            "q.n >= n", "heap.w == w", "heap.head == m", f"not {self.pick(*BOOLS)}",
        )

    def atomic_test(self) -> str:
        flag = self.pick(*BOOLS)
        return self.pick(
            f"test_and_set_bit({flag})", f"test_and_clear_bit({flag})",
            f"cmpxchg(p.scrub, {self.scrub()}, Scrub.BUSY) == {self.scrub()}",
            f"not cmpxchg({flag}, b, True)", "xchg(q.flag, c)", "spin_trylock(lock)",
        )

    def test(self) -> str:
        kind = self.random.randrange(8)
        if kind < 2:
            return self.local_test()
        if kind < 4:
            return self.load()
        if kind == 4:
            return self.atomic_test()
        tests = [self.local_test(), self.load(), self.load()]
        self.random.shuffle(tests)
        if kind == 5:
            return " and ".join(tests[:2])
        if kind == 6:
            return f"{tests[0]} or not ({tests[1]} and {tests[2]})"
        calls = [f for f, result in self.functions if result == "bool"]
        return f"{self.pick('', 'not ')}{self.random.choice(calls)}(q, n)" if calls else "b"

    # ------------------------------------------------------------------------------- statements

    def block(self, depth: int, indent: str, in_loop: bool, result: str | None) -> None:
        for _ in range(self.random.randint(1, 4 if depth else 6)):
            self.statement(depth, indent, in_loop, result)

    def simple(self, indent: str) -> None:
        self.lines.append(indent + self.pick(
            f"b = {self.pick(*BOOLS)}", f"c = {self.load()}", f"s = {self.pick(*ENUMS)}",
            "n = q.n", "w = heap.w", "m = heap.head", "m = p.next", "info = p.info",
            "p.info = replace(info, flag=b)", "q.info = replace(info, state=s, n=n % 3)",
            "heap.head = m", "p.next = m", "q.next = p", f"p.scrub = {self.scrub()}",
            "p.flag = b and not c", "heap.flag = n == 2", "q.n = next_number(n)", "heap.w = w + 1",
            "w = fetch_add(heap.w, 1)", "info = fetch_update(q.info, more)",
            "set_bit(p.info.flag)", "clear_bit(q.flag)", "store_part(p.info.state, s)",
            "store_part(q.info.flag, c)", f"b = {self.atomic_test()}", "s = xchg(p.scrub, s)",
            "m = cmpxchg(heap.head, m, q)", "smp_mb()", "q = p[1] if index_of(p) < 2 else p",
            "p = not_null(m) if m is not None else p", "p = element(Page, n % 3)", "n = n // 2",
            "b = choose(False, True)", "q = choose(instances(Page))", "n = choose(0, 2, n)",
            f"c = {self.local_test()}", "info = replace(info, state=s)", "s = info.state",
            "b = p.flag if c else q.info.flag", "c = b and p.flag", "m = p.next if b else None",
            "n = index_of(q)", "w = w + 1", "p.owner = this_process()",
            "n = 3 if b else n",
        ))

    def statement(self, depth: int, indent: str, in_loop: bool, result: str | None) -> None:
        kind = self.random.randrange(24)
        inner = indent + "    "
        if kind < 13 or depth > 2:
            self.simple(indent)
        elif kind < 16:
            self.lines.append(f"{indent}if {self.test()}:")
            self.block(depth + 1, inner, in_loop, result)
            if self.chance(0.4):
                self.lines.append(f"{indent}else:")
                self.block(depth + 1, inner, in_loop, result)
        elif kind == 16:
            self.lines.append(f"{indent}while {self.test()}:")
            self.block(depth + 1, inner, True, result)
        elif kind == 17:
            self.loops += 1
            over = self.pick("range(n)", "range(2)", "instances(Page)", "range(1, 3)")
            name = f"i{self.loops}"
            self.lines.append(f"{indent}for {name} in {over}:")
            if over == "instances(Page)":
                self.lines.append(f"{inner}q = {name}")
            self.block(depth + 1, inner, True, result)
        elif kind == 18 and in_loop:
            self.lines.append(f"{indent}if {self.test()}:")
            self.lines.append(inner + self.pick("break", "continue"))
        elif kind == 19:
            self.lines.append(f"{indent}spin_lock(lock)")
            self.block(depth + 1, indent, False, None)
            self.lines.append(f"{indent}spin_unlock(lock)")
        elif kind == 20:
            self.lines.append(f'{indent}with atomic("a test"):')
            self.block(depth + 1, inner, False, None)
        elif kind == 21:
            self.asserts += 1
            seen = self.pick("some_flag()", "is_clean(p)", "some_flag() or is_clean(q)")
            what = self.pick(
                self.load(), f"{self.local_test()} or {self.load()}", seen,
                f"{self.local_test()} or {seen}", f"{self.load()} or {seen}",
                "p.owner is None or p.owner == this_process()",
            )
            self.lines.append(f'{indent}assert {what}, "assert {self.asserts}"')
        elif kind == 22 and result is not None:
            self.lines.append(f"{indent}if {self.test()}:")
            self.lines.append(f"{inner}return {self.result(result)}".rstrip())
        elif self.functions:
            name, returned = self.random.choice(self.functions)
            call = f"{name}({self.pick('p', 'q')}, {self.pick('n', '1', 'index_of(p)')})"
            to = {"bool": "b = ", "Page | None": "m = ", "None": ""}[returned]
            self.lines.append(f"{indent}{to}{call}")
        else:
            self.lines.append(f"{indent}wait_until({self.load()})")

    def result(self, result: str) -> str:
        match result:
            case "bool":
                return self.pick("b", "c", self.load(), "n > 1", "not b")
            case "Page | None":
                return self.pick("m", "p", "None", "q.next", "heap.head")
            case _:
                return ""

    # --------------------------------------------------------------------------------- the whole

    def locals(self, indent: str, has_pages: bool) -> None:
        if not has_pages:
            self.lines.append(f"{indent}p = element(Page, {self.random.randrange(3)})")
            self.lines.append(f"{indent}n: Annotated[int, between(0, 3)] = 0")
        else:
            self.lines.append(f"{indent}p = pg")
            self.lines.append(f"{indent}n: Annotated[int, between(0, 3)] = k")
            self.lines.append(f"{indent}me = 1")
        self.lines += [
            indent + text for text in (
                "q = element(Page, 1)", "b = False", "c = True", "s = Scrub.DIRTY",
                "w: Annotated[int, wrapping(4)] = 0", "m: Page | None = None", "info = Info()",
            )
        ]

    def text(self) -> str:
        self.lines = HEAD.splitlines()
        for number in range(self.random.randint(0, 3)):
            result = self.pick("bool", "None", "Page | None")
            self.lines += ["", "", f"def f{number}(pg: Page, k: int) -> {result}:"]
            self.locals("    ", True)
            self.block(1, "    ", False, result)
            if result != "None":
                self.lines.append(f"    return {self.result(result)}")
            self.functions.append((f"f{number}", result))
        for number in range(self.random.randint(1, 2)):
            count = self.random.randint(1, 2)
            self.lines += ["", "", f"@process(count={count})", f"def cpu{number}(me: int) -> None:"]
            self.locals("    ", False)
            if self.chance(0.5):
                self.lines.append("    while True:")
                self.block(0, "        ", True, None)
            else:
                self.block(0, "    ", False, "None")
        self.lines += [
            "", "", "@always(when=free(lock))", "def the_list_is_short() -> bool:",
            '    return sum(1 for pg in chain(heap.head, "next")) < 4', "",
        ]
        return "\n".join(self.lines)


def random_spec(seed: int) -> str:
    """The text of a random spec."""
    return _Writer(seed).text()
