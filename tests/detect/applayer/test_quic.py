"""QUIC: the samples of RFC 9001 and RFC 9369, hellos in pieces, Google's tags, and hostile packets."""

from __future__ import annotations

import hashlib
import struct
from functools import partial
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.quic import QUIC
from vpi_tui.detect.applayer.quic.frames import CRYPTO_LIMIT
from vpi_tui.detect.applayer.quic.parser import MOST_PACKETS, QuicParser
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
ID = bytes.fromhex("8394c8f03e515708")
HELLO = bytes.fromhex(
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c00000"
    "0010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501"
    "00000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302"
    "0304000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff050480"
    "00ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
"""The ClientHello of RFC 9001, A.2."""
ANSWER = bytes.fromhex(
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a9"
    "9f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd9"
    "3795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee"
)
"""The server's Initial packet of RFC 9001, A.3, as sent."""


class Keys(NamedTuple):
    version: int
    first: int
    key: str
    iv: str
    header: str


V1 = Keys(
    1,
    0xC0,
    "1f369613dd76d5467730efcbe3b1a22d",
    "fa044b2f42a3fd3b46fb255c",
    "9f50449e04a0e810283a1e9933adedd2",
)
"""The client's keys in RFC 9001, A.1."""
V2 = Keys(
    0x6B3343CF,
    0xD0,
    "8b1a0bc121284290a29e0971b5cd045d",
    "91f73e2351d8fa91660e909f",
    "45b95e15235d6f45a6b19cbcb0294ba9",
)
"""The same for version 2, in RFC 9369, A.1."""


def crypto(data: bytes, offset: int = 0) -> bytes:
    return b"\x06" + struct.pack("!IH", 0x80000000 | offset, 0x4000 | len(data)) + data


def sealed(frames: bytes, keys: Keys = V1, number: int = 2, size: int = 1162) -> bytes:
    """A client's Initial packet, padded, protected with keys that the RFC prints."""
    frames = frames.ljust(size, b"\0")
    head = struct.pack("!BI", keys.first | 3, keys.version) + bytes((len(ID),)) + ID + b"\0\0"
    head += struct.pack("!HI", 0x4000 | len(frames) + 4 + 16, number)
    nonce = (int(keys.iv, 16) ^ number).to_bytes(12)
    payload = AESGCM(bytes.fromhex(keys.key)).encrypt(nonce, frames, head)
    mask = Cipher(algorithms.AES(bytes.fromhex(keys.header)), modes.ECB()).encryptor().update(payload[:16])
    protected = bytes(a ^ b for a, b in zip(head[-4:], mask[1:5], strict=True))
    return bytes((head[0] ^ mask[0] & 15,)) + head[1:-4] + protected + payload


values = partial(feeding.values, QUIC)


@pytest.mark.parametrize("keys", [V1, V2])
def test_the_samples_of_the_standards(keys: Keys) -> None:
    parser = QuicParser()
    (found,) = parser.datagram(SERVER, sealed(crypto(HELLO), keys))
    assert values(found, "quic.version", SERVER) == [keys.version.to_bytes(4)]
    assert values(found, "quic.sni", SERVER) == [b"example.com"]
    (ja3,) = values(found, "ja3.string", SERVER)
    assert ja3 == b"771,4865-4866,0-65281-10-16-5-51-43-13-45-28-57,29-23-24,"
    assert values(found, "ja3.hash", SERVER) == [hashlib.md5(ja3).hexdigest().encode()]
    assert values(found, "ja4.hash", SERVER)[0].startswith(b"q13d0211an_")
    assert not values(found, "ja3s.string", CLIENT)


def test_both_hellos_end_the_following() -> None:
    parser = QuicParser()
    parser.datagram(SERVER, sealed(crypto(HELLO)))
    assert not parser.over()
    (found,) = parser.datagram(CLIENT, ANSWER)
    assert values(found, "ja3s.string", CLIENT) == [b"771,4865,51-43"]
    assert parser.over()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_hello_in_pieces(order: tuple[int, ...]) -> None:
    parser = QuicParser()
    pieces = [crypto(HELLO[at : at + 100], at) for at in (0, 100, 200)]
    found = [parser.datagram(SERVER, sealed(b"\x01" + pieces[one], number=one)) for one in order]
    named = [values(one, "quic.sni", SERVER) for (one,) in found]
    assert named == [[], [], [b"example.com"]]


def test_coalesced_packets_and_acknowledgements() -> None:
    ack = bytes((2, 5, 0, 1, 1, 0, 0))
    both = sealed(ack + crypto(HELLO[:50]), size=100) + sealed(crypto(HELLO[50:], 50), number=3, size=300)
    first, second = QuicParser().datagram(SERVER, both)
    assert values(first, "quic.sni", SERVER) == []
    assert values(second, "quic.sni", SERVER) == [b"example.com"]


def test_a_handshake_that_is_too_long() -> None:
    (found,) = QuicParser().datagram(SERVER, sealed(crypto(b"x" * 90, CRYPTO_LIMIT - 50)))
    assert values(found, "app-layer-event", SERVER) == [b"quic.crypto_frag_too_long"]


def test_a_packet_that_was_changed() -> None:
    whole = bytearray(sealed(crypto(HELLO)))
    whole[-1] ^= 1
    parser = QuicParser()
    found = [one for _ in range(MOST_PACKETS + 3) for one in parser.datagram(SERVER, bytes(whole))]
    assert [values(one, "app-layer-event", SERVER) for one in found] == [
        [b"quic.failed_decrypt"]
    ] * MOST_PACKETS
    assert parser.over()


def test_a_header_that_is_cut() -> None:
    assert QuicParser().datagram(SERVER, sealed(crypto(HELLO))[:9]) == []


def test_frames_that_are_cut() -> None:
    (found,) = QuicParser().datagram(SERVER, sealed(bytes(1150) + b"\x06\0\x40\xff" + b"x" * 8))
    assert values(found, "app-layer-event", SERVER) == [b"quic.error_on_data"]


TAGS = [(b"SNI\0", b"g.example"), (b"VER\0", b"Q046"), (b"UAID", b"dev Chrome/1")]


def chlo() -> bytes:
    table, data = b"", b""
    for tag, value in TAGS:
        data += value
        table += tag + struct.pack("<I", len(data))
    return b"CHLO" + struct.pack("<HH", len(TAGS), 0) + table + data


STREAM = b"\xa0\x01" + struct.pack("!H", len(chlo())) + chlo()


@pytest.mark.parametrize(
    ("packet", "version", "text"),
    [
        (b"\xc3Q046\x50" + ID + struct.pack("!I", 1) + bytes(12) + STREAM, b"Q046", b"46,SNI-VER-UAID"),
        (b"\xffQ044\x50" + ID + struct.pack("!I", 1) + bytes(12) + STREAM, b"Q044", b"44,SNI-VER-UAID"),
        (b"\x09" + ID + b"Q043\x01" + bytes(12) + STREAM + bytes(30), b"Q043", b"43,SNI-VER-UAID"),
    ],
)
def test_hellos_of_google(packet: bytes, version: bytes, text: bytes) -> None:
    (found,) = QuicParser().datagram(SERVER, packet)
    assert values(found, "quic.version", SERVER) == [version]
    assert values(found, "quic.sni", SERVER) == [b"g.example"]
    assert values(found, "quic.ua", SERVER) == [b"dev Chrome/1"]
    assert values(found, "quic.cyu.string", SERVER) == [text]
    assert values(found, "quic.cyu.hash", SERVER) == [hashlib.md5(text).hexdigest().encode()]


def test_a_version_that_nobody_knows() -> None:
    (found,) = QuicParser().datagram(SERVER, b"\xc0\x1a\x2a\x3a\x4a\x01a\x01b" + bytes(1200))
    assert values(found, "quic.version", SERVER) == [b"\x1a\x2a\x3a\x4a"]
    assert values(found, "app-layer-event", SERVER) == []


def test_frames_of_a_version_that_nobody_knows() -> None:
    head = b"\xc0\x1a\x2a\x3a\x4a\x01a\x01b\0"
    (found,) = QuicParser().datagram(SERVER, head + b"\x04" + b"\x06\0\x40\xff")
    assert values(found, "app-layer-event", SERVER) == [b"quic.error_on_data"]


def test_nothing_is_read_behind_a_packet_that_was_changed() -> None:
    whole = bytearray(sealed(crypto(HELLO), size=400))
    whole[-1] ^= 1
    (found,) = QuicParser().datagram(SERVER, bytes(whole) + sealed(crypto(HELLO), size=400))
    assert values(found, "app-layer-event", SERVER) == [b"quic.failed_decrypt"]


SEEDS = [sealed(crypto(HELLO)), ANSWER, b"\xc3Q046\x50" + ID + bytes(16) + STREAM, b"\x40" + bytes(30)]
cut = st.tuples(st.sampled_from(SEEDS), st.integers(0, 1300)).map(lambda one: one[0][: one[1]])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([SERVER, CLIENT]), st.one_of(st.binary(max_size=60), cut)), max_size=20
    )
)
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, bytes]]) -> None:
    parser = QuicParser()
    for direction, data in pieces:
        for found in parser.datagram(direction, data):
            for name in QUIC.buffers:
                assert all(isinstance(value, bytes) for value in values(found, name, direction))
        assert parser.held() <= 6 * CRYPTO_LIMIT


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_frames_of_any_bytes(data: bytes) -> None:
    (found,) = QuicParser().datagram(SERVER, sealed(data, size=max(len(data), 4)))
    assert set(found.events[SERVER]) <= {"quic.error_on_data", "quic.crypto_frag_too_long"}
