"""Values as bits."""

import enum

import pytest

from modelcheck.heap.encoding import Encoding, Flag, Member, Number, Packed, Reference
from modelcheck.heap.faults import Fault

State = enum.Enum("State", ["FREE", "INUSE", "OFFLINED"])


class Page:
    sort = 1

    def __init__(self, number: int) -> None:
        self.number = number


PAGES = [Page(0), Page(1)]
PAGE_REF = Reference([[], PAGES], nullable=True)


@pytest.mark.parametrize(
    ("encoding", "value", "bits"),
    [
        (Flag(), True, 0b1),
        (Number(0, 3), 3, 0b11),
        (Number(-1, 6), -1, 0b000),
        (Member(tuple(State)), State.OFFLINED, 0b10),
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

    class CountInfo:
        def __init__(self, state: object, need_scrub: bool, owner: object) -> None:
            self.state, self.need_scrub, self.owner = state, need_scrub, owner

    word = Packed(
        CountInfo,
        (("state", Member(tuple(State))), ("need_scrub", Flag()), ("owner", PAGE_REF)),
    )
    bits = word.encode(CountInfo(State.INUSE, True, None))
    assert bits == 0b1111111111111111_1_01
    back = word.decode(bits)
    assert (back.state, back.need_scrub, back.owner) == (State.INUSE, True, None)
    assert word.part("need_scrub") == (Flag(), 2)
    assert word.plain(back) == (1, True, None)


def test_a_counter_wraps_and_a_range_does_not() -> None:
    assert Number(0, 3, wraps=True).fit(4) == 0
    with pytest.raises(Fault, match=r"range: 4 is outside 0\.\.3"):
        Number(0, 3).fit(4)


def test_none_has_no_room_where_an_element_must_be() -> None:
    with pytest.raises(Fault, match="none"):
        Reference([PAGES], nullable=False).fit(None)
