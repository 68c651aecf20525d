"""Where a TCP connection stands, and how long a flow may be silent.

Sources: RFC 9293 for the handshake; the states and their meaning are Suricata's.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
from vpi_tui.flow.kernels_index import I64
from vpi_tui.flow.records import EndReason
from vpi_tui.model.batch import Direction, FlowState
from vpi_tui.model.jit import helper

TO_SERVER = int(Direction.TO_SERVER)
TO_CLIENT = int(Direction.TO_CLIENT)
NEW = int(FlowState.NEW)
ESTABLISHED = int(FlowState.ESTABLISHED)
CLOSED = int(FlowState.CLOSED)
R_TIMEOUT = int(EndReason.TIMEOUT)
R_FIN = int(EndReason.FIN)
R_RST = int(EndReason.RST)
R_REUSE = int(EndReason.REUSE)

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, ACK = 1, 2, 4, 16

# Bits of the field `track`.
T_SYN, T_SYNACK, T_HANDSHAKE, T_FIN_CLIENT, T_FIN_SERVER, T_RST, T_MIDSTREAM, T_ANSWERED = (
    1 << k for k in range(8)
)
T_FINS = T_FIN_CLIENT | T_FIN_SERVER


@helper
def proto_class(proto):
    """Row of the table of time-outs: tcp, udp, icmp, other."""
    if proto == TCP:
        return 0
    if proto == UDP:
        return 1
    return 2 if proto == ICMP or proto == ICMPV6 else 3


@helper
def unseen(track, state):
    """Is it a connection whose start was not seen, and which is not followed?"""
    return track & T_MIDSTREAM and state == NEW


@helper
def time_out(proto, state, track, timeouts):
    """Nanoseconds a flow may be silent."""
    if proto == TCP and (state == CLOSED or (track & T_FINS == T_FINS and not unseen(track, state))):
        return timeouts[0, CLOSED]
    return timeouts[proto_class(proto), state]


@helper
def end_reason(track):
    if track & T_RST:
        return R_RST
    return R_FIN if track & T_FINS == T_FINS else R_TIMEOUT


@helper
def tcp_track(track, state, flags, direction, payload, midstream, one_sided):
    """(track, state) after a TCP segment; its FIN is another matter (`note_fins`).

    The second FIN leaves the state alone, so that data in that segment still counts as sent over
    an established connection; the next segment closes. Data after a RST means that nobody took
    the RST seriously, and reopens.
    A connection whose start was not seen, and that is not to be followed, is never established nor
    closed: neither a RST nor FINs end it. If it is to be followed, its first acknowledgement establishes
    it, whoever sends it. one_sided: so does one of whom alone is seen, a client behind its SYN or a server
    behind its SYN-ACK.
    A server that sends data has what it asked for: with TCP Fast Open before its SYN-ACK is acknowledged.
    """
    if flags & RST:
        return track | T_RST, state if not midstream and unseen(track, state) else I64(CLOSED)
    if track & T_FINS == T_FINS:
        return track, state if not midstream and unseen(track, state) else I64(CLOSED)
    if flags & SYN:
        if flags & ACK == 0 and direction == TO_SERVER:
            track |= T_SYN
        elif flags & ACK and direction == TO_CLIENT:
            track |= T_SYNACK
        return track, state
    if flags & ACK and direction == TO_SERVER and track & T_SYNACK and track & (T_SYN | T_MIDSTREAM):
        track |= T_HANDSHAKE
    if payload > 0 and direction == TO_CLIENT and track & T_SYN and track & T_SYNACK:
        track |= T_HANDSHAKE
    if midstream and track & T_MIDSTREAM and flags & ACK:
        track |= T_HANDSHAKE
    if one_sided and track & (T_SYN | T_SYNACK) == T_SYN and flags & ACK and direction == TO_SERVER:
        track |= T_HANDSHAKE
    if one_sided and track & (T_SYN | T_SYNACK) == T_SYNACK and flags & ACK and direction == TO_CLIENT:
        track |= T_HANDSHAKE
    if track & T_HANDSHAKE and (state == NEW or (state == CLOSED and payload > 0)):
        return track & ~T_RST, I64(ESTABLISHED)
    return track, state


@helper
def note_fins(track, directions):
    """directions: bits of Direction whose FIN has come, with all that was in front of it."""
    if directions & TO_SERVER:
        track |= T_FIN_CLIENT
    if directions & TO_CLIENT:
        track |= T_FIN_SERVER
    return track
