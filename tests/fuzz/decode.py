"""Any frame of any link type through decode, the flow table and attribution.

An input is the place of the link type in LINKS, a byte of switches, and the frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tests.decode.batches import packet_batch
from tests.decode.noise import LINKS, check
from tests.decode.samples import SAMPLES
from tests.fuzz.target import Target
from vpi_tui.decode.decoder import Decoder
from vpi_tui.flow.render import to_record
from vpi_tui.flow.table import FlowTable
from vpi_tui.inventory.attribute import Attributor
from vpi_tui.inventory.learned import LearnedHosts
from vpi_tui.model.topology import Switch, Topology

ZERO_IS_REST, TAGGED, SNAPPED = 1, 2, 4
TOPOLOGY = Topology(switches=(Switch("file", "file"),))


def one_input(data: bytes) -> None:
    if len(data) < 2:
        return
    link, switches, frame = LINKS[data[0] % len(LINKS)], data[1], data[2:]
    with np.errstate(over="ignore"):
        check(
            [frame],
            link,
            extra=40 if switches & SNAPPED else 0,
            tci=0x1F00A if switches & TAGGED else 0,
            zero_is_rest=bool(switches & ZERO_IS_REST),
        )
        follow([frame, frame[: len(frame) // 2], frame], link)


def follow(frames: list[bytes], link: int) -> None:
    """The stages behind decode."""
    packets = packet_batch(frames, link=link)
    decoded = Decoder(zero_length_is_rest=True).decode(packets)
    table, hosts = FlowTable(4, seed=1), LearnedHosts()
    flows = table.update(packets, decoded)
    hosts.learn(packets, decoded, flows)
    attributor = Attributor(hosts.topology(TOPOLOGY) or TOPOLOGY)
    attributor.attribute(flows, table.records)
    for row in table.close_all():
        to_record(row)


def seeds() -> list[bytes]:
    return [
        bytes([LINKS.index(link), number % 8]) + frame
        for number, (link, frame) in enumerate(SAMPLES.values())
    ]


TARGETS: Final = (Target("decode", one_input, seeds),)
