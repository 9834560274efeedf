"""Values as bits."""

import pytest

from modelcheck.heap.encoding import (
    Encoding, EnumView, Flag, Member, Number, Packed, Reference, word_class,
)  # fmt: skip
from modelcheck.heap.faults import Fault

from modelcheck.heap.objects import At, View, numbered

FREE, INUSE, OFFLINED = EnumView("State", ["FREE", "INUSE", "OFFLINED"])
STATE = Member((FREE, INUSE, OFFLINED))
PAGES: list[View] = []
for address in (0, 8):
    numbered(View(At(address, f"Page[{address // 8}]", {})), 1, PAGES)
PAGE_REF = Reference([[], PAGES], nullable=True)


@pytest.mark.parametrize(
    ("encoding", "value", "bits"),
    [
        (Flag(), True, 0b1),
        (Number(0, 3), 3, 0b11),
        (Number(-1, 6), -1, 0b000),
        (STATE, OFFLINED, 0b10),
        (PAGE_REF, None, 0xFFFF),
        (PAGE_REF, PAGES[1], 0b1_0000000001),
    ],
)
def test_a_value_and_its_bits(encoding: Encoding, value: object, bits: int) -> None:
    assert encoding.encode(value) == bits
    assert encoding.decode(bits) == value
    assert bits < 1 << encoding.bits


def test_a_word_is_one_packed_integer() -> None:
    """count_info: the state in bits 0 and 1, need_scrub in bit 2, the owner above."""

    stored: tuple[tuple[str, Encoding], ...] = (
        ("state", STATE), ("need_scrub", Flag()), ("owner", PAGE_REF),
    )  # fmt: skip
    CountInfo = word_class("CountInfo", stored, {})
    word = Packed(CountInfo, stored)
    bits = word.encode(CountInfo(INUSE, True, None))
    assert bits == 0b1111111111111111_1_01
    back = word.decode(bits)
    assert (back.state, back.need_scrub, back.owner) == (INUSE, True, None)
    assert word.part("need_scrub") == (Flag(), 2)
    assert word.plain(back) == (1, True, None)


def test_a_counter_wraps_and_a_range_does_not() -> None:
    assert Number(0, 3, wraps=True).fit(4) == 0
    with pytest.raises(Fault, match=r"range: 4 is outside 0\.\.3"):
        Number(0, 3).fit(4)


def test_none_has_no_room_where_an_element_must_be() -> None:
    with pytest.raises(Fault, match="none"):
        Reference([PAGES], nullable=False).fit(None)
