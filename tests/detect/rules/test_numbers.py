"""Integer keywords: comparisons, masks, words, and which of several numbers is meant."""

from __future__ import annotations

import pytest

from vpi_tui.detect.match.evaluate import Plan, Tally
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.numbers import flags_in, number_in

WORDS = {"text": 1, "ping": 9}
BITS = {"dup": 8, "retain": 1}


class Numbers:
    """A transaction that has these numbers."""

    fresh = -1
    little_endian = False

    def __init__(self, *numbers: int) -> None:
        self._numbers = [number.to_bytes(2, "big") for number in numbers]

    def instances(self, _name: str) -> list[bytes]:
        return self._numbers


def holds(text: str, *numbers: int) -> bool:
    step = number_in("n", text, 0xFFFF, WORDS)
    return Plan.of([step]).match(Numbers(*numbers), Tally()) is not None


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("19", 19, 18),
        ("=0x13", 19, 20),
        ("!0x14", 19, 20),
        ("!=20", 19, 20),
        (">21", 22, 21),
        (">=21", 21, 20),
        ("<22", 21, 22),
        ("<=22", 22, 23),
        ("19-22", 20, 22),
        ("19<>22", 21, 19),
        ("!19-22", 19, 20),
        ("2kb", 2048, 2),
        (">1KiB", 1025, 1024),
        ("&0xc0=0x80", 0x8F, 0xC0),
        ("& 0xc0 != 0", 0x40, 0x3F),
        ("text", 1, 2),
        ("!PING", 8, 9),
    ],
)
def test_one_number(text: str, yes: int, no: int) -> None:
    assert holds(text, yes)
    assert not holds(text, no)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("5", (1, 5), (1, 2)),
        ("5,any", (1, 5), (1, 2)),
        ("5,all", (5, 5), (5, 1)),
        ("5,all", (5,), ()),
        ("5,all_or_absent", (), (5, 1)),
        ("5,or_absent", (), (1,)),
        ("5,1", (1, 5), (5, 1)),
        ("5,-1", (1, 5), (5, 1)),
        ("5,2", (1, 1, 5), (5, 5)),
        ("5,oob_or 2", (1, 1), (5, 5, 1)),
        ("5,nb>1", (5, 5), (5, 1)),
        ("5,nb 1", (5, 1), (5, 5)),
        ("5,any,2:4", (1, 1, 5, 1), (5, 5, 1, 1)),
        ("5,all,-4:-1", (1, 5, 5, 5, 1), (5, 5, 5, 1, 5)),
        ("5,any,0:9", (5,) * 9, (5,) * 8),
        ("count >2", (1, 2, 3), (1, 2)),
        ("count 0", (), (1,)),
    ],
)
def test_several_numbers(text: str, yes: tuple[int, ...], no: tuple[int, ...]) -> None:
    assert holds(text, *yes)
    assert not holds(text, *no)


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [("dup,!retain", 8, 9), ("!retain", 6, 1), (" dup , retain", 0xF, 8), ("&8=8", 8, 1), (">8", 9, 8),
     ("+dup,retain", 0xB, 8), ("*dup,retain", 3, 6), ("*dup,!retain", 0, 1), ("-dup,retain", 8, 0xB),
     ("=dup", 8, 10), ("=dup,!retain", 8, 12)],
)  # fmt: skip
def test_bits(text: str, yes: int, no: int) -> None:
    plan = Plan.of([flags_in("n", text, 255, BITS)])
    assert plan.match(Numbers(yes), Tally()) is not None
    assert plan.match(Numbers(no), Tally()) is None


@pytest.mark.parametrize(
    "text", ["", "x", "5,some", "5,1,2", "&0xc0=2", "70000", "&1", "5,nb", "count", "100gb", "-1", "1-2"]
)
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"^n: "):
        number_in("n", text, 0xFFFF, WORDS)


def test_a_bit_that_stands_twice_is_refused() -> None:
    with pytest.raises(Refused, match="twice"):
        flags_in("n", "dup,!dup", 255, BITS)
