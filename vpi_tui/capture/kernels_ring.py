"""Compiled walk over the blocks of a TPACKET_V3 ring (linux/if_packet.h)."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.capture.kernels_words import u16, u32
from vpi_tui.model.batch import PacketFlag
from vpi_tui.model.jit import kernel

BLOCK_STATUS = 8
"""Offset of block_status in struct tpacket_block_desc; num_pkts and offset_to_first_pkt follow."""
FRAME_HEADER = 68
"""struct tpacket3_hdr, and of the sockaddr_ll behind it as far as halen."""
TP_STATUS_CSUMNOTREADY = 1 << 3
TP_STATUS_VLAN_VALID = 1 << 4
VLAN_PRESENT = 0x10000
CHECKSUM_NOT_READY = int(PacketFlag.CHECKSUM_NOT_READY)


@kernel
def walk_block(buf, start, size, big, link_types, cols, count):
    """Rows for the frames of the block in buf[start:start + size], from row `count` on.

    big: byte order of the machine. link_types: uint16[65536], LinkType by ARPHRD_ number. Returns
    rows in all, and frames that the block claims but that do not lie in it or find no row.
    """
    end = start + size
    frames = u32(buf, start + 12, big)
    pos = start + u32(buf, start + 16, big)
    capacity = cols.offset.shape[0]
    for done in range(frames):
        if pos + FRAME_HEADER > end or count == capacity:
            return count, frames - done
        caplen = u32(buf, pos + 12, big)
        frame = pos + u16(buf, pos + 24, big)
        if frame + caplen > end:
            return count, frames - done
        status = u32(buf, pos + 20, big)
        cols.offset[count] = frame
        cols.caplen[count] = caplen
        cols.length[count] = max(min(u32(buf, pos + 16, big), np.int64(0x7FFFFFFF)), caplen)
        cols.ts_ns[count] = u32(buf, pos + 4, big) * 1_000_000_000 + u32(buf, pos + 8, big)
        vlan = np.int64(0)
        if status & TP_STATUS_VLAN_VALID:
            vlan = VLAN_PRESENT | u16(buf, pos + 32, big)
        cols.vlan_tci[count] = vlan
        cols.flags[count] = CHECKSUM_NOT_READY if status & TP_STATUS_CSUMNOTREADY else 0
        # struct sockaddr_ll begins at 48: family, protocol, ifindex, hatype.
        cols.ifindex[count] = u32(buf, pos + 52, big) & 0x7FFFFFFF
        cols.link_type[count] = link_types[u16(buf, pos + 56, big)]
        count += 1
        step = u32(buf, pos, big)
        if step == 0:
            return count, frames - done - 1
        pos += step
    return count, np.int64(0)
