"""Memory and time of the flow table with a million flows that live at the same time.

    python -m benchmarks.flows [--flows 1000000]

Resident memory is what the process grew by, as the kernel counts it; `flow.memuse` is what the table says of
itself. A tick of the talkers in which every flow had packets is measured too.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from vpi_tui.decode.decoder import Decoder
from vpi_tui.flow.table import FlowTable
from vpi_tui.flow.talkers import Talkers
from vpi_tui.model.batch import PacketBatch

BATCH = 4096
SYN_FRAME = bytes.fromhex(
    "020000000002020000000001080045000028000000004006000000000000000000000000005000000000000000005002200000000000"
)
SRC, PORT = 26, 34
"""Where the frame holds source address and port."""


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def frames(first: int, count: int) -> PacketBatch:
    """SYNs of `count` connections, no two alike."""
    size = len(SYN_FRAME)
    buf = np.tile(np.frombuffer(SYN_FRAME, np.uint8), count).reshape(count, size)
    number = np.arange(first, first + count, dtype=">u4")
    buf[:, SRC : SRC + 4] = (number + np.uint32(10 << 24)).astype(">u4").view(np.uint8).reshape(count, 4)
    buf[:, PORT : PORT + 2] = number.view(np.uint8).reshape(count, 4)[:, 2:]
    sizes = np.full(count, size, np.int32)
    return PacketBatch(
        buf=buf.reshape(-1),
        offset=np.arange(count, dtype=np.int64) * size,
        caplen=sizes,
        length=sizes,
        ts_ns=np.arange(first, first + count, dtype=np.int64),
        link_type=np.ones(count, np.uint16),
        ifindex=np.zeros(count, np.int32),
        vlan_tci=np.zeros(count, np.uint32),
        flags=np.zeros(count, np.uint8),
        kernel_packets=0,
        kernel_drops=0,
    )


def fill(table: FlowTable, decoder: Decoder, flows: int) -> float:
    """Give each flow one packet; CPU seconds of the table alone."""
    spent = 0.0
    for first in range(0, flows, BATCH):
        packets = frames(first, min(BATCH, flows - first))
        decoded = decoder.decode(packets)
        start = time.process_time()
        table.update(packets, decoded)
        spent += time.process_time() - start
    return spent


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--flows", type=int, default=1_000_000)
    flows = args.parse_args().flows
    decoder, talkers = Decoder(verify_checksums=False), Talkers()
    small = FlowTable(1024)
    fill(small, decoder, 1024)
    talkers.tick(small, 0)

    before = resident()
    table = FlowTable(flows)
    opened = fill(table, decoder, flows)
    grown = resident() - before
    found = fill(table, decoder, flows)
    start = time.process_time()
    talkers.tick(table, flows)
    tick, peak = time.process_time() - start, resident() - before

    stats = table.stats()
    row = [
        f"{stats['flow.active']:,.0f}",
        *(f"{size / 1e6:.0f}" for size in (grown, stats["flow.memuse"], peak)),
        *(f"{spent / flows * 1e9:.0f}" for spent in (opened, found, tick)),
    ]
    print("| flows | resident MB | flow.memuse MB | with talkers MB | ns to open | ns to find | ns to tick |")
    print("|---|---|---|---|---|---|---|")
    print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
