"""What the stream stage finds odd in a TCP segment, by number and by the names that rules use."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class StreamEvent(IntEnum):
    """Bit numbers of `DecodedBatch.stream_events`; named as in Suricata's stream-events.rules, where a name
    that begins with a figure has WHS3 or WHS4 for 3whs and 4whs."""

    WHS3_ACK_IN_WRONG_DIR = 0
    WHS3_ASYNC_WRONG_SEQ = 1
    WHS3_RIGHT_SEQ_WRONG_ACK_EVASION = 2
    WHS3_SYNACK_IN_WRONG_DIRECTION = 3
    WHS3_SYNACK_RESEND_WITH_DIFFERENT_ACK = 4
    RST_WITH_DATA = 5
    WHS3_SYNACK_TOSERVER_ON_SYN_RECV = 6
    WHS3_SYNACK_WITH_WRONG_ACK = 7
    WHS3_SYNACK_FLOOD = 8
    WHS3_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV = 9
    WHS3_SYN_TOCLIENT_ON_SYN_RECV = 10
    WHS3_WRONG_SEQ_WRONG_ACK = 11
    WHS4_SYNACK_WITH_WRONG_ACK = 12
    WHS4_SYNACK_WITH_WRONG_SYN = 13
    WHS4_WRONG_SEQ = 14
    WHS4_INVALID_ACK = 15
    CLOSEWAIT_ACK_OUT_OF_WINDOW = 16
    CLOSEWAIT_FIN_OUT_OF_WINDOW = 17
    CLOSEWAIT_PKT_BEFORE_LAST_ACK = 18
    CLOSEWAIT_INVALID_ACK = 19
    CLOSING_ACK_WRONG_SEQ = 20
    CLOSING_INVALID_ACK = 21
    EST_PACKET_OUT_OF_WINDOW = 22
    EST_PKT_BEFORE_LAST_ACK = 23
    EST_SYNACK_RESEND = 24
    EST_SYNACK_RESEND_WITH_DIFFERENT_ACK = 25
    EST_SYNACK_RESEND_WITH_DIFF_SEQ = 26
    EST_SYNACK_TOSERVER = 27
    EST_SYN_RESEND = 28
    EST_SYN_RESEND_DIFF_SEQ = 29
    EST_SYN_TOCLIENT = 30
    EST_INVALID_ACK = 31
    FIN_INVALID_ACK = 32
    FIN1_ACK_WRONG_SEQ = 33
    FIN1_FIN_WRONG_SEQ = 34
    FIN1_INVALID_ACK = 35
    FIN2_ACK_WRONG_SEQ = 36
    FIN2_FIN_WRONG_SEQ = 37
    FIN2_INVALID_ACK = 38
    FIN_BUT_NO_SESSION = 39
    FIN_OUT_OF_WINDOW = 40
    FIN_SYN = 41
    LASTACK_ACK_WRONG_SEQ = 42
    LASTACK_INVALID_ACK = 43
    RST_BUT_NO_SESSION = 44
    RST_INVALID_ACK = 45
    TIMEWAIT_ACK_WRONG_SEQ = 46
    TIMEWAIT_INVALID_ACK = 47
    SHUTDOWN_SYN_RESEND = 48
    PKT_INVALID_TIMESTAMP = 49
    PKT_INVALID_ACK = 50
    PKT_BROKEN_ACK = 51
    PKT_RETRANSMISSION = 52
    SUSPECTED_RST_INJECT = 53
    NOT_RAISED = 54
    """Of the names in NOT_SEEN."""
    REASSEMBLY_NO_SEGMENT = 55
    REASSEMBLY_SEQ_GAP = 56
    REASSEMBLY_OVERLAP_DIFFERENT_DATA = 57
    REASSEMBLY_DEPTH_REACHED = 58
    PKT_BAD_WINDOW_UPDATE = 59
    PKT_SPURIOUS_RETRANSMISSION = 60
    WHS3_SYNACK_TFO_DATA_IGNORED = 61
    WHS3_SYN_FLOOD = 62
    EST_ACK_ZWP_DATA = 63


def rule_name(event: StreamEvent) -> str:
    """The event as rules write it: `3whs_ack_in_wrong_dir`."""
    name = event.name.lower()
    return f"{name[3]}whs{name[4:]}" if name.startswith("whs") else name


def counter_name(event: StreamEvent) -> str:
    """As Suricata's statistics call it: two names are shorter than in rules."""
    return rule_name(event).replace("_with_different_ack", "_with_diff_ack")


_NO_SESSION: Final = {StreamEvent.FIN_BUT_NO_SESSION, StreamEvent.RST_BUT_NO_SESSION}
_SENT_AGAIN: Final = {StreamEvent.EST_SYN_RESEND, StreamEvent.EST_SYNACK_RESEND}
INVALID: Final = sum(
    1 << event
    for event in StreamEvent
    if event in (StreamEvent.PKT_INVALID_TIMESTAMP, StreamEvent.PKT_INVALID_ACK)
    or (
        event < StreamEvent.PKT_INVALID_TIMESTAMP
        and event not in _NO_SESSION | _SENT_AGAIN | {StreamEvent.RST_WITH_DATA}
    )
)
"""Bits of the events of segments that their receiver throws away: they belong to no stream, and an inline
sensor drops them (stream.drop-invalid), as Suricata does where its StreamTcpPacket returns an error."""

NEVER_RAISED: Final = frozenset(
    {
        "3whs_ack_data_inject", "reassembly_insert_invalid", "reassembly_insert_limit",
        "reassembly_insert_memcap", "reassembly_urgent_oob_limit_reached", "wrong_thread",
    }
)  # fmt: skip
"""Names of Suricata that stand for no state that this sensor can be in: it drops nothing, and its flows
have no thread of their own."""

NOT_SEEN: Final = ("3whs_synack_resend_with_diff_seq", "reassembly_segment_before_base_seq")
"""Names of Suricata whose states other events come before: rules about them load, and match nothing, there as
here."""
