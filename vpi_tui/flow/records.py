"""The memory of one flow: 168 bytes, two of its cache lines touched by each packet.

FLOW_DTYPE is what other rooms read; KERNEL_DTYPE lays the names that the compiled loop uses over
the same bytes (it keeps its own notes where a closed record holds its slot number).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

RECORD_SIZE = 168


class EndReason(IntEnum):
    """Values of the field `reason`: why a flow ended; NONE while it lives."""

    NONE = 0
    TIMEOUT = 1
    FIN = 2
    RST = 3
    EVICTED = 4
    SHUTDOWN = 5
    REUSE = 6
    """Its ends began another connection between the same ports."""


OPAQUE = np.dtype(f"V{RECORD_SIZE}")
"""A record as bytes alone. So it is copied at once, and else field by field, without what has no name."""


def _dtype(fields: list[tuple[str, Any, int]]) -> np.dtype[Any]:
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype(
        {"names": list(names), "formats": list(formats), "offsets": list(offsets), "itemsize": RECORD_SIZE}
    )


FLOW_DTYPE = _dtype(
    [
        ("src_ip", (np.uint64, (2,)), 0),  # the client: halves in host order, IPv4 as ::ffff:a.b.c.d
        ("dest_ip", (np.uint64, (2,)), 16),
        ("src_port", np.uint16, 32),  # ICMP: as DecodedBatch; later fragments: 0
        ("dest_port", np.uint16, 34),
        ("vlan", (np.uint16, (2,)), 36),  # outermost first; 0 = none
        ("tunnel", np.uint32, 40),  # as DecodedBatch.tunnel
        ("proto", np.uint8, 44),
        ("ip_v", np.uint8, 45),  # 4 or 6
        ("state", np.uint8, 46),  # FlowState
        ("app_proto", np.uint8, 47),  # into appproto.APP_PROTOS; 0 = not known
        ("last_ns", np.int64, 48),  # newest packet
        ("tcp_flags_toserver", np.uint8, 56),  # every flag that was seen
        ("tcp_flags_toclient", np.uint8, 57),
        ("locality", np.uint8, 59),  # Locality; written by the attribution stage
        ("slot", np.int32, 60),  # in records that were handed out; undefined in the live table
        ("pkts_toserver", np.uint64, 64),
        ("pkts_toclient", np.uint64, 72),
        ("bytes_toserver", np.uint64, 80),  # on the wire; inside a tunnel: of the IP datagrams
        ("bytes_toclient", np.uint64, 88),
        ("start_ns", np.int64, 96),
        ("flow_id", np.uint64, 104),  # n, n+1, ... never given twice; 0 = free slot
        ("switch", np.int16, 120),  # positions in the topology, -1 = unknown: attribution stage
        ("src_guest", np.int16, 122),  # or an End, as the next
        ("dest_guest", np.int16, 124),
        ("alerts", np.uint8, 126),  # 255 = that many or more; written by detection
        ("reason", np.uint8, 127),  # EndReason
        ("src_mac", np.uint64, 128),  # of the client, from the first packet; 0 = none
        ("dest_mac", np.uint64, 136),
        ("ifindex_client", np.int32, 160),  # port of the first packet to the server; 0 = none seen
        ("ifindex_server", np.int32, 164),  # port of the first packet to the client, ICMP errors left out
    ]
)
"""One flow as other rooms see it; addresses, ports and MACs in client / server order."""

KERNEL_DTYPE = _dtype(
    [
        ("src_high", np.uint64, 0),
        ("src_low", np.uint64, 8),
        ("dest_high", np.uint64, 16),
        ("dest_low", np.uint64, 24),
        ("src_port", np.uint16, 32),
        ("dest_port", np.uint16, 34),
        ("vlan_outer", np.uint16, 36),
        ("vlan_inner", np.uint16, 38),
        ("tunnel", np.uint32, 40),
        ("proto", np.uint8, 44),
        ("ip_v", np.uint8, 45),
        ("state", np.uint8, 46),
        ("app_proto", np.uint8, 47),
        ("last_ns", np.int64, 48),
        ("flags_toserver", np.uint8, 56),
        ("flags_toclient", np.uint8, 57),
        ("track", np.uint8, 58),  # bits T_* of kernels.py
        ("locality", np.uint8, 59),
        ("stamp", np.uint8, 60),  # low byte of the number of the batch that touched it last
        ("dirty", np.uint8, 61),  # 1 = in the list of flows touched since the last drain
        ("probes", np.uint8, 62),  # payloads looked at for app_proto: kernels_app.COUNT
        ("sent", np.uint8, 63),  # Directions whose `next_...` is known; above: kernels_sent.AWAITED_FIN
        ("pkts_toserver", np.uint64, 64),
        ("pkts_toclient", np.uint64, 72),
        ("bytes_toserver", np.uint64, 80),
        ("bytes_toclient", np.uint64, 88),
        ("start_ns", np.int64, 96),
        ("flow_id", np.uint64, 104),
        ("next_toserver", np.uint32, 112),  # TCP: the sequence number behind what was sent
        ("next_toclient", np.uint32, 116),
        ("switch", np.int16, 120),
        ("src_guest", np.int16, 122),
        ("dest_guest", np.int16, 124),
        ("alerts", np.uint8, 126),
        ("reason", np.uint8, 127),
        ("src_mac", np.uint64, 128),
        ("dest_mac", np.uint64, 136),
        ("told_pkts_toserver", np.uint32, 144),  # low halves of the counters at the last drain
        ("told_pkts_toclient", np.uint32, 148),
        ("told_bytes_toserver", np.uint32, 152),
        ("told_bytes_toclient", np.uint32, 156),
        ("ifindex_client", np.int32, 160),
        ("ifindex_server", np.int32, 164),
    ]
)
