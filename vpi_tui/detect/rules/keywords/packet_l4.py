"""Fields of the TCP and ICMP headers, and the length of the payload."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.bits import bit_test, number_test
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword

_TCP = ((6, 6),)
_ICMP = ((1, 1), (58, 58))
_TCP_FLAGS = {
    "F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, "U": 0x20,
    "E": 0x40, "2": 0x40, "C": 0x80, "1": 0x80,
}  # fmt: skip
_SELDOM: Final = (0x01 | 0x02 | 0x04, 0x20 | 0x40 | 0x80)
"""Flags that few packets have: SYN, FIN and RST; URG, ECE and CWR."""
_OTHER_THAN: Final = re.compile(r"\s*!=?\s*[0-9a-zA-Z]+\s*", re.A)
_WITH_IDENTIFIER = ((0, 0), (8, 8), (13, 18), (128, 129))
"""ICMP and ICMPv6 types whose header holds an identifier and a sequence number."""


def _tcp_number(names: tuple[str, ...], column: str, highest: int, summary: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        draft.test("proto", _TCP)
        number_test(draft, column, names[0], text, highest)
        draft.needs_packet = True

    handler.__doc__ = summary
    keyword(*names)(handler)


_tcp_number(("seq", "tcp.seq"), "tcp_seq", 0xFFFFFFFF, "Sequence number of the TCP header.")
_tcp_number(("ack", "tcp.ack"), "tcp_ack", 0xFFFFFFFF, "Acknowledgement number of the TCP header.")
_tcp_number(("window", "tcp.window"), "tcp_window", 0xFFFF, "Window of the TCP header.")


@keyword("tcp.mss")
def tcp_mss(draft: Draft, text: str) -> None:
    """Maximum segment size that the packet's option gives; packets without one do not match."""
    draft.test("proto", _TCP)
    draft.test("tcp_mss", ((1, 0xFFFF),))
    number_test(draft, "tcp_mss", "tcp.mss", text, 0xFFFF)
    draft.needs_packet = True


@keyword("flags", "tcp.flags")
def flags(draft: Draft, text: str) -> None:
    """TCP flags FSRPAUEC, 0 = none; + * ! before them; after a comma those that do not count.

    As in Suricata a rule that names one of a few seldom flags, be it as not set, is only held against packets
    that have one of these.
    """
    wanted, _, ignored = text.partition(",")
    draft.test("proto", _TCP)
    ignore = 0
    for letter in ignored.replace(" ", "").upper():
        ignore |= _TCP_FLAGS.get(letter, 0)
    named = bit_test(draft, "flags", "tcp_flags", wanted, _TCP_FLAGS, everything=0xFF, ignore=ignore)
    for few in _SELDOM:
        if named & few and set(wanted) & {"!", "*"}:
            draft.test("tcp_flags", ((0, 0),), mask=few, negated=True)
    draft.needs_packet = True


@keyword("itype")
def itype(draft: Draft, text: str) -> None:
    """ICMP type: 8, <5, 3<>7."""
    draft.test("proto", _ICMP)
    number_test(draft, "icmp_type", "itype", text, 255)
    draft.needs_packet = True


@keyword("icode")
def icode(draft: Draft, text: str) -> None:
    """ICMP code: 0, >2, 1<>5."""
    draft.test("proto", _ICMP)
    number_test(draft, "icmp_code", "icode", text, 255)
    draft.needs_packet = True


def _icmp_number(name: str, column: str, summary: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        draft.test("proto", _ICMP)
        draft.test("icmp_type", _WITH_IDENTIFIER)
        number_test(draft, column, name, text.strip('"'), 0xFFFF)
        draft.needs_packet = True

    handler.__doc__ = summary
    keyword(name)(handler)


_icmp_number("icmp_id", "icmp_id", "Identifier of echo and like messages.")
_icmp_number("icmp_seq", "icmp_seq", "Sequence number of echo and like messages.")


@keyword("dsize")
def dsize(draft: Draft, text: str) -> None:
    """Length of the packet's payload: 300, >100, 10<>20. No payload is no other length either: !300."""
    draft.once("dsize")
    number_test(draft, "payload_len", "dsize", text, 0xFFFF)
    if _OTHER_THAN.fullmatch(text):
        draft.test("payload_len", ((1, 0xFFFF),))
    draft.needs_packet = True
