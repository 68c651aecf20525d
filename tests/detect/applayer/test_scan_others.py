"""From one capture to alerts: each protocol is recognised and its rules hold."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from tests.detect.applayer import test_dnp3 as dnp3
from tests.detect.applayer import test_enip as enip
from tests.detect.applayer import test_ldap as ldap
from tests.detect.applayer import test_modbus as modbus
from tests.detect.applayer import test_mqtt as mqtt
from tests.detect.applayer import test_pgsql as pgsql
from tests.detect.applayer import test_rfb as rfb
from tests.detect.applayer import test_telnet as telnet
from tests.detect.applayer.test_scan import CLIENT, SERVER, Connection, scan, sids
from vpi_tui.model.batch import Direction

MODBUS: Final = [
    (Direction.TO_SERVER, modbus.message(modbus.READ_COILS)),
    (Direction.TO_CLIENT, modbus.message(b"\x01\x01\x15")),
]
DNP3: Final = [
    (Direction.TO_SERVER, dnp3.message(dnp3.READ)[0]),
    (Direction.TO_CLIENT, dnp3.message(dnp3.ANSWER)[0]),
]
STREAMS: Final = (
    (1883, mqtt.DIALOGUE),
    (20000, DNP3),
    (502, MODBUS),
    (389, ldap.DIALOGUE),
    (5432, pgsql.DIALOGUE),
    (5901, rfb.V38),
    (23, telnet.DIALOGUE),
    (44818, enip.DIALOGUE),
)
RULES: Final = (
    'alert mqtt any any -> any any (mqtt.type:SUBSCRIBE; mqtt.subscribe.topic; content:"a/b"; bsize:3;)',
    "alert mqtt any any -> any any (mqtt.connect.flags:username,!will_retain; mqtt.reason_code:0;)",
    "alert dnp3 any any -> any any (dnp3_func:response; dnp3_ind:device_restart; dnp3_obj:30,1;)",
    'alert dnp3 any any -> any any (flow:to_server; dnp3_data; content:"|3c 02 06|"; offset:2;)',
    "alert modbus any any -> any any (modbus: unit 10, access read coils, address 24;)",
    "alert ldap any any -> any any (ldap.responses.result_code:size_limit_exceeded,-1;)",
    'alert ldap any any -> any any (ldap.request.operation:search_request; ldap.request.dn; content:"com";)',
    'alert pgsql any any -> any any (pgsql.query; content:"select"; nocase;)',
    'alert rfb any any -> any any (rfb.name; content:"desk"; startswith; endswith;)',
    "alert rfb any any -> any any (rfb.sectype:2;)",
    'alert telnet any any -> any any (flow:to_server; frame:data; content:"bob";)',
    "alert enip any any -> any any (enip_command:list_identity;)",
    "alert enip any any -> any any (cip_service:14,246,6;)",
    'alert mqtt any any -> any any (frame:header; content:"|82|"; startswith;)',
)
WANTED: Final = dict.fromkeys(range(1, len(RULES) + 1), 1) | {12: 4, 13: 3}
"""list_identity: request and response over TCP and over UDP; service 14: two requests and a datagram."""


def datagrams(port: int, *pieces: tuple[int, bytes]) -> list[Packet]:
    made = []
    for direction, data in pieces:
        ends = (CLIENT, SERVER) if direction == Direction.TO_SERVER else (SERVER, CLIENT)
        ports = (40_001, port) if direction == Direction.TO_SERVER else (port, 40_001)
        made.append(Ether() / IP(src=ends[0], dst=ends[1]) / UDP(sport=ports[0], dport=ports[1]) / Raw(data))
    return made


def test_each_is_recognised(tmp_path: Path) -> None:
    packets: list[Packet] = []
    for port, dialogue in STREAMS:
        connection = Connection(port)
        for direction, data in dialogue:
            (connection.client if direction == Direction.TO_SERVER else connection.server)(data)
        packets += connection.close().packets
    packets += datagrams(44818, *enip.DIALOGUE[2:4], (Direction.TO_SERVER, enip.unconnected(enip.GET)))
    assert dict(sids(scan(tmp_path, packets, *RULES))) == WANTED


def test_what_is_there_and_empty_is_not_absent(tmp_path: Path) -> None:
    """A response without an error tells one all the same, which is empty."""
    connection = Connection(389)
    for direction, data in ldap.DIALOGUE[:2]:
        (connection.client if direction == Direction.TO_SERVER else connection.server)(data)
    rules = (
        "alert ldap any any -> any any (ldap.responses.message; bsize:0;)",
        "alert ldap any any -> any any (ldap.responses.message; absent;)",
        "alert ldap any any -> any any (ldap.responses.message; absent: or_else; bsize:>0;)",
        "alert ldap any any -> any any (ldap.responses.attribute_type; absent;)",
    )
    assert sids(scan(tmp_path, connection.packets, *rules)) == {1: 1, 4: 1}
