"""Payload of connections that are encrypted: rules about it see no more of it, all others go on."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .test_scan import Connection, scan, sids


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    return record(22, struct.pack("!I", kind << 24 | len(body)) + body)


CLIENT_HELLO = message(1, b"\x03\x03" + bytes(32) + b"\0\0\x02\x00\x2f\x01\0")
SERVER_HELLO = message(2, b"\x03\x03" + bytes(32) + b"\0\x00\x2f\0")
CIPHERS = record(20, b"\x01")
RULES = (
    'alert tcp any any -> any any (content:"secret";)',
    'alert tcp any any -> any any (flow:established,to_server; content:"secret"; content:!"none";)',
    "alert tcp any any -> any any (flow:to_server; dsize:>0;)",
    "alert tls any any -> any any (tls.version:1.2;)",
)


def hello() -> Connection:
    return Connection(443).client(CLIENT_HELLO).server(SERVER_HELLO)


@pytest.mark.parametrize(
    "event", [(), ("alert tls any any -> any any (app-layer-event:tls.invalid_record_type;)",)]
)
def test_behind_a_handshake_payload_is_not_looked_at(tmp_path: Path, event: tuple[str, ...]) -> None:
    connection = hello().client(CIPHERS + record(22, bytes(40))).server(CIPHERS + record(22, bytes(40)))
    for _ in range(3):
        connection.client(record(23, b"a secret")).server(record(23, b"a secret"))
    assert sids(scan(tmp_path, connection.packets, *RULES, *event)) == {3: 5, 4: 2}


def test_a_setting_has_encrypted_records_looked_at(tmp_path: Path) -> None:
    connection = hello().client(CIPHERS).server(CIPHERS).client(record(23, b"a secret"))
    full = ("app-layer.protocols.tls.encryption-handling=full",)
    assert sids(scan(tmp_path, connection.packets, *RULES, settings=full))[1] == 1


def test_data_of_one_side_ends_the_handshake(tmp_path: Path) -> None:
    connection = hello().server(record(23, b"what is a certificate"))
    connection.client(record(23, b"a secret"))
    found = sids(scan(tmp_path, connection.packets, *RULES))
    assert (found[1], found[2], found[3]) == (0, 0, 2)


def test_before_both_sides_encrypt_payload_is_looked_at(tmp_path: Path) -> None:
    early = Connection(443).client(CLIENT_HELLO).client(record(23, b"a secret")).server(SERVER_HELLO)
    found = sids(scan(tmp_path, early.client(record(22, b"\x10\0\0\x06secret")).packets, *RULES))
    assert found[1] >= 1
    assert found[2] >= 1


def test_what_only_looks_like_it_goes_on(tmp_path: Path) -> None:
    plain = Connection(4444).client(b"hello").server(CIPHERS).client(record(23, b"a secret"))
    assert sids(scan(tmp_path, plain.packets, *RULES))[1] == 1
