"""Random spec texts: two to four processes with functions, loops, tests, words, arrays, locks,
atomics, choices, ghosts, asserts and properties, of all sizes and ranges.

A text is a function of its seed alone.  Most are accepted by the front end; those that it refuses
(two loads by chance, a range that cannot be inferred) are passed over by whoever asks."""

from __future__ import annotations

import random
from string import Template

from tests.agree.spec_parts import (
    ALWAYS, BOOLS, BOOTS, COUNTS, DECLARED, DECLARED_RISKS, ENUMS, FEW, HEAD, IDIOMS, NUMBERS,
    RANGES, RISKS, SIZES, SOMETIMES,
)  # fmt: skip

class _Writer:
    """Writes one spec.  In a function `p` and `q` are pages, `b` and `c` bools, `s` a Scrub, `n` a
    number, `k` the number of a slot, `w` a ticket, `m` a page or None, `info` a word.

    tame   nothing goes wrong within a step: it runs long enough for waits and promises to matter
    large  it is long for the front end's sake, whatever the number of states
    irqs   interrupts come to its first process, or to all (one text in eight)"""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.apart = random.Random(~seed)  # of calls of what declares its types
        self.lines: list[str] = []
        self.functions: list[tuple[str, str]] = []
        self.loops = 0
        self.fors = 0  # that are open
        self.asserts = 0
        self.tame = self.chance(0.75)
        self.large = self.chance(0.1)
        self.irqs = seed % 8 == 3
        self.counts = self.random.choice(FEW if self.irqs else COUNTS)
        lo, hi = self.random.choice(RANGES)
        self.sizes = {
            "pages": self.random.choice(SIZES), "slots": self.random.choice(SIZES),
            "lo": lo, "hi": hi,
            "start": self.random.choice((lo, lo, hi, self.random.randint(lo, hi))),
            "bound": self.random.choice((lo, lo, lo, self.random.randint(lo, hi))),
            "modulus": self.random.choice((4, 5, 6, 7, 8)),
            "processes": sum(self.counts),
        }

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def sized(self, text: str) -> str:
        return Template(text).substitute(self.sizes)

    # ------------------------------------------------------------------------------ expressions

    def scrub(self) -> str:
        return self.pick("Scrub.DIRTY", "Scrub.BUSY", "Scrub.CLEAN", "s")

    def number(self) -> str:
        """A number of the range, its ends above all."""
        lo, hi = self.sizes["lo"], self.sizes["hi"]
        return str(self.random.choice((lo, hi, self.random.randint(lo, hi))))

    def local_test(self) -> str:
        return self.pick(
            "b", "c", "not b", f"s == {self.scrub()}", f"n > {self.number()}", "w == 2",
            "m is None", "p == q", "index_of(p) != 1", "b and not c", "n == near(n + 1)",
            "info.flag", "info.state in (Scrub.DIRTY, Scrub.CLEAN)", "me == 0",
            f"b if c else n < {self.number()}", f"info.n >= {self.number()}",
        )

    def load(self) -> str:
        return self.pick(
            self.pick(*BOOLS), f"{self.pick(*ENUMS)} == {self.scrub()}", "p.next is not None",
            f"{self.pick(*NUMBERS)} >= n", "heap.w == w", "heap.head == m", "heap.count < 2",
            f"not {self.pick(*BOOLS)}", f"{self.pick(*NUMBERS)} != {self.number()}",
            "slots[k].page is None",
        )

    def atomic_test(self) -> str:
        flag = self.pick(*BOOLS)
        return self.pick(
            f"test_and_set_bit({flag})", f"test_and_clear_bit({flag})",
            f"cmpxchg(p.scrub, {self.scrub()}, Scrub.BUSY) == {self.scrub()}",
            f"not cmpxchg({flag}, b, True)", "xchg(q.flag, c)",
            f"cmpxchg({self.pick(*NUMBERS)}, n, {self.number()}) == n",
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
        for _ in range(self.random.randint(1, 4 if self.large else 2)):
            self.statement(depth, indent, in_loop, result)

    def access(self) -> str:
        """A statement that accesses memory."""
        return self.pick(
            f"b = {self.pick(*BOOLS)}", f"c = {self.load()}", f"s = {self.pick(*ENUMS)}",
            f"n = {self.pick(*NUMBERS)}", "w = heap.w", "m = heap.head", "m = p.next",
            "info = p.info", "p.info = replace(info, flag=b)",
            f"q.info = replace(info, state=s, n={self.number()})", "heap.head = m", "p.next = m",
            "q.next = p", f"p.scrub = {self.scrub()}", "p.flag = b and not c",
            "slots[k].held = Held(b, m, w)", "m = slots[k].held.page", "held = slots[0].held",
            "slots[k].held = replace(held, page=q)", "store_part(slots[k].held.page, m)",
            "m = xchg(slots[1].held.page, p)", "w = fetch_add(slots[0].held.w, 1)",
            f"heap.flag = n == {self.number()}", "q.n = near(n + 1)", "slots[k].n = near(n - 1)",
            f"{self.pick(*NUMBERS[:5])} = {self.number()}", "heap.w = w + 1",
            "w = fetch_add(heap.w, 1)", "info = fetch_update(q.info, more)",
            "set_bit(p.info.flag)", "clear_bit(q.flag)", "store_part(p.info.state, s)",
            "store_part(q.info.flag, c)", f"b = {self.atomic_test()}", "s = xchg(p.scrub, s)",
            "m = cmpxchg(heap.head, m, q)", "slots[k].page = m", "m = slots[k].page",
            "heap.flag = True", "slots[k].flag = not b", "grid[0][k].flag = True",
            f"n = xchg(slots[k].n, {self.number()})", "m = xchg(slots[1].page, p)",
        )

    def local(self) -> str:
        """A statement that accesses nothing.  Choices in a `for` would fork a step too often."""
        if self.fors == 0 and self.chance(0.3):
            return self.sized(self.pick(
                "b = choose(False, True)", "q = choose(instances(Page))",
                f"n = choose({self.number()}, {self.number()}, n)", "n = choose(range($lo, $hi))",
                "k = choose(range($slots))", "n = choose(range($hi, $hi + 1))",
            ))
        return self.sized(self.pick(
            "smp_mb()", "q = p[1] if index_of(p) == 0 else p",
            "p = not_null(m) if m is not None else p", "p = element(Page, n % $pages)",
            "k = (k + 1) % $slots", "n = near(n + 1)", f"c = {self.local_test()}",
            "info = replace(info, state=s)", "s = info.state", "n = near(index_of(q))",
            "w = w + 1", "p.owner = this_process()", f"n = {self.number()} if b else n",
            "m = held.page", "held = replace(held, flag=c)",
        ))

    def simple(self, indent: str) -> None:
        if self.apart.random() < 0.3:
            self.declared(indent)
        kind = self.random.random()
        if not self.tame and kind < 0.35:
            self.lines.append(indent + self.pick(*RISKS))
        else:
            self.lines.append(indent + (self.access() if kind < 0.8 else self.local()))

    def declared(self, indent: str) -> None:
        """A call of a function that declares what its locals, arguments and result are."""
        risky = not self.tame and self.apart.random() < 0.5
        line = self.sized(self.apart.choice(DECLARED_RISKS if risky else DECLARED))
        self.lines += [indent + part for part in line.splitlines()]

    def statement(self, depth: int, indent: str, in_loop: bool, result: str | None) -> None:
        inner = indent + "    "
        if self.irqs and depth < 2 and self.chance(0.15):
            self.lines.append(f"{indent}with irqs_off():")
            self.block(depth + 1, inner, in_loop, result)
            return
        kind = self.random.randrange(30)
        if kind < 11 or depth > 2:
            self.simple(indent)
        elif kind < 14:
            self.lines.append(f"{indent}if {self.test()}:")
            self.block(depth + 1, inner, in_loop, result)
            if self.chance(0.4):
                self.lines.append(f"{indent}else:")
                self.block(depth + 1, inner, in_loop, result)
        elif kind == 14:
            tests = self.load(), self.atomic_test(), f"{self.local_test()} and {self.load()}"
            test = self.pick(*tests)
            self.lines.append(f"{indent}while {test}:")
            self.block(depth + 1, inner, True, result)
        elif kind == 15:
            self.loop(depth, indent, result)
        elif kind == 16 and in_loop:
            self.lines.append(f"{indent}if {self.test()}:")
            self.lines.append(inner + self.pick("break", "continue"))
        elif kind < 19:
            self.locked(depth, indent)
        elif kind == 19:
            self.lines.append(f'{indent}with atomic("a test"):')
            self.block(depth + 1, inner, False, None)
        elif kind < 22:
            self.promise(indent)
        elif kind == 22 and result is not None:
            self.lines.append(f"{indent}if {self.test()}:")
            self.lines.append(f"{inner}return {self.result(result)}".rstrip())
        elif kind == 23 and self.functions:
            name, returned = self.random.choice(self.functions)
            call = f"{name}({self.pick('p', 'q')}, {self.pick('n', self.number())})"
            to = {"bool": "b = ", "Page | None": "m = ", "None": ""}[returned]
            self.lines.append(f"{indent}{to}{call}")
        elif kind == 24:
            self.lines.append(f"{indent}wait_until({self.load()})")
        else:
            self.lines += [indent + self.sized(line) for line in self.random.choice(IDIOMS)]

    def loop(self, depth: int, indent: str, result: str | None) -> None:
        """A `for`; its range may be empty, and begin and end below zero."""
        self.loops += 1
        over = self.pick(
            "range(n)", "range(2)", "instances(Page)", "range(1, 3)", "range(-1, 1)",
            "range(-2, n)", self.sized("range($lo, $lo + 2)"), "range(n, 1)", "range(2, 0)",
            "slots",
        )
        name = f"i{self.loops}"
        self.lines.append(f"{indent}for {name} in {over}:")
        if over == "instances(Page)":
            self.lines.append(f"{indent}    q = {name}")
        elif over == "slots":
            self.lines.append(f"{indent}    {name}.flag = b")
        elif self.chance(0.5):
            self.lines.append(f"{indent}    n = near({name})")
        self.fors += 1
        self.block(depth + 1, indent + "    ", True, result)
        self.fors -= 1

    def locked(self, depth: int, indent: str) -> None:
        """Under a lock: seldom under both, or never to be released."""
        name = self.pick("lock", "lock", "other")
        if self.chance(0.25):
            self.lines.append(f"{indent}if spin_trylock({name}):")
            indent += "    "
        else:
            self.lines.append(f"{indent}spin_lock({name})")
        self.block(depth + 1, indent, False, None)
        if self.chance(0.9):
            self.lines.append(f"{indent}spin_unlock({name})")

    def promise(self, indent: str) -> None:
        self.asserts += 1
        seen = self.pick("some_flag()", "is_clean(p)", "some_flag() or is_clean(q)")
        weak = f"{self.local_test()} or {self.load()}"
        what = self.pick(
            f"{self.local_test()} or {weak}", weak, f"{self.local_test()} or {seen}",
            f"{self.load()} or {seen}", "p.owner is None or p.owner == this_process()",
            self.load(),
        )
        self.lines.append(f'{indent}assert {what}, "assert {self.asserts}"')

    def result(self, result: str) -> str:
        match result:
            case "bool":
                return self.pick("b", "c", self.load(), f"n > {self.number()}", "not b")
            case "Page | None":
                return self.pick("m", "p", "None", "q.next", "heap.head")
            case _:
                return ""

    # --------------------------------------------------------------------------------- the whole

    def locals(self, indent: str, in_function: bool) -> None:
        number = "Annotated[int, between($lo, $hi)]"
        slot = "between(0, $slots - 1)" if self.tame else "between(-1, $slots)"
        texts = ["p = pg", f"n: {number} = k0", "me = 1"] if in_function else [
            f"p = element(Page, {self.random.randrange(2)})", f"n: {number} = {self.number()}",
        ]
        texts += [
            "q = element(Page, 1)", "b = False", "c = True", "s = Scrub.DIRTY",
            "w: Annotated[int, wrapping($modulus)] = 0", "m: Page | None = None", "info = Info()",
            "held = Held()",
            f"k: Annotated[int, {slot}] = {self.random.randrange(2)}",
            "x: Annotated[int, between(0, 4)] = 0",
        ]
        self.lines += [indent + self.sized(text) for text in texts]

    def process(self, name: str, count: int, size: int) -> None:
        self.lines += ["", "", f"@process(count={count})", f"def {name}(me: int) -> None:"]
        self.locals("    ", False)
        forever = self.chance(0.3)
        if forever:
            self.lines += ["    while True:", f"        {self.access()}"]
        indent, result = ("        ", None) if forever else ("    ", "None")
        if self.apart.random() < 0.6:
            self.declared(indent)
        for _ in range(self.random.randint(1, 6 if self.large else size)):
            self.statement(0, indent, forever, result)

    def interrupt(self, number: int) -> None:
        """A handler, which begins with an access: what comes before is not at a step of its own."""
        takes = self.pick("", "me: int")
        self.lines += ["", "", f"@interrupt(of=cpu{number})", f"def irq{number}({takes}) -> None:"]
        before = len(self.lines)
        self.locals("    ", False)
        self.lines.append(f"    {self.access()}")
        for _ in range(self.random.randint(0, 2)):
            self.statement(1, "    ", False, "None")
        if not takes:
            self.lines[before:] = [line.replace("me == 0", "c") for line in self.lines[before:]]

    def property(self, kind: str, promised: tuple[str, str]) -> None:
        when, condition = promised
        above = f"@{kind}" if when == "True" else f"@{kind}(when={when})"
        self.lines += [
            "", "", above, f"def {kind}_so() -> bool:", f"    return {self.sized(condition)}",
        ]

    def text(self) -> str:
        self.lines = self.sized(HEAD.template).splitlines()
        if self.chance(0.6):
            boot = self.sized(self.pick(*BOOTS))
            self.lines += ["", "", "@boot", "def begin() -> None:", *f"    {boot}".splitlines()]
        for number in range(self.random.choice((0, 0, 1, 2))):
            result = self.pick("bool", "None", "Page | None")
            self.lines += ["", "", f"def f{number}(pg: Page, k0: int) -> {result}:"]
            self.locals("    ", True)
            self.block(1, "    ", False, result)
            if result != "None":
                self.lines.append(f"    return {self.result(result)}")
            self.functions.append((f"f{number}", result))
        for number, count in enumerate(self.counts):
            size = 3 if self.irqs else 10 - 2 * sum(self.counts)
            self.process(f"cpu{number}", count, size)
        if self.irqs:
            self.lines.insert(0, "from modelcheck.lang import interrupt, irqs_off")
            for number in range(self.random.randint(1, len(self.counts))):
                self.interrupt(number)
        for kind, promises in ("always", ALWAYS), ("sometimes", SOMETIMES):
            if self.chance(0.7):
                self.property(kind, self.random.choice(promises))
        return "\n".join([*self.lines, ""])


def random_spec(seed: int) -> str:
    """The text of a random spec."""
    return _Writer(seed).text()
