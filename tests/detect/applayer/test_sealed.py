"""Payload of connections that are encrypted: rules about it see no more of it, all others go on."""

from __future__ import annotations

import ssl
import struct
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.match.build import Packet, decoded_of
from vpi_tui.detect.applayer.encryption import Encrypted, Encryption
from vpi_tui.engine import pacing
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

from .test_pass_by import SLOTS, stretches
from .test_scan import Connection, scan, sids
from .test_tls import handshake

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    return record(22, struct.pack("!I", kind << 24 | len(body)) + body)


def client_hello(extensions: bytes = b"") -> bytes:
    fixed = b"\x03\x03" + bytes(32) + b"\0\0\x02\x00\x2f\x01\0"
    return message(1, fixed + struct.pack("!H", len(extensions)) + extensions)


EARLY_DATA: Final = struct.pack("!HH", 42, 0)
SERVER_HELLO: Final = message(2, b"\x03\x03" + bytes(32) + b"\0\x00\x2f\0")
DONE: Final = message(14, b"")
KEYS: Final = message(16, bytes(40))
CIPHERS: Final = record(20, b"\x01")
FINISHED: Final = CIPHERS + record(22, bytes(40))
SECRET: Final = record(23, b"a secret")
STREAM, PACKET, SIZE, SMALL, HEADER, VERSION = range(1, 7)
RULES: Final = (
    'alert tcp any any -> any any (content:"secret";)',
    'alert tcp-pkt any any -> any any (flow:established; content:"secret";)',
    "alert tcp any any -> any any (flow:established; dsize:13;)",
    "alert tcp any any -> any any (flow:established; dsize:<14; flags:PA;)",
    "alert tcp any any -> any any (flow:established; flags:PA;)",
    "alert tls any any -> any any (flow:to_server; tls.version:1.2;)",
)


def seen(tmp_path: Path, connection: Connection, *rules: str, handling: str = "") -> Counter[int]:
    settings = (f"app-layer.protocols.tls.encryption-handling={handling}",) if handling else ()
    return sids(scan(tmp_path, connection.packets, *(rules or RULES), settings=settings))


def full(port: int = 443) -> Connection:
    """A full handshake of TLS 1.2: 4 packets."""
    made = Connection(port).client(client_hello()).server(SERVER_HELLO + DONE)
    return made.client(KEYS + FINISHED).server(FINISHED)


def test_behind_the_first_data_payload_is_not_looked_at(tmp_path: Path) -> None:
    connection = full()
    for _ in range(3):
        connection.client(SECRET).server(SECRET)
    # Of the first data the packet is looked at, and so is that which acknowledges it.
    assert seen(tmp_path, connection) == {PACKET: 2, SIZE: 2, SMALL: 6, HEADER: 10, VERSION: 1}


@pytest.mark.parametrize("handling", ["track-only", "default"])
def test_names_of_the_default(tmp_path: Path, handling: str) -> None:
    connection = full().client(SECRET).server(SECRET).client(SECRET)
    assert seen(tmp_path, connection, handling=handling) == seen(tmp_path, connection)


def test_in_full_all_is_looked_at(tmp_path: Path) -> None:
    connection = full().client(SECRET).server(SECRET).client(SECRET)
    found = seen(tmp_path, connection, handling="full")
    assert (found[PACKET], found[SIZE], found[HEADER]) == (3, 3, 7)
    assert found[STREAM] == 3


def test_bypassed_nothing_is_looked_at(tmp_path: Path) -> None:
    connection = full().client(SECRET).server(SECRET).client(SECRET).server(SECRET)
    assert seen(tmp_path, connection, handling="bypass") == {
        PACKET: 2,
        SIZE: 2,
        SMALL: 2,
        HEADER: 6,
        VERSION: 1,
    }


def test_before_the_peer_has_it_packets_are_looked_at(tmp_path: Path) -> None:
    connection = full().client(SECRET).client(SECRET).client(SECRET).server(SECRET).client(SECRET)
    assert seen(tmp_path, connection)[PACKET] == 4


def test_what_the_peer_releases_it_has(tmp_path: Path) -> None:
    connection = full()
    connection._send(0, "A", SECRET)
    connection.server(SECRET).client(SECRET).server(SECRET)
    found = seen(tmp_path, connection)
    assert (found[STREAM], found[PACKET]) == (0, 2)


def test_inline_the_packet_that_brings_it_is_the_last(tmp_path: Path) -> None:
    connection = full().client(SECRET).server(SECRET).client(SECRET)
    found = sids(scan(tmp_path, connection.packets, *RULES, settings=("stream.inline=true",)))
    assert (found[STREAM], found[PACKET]) == (1, 1)


def test_a_packet_that_crosses_acknowledges_nothing(tmp_path: Path) -> None:
    connection = full()
    crossing = full().server(SECRET).packets[-1]
    connection.client(SECRET).packets.append(crossing)
    connection.seq[1] += len(SECRET)
    assert seen(tmp_path, connection.server(SECRET).client(SECRET).server(SECRET))[PACKET] == 3


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_resumed_session(tmp_path: Path, side: str) -> None:
    connection = Connection(443).client(client_hello()).server(SERVER_HELLO + FINISHED).client(FINISHED)
    speak = connection.client if side == "client" else connection.server
    answer = connection.server if side == "client" else connection.client
    speak(SECRET), answer(SECRET), speak(SECRET), answer(SECRET)
    assert seen(tmp_path, connection) == {PACKET: 2, SIZE: 2, SMALL: 4, HEADER: 7, VERSION: 1}


def test_encrypted_messages_of_tls_1_3_are_data(tmp_path: Path) -> None:
    connection = Connection(443).client(client_hello()).server(SERVER_HELLO + CIPHERS + record(23, bytes(99)))
    connection.client(CIPHERS + record(23, b"a secret")).client(SECRET).server(SECRET)
    found = seen(tmp_path, connection)
    assert (found[STREAM], found[PACKET], found[SIZE]) == (0, 1, 0)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_real_handshakes(tmp_path: Path, version: ssl.TLSVersion) -> None:
    connection = Connection(443)
    for direction, data in handshake(version):
        (connection.client if direction == SERVER else connection.server)(data)
    for _ in range(3):
        connection.client(SECRET).server(SECRET)
    assert seen(tmp_path, connection)[PACKET] == 0
    assert seen(tmp_path, connection, handling="full")[PACKET] == 6


def test_early_data_that_was_offered_is_no_seal(tmp_path: Path) -> None:
    def begun(extensions: bytes) -> Connection:
        hello = client_hello(extensions)
        made = Connection(443).client(hello + record(23, bytes(9))).server(SERVER_HELLO).client(SECRET)
        return made.server(SECRET).client(SECRET)

    assert seen(tmp_path, begun(EARLY_DATA))[PACKET] == 2
    assert seen(tmp_path, begun(b""))[PACKET] == 0


def test_early_data_alone_is_no_seal(tmp_path: Path) -> None:
    refused = record(21, b"\1\0")
    connection = Connection(443).client(client_hello(EARLY_DATA) + SECRET).server(refused).client(SECRET)
    assert seen(tmp_path, connection.server(refused).client(SECRET))[PACKET] == 3


def test_who_only_changes_ciphers_is_looked_at(tmp_path: Path) -> None:
    connection = full()
    for _ in range(3):
        connection.client(record(22, b"a secret")).server(record(22, b"a secret"))
    found = seen(tmp_path, connection)
    assert (found[PACKET], found[SIZE]) == (6, 6)
    assert found[STREAM] == 6


BROKEN: Final = {
    "an unknown type": record(99, b"x"),
    "another version": b"\x16\x09\x03\0\x01x",
    "an empty record": record(22, b""),
    "a huge record": record(22, bytes(18_000)),
    "half an alert": record(21, b"\1"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_tls_any_more_is_looked_at(tmp_path: Path, what: str) -> None:
    connection = full().client(BROKEN[what])
    for _ in range(2):
        connection.client(SECRET).server(SECRET)
    assert seen(tmp_path, connection)[PACKET] == 4


def test_what_only_looks_like_it_is_looked_at(tmp_path: Path) -> None:
    plain = Connection(4444).client(b"hello").server(CIPHERS)
    for _ in range(2):
        plain.client(SECRET).server(SECRET)
    assert seen(tmp_path, plain)[PACKET] == 4


def test_behind_a_gap_nobody_knows(tmp_path: Path) -> None:
    connection = full()
    connection.seq[0] += 10
    connection.client(SECRET).server(SECRET).client(SECRET).server(b"x").client(SECRET)
    assert seen(tmp_path, connection)[PACKET] == 4


@pytest.mark.parametrize(
    ("number", "piece", "times"), [(PACKET, 1000, 2), (PACKET, 2, 2), (SIZE, 1000, 2), (SMALL, 1000, 4)]
)
@pytest.mark.parametrize("more", [(), ("--events", "alert")])
def test_no_rule_needs_to_be_about_tls(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    piece: int,
    times: int,
    more: tuple[str, ...],
) -> None:
    """Nor need a rule look at streams, nor transactions be logged."""
    monkeypatch.setattr(pacing, "SLICE", 2)
    connection = Connection(443).client(client_hello(), piece=piece)
    connection.server(SERVER_HELLO + DONE).client(KEYS + FINISHED).server(FINISHED)
    connection.client(SECRET).server(SECRET).client(SECRET).server(SECRET)
    found = sids(scan(tmp_path, connection.packets, RULES[number - 1], more=more))
    assert found == {1: times}


def test_tls_that_was_agreed_on(tmp_path: Path) -> None:
    mail = (
        Connection(25).server(b"220 a ESMTP\r\n").client(b"EHLO b\r\n").server(b"250-a\r\n250 STARTTLS\r\n")
    )
    mail.client(b"STARTTLS\r\n").server(b"220 go on\r\n")
    mail.client(client_hello()).server(SERVER_HELLO + FINISHED).client(FINISHED)
    for _ in range(3):
        mail.client(SECRET).server(SECRET)
    of_mail = 'alert smtp any any -> any any (smtp.helo; content:"no such name";)'
    assert seen(tmp_path, mail, RULES[PACKET - 1], of_mail) == {1: 2}


def test_a_later_connection_of_the_same_ends_is_looked_at(tmp_path: Path) -> None:
    connection = full().client(SECRET).server(SECRET).client(SECRET).close()
    plain = Connection(443).client(b"a secret").server(b"a secret")
    for packet in plain.packets:
        packet.time = 100.0
    for packet in connection.packets:
        packet.time = 1.0
    connection.packets += plain.packets
    assert seen(tmp_path, connection)[PACKET] == 4
    assert seen(tmp_path, connection)[STREAM] == 2


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    connection = full().client(SECRET).client(SECRET).server(SECRET).client(SECRET, piece=3).server(SECRET)
    expected = seen(tmp_path, connection)
    monkeypatch.setattr(pacing, "SLICE", size)
    assert seen(tmp_path, connection) == expected


def followed(name: str = "tls") -> Encryption:
    return Encryption(SLOTS, {name: Encrypted.TRACK_ONLY})


def sealed_after(*pieces: bytes) -> list[bool]:
    """Of each piece that a client sends: is its connection encrypted from there on?"""
    found, at, holds = followed(), 0, []
    app_of = np.full(SLOTS, APP_PROTOS.index("tls"), np.uint8)
    for piece in pieces:
        holds.append(bool(found.look(stretches((1, SERVER, at, piece)), app_of)))
        at += len(piece)
    return holds


def test_one_byte_of_data_tells() -> None:
    assert sealed_after(client_hello(), KEYS, SECRET[:5], SECRET[5:6], SECRET[6:]) == [
        False, False, False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 50])
def test_however_it_is_cut(size: int) -> None:
    data = client_hello() + KEYS + FINISHED + SECRET[:6]
    holds = sealed_after(*(data[at : at + size] for at in range(0, len(data), size)))
    assert holds == [False] * (len(holds) - 1) + [True]


@given(st.binary(max_size=400))
def test_whatever_comes(data: bytes) -> None:
    assert sum(sealed_after(data, client_hello(data), SECRET)) <= 1


def test_what_is_not_known_from_its_start_is_left_alone() -> None:
    app_of = np.full(SLOTS, APP_PROTOS.index("tls"), np.uint8)
    assert not followed().look(stretches((1, SERVER, 9, SECRET)), app_of)
    assert followed().look(stretches((1, SERVER, 9, SECRET)), app_of, {1: (9, 0)})


def test_nothing_is_left_of_the_connection_that_had_the_slot() -> None:
    app_of, found = np.full(SLOTS, APP_PROTOS.index("tls"), np.uint8), followed()
    found.look(stretches((1, SERVER, 0, client_hello(EARLY_DATA) + SECRET[:3])), app_of)
    found.begin(decoded_of([Packet(b"", flow=1, first=3)])[2])
    assert not found.look(stretches((1, SERVER, 0, client_hello())), app_of)
    assert found.look(stretches((1, SERVER, len(client_hello()), SECRET)), app_of)


def packet(kind: int, body: bytes = b"") -> bytes:
    """Of SSH, without a MAC (RFC 4253, 6)."""
    return struct.pack("!IBB", 2 + len(body), 0, kind) + body


BANNER: Final = b"SSH-2.0-x\r\n"
KEXINIT: Final = packet(20, bytes(16) + bytes(4 * 10 + 5))
NEW_KEYS: Final = packet(21)


def shell() -> Connection:
    made = Connection(22).server(BANNER).client(BANNER + KEXINIT).server(KEXINIT)
    return made.client(packet(30, bytes(32))).server(packet(31, bytes(99)) + NEW_KEYS).client(NEW_KEYS)


def test_ssh_is_encrypted_behind_the_new_keys_of_both(tmp_path: Path) -> None:
    connection = shell()
    before = seen(tmp_path, connection)[HEADER]
    for _ in range(3):
        connection.client(b"a secret").server(b"a secret")
    found = seen(tmp_path, connection)
    assert (found[STREAM], found[PACKET], found[HEADER]) == (0, 2, before + 6)
    settings = ("app-layer.protocols.ssh.encryption-handling=full",)
    assert sids(scan(tmp_path, connection.packets, *RULES, settings=settings))[PACKET] == 6


@pytest.mark.parametrize("size", [1, 2, 5, 7, 50])
def test_ssh_however_it_is_cut(size: int) -> None:
    app_of, found = np.full(SLOTS, APP_PROTOS.index("ssh"), np.uint8), followed("ssh")
    data, holds = BANNER + KEXINIT + NEW_KEYS, []
    for side in (CLIENT, SERVER):
        for at in range(0, len(data), size):
            holds += found.look(stretches((1, side, at, data[at : at + size])), app_of)
        assert len(holds) == (side == SERVER)
        assert not found.look(stretches((1, side, len(data), b"anything")), app_of)


@given(st.binary(max_size=400))
def test_whatever_comes_of_ssh(data: bytes) -> None:
    app_of, found = np.full(SLOTS, APP_PROTOS.index("ssh"), np.uint8), followed("ssh")
    assert not found.look(stretches((1, SERVER, 0, data)), app_of)
    assert len(found.look(stretches((1, CLIENT, 0, BANNER + data), (2, CLIENT, 0, data)), app_of)) <= 1
