"""SSH banners and key exchanges."""

from __future__ import annotations

import hashlib
import struct
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.ssh import PACKET_LIMIT, SSH, STATED_LIMIT, SshParser
from vpi_tui.detect.applayer.transaction import Stage
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
LISTS = [
    f"{name}-a,{name}-b".encode() for name in ("kex", "key", "e1", "e2", "m1", "m2", "c1", "c2", "l1", "l2")
]


def key_exchange() -> bytes:
    body = b"\x14" + bytes(16) + b"".join(struct.pack("!I", len(one)) + one for one in LISTS) + bytes(5)
    return struct.pack("!IB", len(body) + 1 + 4, 4) + body + bytes(4)


IGNORED = struct.pack("!IBB", 6, 4, 2) + bytes(4)
"""A message that says nothing (RFC 4253, 11.2)."""

NEW_KEYS = struct.pack("!IBB", 6, 4, 21) + bytes(4)

values = partial(feeding.values, SSH)


STREAM = b"SSH-2.0-OpenSSH_9.6 Debian-4\r\n" + key_exchange()


@pytest.mark.parametrize("at", range(0, len(STREAM), 3))
def test_a_server_cut_anywhere(at: int) -> None:
    parser = SshParser()
    moved = {*parser.feed(CLIENT, STREAM[:at], 0), *parser.feed(CLIENT, STREAM[at:], 0)}
    (found,) = moved
    assert found.stage[CLIENT] == Stage.DONE
    assert values(found, "ssh.proto", CLIENT) == [b"2.0"]
    assert values(found, "ssh.software", CLIENT) == [b"OpenSSH_9.6"]
    text = b"kex-a,kex-b;e2-a,e2-b;m2-a,m2-b;c2-a,c2-b"
    assert values(found, "ssh.hassh.server.string", CLIENT) == [text]
    assert values(found, "ssh.hassh.server", CLIENT) == [hashlib.md5(text).hexdigest().encode()]


def test_a_client_is_fingerprinted_by_its_own_direction() -> None:
    (found,) = SshParser().feed(SERVER, b"SSH-2.0-x\n" + key_exchange(), 0)
    assert values(found, "ssh.hassh.string", SERVER) == [b"kex-a,kex-b;e1-a,e1-b;m1-a,m1-b;c1-a,c1-b"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"SSH-2.0-x\r\n" + key_exchange(), []),
        (b"SSH-2.0-x\r\n" + IGNORED + key_exchange(), []),
        (b"SSH-2.0-x\r\n" + struct.pack("!IBB", 70_000, 4, 2) + bytes(69_998) + key_exchange(), []),
        (b"SSH-2.0-" + b"y" * (STATED_LIMIT - 9) + b"\r\n", []),
        (b"SSH-2.0-" + b"y" * (STATED_LIMIT - 8) + b"\r\n", [b"ssh.long_banner"]),
        (b"SSH-2.0-" + b"y" * 9_000, [b"ssh.long_banner"]),
        (b"Welcome\r\n" + STREAM, [b"ssh.invalid_banner"]),
        (b"x" * STATED_LIMIT, [b"ssh.invalid_banner"]),
        (STREAM + struct.pack("!IBB", 0, 0, 30), [b"ssh.invalid_record"]),
        (b"SSH-2.0-x\r\n" + struct.pack("!IBB", 1, 0, 20), [b"ssh.invalid_record"]),
        (b"SSH-2.0-x\r\n" + struct.pack("!IBB", 70_000, 4, 20), [b"ssh.long_kex_record"]),
    ],
)
def test_events(data: bytes, expected: list[bytes]) -> None:
    parser = SshParser()
    parser.feed(CLIENT, data, 0)
    (found,) = parser.finish()
    assert values(found, "app-layer-event", CLIENT) == expected


@pytest.mark.parametrize("then", [b"\r\n", b"\n", b"yyy\r\n"])
def test_a_banner_whose_end_is_far_away_is_seen_with_the_new_keys(then: bytes) -> None:
    parser = SshParser()
    (found,) = parser.feed(CLIENT, b"SSH-2.0-x " + b"y" * 9_000, 0)
    assert values(found, "app-layer-event", CLIENT) == [b"ssh.long_banner"]
    parser.feed(CLIENT, b"yyy", 0)
    assert parser.held() == 0
    assert parser.feed(CLIENT, then + key_exchange(), 0) == []
    assert parser.feed(CLIENT, key_exchange().replace(b"\n", b""), 0) == []
    assert found.stage[CLIENT] == Stage.NONE
    parser.feed(CLIENT, b"\n" + NEW_KEYS, 0)
    assert found.stage[CLIENT] == Stage.DONE
    assert values(found, "ssh.software", CLIENT) == [b"x"]
    assert values(found, "ssh.hassh.server", CLIENT)


@pytest.mark.parametrize("cut", [1, 5, 6, 40])
def test_a_key_exchange_that_is_not_whole_has_no_fingerprint(cut: int) -> None:
    whole = key_exchange()[6:-4]
    body = whole[:-cut]
    record = struct.pack("!IBB", len(body) + 2, 4, 20) + body
    (found,) = SshParser().feed(CLIENT, b"SSH-2.0-x\r\n" + record, 0)
    assert values(found, "ssh.hassh.server", CLIENT) == []
    assert values(found, "ssh.software", CLIENT) == [b"x"]


@pytest.mark.parametrize(
    ("data", "gap"),
    [(b"Welcome\r\n", 0), (b"SSH-2.0-x\r\n" + struct.pack("!IBB", 1, 0, 20), 0), (b"SSH-2.0-x\r\n", 9)],
)
def test_what_is_wrong_with_one_side_ends_the_reading_of_both(data: bytes, gap: int) -> None:
    parser = SshParser()
    parser.feed(SERVER, data, gap)
    assert parser.over()
    assert parser.feed(CLIENT, STREAM, 0) == []


def test_no_key_exchange_is_too_long_where_nobody_asks_for_fingerprints() -> None:
    parser = SshParser(Limits(buffers=frozenset({"ssh.proto"})))
    (found,) = parser.feed(CLIENT, b"SSH-2.0-x\r\n" + struct.pack("!IBB", 70_000, 4, 20), 0)
    assert values(found, "app-layer-event", CLIENT) == []


def test_a_message_that_is_too_long_is_stepped_over() -> None:
    parser = SshParser()
    parser.feed(CLIENT, b"SSH-2.0-x\r\n" + struct.pack("!IBB", 70_000, 4, 2) + bytes(9_000), 0)
    assert parser.held() == 0
    (found,) = parser.feed(CLIENT, bytes(69_998 - 9_000) + key_exchange(), 0)
    assert values(found, "ssh.hassh.server", CLIENT)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), st.one_of(st.just(STREAM[:60]), st.binary()))))
def test_nothing_raises_and_nothing_grows(pieces: list[tuple[int, bytes]]) -> None:
    parser = SshParser()
    for direction, data in pieces:
        parser.feed(direction, data, 0)
        assert parser.held() <= 2 * (STATED_LIMIT + PACKET_LIMIT + 4)
    for found in parser.finish():
        for name in SSH.buffers:
            values(found, name, CLIENT)
