"""Compiled loop over ARP and neighbour discovery: each statement of a batch once, by its words."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, kernel

I64 = np.int64
U64 = np.uint64
ZERO = U64(0)

ETHERTYPE_ARP, ICMPV6 = 0x0806, 58
SOLICITATION, ADVERTISEMENT = 135, 136
HOP_LIMIT = 255
"""What a neighbour's message must have: no router has passed it on."""
TARGET, TARGET_END = 8, 24
"""Of the target address in a neighbour advertisement, from its ICMPv6 header on."""
OPERATION, SENDER_MAC, ARP_LENGTH = 6, 8, 28
"""In an ARP packet for Ethernet and IPv4."""
REQUEST = 1
IPV4_BITS = U64(0xFFFF_FFFF)

ODD = U64(0x9E3779B97F4A7C15)
S32 = U64(32)


@helper
def _number(buf, at, octets):
    value = ZERO
    for place in range(at, at + octets):
        value = value << U64(8) | U64(buf[place])
    return value


@helper
def _forget(statements):
    if statements.number[0]:
        statements.places[:] = 0
        statements.number[0] = 0


@helper
def _is(words, a, b, c, d, e):
    return words[0] == a and words[1] == b and words[2] == c and words[3] == d and words[4] == e


@helper
def _note(statements, row, ts_ns, a, b, c, d, e, beside):
    """Keep a statement of these words, unless it was made before or there are as many as are kept.

    beside: goes with it, and makes no other statement of it.
    """
    count = statements.number[0]
    if count == len(statements.words):
        return
    mask = U64(len(statements.places) - 1)
    mixed = ((((a * ODD ^ b) * ODD ^ c) * ODD ^ d) * ODD ^ e) * ODD
    place = (mixed >> S32) & mask
    while statements.places[place]:
        if _is(statements.words[statements.places[place] - 1], a, b, c, d, e):
            return
        place = (place + U64(1)) & mask
    statements.places[place] = count + 1
    words = statements.words[count]
    words[0], words[1], words[2], words[3], words[4], words[5] = a, b, c, d, e, beside
    statements.when[count, 0] = row
    statements.when[count, 1] = ts_ns
    statements.number[0] = count + 1


@helper
def _claim(statements, p, d, row, high, low):
    """No address (RFC 5227's probe, a search for doubles) is no claim."""
    if high == ZERO and low & IPV4_BITS == ZERO:
        return
    frame = d.packet[row]
    port, vlan = U64(p.ifindex[frame]), U64(d.vlan[row, 0])
    _note(statements, row, p.ts_ns[frame], high, low, port, vlan, d.src_mac[row], ZERO)


@helper
def _arp(said, p, d, row):
    """What an ARP packet tells of its sender, and whom it asks for; who announces its own asks for nobody."""
    frame, at = d.packet[row], d.ip_off[row]
    ts_ns, port, vlan = p.ts_ns[frame], U64(p.ifindex[frame]), U64(d.vlan[row, 0])
    mac, ip, target = _number(p.buf, at + SENDER_MAC, 6), d.src_ip[row, 1], d.dest_ip[row, 1]
    if d.tunnel[row] == 0:
        _claim(said.asking, p, d, row, d.src_ip[row, 0], ip)
    if ip & IPV4_BITS != ZERO and at + ARP_LENGTH <= p.offset[frame] + p.caplen[frame]:
        _note(said.owning, row, ts_ns, vlan, ip & IPV4_BITS, mac, ZERO, ZERO, ZERO)
    if ip != target and _number(p.buf, at + OPERATION, 2) == REQUEST:
        _note(said.questions, row, ts_ns, port, vlan, mac, target & IPV4_BITS, ZERO, ip & IPV4_BITS)


@helper
def _discovery(said, p, d, row):
    """Who asks claims the address it sends from, who answers the one that it was asked for."""
    if d.icmp_type[row] == SOLICITATION:
        _claim(said.asking, p, d, row, d.src_ip[row, 0], d.src_ip[row, 1])
    elif d.icmp_type[row] == ADVERTISEMENT and d.l4_off[row] >= 0:
        frame, at = d.packet[row], d.l4_off[row]
        if at + TARGET_END <= p.offset[frame] + p.caplen[frame]:
            high, low = _number(p.buf, at + TARGET, 8), _number(p.buf, at + TARGET + 8, 8)
            _claim(said.answering, p, d, row, high, low)


@kernel
def hear(p, d, said):
    """Write into `said` what the rows of a batch say."""
    _forget(said.asking)
    _forget(said.answering)
    _forget(said.owning)
    _forget(said.questions)
    for row in range(len(d.packet)):
        if d.ethertype[row] == ETHERTYPE_ARP:
            if d.ip_off[row] >= 0:
                _arp(said, p, d, row)
        elif d.proto[row] == ICMPV6 and d.ttl[row] == HOP_LIMIT and d.tunnel[row] == 0:
            _discovery(said, p, d, row)
