"""Live capture: one AF_PACKET ring (TPACKET_V3) for all chosen ports.

Sources: packet(7), Documentation/networking/packet_mmap.rst, linux/if_packet.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import select
import socket
import struct
import sys
from collections.abc import Collection, Iterator

import numpy as np

from vpi_tui.capture.bpf import TooManyPortsError, pack, port_filter
from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.capture.kernels_ring import BLOCK_STATUS, walk_block
from vpi_tui.capture.privileges import net_raw_hint
from vpi_tui.model.batch import U16, LinkType, PacketBatch
from vpi_tui.model.errors import CaptureError, PrivilegeError

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP = 1, 2
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 5, 6, 10
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
SO_ATTACH_FILTER = 26
TPACKET_V3 = 2
TP_STATUS_USER = 1
ETH_P_ALL = 3

BLOCK_BYTES = 1 << 18
BLOCKS = 256
"""Each block is handed over after RETIRE_MS even if it holds one frame: so many blocks outlast five seconds
without a read at any rate, as far as their bytes suffice."""
MIN_BLOCKS = 4
FRAME_BYTES = 2048
"""The kernel wants it; TPACKET_V3 packs frames of any size into a block."""
RETIRE_MS = 20
"""A block that is not full is handed over after this time."""
MAX_BLOCKS_READ = 32
"""Blocks in one batch: an eighth of the ring is kept from the kernel while the batch lives."""
MAX_PACKETS = 65_536
BIG_ENDIAN = sys.byteorder == "big"

UNKNOWN_LINK = 0xFFFF
ARPHRD = {
    1: LinkType.ETHERNET,
    772: LinkType.ETHERNET,  # loopback
    512: LinkType.RAW,  # PPP, as the kernel hands it over
    768: LinkType.RAW,  # IP in IP
    769: LinkType.RAW,  # IP in IPv6
    776: LinkType.RAW,  # IPv6 in IP
    778: LinkType.RAW,  # GRE over IP
    823: LinkType.RAW,  # GRE over IPv6
    0xFFFE: LinkType.RAW,  # tun, WireGuard
}
"""Linux device types (linux/if_arp.h) whose frames the decoder knows."""


def _link_types() -> U16:
    table = np.full(1 << 16, UNKNOWN_LINK, np.uint16)
    for device, link in ARPHRD.items():
        table[device] = link
    return table


def _bind_everywhere(sock: socket.socket) -> None:
    """From now on take all protocols of all interfaces; Python's own bind() insists on one of them."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(sock.fileno(), address, len(address)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


class RingSource:
    """Frames received at the ports `incoming` and sent through the ports `outgoing`.

    Of a switch: all its ports are incoming and its own device, through which the host sends, is outgoing.
    Each frame then comes once, with the ifindex of the port where it entered the switch.

    A batch points into ring blocks that go back to the kernel with the next `read`: be quick, or
    the kernel drops (which is counted in the batch). One thread for everything.

    name: what to call it in `describe`. The ring takes block_bytes * blocks of memory, or less when
    the kernel has less to give.
    """

    error: CaptureError | None = None

    def __init__(
        self,
        incoming: Collection[int],
        outgoing: Collection[int] = (),
        *,
        name: str = "",
        block_bytes: int = BLOCK_BYTES,
        blocks: int = BLOCKS,
        retire_ms: int = RETIRE_MS,
        promiscuous: bool = True,
    ) -> None:
        self._incoming, self._outgoing = frozenset(incoming), frozenset(outgoing)
        self._name = name
        self._block_bytes, self._blocks, self._retire_ms = block_bytes, blocks, retire_ms
        self._promiscuous = promiscuous
        self._columns = allocate(MAX_PACKETS)
        self._link_types = _link_types()
        self._socket: socket.socket | None = None
        self._map: mmap.mmap | None = None
        self._next_block = 0
        self._held: list[int] = []
        self._packets = self._drops = self._freezes = 0
        self._damaged = 0
        self._fill = 0.0

    @property
    def exhausted(self) -> bool:
        return self._socket is None

    def open(self) -> None:
        """Raises PrivilegeError without CAP_NET_RAW, CaptureError when the kernel has no room."""
        try:
            # Protocol 0: nothing comes in before ring and filter stand.
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._set_up(self._socket)
        except PermissionError as reason:
            self.close()
            raise PrivilegeError(
                "Live capture needs the capability CAP_NET_RAW.", hint=net_raw_hint()
            ) from reason
        except (OSError, AttributeError) as reason:
            self.close()
            raise CaptureError(f"The capture ring cannot be set up: {reason}.") from reason
        except CaptureError:
            self.close()
            raise

    def _set_up(self, sock: socket.socket) -> None:
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        self._attach_filter(sock, self._incoming, self._outgoing)
        self._allocate_ring(sock)
        size = self._block_bytes * self._blocks
        self._map = mmap.mmap(sock.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._buf = np.frombuffer(self._map, np.uint8)
        words = self._buf.view(np.uint32).reshape(self._blocks, -1)
        self._status = words[:, BLOCK_STATUS // 4]
        self._frames = words[:, BLOCK_STATUS // 4 + 1]
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)
        for port in self._incoming:
            self._set_promiscuous(sock, PACKET_ADD_MEMBERSHIP, port)
        _bind_everywhere(sock)
        self._read_statistics(sock)

    def _allocate_ring(self, sock: socket.socket) -> None:
        """Half the blocks when memory is short, down to MIN_BLOCKS."""
        while True:
            frames = self._block_bytes * self._blocks // FRAME_BYTES
            request = (self._block_bytes, self._blocks, FRAME_BYTES, frames, self._retire_ms, 0, 0)
            try:
                return sock.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack("7I", *request))
            except OSError as reason:
                if reason.errno != errno.ENOMEM or self._blocks // 2 < MIN_BLOCKS:
                    raise
                self._blocks //= 2

    def set_ports(self, incoming: Collection[int], outgoing: Collection[int] = ()) -> None:
        """Watch these ports from now on; no frame of a port that stays is missed or seen twice.

        Needs no capability: the socket is open. Raises CaptureError when there are too many; the old
        ports stay then.
        """
        wanted, sent = frozenset(incoming), frozenset(outgoing)
        sock = self._socket
        if sock is not None and (wanted, sent) != (self._incoming, self._outgoing):
            self._attach_filter(sock, wanted, sent)
            for port in self._incoming - wanted:
                self._set_promiscuous(sock, PACKET_DROP_MEMBERSHIP, port)
            for port in wanted - self._incoming:
                self._set_promiscuous(sock, PACKET_ADD_MEMBERSHIP, port)
        self._incoming, self._outgoing = wanted, sent

    def _attach_filter(
        self, sock: socket.socket, incoming: Collection[int], outgoing: Collection[int]
    ) -> None:
        try:
            program = port_filter(incoming, outgoing)
        except TooManyPortsError as reason:
            raise CaptureError(f"{reason}.", hint="Choose fewer interfaces.") from reason
        code = ctypes.create_string_buffer(pack(program))
        # struct sock_fprog; the kernel replaces the filter in one step.
        fprog = struct.pack("HP", len(program), ctypes.addressof(code))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
        with contextlib.suppress(OSError):
            # Since 4.20; spares the kernel a copy of each sent frame that the filter throws away.
            sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, int(not outgoing))

    def _set_promiscuous(self, sock: socket.socket, option: int, port: int) -> None:
        # A port may vanish between its listing and this call, and takes its membership with it.
        if self._promiscuous:
            with contextlib.suppress(OSError):
                sock.setsockopt(SOL_PACKET, option, struct.pack("iHH8x", port, PACKET_MR_PROMISC, 0))

    def read(self, timeout_s: float) -> PacketBatch | None:
        """The frames of the blocks that are ready; waits for the first one for `timeout_s`.

        A frame is there at the latest when the block's time (`retire_ms`) is over.
        """
        sock = self._socket
        if sock is None:
            return None
        self._release()
        self._fill = max(self._fill, np.count_nonzero(self._status & TP_STATUS_USER) / self._blocks)
        if not self._ready(self._next_block):
            self._poll.poll(timeout_s * 1000)
            # An error that is not fetched would make poll return at once for ever.
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        rows = 0
        for block in self._ready_blocks():
            rows, lost = walk_block(
                self._buf,
                block * self._block_bytes,
                self._block_bytes,
                BIG_ENDIAN,
                self._link_types,
                self._columns,
                rows,
            )
            self._damaged += lost
        self._read_statistics(sock)
        if rows == 0:
            return None
        return as_batch(self._buf, self._columns, rows, self._packets, self.drops)

    def _ready(self, block: int) -> bool:
        return bool(self._status[block] & TP_STATUS_USER)

    def _ready_blocks(self) -> Iterator[int]:
        """Blocks to read now, taken from the kernel in ring order; `_release` gives them back."""
        room = MAX_PACKETS
        most = max(min(MAX_BLOCKS_READ, self._blocks // 2), 1)
        while len(self._held) < most and self._ready(self._next_block):
            room -= int(self._frames[self._next_block])
            if room < 0 and self._held:
                return
            self._held.append(self._next_block)
            self._next_block = (self._next_block + 1) % self._blocks
            yield self._held[-1]

    def _release(self) -> None:
        for block in self._held:
            self._status[block] = 0
        self._held.clear()

    def _read_statistics(self, sock: socket.socket) -> None:
        # Reading sets the kernel's counters to zero. tp_packets includes the drops.
        packets, drops, freezes = struct.unpack("3I", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))
        self._packets += packets
        self._drops += drops
        self._freezes += freezes

    @property
    def drops(self) -> int:
        """Packets lost since open, as of the last read."""
        return self._drops + self._damaged

    def stats(self) -> dict[str, float]:
        """Since open, as of the last read. ring_freezes: times that the ring was full. ring_fill: the largest
        share of blocks that waited to be read, since the last call."""
        fill, self._fill = float(self._fill), 0.0
        return {
            "capture.ring_fill": fill,
            "capture.kernel_packets": self._packets,
            "capture.kernel_drops": self.drops,
            "capture.ring_freezes": self._freezes,
            "capture.ring_bytes": self._block_bytes * self._blocks,
        }

    def close(self) -> None:
        """Leaves the mapping to whoever still holds a batch."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        if self._map is not None:
            del self._buf, self._status, self._frames
            with contextlib.suppress(BufferError):
                self._map.close()
        self._map = None

    def describe(self) -> str:
        return self._name or f"{len(self._incoming)} ports"

    def position(self) -> tuple[int, int]:
        return 0, 0
