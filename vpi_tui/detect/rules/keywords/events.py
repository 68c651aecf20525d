"""Checksums, decoder events and stream events: bits of columns of the DecodedBatch."""

from __future__ import annotations

import difflib
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.decoder_events import ALIASES, EVENT_COLUMNS, NEVER_RAISED, WORD, rule_name
from vpi_tui.model.signature import NumberIn
from vpi_tui.model.stream_events import NEVER_RAISED as STREAM_NEVER_RAISED
from vpi_tui.model.stream_events import NOT_SEEN, StreamEvent
from vpi_tui.model.stream_events import rule_name as stream_rule_name

_CHECKSUMS: dict[str, tuple[DecoderEvent, int, int | None]] = {
    "ipv4-csum": (DecoderEvent.IPV4_CSUM_INVALID, 4, None),
    "tcpv4-csum": (DecoderEvent.TCP_CSUM_INVALID, 4, 6),
    "tcpv6-csum": (DecoderEvent.TCP_CSUM_INVALID, 6, 6),
    "udpv4-csum": (DecoderEvent.UDP_CSUM_INVALID, 4, 17),
    "udpv6-csum": (DecoderEvent.UDP_CSUM_INVALID, 6, 17),
    "icmpv4-csum": (DecoderEvent.ICMPV4_CSUM_INVALID, 4, 1),
    "icmpv6-csum": (DecoderEvent.ICMPV6_CSUM_INVALID, 6, 58),
}
"""Keyword -> event, IP version, protocol."""
_IPV4: Final = 4
_TCP: Final = 6
_UDP: Final = 17

EVENT_NAMES: dict[str, DecoderEvent] = {
    **{rule_name(event): event for event in DecoderEvent if event is not DecoderEvent.LINK_UNKNOWN},
    **ALIASES,
}
"""`ipv4.pkt_too_small` and the like, as Suricata's decoder-events.rules write them."""


def _checksum(name: str, event: DecoderEvent, version: int, protocol: int | None) -> None:
    def handler(draft: Draft, text: str) -> None:
        word = text.strip('"').strip().lower()
        if word not in {"valid", "invalid"}:
            raise Refused(f"{name}: valid or invalid, not {text[:40]!r}")
        draft.test("ip_v", ((version, version),))
        if protocol is not None:
            draft.test("proto", ((protocol, protocol),))
        bit = 1 << event
        draft.test("events", ((bit, bit),), mask=bit, negated=word == "valid")
        draft.needs_packet = True
        if word == "valid":
            _has_checksum(draft, version, protocol)

    handler.__doc__ = f"Whether the checksum of {name.removesuffix('-csum')} is valid or invalid."
    keyword(name)(handler)


def _has_checksum(draft: Draft, version: int, protocol: int | None) -> None:
    """A fragment has no header of layer 4, and over IPv4 a UDP header may go without a checksum."""
    if protocol == _UDP:
        low = 1 if version == _IPV4 else 0
        draft.steps.append(NumberIn("udp.hdr", ((low, 0xFFFF),), offset=6, count=2))
    elif protocol is not None:
        draft.test("tcp_flags" if protocol == _TCP else "icmp_type", ((0, 0xFFFF),))


for _name, (_event, _version, _protocol) in _CHECKSUMS.items():
    _checksum(_name, _event, _version, _protocol)


_OF_STREAMS = "stream."


@keyword("decode-event", "engine-event")
def decode_event(draft: Draft, text: str) -> None:
    """A malformation that the decoder found: ipv4.trunc_pkt, tcp.hlen_too_small, ..."""
    name = text.strip().lower()
    if name.startswith(_OF_STREAMS):
        stream_event(draft, name.removeprefix(_OF_STREAMS))
        return
    event = EVENT_NAMES.get(name)
    if event is None:
        if name in NEVER_RAISED:
            raise Refused(f"decode-event {name!r}: never raised here")
        near = difflib.get_close_matches(name[:64], EVENT_NAMES, 1, 0.8)
        hint = f", did you mean {near[0]}?" if near else ""
        raise Refused(f"decode-event {text[:60]!r}: not an event of this decoder{hint}")
    bit = 1 << event % WORD
    draft.test(EVENT_COLUMNS[event // WORD], ((bit, bit),), mask=bit)
    draft.needs_packet = True


STREAM_EVENT_NAMES: dict[str, StreamEvent] = {
    **{stream_rule_name(event): event for event in StreamEvent if event != StreamEvent.NOT_RAISED},
    **dict.fromkeys(NOT_SEEN, StreamEvent.NOT_RAISED),
    "3whs_synack_resend_with_diff_ack": StreamEvent.WHS3_SYNACK_RESEND_WITH_DIFFERENT_ACK,
    "est_synack_resend_with_diff_ack": StreamEvent.EST_SYNACK_RESEND_WITH_DIFFERENT_ACK,
}
"""`3whs_ack_in_wrong_dir` and the like, as Suricata's stream-events.rules write them."""


@keyword("stream-event")
def stream_event(draft: Draft, text: str) -> None:
    """A TCP segment that does not belong where it is: est_packet_out_of_window, pkt_invalid_ack, ..."""
    name = text.strip().lower()
    event = STREAM_EVENT_NAMES.get(name)
    if event is None:
        if name in STREAM_NEVER_RAISED:
            raise Refused(f"stream-event {name!r}: never raised here")
        near = difflib.get_close_matches(name[:64], STREAM_EVENT_NAMES, 1, 0.8)
        hint = f", did you mean {near[0]}?" if near else ""
        raise Refused(f"stream-event {text[:60]!r}: not an event of TCP streams{hint}")
    draft.test("proto", ((6, 6),))
    draft.test("stream_events", ((1 << event, 1 << event),), mask=1 << event)
    draft.needs_packet = True
