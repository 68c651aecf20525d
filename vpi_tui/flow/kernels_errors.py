"""ICMP errors: whose flow they are about.

A destination that could not be reached is told with the start of the datagram that did not arrive (RFC 792);
as in Suricata the message belongs to the flow of that datagram. Other errors, and those about flows that are
not known, have flows of their own.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_index import I64, U64, flow_tag
from vpi_tui.flow.kernels_slots import find_flow
from vpi_tui.flow.kernels_track import ICMP, TCP, TO_CLIENT, TO_SERVER, UDP
from vpi_tui.model.jit import helper

UNREACHABLE = 3
IP_HEADER = 20
PORTS = 4
MAPPED = U64(0xFFFF) << U64(32)
"""IPv4 addresses are kept as ::ffff:a.b.c.d."""


@helper
def number(buf, at, size):
    found = U64(0)
    for k in range(size):
        found = (found << U64(8)) | U64(buf[at + k])
    return found


@helper
def find_quoted(t, p, d, r, vlans, tunnel):
    """(slot, direction of row r) of the flow that an ICMP error quotes; slot -1 = there is none."""
    if d.proto[r] != ICMP or d.ip_v[r] != 4 or d.icmp_type[r] != UNREACHABLE:
        return I64(-1), I64(0)
    at, size = d.payload_off[r], I64(d.payload_len[r])
    if size < IP_HEADER or p.buf[at] >> 4 != 4:
        return I64(-1), I64(0)
    header = I64(p.buf[at] & 15) * 4
    proto = I64(p.buf[at + 9])
    if header < IP_HEADER or size < header + PORTS or not (proto == TCP or proto == UDP):
        return I64(-1), I64(0)
    src, dest = MAPPED | number(p.buf, at + 12, 4), MAPPED | number(p.buf, at + 16, 4)
    src_port, dest_port = I64(number(p.buf, at + header, 2)), I64(number(p.buf, at + header + 2, 2))
    none = U64(0)
    tag = flow_tag(none, src, src_port, none, dest, dest_port, vlans, tunnel, proto, t.secret)
    slot, _ = find_flow(t, I64(4), proto, none, src, none, dest, tag, vlans, tunnel, src_port, dest_port)
    if slot < 0:
        return I64(-1), I64(0)
    return slot, I64(TO_SERVER) if t.records[slot]["src_low"] == d.src_ip[r, 1] else I64(TO_CLIENT)
