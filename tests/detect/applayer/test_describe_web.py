"""What the log says of HTTP/2, QUIC and WebSocket, held against the schema where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.quic.parser import QuicParser
from vpi_tui.detect.applayer.websocket.parser import WebSocketParser
from vpi_tui.model.batch import Direction

from . import test_http2, test_quic, test_websocket

SCHEMA = Path(__file__).resolve().parents[4] / "shared" / "eve-schema.json"
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def http2() -> list[dict[str, Any]]:
    return [DESCRIPTIONS["http2"].describe(found) for found in test_http2.read(*test_http2.exchange())]


def doh2() -> list[dict[str, Any]]:
    answer = [(b":status", b"200"), (b"content-type", b"application/dns-message")]
    said = test_http2.headers(answer, 1) + test_http2.frame(0, test_http2.QUERY, 1, 1)
    return [DESCRIPTIONS["doh2"].describe(found) for found in test_http2.read((CLIENT, said))]


def quic() -> list[dict[str, Any]]:
    parser = QuicParser()
    found = parser.datagram(SERVER, test_quic.sealed(test_quic.crypto(test_quic.HELLO)))
    found += parser.datagram(CLIENT, test_quic.ANSWER)
    return [DESCRIPTIONS["quic"].describe(one) for one in found]


def google() -> list[dict[str, Any]]:
    packet = b"\x09" + test_quic.ID + b"Q043\x01" + bytes(12) + test_quic.STREAM
    return [DESCRIPTIONS["quic"].describe(one) for one in QuicParser().datagram(SERVER, packet)]


def websocket() -> list[dict[str, Any]]:
    sent = test_websocket.frame(b"x", mask=b"\0\0\1\0") + test_websocket.frame(b"y", 10, 0)
    return [DESCRIPTIONS["websocket"].describe(one) for one in WebSocketParser().feed(SERVER, sent, 0)]


def test_http2_as_the_log_has_it() -> None:
    about, stream, goaway = (one["http"] for one in http2())
    assert about["http2"] == {
        "stream_id": 0,
        "request": {
            "settings": [
                {"settings_id": "SETTINGS_HEADER_TABLE_SIZE", "settings_value": 8192},
                {"settings_id": "SETTINGS_INITIAL_WINDOW_SIZE", "settings_value": 65535},
            ]
        },
    }
    assert (stream["url"], stream["status"], stream["hostname"]) == ("/a%20b?c", 200, "Host.Example:80")
    assert stream["response_headers"][0] == {"name": ":status", "value": "200"}
    assert goaway["http2"]["response"]["error_code"] == "ENHANCE_YOUR_CALM"


def asked_and_told(asked: list[tuple[bytes, bytes]], answered: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    pieces = (SERVER, test_http2.headers(asked, 1)), (CLIENT, test_http2.headers(answered, 1))
    found: dict[str, Any] = DESCRIPTIONS["http2"].describe(test_http2.read(*pieces)[-1])["http"]
    return found


def test_http2_tells_the_host_field_where_there_is_no_authority() -> None:
    asked = [(b":method", b"GET"), (b":path", b"/"), (b"host", b"host.example")]
    assert asked_and_told(asked, [(b":status", b"204")])["hostname"] == "host.example"


def test_http2_tells_the_length_that_is_announced() -> None:
    asked = [(b":method", b"HEAD"), (b":path", b"/"), (b"content-length", b"7")]
    told = asked_and_told(asked, [(b":status", b"201"), (b"content-length", b"1234"), (b"location", b"/x")])
    assert (told["length"], told["redirect"]) == (1234, "/x")
    assert asked_and_told(asked, [(b":status", b"200")])["length"] == 7


def test_quic_as_the_log_has_it() -> None:
    client, server = (one["quic"] for one in quic())
    assert (client["version"], client["sni"], client["ja4"][:4]) == ("1", "example.com", "q13d")
    assert {"name": "alpn", "type": 16, "values": ["alpn"]} in client["extensions"]
    assert server["ja3s"]["string"] == "771,4865,51-43"
    (old,) = (one["quic"] for one in google())
    assert (old["version"], old["ua"]) == ("Q043", "dev Chrome/1")


def test_websocket_as_the_log_has_it() -> None:
    assert [one["websocket"] for one in websocket()] == [
        {"fin": True, "mask": 256, "opcode": "text"},
        {"fin": False, "opcode": "pong"},
    ]


@pytest.mark.parametrize("made", [http2, doh2, quic, google, websocket])
def test_the_schema_holds(made: Any) -> None:
    if not SCHEMA.exists():
        pytest.skip("the EVE schema is not here")
    schema = json.loads(SCHEMA.read_text())
    for fields in made():
        for name, value in fields.items():
            own = {**schema["properties"][name], "$defs": schema.get("$defs", {})}
            jsonschema.validators.validator_for(schema)(own).validate(value)
