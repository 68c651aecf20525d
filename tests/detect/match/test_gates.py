"""What a payload begins with tells whether it is scanned for a rule: never too little, seldom too much."""

from __future__ import annotations

import pytest

from tests.detect.match.build import Packet, column, content, hits, rule, scanned
from vpi_tui.detect.match.gates import REACH, SHORT, Gate, gate_of

RARE = content(b"qzxwv-anywhere")
TAIL = b"." * 200 + RARE.pattern


@pytest.mark.parametrize(
    ("start", "options", "head", "held"),
    [
        (b"SMB", {"offset": 4, "depth": 3}, b"\0\0\0\0SMB", True),
        (b"SMB", {"offset": 4, "depth": 3}, b"\0\0\0SMB", False),
        (b"SMB", {"offset": 4, "depth": 5}, b"\0" * 6 + b"SMB", True),
        (b"SMB", {"offset": 4, "depth": 5}, b"\0" * 7 + b"SMB", False),
        (b"SMB", {"depth": 9, "nocase": True}, b"--sMb", True),
        (b"SMB", {"depth": 9}, b"--sMb", False),
        (b"SMB", {"startswith": True}, b"SMB", True),
        (b"SMB", {"startswith": True}, b" SMB", False),
    ],
)
def test_a_start_that_must_be_there(start: bytes, options: dict[str, int], head: bytes, held: bool) -> None:
    asked = [rule(steps=(content(start, **options), RARE))]
    packets = [Packet(head + TAIL)]
    assert bool(hits(asked, packets)) is held
    assert scanned(asked, packets) == held


def test_a_payload_that_must_be_short() -> None:
    asked = [rule(steps=(RARE,), columns=(column("payload_len", (0, len(TAIL))),))]
    packets = [Packet(TAIL), Packet(b"." + TAIL)]
    assert hits(asked, packets) == [(0, 1)]
    assert scanned(asked, packets) == 1


def test_a_rule_that_asks_nothing_of_the_start_opens_nothing_for_others() -> None:
    asked = [rule(1, steps=(RARE,)), rule(2, steps=(content(b"SMB", depth=3), content(b"other-rare-one")))]
    packets = [Packet(TAIL + b"other-rare-one"), Packet(b"SMB" + TAIL + b"other-rare-one")]
    assert hits(asked, packets) == [(0, 1), (1, 1), (1, 2)]
    assert scanned(asked, packets) == 3


@pytest.mark.parametrize(
    ("options", "gate"),
    [
        ({"steps": (content(b"Head", depth=8, nocase=True), RARE)}, Gate(1 << 30, b"head", 0, 8, True)),
        ({"steps": (content(b"Head", depth=REACH + 1), RARE)}, None),
        ({"steps": (content(b"Head", depth=8, negated=True), RARE)}, None),
        ({"steps": (content(b"Head", depth=8, buffer="http.uri"), RARE)}, None),
        ({"steps": (content(b"He", distance=2, within=8), RARE)}, Gate(1 << 30, b"He", 2, 10, False)),
        ({"steps": (content(b"He", distance=2, within=REACH), RARE)}, None),
        ({"steps": (RARE, content(b"He", distance=2, within=8))}, None),
        ({"steps": (RARE,), "columns": (column("payload_len", (0, SHORT)),)}, Gate(SHORT, b"", 0, 0, False)),
        ({"steps": (RARE,), "columns": (column("payload_len", (0, SHORT + 1)),)}, None),
        ({"steps": (RARE,), "columns": (column("payload_len", (0, 9), negated=True),)}, None),
    ],
)
def test_what_is_a_gate(options: dict[str, object], gate: Gate | None) -> None:
    assert gate_of(rule(**options)) == gate  # type: ignore[arg-type]
