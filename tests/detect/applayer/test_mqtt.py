"""MQTT messages, what belongs together, and what is out of order."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.mqtt import MQTT
from vpi_tui.detect.applayer.mqtt.message import MOST_TOPICS
from vpi_tui.detect.applayer.mqtt.parser import MESSAGE_LIMIT, MOST_OPEN, MqttParser, MqttTransaction
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def text(value: bytes) -> bytes:
    return struct.pack("!H", len(value)) + value


def packet(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    size = bytearray()
    left = len(body)
    while True:
        size.append(left & 0x7F | (0x80 if left > 0x7F else 0))
        left >>= 7
        if not left:
            return bytes((kind << 4 | flags,)) + bytes(size) + body


def connect(version: int = 5) -> bytes:
    properties = b"\x05\x11\x00\x00\x00\x0a" if version == 5 else b""
    will = (b"\0" if version == 5 else b"") + text(b"last/will") + text(b"gone")
    head = text(b"MQTT") + bytes((version, 0xC6)) + b"\x00\x3c" + properties
    return packet(1, head + text(b"me") + will + text(b"user") + text(b"secret"))


CONNACK = packet(2, b"\x01\x00\x00")
SUBSCRIBE = packet(8, b"\x00\x07\x00" + text(b"a/b") + b"\x01" + text(b"c") + b"\x02", 2)
SUBACK = packet(9, b"\x00\x07\x00\x01\x87")
PUBLISH = packet(3, text(b"a/b") + b"\x00\x09" + b"\0" + b"payload", 0x2)
PUBREC, PUBREL, PUBCOMP = packet(5, b"\x00\x09"), packet(6, b"\x00\x09", 2), packet(7, b"\x00\x09\x10")
DIALOGUE = [
    (SERVER, connect()), (CLIENT, CONNACK), (SERVER, SUBSCRIBE), (CLIENT, SUBACK), (CLIENT, PUBLISH),
    (SERVER, PUBREC), (CLIENT, PUBREL), (SERVER, PUBCOMP), (SERVER, packet(14)),
]  # fmt: skip


def run(pieces: list[tuple[int, bytes]]) -> list[Transaction]:
    parser = MqttParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return list(found)


def seen(found: Transaction) -> dict[str, list[bytes]]:
    shown = {}
    for direction in (SERVER, CLIENT):
        if found.stage[direction]:
            assert found.stage[direction] == Stage.DONE
            for name, buffer in MQTT.buffers.items():
                if values := list(buffer.get(found, direction)):
                    shown[name] = values
    return shown


def events(pieces: list[tuple[int, bytes]]) -> list[bytes]:
    return [event for found in run(pieces) for event in seen(found).get("app-layer-event", [])]


def test_a_dialogue_is_seen_request_by_request() -> None:
    first, second, third, fourth = map(seen, run(DIALOGUE))
    assert first["mqtt.connect.protocol_string"] == [b"MQTT"]
    assert first["mqtt.connect.clientid"] == [b"me"]
    assert first["mqtt.connect.username"] == [b"user"]
    assert first["mqtt.connect.password"] == [b"secret"]
    assert first["mqtt.connect.willtopic"] == [b"last/will"]
    assert first["mqtt.connect.willmessage"] == [b"gone"]
    assert first["mqtt.connect.flags"] == [b"\xc6"]
    assert first["mqtt.connack.session_present"] == [b"\x01"]
    assert first["mqtt.type"] == [b"\x01", b"\x02"]
    assert second["mqtt.subscribe.topic"] == [b"a/b", b"c"]
    assert second["mqtt.reason_code"] == [b"\x01", b"\x87"]
    assert second["mqtt.protocol_version"] == [b"\x05"]
    assert third["mqtt.publish.topic"] == [b"a/b"]
    assert third["mqtt.publish.message"] == [b"payload"]
    assert third["mqtt.type"] == [b"\x03", b"\x05", b"\x06", b"\x07"]
    assert third["mqtt.reason_code"] == [b"\0"]
    assert third["mqtt.qos"][0] == b"\x01"
    assert fourth["mqtt.type"] == [b"\x0e"]
    assert not events(DIALOGUE)


def test_most_keywords_ask_about_what_a_client_began() -> None:
    (from_broker,) = (one for one in run(DIALOGUE) if "mqtt.publish.topic" in seen(one))
    assert isinstance(from_broker, MqttTransaction)
    assert from_broker.direction == CLIENT
    asked = {name for name, one in MQTT.buffers.items() if one.directions & 1 << CLIENT}
    assert {name for name in asked if name.startswith("mqtt.")} == {
        "mqtt.publish.topic",
        "mqtt.publish.message",
        "mqtt.type",
        "mqtt.reason_code",
        "mqtt.connack.session_present",
    }


def test_byte_by_byte_is_the_same() -> None:
    split = [(direction, data[n : n + 1]) for direction, data in DIALOGUE for n in range(len(data))]
    assert list(map(seen, run(split))) == list(map(seen, run(DIALOGUE)))


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([(CLIENT, CONNACK)], b"mqtt.missing_connect"),
        ([*DIALOGUE[:2], (CLIENT, packet(4, b"\x00\x01"))], b"mqtt.missing_publish"),
        ([*DIALOGUE[:2], (CLIENT, PUBREL)], b"mqtt.missing_publish"),
        ([*DIALOGUE[:2], (CLIENT, SUBACK)], b"mqtt.missing_subscribe"),
        ([*DIALOGUE[:2], (CLIENT, packet(11, b"\x00\x01\x00\x11"))], b"mqtt.missing_unsubscribe"),
        ([*DIALOGUE[:2], (SERVER, connect())], b"mqtt.double_connect"),
        ([(SERVER, connect()), (SERVER, packet(12))], b"mqtt.unintroduced_message"),
        ([*DIALOGUE[:2], (SERVER, packet(3, text(b"t") + b"\0\x01\0", 6))], b"mqtt.invalid_qos_level"),
        ([*DIALOGUE[:2], (SERVER, packet(0))], b"mqtt.unassigned_msg_type"),
        ([*DIALOGUE[:2], (SERVER, b"\x30\xff\xff\xff\xff")], b"mqtt.malformed_traffic"),
        ([*DIALOGUE[:2], (SERVER, packet(8, b"\0\x01\0", 2))], b"mqtt.malformed_traffic"),
        ([*DIALOGUE[:2], (SERVER, packet(15))], b"mqtt.malformed_traffic"),
    ],
)
def test_what_is_out_of_order_is_an_event(pieces: list[tuple[int, bytes]], wanted: bytes) -> None:
    assert events(pieces) == [wanted]


def reason_codes(*pieces: tuple[int, bytes]) -> list[bytes]:
    return seen(run([*DIALOGUE[:2], *pieces])[-1])["mqtt.reason_code"]


def test_of_messages_with_one_reason_code_the_first_counts() -> None:
    pubrec = packet(5, b"\x00\x09\x10")
    pieces = [(CLIENT, PUBLISH), (SERVER, pubrec), (CLIENT, PUBREL), (SERVER, packet(7, b"\x00\x09\x92"))]
    assert reason_codes(*pieces) == [b"\x10"]
    assert reason_codes((SERVER, SUBSCRIBE), (CLIENT, SUBACK)) == [b"\x01", b"\x87"]


def test_a_reason_to_disconnect_counts_with_properties_alone() -> None:
    assert reason_codes((SERVER, packet(14, b"\x04"))) == [b"\0"]
    assert reason_codes((SERVER, packet(14, b"\x04\0"))) == [b"\x04"]


def test_the_head_of_a_frame_is_two_bytes() -> None:
    parser = MqttParser()
    parser.frames = FrameLog(frozenset({"pdu", "header", "data"}))
    sent = packet(3, text(b"t") + b"x" * 200)
    parser.feed(SERVER, sent, 0)
    assert {one.name: one.data for one in parser.frames.take()} == {
        "pdu": sent,
        "header": sent[:2],
        "data": sent[2:-1],
    }


def test_requests_that_nobody_answers_are_bounded() -> None:
    asked = [(SERVER, packet(3, text(b"t") + struct.pack("!H", n) + b"\0", 2)) for n in range(MOST_OPEN + 3)]
    assert events([*DIALOGUE[:2], *asked]) == [b"mqtt.too_many_transactions"] * 2


def test_a_message_that_is_too_long_is_passed_over() -> None:
    size = MESSAGE_LIMIT + 1
    parser = MqttParser()
    (found,) = parser.feed(SERVER, b"\x30" + b"\x81\x80\xc0\x00"[:4] + bytes(100), 0)
    assert seen(found)["mqtt.type"] == [b"\x03"]
    assert not parser.feed(SERVER, bytes(size - 100), 0)
    assert parser.held() == 0
    (after,) = parser.feed(SERVER, packet(12), 0)
    assert seen(after)["mqtt.type"] == [b"\x0c"]


def test_what_follows_the_last_whole_topic_does_not_count() -> None:
    longer = SUBSCRIBE[:1] + bytes((SUBSCRIBE[1] + 2,)) + SUBSCRIBE[2:] + b"\x00\x09"
    *_, found = run([*DIALOGUE[:2], (SERVER, longer)])
    assert seen(found)["mqtt.subscribe.topic"] == [b"a/b", b"c"]


def test_topics_are_bounded() -> None:
    (found,) = run([(SERVER, packet(10, b"\0\x01" + text(b"t") * 500, 2))])
    assert len(seen(found)["mqtt.unsubscribe.topic"]) == MOST_TOPICS


PIECES = st.one_of(st.sampled_from([data for _, data in DIALOGUE]), st.binary(max_size=40))


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=30))
def test_nothing_raises_and_all_is_seen_in_the_end(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(pieces):
        seen(found)
