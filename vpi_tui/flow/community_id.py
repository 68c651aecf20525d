"""Community ID version 1: the label under which other tools know the same flow.

Source: https://github.com/corelight/community-id-spec. It leaves out VLAN and tunnel, so it never
keys a flow.
"""

from __future__ import annotations

import base64
import hashlib
import struct

from vpi_tui.model.icmp import ANSWER_V4, ANSWER_V6

_ICMP, _ICMPV6 = 1, 58
_WITH_PORTS = frozenset({_ICMP, 6, 17, _ICMPV6, 132})
_ANSWERS = {_ICMP: ANSWER_V4, _ICMPV6: ANSWER_V6}
_MAPPED_V4 = bytes(10) + b"\xff\xff"


def community_id(src: bytes, dest: bytes, src_port: int, dest_port: int, proto: int, seed: int = 0) -> str:
    """The label of a flow, equal for both directions.

    src, dest: 4 or 16 bytes in network order. Ports of ICMP: as in DecodedBatch. A message that
    nothing answers keeps its order.
    """
    answers = _ANSWERS.get(proto)
    one_way = answers is not None and answers[src_port & 0xFF] < 0
    if not one_way and (src, src_port) > (dest, dest_port):
        src, dest, src_port, dest_port = dest, src, dest_port, src_port
    data = struct.pack("!H", seed) + src + dest + struct.pack("!BB", proto, 0)
    if proto in _WITH_PORTS:
        data += struct.pack("!HH", src_port, dest_port)
    return "1:" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii")


def address_bytes(high: int, low: int, ip_v: int) -> bytes:
    """Halves in host order to 4 (ip_v 4) or 16 bytes in network order."""
    whole = struct.pack("!QQ", high, low)
    return whole[12:] if ip_v == 4 and whole.startswith(_MAPPED_V4) else whole
