"""Flow records as text: every field from its column."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import msgspec
import numpy as np
import pytest

from vpi_tui.flow.records import FLOW_DTYPE, EndReason
from vpi_tui.flow.render import address_text, to_record
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import FlowState
from vpi_tui.model.topology import Locality

MAPPED = 0xFFFF_0000_0000


def test_every_field_is_of_its_column() -> None:
    row = np.zeros(1, FLOW_DTYPE)
    values = {
        "flow_id": 11, "ip_v": 4, "proto": 6, "src_ip": (0, MAPPED | 0x0A000001),
        "dest_ip": (0, MAPPED | 0x0A000002), "src_port": 40_000, "dest_port": 80, "vlan": (7, 0),
        "switch": 1, "src_guest": 0, "dest_guest": -1, "locality": Locality.EAST_WEST,
        "app_proto": APP_PROTOS.index("http"), "start_ns": 5, "last_ns": 9, "state": FlowState.ESTABLISHED,
        "pkts_toserver": 1, "pkts_toclient": 2, "bytes_toserver": 3, "bytes_toclient": 4,
        "tcp_flags_toserver": 0x18, "tcp_flags_toclient": 0x12, "alerts": 2, "reason": EndReason.RST,
    }  # fmt: skip
    for name, value in values.items():
        row[name] = value
    record = to_record(row[0], ("br0", "br1"), ("web", "db"))
    assert msgspec.structs.asdict(record) == {
        "flow_id": 11, "community_id": record.community_id, "switch": "br1", "client_guest": "web",
        "server_guest": "", "locality": "east-west", "vlan": (7,), "proto": 6, "src_ip": "10.0.0.1",
        "src_port": 40_000, "dest_ip": "10.0.0.2", "dest_port": 80, "app_proto": "http", "start_ns": 5,
        "end_ns": 9, "state": "established", "pkts_toserver": 1, "pkts_toclient": 2, "bytes_toserver": 3,
        "bytes_toclient": 4, "tcp_flags_toserver": 0x18, "tcp_flags_toclient": 0x12, "alerted": True,
        "reason": "rst",
    }  # fmt: skip
    assert record.community_id.startswith("1:")


@pytest.mark.parametrize("number", [0, 1, 0x0A000001, 0xC0000201, 0xFFFFFFFF])
def test_addresses_are_written_as_everywhere(number: int) -> None:
    assert address_text(0, MAPPED | number, 4) == str(IPv4Address(number))
    assert address_text(number, number, 6) == str(IPv6Address(number << 64 | number))
