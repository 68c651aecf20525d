"""ICMP of both versions: the header, and what is odd about a message.

Sources: RFC 792, 1256 (ICMP), 4443, 2710, 4861 and the assigned numbers of IANA (ICMPv6).
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.decode.kernels_bytes import I64, be8, be16, note
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.icmp import ANSWER_V4, ANSWER_V6
from vpi_tui.model.jit import helper, inlined

ANSWER4 = np.array(ANSWER_V4, np.int16)
ANSWER6 = np.array(ANSWER_V6, np.int16)

EV_ICMP4_SMALL = 1 << DecoderEvent.ICMPV4_PKT_TOO_SMALL
EV_ICMP6_SMALL = 1 << DecoderEvent.ICMPV6_PKT_TOO_SMALL
TYPE_4 = int(DecoderEvent.ICMPV4_UNKNOWN_TYPE)
CODE_4 = int(DecoderEvent.ICMPV4_UNKNOWN_CODE)
CUT_4 = int(DecoderEvent.ICMPV4_IPV4_TRUNC_PKT)
VERSION_4 = int(DecoderEvent.ICMPV4_IPV4_UNKNOWN_VER)
TYPE_6 = int(DecoderEvent.ICMPV6_UNKNOWN_TYPE)
CODE_6 = int(DecoderEvent.ICMPV6_UNKNOWN_CODE)
CUT_6 = int(DecoderEvent.ICMPV6_IPV6_TRUNC_PKT)
VERSION_6 = int(DecoderEvent.ICMPV6_IPV6_UNKNOWN_VERSION)
LIMIT_6 = int(DecoderEvent.ICMPV6_MLD_MESSAGE_WITH_INVALID_HL)
UNASSIGNED_6 = int(DecoderEvent.ICMPV6_UNASSIGNED_TYPE)
EXPERIMENT_6 = int(DecoderEvent.ICMPV6_EXPERIMENTATION_TYPE)

ANY_CODE = 255
MOST_CODE_4 = np.full(256, -1, np.int64)
"""ICMP type -> its largest code, -1 = no type of ICMP."""
MOST_CODE_4[[0, 3, 4, 5, 8, 11, 12, 13, 14, 15, 16, 17, 18]] = 0, 15, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0
MOST_CODE_4[9] = ANY_CODE

MOST_CODE_6 = np.full(256, -1, np.int64)
"""The same for ICMPv6."""
MOST_CODE_6[1:5] = 6, 0, 1, 2
MOST_CODE_6[128:138] = 0
MOST_CODE_6[138:141] = 2
MOST_CODE_6[141:150] = 0
MOST_CODE_6[150:154] = ANY_CODE
MOST_CODE_6[154:160] = 0
MOST_CODE_6[155] = 132


@helper
def odd_icmp4(buf, at, end, kind, code, d, r):
    """Note an unknown type or code, and an error whose packet is cut short or none. Returns the length of
    the header, with what belongs to it by type."""
    most = MOST_CODE_4[kind]
    if most < 0:
        note(d, r, TYPE_4)
    elif code > most:
        note(d, r, CODE_4)
    elif (kind == 3 or kind == 4 or kind == 5 or kind == 11 or kind == 12) and end > at + 8:
        if end - at < 28:
            note(d, r, CUT_4)
        elif be8(buf, at + 8) >> 4 != 4:
            note(d, r, VERSION_4)
    more = I64(0)
    if kind == 13 or kind == 14:
        more = I64(12)
    elif kind == 9:
        more = be8(buf, at + 4) * be8(buf, at + 5) * 4
    if at + 8 + more > end:
        note(d, r, CUT_4)
        more = I64(0)
    return 8 + more


@helper
def odd_type6(kind, d, r):
    """Note why there is no such type: the ranges of IANA."""
    if kind == 100 or kind == 101 or kind == 200 or kind == 201:
        note(d, r, EXPERIMENT_6)
    elif 4 < kind < 127 or kind >= 160:
        note(d, r, UNASSIGNED_6)
    else:
        note(d, r, TYPE_6)


@helper
def odd_icmp6(buf, at, end, kind, code, d, r):
    """Note what is odd. Returns whether the header has 8 bytes: errors and echoes; others have 4."""
    most = MOST_CODE_6[kind]
    if most < 0:
        odd_type6(kind, d, r)
        return False
    if kind == 138 and code == 255:
        return False
    if code > most or (kind == 155 and 3 < code < 128):
        note(d, r, CODE_6)
    elif kind < 5:
        if end - at < 48:
            note(d, r, CUT_6)
        elif be8(buf, at + 8) >> 4 != 6:
            note(d, r, VERSION_6)
    if (kind == 130 or kind == 131 or kind == 132) and d.ttl[r] != 1:
        note(d, r, LIMIT_6)
    return code <= most and (kind < 5 or kind == 128 or kind == 129)


@helper
def icmp_answer(kind, version):
    answer = ANSWER4[kind] if version == 4 else ANSWER6[kind]
    return I64(answer)


@inlined
def icmp_header(buf, at, end, stop, d, r, version):
    if end - at < 8:
        return I64(-1), stop, I64(EV_ICMP4_SMALL) if version == 4 else I64(EV_ICMP6_SMALL)
    kind = be8(buf, at)
    code = be8(buf, at + 1)
    answer = icmp_answer(kind, version)
    d.icmp_type[r] = kind
    d.icmp_code[r] = code
    d.src_port[r] = kind
    d.dest_port[r] = answer if answer >= 0 else code
    if answer >= 0 and (kind == 128 or kind == 129 if version == 6 else kind != 9 and kind != 10):
        d.icmp_id[r] = be16(buf, at + 4)
        d.icmp_seq[r] = be16(buf, at + 6)
    if version == 4:
        return at + odd_icmp4(buf, at, end, kind, code, d, r), stop, I64(0)
    if odd_icmp6(buf, at, end, kind, code, d, r):
        return at + 8, stop, I64(0)
    return at + 4, max(stop - 8, at + 4), I64(0)
