"""What the decoder finds odd in a packet, by number and by the names that rules use."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

WORD: Final = 64
"""Events below it are bits of `DecodedBatch.events`, the others of the words of `DecodedBatch.oddities`."""
EVENT_COLUMNS: Final = ("events", "oddities0", "oddities1")
"""The words by the names of rules' columns, in the order of the numbers."""


class DecoderEvent(IntEnum):
    """Numbers of decoder events; the names follow Suricata's decoder-events.rules.

    The first word holds what the hot path looks for, and each event after which no field of a packet is to
    be trusted; from WORD on is what is odd, or what ends the walk before an IP header was read.
    """

    LINK_UNKNOWN = 0
    ETHERNET_PKT_TOO_SMALL = 1
    VLAN_HEADER_TOO_SMALL = 2
    VLAN_TOO_MANY_LAYERS = 3
    ARP_PKT_TOO_SMALL = 4
    IPV4_PKT_TOO_SMALL = 5
    IPV4_HLEN_TOO_SMALL = 6
    IPV4_IPLEN_SMALLER_THAN_HLEN = 7
    IPV4_TRUNC_PKT = 8
    IPV4_OPT_INVALID = 9
    IPV4_WRONG_IP_VER = 10
    IPV4_CSUM_INVALID = 11
    IPV6_PKT_TOO_SMALL = 12
    IPV6_TRUNC_PKT = 13
    IPV6_TRUNC_EXTHDR = 14
    IPV6_EXTHDR_TOO_MANY = 15
    IPV6_WRONG_IP_VER = 16
    TCP_PKT_TOO_SMALL = 17
    TCP_HLEN_TOO_SMALL = 18
    TCP_OPT_INVALID_LEN = 19
    TCP_CSUM_INVALID = 20
    UDP_PKT_TOO_SMALL = 21
    UDP_HLEN_INVALID = 22
    UDP_CSUM_INVALID = 23
    ICMPV4_PKT_TOO_SMALL = 24
    ICMPV4_CSUM_INVALID = 25
    ICMPV6_PKT_TOO_SMALL = 26
    ICMPV6_CSUM_INVALID = 27
    SCTP_PKT_TOO_SMALL = 28
    GRE_PKT_TOO_SMALL = 29
    UDP_HLEN_TOO_SMALL = 30
    VXLAN_HEADER_INVALID = 31
    TUNNEL_TOO_DEEP = 32
    IPV6_EXTHDR_DUPL_FH = 33
    IPV6_EXTHDR_USELESS_FH = 34
    IPV4_FRAG_PKT_TOO_LARGE = 35
    IPV4_FRAG_OVERLAP = 36
    IPV6_FRAG_PKT_TOO_LARGE = 37
    IPV6_FRAG_OVERLAP = 38
    IPV6_FRAG_INVALID_LENGTH = 39
    IPV4_OPT_INVALID_LEN = 40
    IPV4_OPT_MALFORMED = 41
    IPV4_OPT_PAD_REQUIRED = 42
    IPV4_OPT_EOL_REQUIRED = 43
    IPV4_OPT_DUPLICATE = 44
    TCP_OPT_DUPLICATE = 45
    ESP_PKT_TOO_SMALL = 46
    LAYERS_TOO_MANY = 47
    TCP_INVALID_OPTLEN = 48

    IPV4_ICMPV6 = 64
    IPV6_ICMPV4 = 65
    IPV6_EXTHDR_DUPL_RH = 66
    IPV6_EXTHDR_DUPL_HH = 67
    IPV6_EXTHDR_DUPL_DH = 68
    IPV6_EXTHDR_DUPL_AH = 69
    IPV6_EXTHDR_INVALID_OPTLEN = 70
    IPV6_EXTHDR_AH_RES_NOT_NULL = 71
    IPV6_HOPOPTS_UNKNOWN_OPT = 72
    IPV6_HOPOPTS_ONLY_PADDING = 73
    IPV6_DSTOPTS_UNKNOWN_OPT = 74
    IPV6_DSTOPTS_ONLY_PADDING = 75
    IPV6_RH_TYPE_0 = 76
    IPV6_ZERO_LEN_PADN = 77
    IPV6_FH_NON_ZERO_RESERVED_FIELD = 78
    IPV6_DATA_AFTER_NONE_HEADER = 79
    IPV6_UNKNOWN_NEXT_HEADER = 80
    IPV6_IPV4_IN_IPV6_TOO_SMALL = 81
    IPV6_IPV4_IN_IPV6_WRONG_VERSION = 82
    IPV6_IPV6_IN_IPV6_TOO_SMALL = 83
    IPV6_IPV6_IN_IPV6_WRONG_VERSION = 84
    ICMPV4_UNKNOWN_TYPE = 85
    ICMPV4_UNKNOWN_CODE = 86
    ICMPV4_IPV4_TRUNC_PKT = 87
    ICMPV4_IPV4_UNKNOWN_VER = 88
    ICMPV6_UNKNOWN_TYPE = 89
    ICMPV6_UNKNOWN_CODE = 90
    ICMPV6_IPV6_TRUNC_PKT = 91
    ICMPV6_IPV6_UNKNOWN_VERSION = 92
    ICMPV6_MLD_MESSAGE_WITH_INVALID_HL = 93
    ICMPV6_UNASSIGNED_TYPE = 94
    ICMPV6_EXPERIMENTATION_TYPE = 95
    ETHERNET_UNKNOWN_ETHERTYPE = 96
    VLAN_UNKNOWN_TYPE = 97
    VNTAG_HEADER_TOO_SMALL = 98
    VNTAG_UNKNOWN_TYPE = 99
    IEEE8021AH_HEADER_TOO_SMALL = 100
    DCE_PKT_TOO_SMALL = 101
    SLL_PKT_TOO_SMALL = 102
    SLL2_PKT_TOO_SMALL = 103
    LTNULL_PKT_TOO_SMALL = 104
    LTNULL_UNSUPPORTED_TYPE = 105
    IPRAW_INVALID_IP_VERSION = 106
    CHDLC_PKT_TOO_SMALL = 107
    PPP_PKT_TOO_SMALL = 108
    PPP_VJU_PKT_TOO_SMALL = 109
    PPP_IP4_PKT_TOO_SMALL = 110
    PPP_IP6_PKT_TOO_SMALL = 111
    PPP_WRONG_TYPE = 112
    PPP_UNSUP_PROTO = 113
    PPPOE_PKT_TOO_SMALL = 114
    PPPOE_WRONG_CODE = 115
    PPPOE_MALFORMED_TAGS = 116
    MPLS_HEADER_TOO_SMALL = 117
    MPLS_PKT_TOO_SMALL = 118
    MPLS_BAD_LABEL_ROUTER_ALERT = 119
    MPLS_BAD_LABEL_IMPLICIT_NULL = 120
    MPLS_BAD_LABEL_RESERVED = 121
    MPLS_UNKNOWN_PAYLOAD_TYPE = 122
    NSH_HEADER_TOO_SMALL = 123
    NSH_UNSUPPORTED_VERSION = 124
    NSH_BAD_HEADER_LENGTH = 125
    NSH_RESERVED_TYPE = 126
    NSH_UNSUPPORTED_TYPE = 127
    NSH_UNKNOWN_PAYLOAD = 128
    GENEVE_UNKNOWN_PAYLOAD_TYPE = 129
    ERSPAN_HEADER_TOO_SMALL = 130
    ERSPAN_UNSUPPORTED_VERSION = 131
    ERSPAN_TOO_MANY_VLAN_LAYERS = 132
    ARP_UNSUPPORTED_HARDWARE = 133
    ARP_UNSUPPORTED_PROTOCOL = 134
    ARP_INVALID_HARDWARE_SIZE = 135
    ARP_INVALID_PROTOCOL_SIZE = 136
    ARP_UNSUPPORTED_OPCODE = 137
    GRE_WRONG_VERSION = 138
    GRE_VERSION0_RECUR = 139
    GRE_VERSION0_FLAGS = 140
    GRE_VERSION0_HDR_TOO_BIG = 141
    GRE_VERSION0_MALFORMED_SRE_HDR = 142
    GRE_VERSION1_CHKSUM = 143
    GRE_VERSION1_ROUTE = 144
    GRE_VERSION1_SSR = 145
    GRE_VERSION1_RECUR = 146
    GRE_VERSION1_FLAGS = 147
    GRE_VERSION1_NO_KEY = 148
    GRE_VERSION1_WRONG_PROTOCOL = 149
    GRE_VERSION1_HDR_TOO_BIG = 150
    VXLAN_UNKNOWN_PAYLOAD_TYPE = 151
    ETAG_HEADER_TOO_SMALL = 152
    ETAG_UNKNOWN_TYPE = 153
    ARP_INVALID_PKT = 154


ALIASES: Final = {
    "ipv4.wrong_ip_version": DecoderEvent.IPV4_WRONG_IP_VER,
    "ipv6.wrong_ip_version": DecoderEvent.IPV6_WRONG_IP_VER,
    "ipv4.opt_unknown": DecoderEvent.IPV4_OPT_INVALID,
    "icmpv6.ipv6_unknown_ver": DecoderEvent.ICMPV6_IPV6_UNKNOWN_VERSION,
    "udp.len_invalid": DecoderEvent.UDP_HLEN_INVALID,
    "too_many_layers": DecoderEvent.LAYERS_TOO_MANY,
}
"""Names of rules that are not made of the event's own."""

NEVER_RAISED: Final = frozenset(
    {
        "afpacket.trunc_pkt", "gre.version1_malformed_sre_hdr", "ipv4.frag_ignored", "ipv6.exthdr_dupl_eh",
        "ipv6.frag_ignored",
    }
)  # fmt: skip
"""Names of Suricata that stand for no state that this decoder can be in."""


def rule_name(event: DecoderEvent) -> str:
    """The event as rules and statistics write it: `ipv4.trunc_pkt`."""
    layer, _, what = event.name.lower().partition("_")
    return f"{layer}.{what}"


def bits(events: frozenset[DecoderEvent], word: int = 0) -> int:
    """The bits of some events in word 0 (`events`), 1 or 2 (`oddities`)."""
    return sum(1 << (event - WORD * word) for event in events if event // WORD == word)


_CHECKSUMS: Final = frozenset(1 << event for event in DecoderEvent if event.name.endswith("_CSUM_INVALID"))


def is_about_broken(column: str, mask: int | None) -> bool:
    """Does a rule's test ask for what may leave a packet broken? A wrong checksum leaves it whole."""
    return column in EVENT_COLUMNS and not (column == EVENT_COLUMNS[0] and mask in _CHECKSUMS)
