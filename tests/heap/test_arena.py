"""Pages in real memory."""

import pytest

from modelcheck.heap.arena import HALF, PAGE, Arena, Patterns, written_by
from modelcheck.heap.faults import Difference


def test_half_a_page_is_its_bytes() -> None:
    patterns = Patterns(2)
    zero, earlier, _, of_domain_1 = patterns.members
    arena = Arena(pages=2, size=8)
    arena.fill(PAGE, patterns.letters[of_domain_1])
    arena.fill(PAGE + HALF, patterns.letters[earlier])
    assert arena.memory[PAGE : PAGE + 20] == b"dom00001dom00001dom0"
    assert arena.memory[PAGE + HALF : PAGE + HALF + 16] == b"EARLIER!EARLIER!"
    assert patterns.decode(arena.half(0)) is zero
    assert patterns.decode(arena.half(PAGE)) is of_domain_1
    assert arena.counts(1) == {1: 2048, "an earlier domain's pattern": 2048}
    assert arena.counts(0) == {"zeros": 4096}


def test_a_mixture_is_no_pattern() -> None:
    """Every byte is looked at: one that differs is a difference to report."""
    patterns = Patterns(1)
    arena = Arena(pages=1, size=0)
    arena.memory[2047:2048] = b"x"
    with pytest.raises(Difference) as parted:
        patterns.decode(arena.half(0))
    assert str(parted.value) == (
        "half a page is no pattern, but 8 bytes of no pattern, 2040 bytes of zeros"
    )


def test_records_are_packed_integers_behind_the_pages() -> None:
    arena = Arena(pages=1, size=8)
    arena.store(PAGE + 2, 2, 0xBEEF)
    assert arena.memory[PAGE : PAGE + 6] == b"\0\0\xef\xbe\0\0"
    assert arena.load(PAGE + 2, 2) == 0xBEEF


@pytest.mark.parametrize(
    ("letters", "whose"),
    [
        (b"dom00012", 12),
        (bytes(8), "zeros"),
        (b"EARLIER!", "an earlier domain's pattern"),
        (b"domain??", "no pattern"),
    ],
)
def test_who_wrote_it(letters: bytes, whose: int | str) -> None:
    assert written_by(letters) == whose
