"""Random Programs of critical sections, claimed pages, tickets and waits: where reductions work.

Most of them forget something: to take the lock, or to claim the page.
"""

from __future__ import annotations

import random

from modelcheck.ir import Program
from modelcheck.notation import parse_program
from modelcheck.passes.liveness import liveness

HEAD = """\
program random{seed}()
sort Page 2
sort process {processes}
shared lock.locked: bool = False
ghost passing lock.holder: process? = None
shared queue.head: 0..3 wraps = 0
shared queue.tail: 0..3 wraps = 0
shared x: 0..2 = 0
shared y: 0..2 = 0
shared Page.state[Page]: 0..1 = all 0
shared Page.first[Page]: 0..2 = all 0
shared Page.second[Page]: 0..2 = all 0
"""

PROPERTIES = (
    "x != 2 or y != 1",
    "all(pg in Page: Page.state[pg] == 1 or Page.first[pg] == Page.second[pg])",
    "all(pg in Page: Page.first[pg] + Page.second[pg] < 3)",
    "all(pg in Page: Page.first[pg] != 2)",
    "at_rest or x < 2",
    "lock.holder != process.None or x == y",
    "queue.head != queue.tail or x != 1",
    "queue.head != 1 or queue.tail != 1",
)
WHENS = ("", "", "", " when lock.holder == process.None", " when at_rest")
SECTIONS = ("locked", "locked", "claimed", "claimed", "plain", "wait", "spin", "queued")


def random_locking(seed: int) -> Program:
    """The Program of a seed."""
    chance = random.Random(f"locking {seed}")
    parts, processes = [], 0
    for n in range(chance.choice((1, 2, 2, 3))):
        count = 2 if processes == 0 and chance.random() < 0.3 else 1
        parts.append(_Template(f"p{n}", count, chance).text())
        processes += count
    for n in range(chance.choice((0, 1, 1, 2))):
        kind = chance.choice(("always", "always", "sometimes"))
        when, condition = chance.choice(WHENS), chance.choice(PROPERTIES)
        parts.append(f'{kind} "property {n}"{when}: {condition}')
    text = HEAD.format(seed=seed, processes=processes) + "\n" + "\n\n".join(parts) + "\n"
    return liveness(parse_program(text, f"random_locking {seed}"))


class _Template:
    """A process template, a section after the other."""

    def __init__(self, name: str, count: int, chance: random.Random) -> None:
        self.name = name
        self.count = count
        self.chance = chance
        self.lines: list[tuple[str, list[str]]] = []

    def text(self) -> str:
        """The template, in the notation."""
        chance = self.chance
        for _ in range(chance.choice((1, 1, 2, 2, 3))):
            getattr(self, "_" + chance.choice(SECTIONS))()
        ends = chance.random() < 0.5
        first = "0" if self.count == 1 else "me"
        page = chance.choice(("Page[0]", "Page[1]", f"element(Page, {first})"))
        many = "" if self.count == 1 else f"[{self.count}]"
        shown = [
            f"process {self.name}{many}", "  local pg: Page", "  local n: 0..2",
            "  local ticket: 0..3",
            "  entry:", f"    pg := {page}", f"    goto {self._at(1)}",
        ]
        for number, (where, body) in enumerate(self.lines, 1):
            head = " head" if number == 1 and not ends else ""
            shown.append(f"  at {self._at(number)} {where}{head}:")
            for line in body:
                for to in range(len(self.lines) + 2, 0, -1):
                    end = "end" if ends else self._at(1)
                    name = self._at(to) if to <= len(self.lines) else end
                    line = line.replace(f"<{to}>", name)
                shown.append(f"    {line}")
        return "\n".join(shown)

    def _at(self, number: int) -> str:
        return f"{self.name}_{number}"

    @property
    def _next(self) -> int:
        return len(self.lines) + 1

    def _add(self, *body: str, where: str = "resting") -> None:
        self.lines.append((where, [*body]))

    def _locked(self) -> None:
        chance = self.chance
        if chance.random() < 0.9:
            self._add(
                "wait not $", "rmw lock.locked := True by spin_lock", "ghost lock.holder := self",
                f"goto <{self._next + 1}>", where=f"in wait_{self._next}",
            )
        for _ in range(chance.choice((0, 1, 2, 2, 3))):
            self._access(("x", "x", "y", "Page.first[pg]"))
        if chance.random() < 0.95:
            self._add(
                "store lock.locked := False by spin_unlock", "ghost lock.holder := process.None",
                f"goto <{self._next + 1}>",
            )

    def _claimed(self) -> None:
        chance = self.chance
        claims = len(self.lines)
        asks = chance.random() < 0.8
        if asks:
            self._add("")
        for _ in range(chance.choice((1, 2, 2, 3))):
            self._access(("Page.first[pg]", "Page.second[pg]"))
        if chance.random() < 0.9:
            self._add("store Page.state[pg] := 0", f"goto <{self._next + 1}>")
        if asks:
            self.lines[claims] = ("resting", [
                "rmw Page.state[pg] := 1 by xchg", f"if $ == 0: goto <{claims + 2}>",
                f"else: goto <{self._next}>",
            ])

    def _queued(self) -> None:
        self._add("rmw queue.tail := $ + 1 by fetch_add", "ticket := $", f"goto <{self._next + 1}>")
        self._add(
            "wait $ == ticket", "load queue.head", f"goto <{self._next + 1}>",
            where=f"in wait_{self._next}",
        )
        self._plain()
        self._add("rmw queue.head := $ + 1 by fetch_add", f"goto <{self._next + 1}>")

    def _plain(self) -> None:
        self._access(("x", "y", "Page.state[pg]"))

    def _wait(self) -> None:
        variable = self.chance.choice(("x", "y"))
        self._add(
            f"wait $ == {self.chance.choice((0, 1))}", f"load {variable}",
            f"goto <{self._next + 1}>", where=f"in wait_{self._next}",
        )

    def _spin(self) -> None:
        variable = self.chance.choice(("x", "y"))
        begin, where = self._next, f"in loop_{self._next}"
        self._add(
            f"load {variable}", f"if $ == {self.chance.choice((0, 1))}: goto <{begin + 2}>",
            f"else: goto <{begin + 1}>", where=where,
        )
        self._add(
            self.chance.choice(("load x", "store y := 1", "load Page.first[pg]")),
            f"goto <{begin}>", where=where,
        )

    def _access(self, variables: tuple[str, ...]) -> None:
        chance = self.chance
        variable, to = chance.choice(variables), f"goto <{self._next + 1}>"
        top = 1 if variable == "Page.state[pg]" else 2
        match chance.randrange(5):
            case 0:
                self._add(f"load {variable}", "n := $", to)
            case 1:
                self._add(f"load {variable}", f'assert $ != {top}, "a value {self._next}"', to)
            case 2 if top == 2:
                self._add(f"store {variable} := n", to)
            case _:
                self._add(f"store {variable} := {chance.randint(0, top)}", to)
