"""Real memory: one mmap'd arena of 4096-byte pages, and behind them the frame table, the list heads
and the lock words.

What half a page holds is nowhere but in its 2048 bytes: zeros, or a pattern of eight bytes that
says who wrote it, again and again.

    page 0    0x0000  b"dom00001dom00001..."  first half
              0x0800  b"\\0\\0\\0\\0..."          second half
    page 1    0x1000  ...
    records   0x2000  one byte, or a packed integer of up to eight, for each memory location
"""

from __future__ import annotations

import mmap
from collections import Counter

from modelcheck.heap.encoding import EnumMember, EnumView
from modelcheck.heap.faults import Difference

PAGE = 4096
HALF = PAGE // 2
LETTERS = 8  # bytes of one pattern
ZEROS, EARLIER = bytes(LETTERS), b"EARLIER!"


def letters_of(domain: int) -> bytes:
    """The eight bytes that a domain writes all over its pages."""
    return f"dom{domain:05d}".encode("ascii")


def written_by(letters: bytes) -> int | str:
    """Which domain these eight bytes are of; else what they are, in words."""
    if letters == ZEROS:
        return "zeros"
    if letters == EARLIER:
        return "an earlier domain's pattern"
    if letters[:3] == b"dom" and letters[3:].isdigit():
        return int(letters[3:])
    return "no pattern"


class Arena:
    """`pages` real pages, then `size` bytes of records.  Addresses count from the first page."""

    def __init__(self, pages: int, size: int) -> None:
        self.pages = pages
        self.memory = mmap.mmap(-1, pages * PAGE + max(size, 1))

    def load(self, address: int, size: int) -> int:
        """The packed integer at an address."""
        return int.from_bytes(self.memory[address : address + size], "little")

    def store(self, address: int, size: int, number: int) -> None:
        """Write a packed integer."""
        self.memory[address : address + size] = number.to_bytes(size, "little")

    def fill(self, address: int, letters: bytes) -> None:
        """Write a pattern to every byte of half a page."""
        self.memory[address : address + HALF] = letters * (HALF // LETTERS)

    def half(self, address: int) -> bytes:
        """All the bytes of half a page."""
        return self.memory[address : address + HALF]

    def counts(self, page: int) -> Counter[int | str]:
        """How many bytes of a page are of whom."""
        counts: Counter[int | str] = Counter()
        for address in range(page * PAGE, (page + 1) * PAGE, LETTERS):
            counts[written_by(self.memory[address : address + LETTERS])] += LETTERS
        return counts


class Patterns:
    """What half a page can hold, as members of the enum Pattern and as bytes."""

    def __init__(self, domains: int) -> None:
        names = ["ZERO", "EARLIER", *(f"OF_DOMAIN_{d}" for d in range(domains))]
        self.enum = EnumView("Pattern", names)
        self.members: tuple[EnumMember, ...] = tuple(self.enum)
        letters = (ZEROS, EARLIER, *(letters_of(d) for d in range(domains)))
        self.letters = dict(zip(self.members, letters, strict=True))
        self._of_bytes = {
            written * (HALF // LETTERS): member for member, written in self.letters.items()
        }

    def decode(self, half: bytes) -> EnumMember:
        """Whose pattern all the bytes are; Difference if they are a mixture."""
        try:
            return self._of_bytes[half]
        except KeyError:
            kinds = Counter(
                written_by(half[i : i + LETTERS]) for i in range(0, len(half), LETTERS)
            )
            parts = ", ".join(
                f"{n * LETTERS} bytes of {f'domain {w} s pattern' if isinstance(w, int) else w}"
                for w, n in sorted(kinds.items(), key=str)
            )
            raise Difference(f"half a page is no pattern, but {parts}") from None
