"""Each stream event has its segment, and ordinary connections have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

from tests.decode.batches import packet_batch
from vpi_tui.decode.decoder import Decoder
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.batch import LinkType
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.stream.sessions import SessionOptions, SessionTracker


@dataclass(frozen=True)
class Sent:
    """One segment. who: c or s. stamp: timestamps, value and echo."""

    who: str
    flags: str
    seq: int
    ack: int = 0
    size: int = 0
    window: int = 1000
    stamp: tuple[int, int] | None = None
    cookie: tuple[int, bytes] | None = None
    """An option of TCP Fast Open, or a signature: its kind and what it holds."""


def events_of(
    sent: Sequence[Sent], *, midstream: bool = False, one_sided: bool = False, inline: bool = False
) -> list[set[str]]:
    """The events of each segment, through the real stages."""
    frames = []
    for s in sent:
        src, dst, sport, dport = "10.0.0.1", "10.0.0.2", 40000, 80
        if s.who == "s":
            src, dst, sport, dport = dst, src, dport, sport
        options: list[tuple[object, object]] = [("Timestamp", s.stamp)] if s.stamp else []
        options += [s.cookie] if s.cookie else []
        layer = TCP(
            sport=sport, dport=dport, flags=s.flags, seq=s.seq, ack=s.ack, window=s.window, options=options
        )
        frames.append(bytes(IP(src=src, dst=dst) / layer / Raw(bytes(s.size))))
    packets = packet_batch(frames, link=LinkType.IPV4)
    decoded = Decoder().decode(packets)
    flows = FlowTable(8, midstream=midstream, one_sided=one_sided, seed=1).update(packets, decoded)
    SessionTracker(8, SessionOptions(midstream, one_sided, 0, inline)).update(packets, decoded, flows)
    return [{e.name for e in StreamEvent if int(bits) >> e & 1} for bits in decoded.stream_events]


OPEN = [Sent("c", "S", 100), Sent("s", "SA", 500, 101), Sent("c", "A", 101, 501)]
TALK = [*OPEN, Sent("c", "PA", 101, 501, 10), Sent("s", "PA", 501, 111, 20), Sent("c", "A", 111, 521)]
CLIENT_CLOSES = [*TALK, Sent("c", "FA", 111, 521)]
SERVER_CLOSES = [*TALK, Sent("s", "FA", 521, 111)]
STAMPED = [
    Sent("c", "S", 100, stamp=(1000, 0)),
    Sent("s", "SA", 500, 101, stamp=(7000, 1000)),
    Sent("c", "A", 101, 501, stamp=(1001, 7000)),
]

SOUND: dict[str, list[Sent]] = {
    "talk": TALK,
    "client closes": [
        *CLIENT_CLOSES,
        Sent("s", "A", 521, 112),
        Sent("s", "FA", 521, 112),
        Sent("c", "A", 112, 522),
    ],
    "server closes": [
        *SERVER_CLOSES,
        Sent("c", "A", 111, 522),
        Sent("c", "FA", 111, 522),
        Sent("s", "A", 522, 112),
    ],
    "both at once": [
        *SERVER_CLOSES,
        Sent("c", "FA", 111, 521),
        Sent("s", "A", 522, 112),
    ],
    "reset": [*TALK, Sent("s", "RA", 521, 111)],
    "refused": [Sent("c", "S", 100), Sent("s", "RA", 0, 101)],
    "timestamps": [*STAMPED, Sent("c", "PA", 101, 501, 10, stamp=(1001, 7000))],
    "overtaken by two with newer timestamps": [
        *STAMPED,
        Sent("c", "PA", 111, 501, 10, stamp=(1003, 7000)),
        Sent("c", "PA", 121, 501, 10, stamp=(1004, 7000)),
        Sent("c", "PA", 101, 501, 10, stamp=(1002, 7000)),
        Sent("s", "A", 501, 131, stamp=(7001, 1004)),
    ],
    "lost and sent again": [
        *OPEN,
        Sent("c", "A", 201, 501, 100),
        Sent("s", "A", 501, 101),
        Sent("c", "A", 101, 501, 100),
        Sent("s", "A", 501, 301),
    ],
    "kept alive": [*TALK, Sent("c", "A", 110, 521), Sent("s", "A", 521, 111)],
    "kept alive with a byte": [*TALK, Sent("c", "A", 110, 521, 1), Sent("s", "A", 521, 111)],
    "the client's last acknowledgement was lost": [*OPEN[:2], Sent("s", "A", 501, 101, 20)],
    "acknowledged again, much too late": [
        *TALK,
        *(Sent("c", "PA", 111 + 900 * k, 521, 900) for k in range(1)),
        Sent("s", "A", 521, 1011, window=100),
        Sent("s", "A", 521, 111, window=100),
    ],
    "two answers, the second one is believed": [
        *OPEN[:2],
        Sent("s", "SA", 600, 101),
        Sent("c", "A", 101, 601),
        Sent("c", "PA", 101, 601, 10),
    ],
    "the server's FIN is acknowledged after more data": [
        *SERVER_CLOSES,
        Sent("c", "A", 111, 521),
        Sent("c", "PA", 111, 522, 5),
        Sent("c", "FA", 116, 522),
        Sent("s", "A", 522, 117),
    ],
    "a FIN twice": [*SERVER_CLOSES, Sent("s", "FA", 521, 111), Sent("c", "A", 111, 522)],
    "two resets with data": [*TALK, Sent("c", "R", 111), Sent("c", "R", 111, size=4)],
    "a reset that is not believed": [*TALK, Sent("c", "R", 300), Sent("c", "A", 111, 521)],
    "who reset goes on": [*TALK, Sent("c", "R", 111), Sent("c", "A", 111, 521)],
    "data with a SYN, taken": [
        Sent("c", "S", 100, size=9, cookie=(34, b"12345678")),
        Sent("s", "SA", 500, 110),
        Sent("c", "A", 110, 501),
    ],
    "a few SYNs": [Sent("c", "S", 100, stamp=(k, 0)) for k in range(1, 12)],
    "SYN twice": [Sent("c", "S", 100), *OPEN],
}


@pytest.mark.parametrize("name", SOUND)
def test_ordinary_connections_have_no_events(name: str) -> None:
    assert events_of(SOUND[name]) == [set()] * len(SOUND[name])


ODD: dict[str, list[Sent]] = {
    "WHS3_RIGHT_SEQ_WRONG_ACK_EVASION": [*OPEN[:2], Sent("c", "A", 101, 777)],
    "WHS3_SYNACK_IN_WRONG_DIRECTION": [OPEN[0], Sent("c", "SA", 100, 5)],
    "WHS3_SYNACK_RESEND_WITH_DIFFERENT_ACK": [*OPEN[:2], Sent("s", "SA", 500, 102)],
    "WHS3_SYNACK_FLOOD": [*OPEN[:2], *(Sent("s", "SA", 600 + k, 101) for k in range(6))],
    "WHS3_SYNACK_TOSERVER_ON_SYN_RECV": [*OPEN[:2], Sent("c", "SA", 100, 501)],
    "WHS3_SYNACK_WITH_WRONG_ACK": [OPEN[0], Sent("s", "SA", 500, 199)],
    "WHS3_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV": [*OPEN[:2], Sent("c", "S", 90)],
    "WHS3_SYN_TOCLIENT_ON_SYN_RECV": [*OPEN[:2], Sent("s", "S", 500)],
    "WHS3_WRONG_SEQ_WRONG_ACK": [*OPEN[:2], Sent("c", "A", 4000, 777)],
    "WHS4_SYNACK_WITH_WRONG_ACK": [OPEN[0], Sent("s", "S", 500), Sent("c", "SA", 100, 555)],
    "WHS4_SYNACK_WITH_WRONG_SYN": [OPEN[0], Sent("s", "S", 500), Sent("c", "SA", 99, 501)],
    "WHS4_WRONG_SEQ": [OPEN[0], Sent("s", "S", 500), Sent("c", "SA", 100, 501), Sent("s", "A", 999, 101)],
    "EST_PACKET_OUT_OF_WINDOW": [*TALK, Sent("c", "A", 1500, 521, 700)],
    "EST_PKT_BEFORE_LAST_ACK": [*TALK, Sent("c", "A", 101, 521, 5)],
    "EST_SYNACK_RESEND": [*TALK[:-2], Sent("s", "A", 501, 111), Sent("s", "SA", 500, 111)],
    "EST_SYNACK_RESEND_WITH_DIFFERENT_ACK": [*TALK, Sent("s", "SA", 500, 55)],
    "EST_SYNACK_RESEND_WITH_DIFF_SEQ": [*OPEN, Sent("s", "SA", 555, 101)],
    "EST_SYNACK_TOSERVER": [*TALK, Sent("c", "SA", 111, 521)],
    "EST_SYN_RESEND": [*TALK, Sent("c", "S", 100)],
    "EST_SYN_RESEND_DIFF_SEQ": [*TALK, Sent("c", "S", 105)],
    "EST_SYN_TOCLIENT": [*TALK, Sent("s", "S", 521)],
    "EST_INVALID_ACK": [*TALK, Sent("c", "A", 111, 9000)],
    "FIN_INVALID_ACK": [*TALK, Sent("c", "FA", 111, 9000)],
    "FIN_OUT_OF_WINDOW": [*TALK, Sent("c", "FA", 105, 521)],
    "FIN_BUT_NO_SESSION": [Sent("c", "FA", 105, 521)],
    "RST_BUT_NO_SESSION": [Sent("c", "R", 105)],
    "RST_INVALID_ACK": [*TALK, Sent("s", "RA", 521, 9000)],
    "SUSPECTED_RST_INJECT": [OPEN[0], Sent("s", "RA", 0, 101), OPEN[1]],
    "RST_WITH_DATA": [*TALK, Sent("c", "R", 111, size=4)],
    "WHS3_SYN_FLOOD": [Sent("c", "S", 100, stamp=(k, 0)) for k in range(1, 13)],
    "EST_ACK_ZWP_DATA": [
        *TALK[:-1],
        Sent("s", "A", 521, 111, window=0),
        Sent("c", "A", 111, 521, 1),
        Sent("s", "A", 521, 112),
    ],
    "SHUTDOWN_SYN_RESEND": [*CLIENT_CLOSES, Sent("s", "SA", 500, 101)],
    "CLOSEWAIT_INVALID_ACK": [*CLIENT_CLOSES, Sent("s", "A", 521, 9000)],
    "CLOSEWAIT_FIN_OUT_OF_WINDOW": [*CLIENT_CLOSES, Sent("s", "FA", 515, 112)],
    "CLOSEWAIT_ACK_OUT_OF_WINDOW": [*CLIENT_CLOSES, Sent("s", "A", 5000, 112)],
    "FIN1_INVALID_ACK": [*SERVER_CLOSES, Sent("c", "A", 111, 9000)],
    "FIN1_FIN_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "FA", 5000, 522)],
    "FIN1_ACK_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "A", 5000, 522)],
    "FIN2_INVALID_ACK": [*SERVER_CLOSES, Sent("c", "A", 111, 522), Sent("c", "A", 111, 9000)],
    "FIN2_FIN_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "A", 111, 522), Sent("c", "FA", 5000, 522)],
    "FIN2_ACK_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "A", 111, 522), Sent("c", "A", 5000, 522)],
    "CLOSING_ACK_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "F", 111), Sent("s", "A", 5000, 112)],
    "CLOSING_INVALID_ACK": [*SERVER_CLOSES, Sent("c", "F", 111), Sent("s", "A", 522, 9000)],
    "LASTACK_ACK_WRONG_SEQ": [*CLIENT_CLOSES, Sent("s", "FA", 521, 112), Sent("c", "A", 900, 522)],
    "LASTACK_INVALID_ACK": [*CLIENT_CLOSES, Sent("s", "FA", 521, 112), Sent("c", "A", 112, 9000)],
    "TIMEWAIT_ACK_WRONG_SEQ": [*SERVER_CLOSES, Sent("c", "FA", 111, 522), Sent("s", "A", 5000, 112)],
    "TIMEWAIT_INVALID_ACK": [*SERVER_CLOSES, Sent("c", "FA", 111, 522), Sent("s", "A", 522, 9000)],
    "PKT_INVALID_TIMESTAMP": [*STAMPED, Sent("c", "PA", 101, 501, 10, stamp=(900, 7000))],
    "PKT_BROKEN_ACK": [*TALK, Sent("c", "P", 111, 521, 1)],
    "PKT_SPURIOUS_RETRANSMISSION": [*TALK, Sent("c", "PA", 101, 521, 10)],
    "WHS3_SYNACK_TFO_DATA_IGNORED": [
        Sent("c", "S", 100, size=9, cookie=(34, b"12345678")),
        Sent("s", "SA", 500, 101),
    ],
    "PKT_RETRANSMISSION": [*SERVER_CLOSES, Sent("s", "A", 501, 111, 20)],
    "FIN_SYN": [*TALK, Sent("c", "FSA", 111, 521)],
    "PKT_BAD_WINDOW_UPDATE": [*TALK, Sent("c", "A", 115, 525, window=10)],
}
WITH_IT = {"PKT_INVALID_ACK", "PKT_SPURIOUS_RETRANSMISSION"}
"""Events that come with others as well."""


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_has_its_event(name: str) -> None:
    *before, last = events_of(ODD[name])
    assert last - (WITH_IT - {name}) == {name}
    assert set().union(*before) == set()


def test_timestamps_count_again_once_a_hole_is_filled() -> None:
    sent = [
        *STAMPED,
        Sent("c", "PA", 111, 501, 10, stamp=(1003, 7000)),
        Sent("c", "PA", 101, 501, 10, stamp=(1002, 7000)),
        Sent("s", "A", 501, 121, stamp=(7001, 1003)),
        Sent("c", "PA", 121, 501, 10, stamp=(1005, 7001)),
        Sent("c", "PA", 131, 501, 10, stamp=(1004, 7001)),
    ]
    assert events_of(sent)[-2:] == [set(), {"PKT_INVALID_TIMESTAMP"}]


def test_what_was_acknowledged_and_not_seen_may_come_again() -> None:
    sent = [*OPEN, Sent("s", "A", 501, 301), Sent("c", "PA", 101, 501, 150)]
    assert events_of(sent)[-1] == {"PKT_SPURIOUS_RETRANSMISSION"}


def test_inline_a_server_that_speaks_first_is_odd() -> None:
    """There a lost acknowledgement would have been sent again."""
    assert events_of([*OPEN[:2], Sent("s", "A", 501, 101, 20)], inline=True)[2] == {"WHS3_ACK_IN_WRONG_DIR"}


@pytest.mark.parametrize("signature", [(19, bytes(16)), (29, bytes(2)), (29, bytes(1)), (19, bytes(2))])
def test_a_signed_reset_may_be_none(signature: tuple[int, bytes]) -> None:
    """Only who has the key knows: who sends on after it goes on being judged."""
    sent = [*TALK, Sent("c", "R", 111, cookie=signature), Sent("c", "A", 111, 521), Sent("c", "A", 111, 9000)]
    sound = len(signature[1]) > 1 and signature != (19, bytes(2))
    told = [{"SUSPECTED_RST_INJECT"}, {"EST_INVALID_ACK", "PKT_INVALID_ACK"}] if sound else [set(), set()]
    assert events_of(sent)[-2:] == told


def test_a_connection_that_is_picked_up_with_its_fin_is_closing() -> None:
    sent = [Sent("c", "FA", 101, 501, 10), Sent("s", "A", 501, 112), Sent("s", "S", 7)]
    assert events_of(sent, midstream=True) == [set(), set(), {"SHUTDOWN_SYN_RESEND"}]


@pytest.mark.parametrize(
    ("cookie", "size", "ack", "told"),
    [
        ((254, b"\xf9\x891234"), 9, 101, True),
        ((254, b"\xf9\x881234"), 9, 101, False),
        ((34, b""), 0, 101, False),
        ((34, b"1234"), 9, 110, False),
        (None, 9, 101, False),
    ],
)
def test_data_with_a_syn(cookie: tuple[int, bytes] | None, size: int, ack: int, told: bool) -> None:
    sent = [Sent("c", "S", 100, size=size, cookie=cookie), Sent("s", "SA", 500, ack)]
    assert ("WHS3_SYNACK_TFO_DATA_IGNORED" in events_of(sent)[1]) == told


def test_a_timestamp_that_answers_none_is_odd_already_in_the_answer_to_a_syn() -> None:
    """As an evasion sends it: the reset is not believed, the connection goes on."""
    sent = [Sent("c", "S", 100), Sent("s", "RA", 0, 101, stamp=(100, 100)), *OPEN[1:], *TALK[3:]]
    assert events_of(sent) == [set(), {"PKT_INVALID_TIMESTAMP"}, *([set()] * 5)]


def test_connections_that_are_seen_from_the_middle_are_not_judged_by_windows() -> None:
    sent = [Sent("c", "PA", 101, 501, 10), Sent("s", "PA", 501, 111, 20), Sent("c", "A", 111, 521)]
    assert events_of(sent, midstream=True) == [set()] * 3


def test_one_side_alone_is_enough_when_that_is_expected() -> None:
    sent = [
        Sent("c", "S", 100),
        Sent("c", "A", 101, 501),
        Sent("c", "PA", 101, 501, 10),
        Sent("c", "A", 111, 9000),
    ]
    assert events_of(sent, one_sided=True) == [set()] * 4
    odd = [Sent("c", "S", 100), Sent("c", "A", 150, 501)]
    assert events_of(odd, one_sided=True)[1] == {"WHS3_ASYNC_WRONG_SEQ"}
