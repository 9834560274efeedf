"""Spec texts that are wrong in some way: those of this repository with tokens, lines and blocks
changed, foreign constructs put in, and texts made to be hostile.

A text is a function of its seed and number alone, so that a finding can be made again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(r"\w+|\"[^\"]*\"|[^\w\s]+")

STATEMENTS = (
    "import os", "from os import system", "from specs.missing import x", "from . import x",
    "from modelcheck.xen.page import *", "from modelcheck.lang import open",
    "import modelcheck.xen",
    "from specs.spec import Page", "open('/etc/passwd')", "__import__('os').system('id')",
    "eval('1')", "exec('x = 1')", "try:\n    pass\nexcept Exception:\n    pass", "raise ValueError",
    "with open('x') as f:\n    pass", "with atomic(''):\n    pass",
    "with atomic(\"r\"):\n    return",
    "async def f() -> None:\n    await g()", "def f(*a, **k): ...", "def f(a, /, b=1, *, c): ...",
    "class A(B, metaclass=C):\n    x = y = 1", "lambda: 0", "x = yield", "global x", "nonlocal x",
    "del pg", "match pg:\n    case None:\n        pass", "a, b = b, a", "a = b = 1", "(x := 1)",
    "x: int", "x: 'Page | None' = None", "x += 1", "pg.next.prev = pg", "heap.head += 1",
    "for i in range(10 ** 9):\n    pass", "for pg in chain(heap.head, 'next'):\n    break",
    "while True:\n    pass", "while 1:\n    cpu_relax()", "assert pg", "assert (pg, 'a')",
    "assert False, f'{pg}'", "return return_value", "break", "continue", "print(pg)",
    "EXPECT = holds()", "EXPECT = violates('nothing')", "PAGES = param(2, 1, 10 ** 30)",
    "INSTANCE = instance(PAGES=99)", "N = 1 << 10 ** 9", "x = 9 ** 9 ** 9 ** 9", "x = 1 // 0",
    "x = 1 % 0", "x = 1 << -1", "x = -1 >> 99999999999", "cpus = array(Page, 10 ** 9)",
    "x = [y for y in instances(Page)]", "x = all(pg.next is None for pg in instances(Page))",
    "x = choose()", "x = choose(range(10 ** 9))", "x = element(Page, -1)", "x = Page[0]",
    "wait_until(True)", "wait_until(False)", "assume(False)", "spin_lock(pg)", "cmpxchg(1, 2, 3)",
    "xchg(pg, pg)", "x = replace(pg, a=1)", "@process(count=0)\ndef p() -> None:\n    pass",
    "@process(count=10 ** 6)\ndef p(me: int) -> None:\n    pass", "@always\ndef a() -> bool: ...",
    "@boot\ndef b() -> None:\n    while True:\n        pass",
    "@shared(count=10 ** 9)\nclass B: ...",
    "class E(Enum): ...", "class E(Enum):\n    A = 1\n    A = 2", "type X = int",
    "x = f'{x!r:>{y}}'",
)  # fmt: skip
WORDS = (
    "", "None", "0", "-1", "me", "pg", "heap.head", "*", "99999999999999999999", "not", "(", ")",
    "[", "]", ":", "=", "==", "is", "and", "lambda", "self", "__class__", "\u00e9", "\u202e", "\0",
    "'''", '"', "\\", "\t", "\f", "\r", "\ufeff", "0x", "1e9", "1j", "...", "@", ";", "#", "->",
    "Page", "int", "bool", "True", "choose", "atomic", "chain", "instances", "Ghost", "Annotated",
)


def sources() -> tuple[str, ...]:
    """Every spec of this repository: the designs, those of the golden tests, the library."""
    folders = (ROOT / "specs", ROOT / "tests" / "golden" / "steps", ROOT / "modelcheck" / "xen")
    return tuple(p.read_text("utf-8") for f in folders for p in sorted(f.glob("*.py")))


def text_of(texts: tuple[str, ...], seed: int, number: int) -> bytes:
    """The text of this number: one in eight is hostile, the others are changed specs."""
    chance = random.Random(f"{seed} {number}")
    if number % 8 == 0:
        return chance.choice(HOSTILE)(chance)
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 4)):
        text = chance.choices(CHANGES, (6, 3, 2, 2, 1, 1))[0](chance, text, texts)
    return text.encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------------------ changes to a spec

Change = Callable[[random.Random, str, tuple[str, ...]], str]


def change_token(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """Put another token in the place of one: of a spec, or an odd one."""
    found = list(TOKEN.finditer(text))
    if not found:
        return text
    old = chance.choice(found)
    if chance.random() < 0.3:
        new = chance.choice(WORDS)
    else:  # mostly of its own kind, so that the text is still Python and gets further
        others = TOKEN.findall(chance.choice(texts))
        alike = [t for t in others if _kind(t) == _kind(old.group())]
        new = chance.choice(alike or others)
    return text[: old.start()] + new + text[old.end() :]


def _kind(token: str) -> str:
    return "name" if token.isidentifier() else "number" if token.isdigit() else token[:1]


def change_line(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """Leave a line out, take it twice, or move it to the left, to the right or elsewhere."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(chance.randrange(len(lines)), lines[at])
        case 2:
            lines[at] = "    " + lines[at]
        case 3:
            lines[at] = lines[at].removeprefix("    ")
        case _:
            lines.insert(chance.randrange(len(lines)), lines.pop(at))
    return "\n".join(lines)


def foreign_statement(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """Put in a statement that is not of the language, or not there, as deep as its neighbour."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    blanks = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at:at] = [blanks + line for line in chance.choice(STATEMENTS).split("\n")]
    return "\n".join(lines)


def lines_of_another(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """Put in some lines of another spec."""
    lines, others = text.split("\n"), chance.choice(texts).split("\n")
    at, start = chance.randrange(len(lines)), chance.randrange(len(others))
    lines[at:at] = others[start : start + chance.randint(1, 20)]
    return "\n".join(lines)


def cut_off(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """The beginning, or the end."""
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.5 else text[at:]


def change_character(chance: random.Random, text: str, texts: tuple[str, ...]) -> str:
    """Another character in the place of one."""
    at = chance.randrange(len(text) + 1)
    return text[:at] + chr(chance.choice((chance.randrange(128), chance.randrange(0x11000)))) \
        + text[at + 1 :]


CHANGES: tuple[Change, ...] = (
    change_token, change_line, foreign_statement, lines_of_another, cut_off, change_character,
)

# -------------------------------------------------------------------------------- hostile texts

HEAD = """\
from modelcheck.lang import Enum, Lock, always, auto, boot, process, shared, spin_lock

@shared
class Node:
    n: bool = False

node = Node()

"""


def _body(*lines: str) -> bytes:
    """A spec with one process of these lines."""
    made = "".join(f"    {line}\n" for line in lines)
    return (HEAD + "@process\ndef cpu() -> None:\n" + made).encode()


def bytes_at_random(chance: random.Random) -> bytes:
    """Mostly not UTF-8."""
    return chance.randbytes(chance.randrange(2_000))


def characters_at_random(chance: random.Random) -> bytes:
    """What is on a keyboard, and what is not."""
    pool = "".join(WORDS) + "abcdefg (){}[]:=.,'\"\n\n    #@+-*/%&|^~<>!"
    return "".join(chance.choices(pool, k=chance.randrange(500))).encode("utf-8", "surrogatepass")


def nested(chance: random.Random) -> bytes:
    """Brackets, signs or blocks inside one another."""
    depth = chance.choice((50, 190, 250, 5_000, 100_000))
    match chance.randrange(5):
        case 0:
            return _body("x = " + "(" * depth + "1" + ")" * depth)
        case 1:
            return _body("x = " + "-" * depth + "1")
        case 2:
            return _body("x = " + "not " * depth + "True")
        case 3:
            return _body("x = node" + ".n" * depth)
        case _:
            return _body(*("    " * i + "if node.n:" for i in range(min(depth, 500))), "    pass")


def long(chance: random.Random) -> bytes:
    """Many terms, statements, names or digits."""
    many = chance.choice((100, 2_000, 40_000))
    match chance.randrange(5):
        case 0:
            return _body("x = " + " + ".join(["1"] * many))
        case 1:
            return _body(*["node.n = True"] * many)
        case 2:
            return _body("x = " + "9" * many)
        case 3:
            return _body("x" * many + " = 1")
        case _:
            return HEAD.encode() + b"\n".join(b"C%d = %d" % (i, i) for i in range(many))


def growing(chance: random.Random) -> bytes:
    """What doubles with each line: calls of calls, values of values, tests after tests."""
    lines = chance.choice((8, 16, 40, 200))
    match chance.randrange(5):
        case 0:
            calls = "".join(
                f"def f{i}() -> None:\n    f{i + 1}()\n    f{i + 1}()\n\n" for i in range(lines)
            )
            last = f"def f{lines}() -> None:\n    node.n = True\n\n"
            return (HEAD + calls + last + "@process\ndef cpu() -> None:\n    f0()\n").encode()
        case 1:
            return _body("x = 1", *["x = x + x"] * lines, "node.n = x == 1")
        case 2:
            tests = [f"a{i} = node.n\n    if a{i}:\n        x = x * 2" for i in range(lines)]
            return _body("x = 1", *tests, "node.n = x == 1")
        case 3:
            doubled = [f"def g{i}(x: int) -> int:\n    return g{i + 1}(x) + g{i + 1}(x)\n\n"
                       for i in range(lines)]
            end = f"def g{lines}(x: int) -> int:\n    return x\n\n"
            return (HEAD + "".join(doubled) + end).encode() + _body("node.n = g0(1) == 1")
        case _:
            loops = ["    " * i + f"for i{i} in range(10):" for i in range(min(lines, 19))]
            return _body(*loops, "    " * len(loops) + "node.n = True")


def in_circles(chance: random.Random) -> bytes:
    """What refers to itself."""
    return chance.choice((
        b"from specs.spec import x\n",
        HEAD.encode() + b"A = B\nB = A\n",
        HEAD.encode() + b"@shared\nclass A:\n    a: A\n\nx = A()\n",
        HEAD.encode() + b"X = X | None\n@process\ndef p() -> None:\n    x: X = None\n",
        HEAD.encode() + b"def f() -> None:\n    g()\n\ndef g() -> None:\n    f()\n",
        HEAD.encode() + b"@always\ndef a() -> bool:\n    return a()\n",
        HEAD.encode() + b"@boot\ndef b() -> None:\n    b()\n",
        HEAD.encode() + b"class Node(Node):\n    pass\n",
    ))


HOSTILE: tuple[Callable[[random.Random], bytes], ...] = (
    bytes_at_random, characters_at_random, nested, long, growing, in_circles,
)
