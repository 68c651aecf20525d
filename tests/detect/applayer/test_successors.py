"""Flows that change their protocol in the middle: STARTTLS, AUTH TLS and CONNECT."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from vpi_tui.detect.applayer.application import instances
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.followed import WEIGHED_AFTER
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

from .test_pass_by import SLOTS, stretches

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def client_hello(name: bytes) -> bytes:
    sni = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack("!HH", 0, len(sni)) + sni
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


HELLO = client_hello(b"inside.example")
SMTP = [
    (CLIENT, b"220 hi\r\n"),
    (SERVER, b"EHLO me\r\n"),
    (CLIENT, b"250 STARTTLS\r\n"),
    (SERVER, b"STARTTLS\r\n"),
    (CLIENT, b"220 go\r\n"),
]
FTP = [(CLIENT, b"220 hi\r\n"), (SERVER, b"AUTH TLS\r\n"), (CLIENT, b"234 go\r\n")]
START_TLS = b"1.3.6.1.4.1.1466.20037"
LDAP = [
    (SERVER, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + START_TLS),
    (CLIENT, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\4\0\4\0"),
]
PGSQL = [(SERVER, struct.pack("!II", 8, 80_877_103)), (CLIENT, b"S")]
CONNECT = [
    (SERVER, b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
    (CLIENT, b"HTTP/1.1 200 Connected\r\n\r\n"),
]


def seen(app: str, wanted: str, said: list[tuple[int, bytes]], name: str) -> tuple[str, list[bytes]]:
    """(what the flow is called at the end, values of a buffer)"""
    layer, app_of = AppLayer(Demand({wanted})), np.full(SLOTS, APP_PROTOS.index(app), np.uint8)
    at, found = [0, 0, 0], []
    for direction, data in said:
        found += layer.released(stretches((1, direction, at[direction], data)), app_of)
        at[direction] += len(data)
    found += layer.finish_all()
    assert not layer.stats()["app_layer.error"]
    values = [
        value
        for one in found
        if name in one.application.buffers
        for value in instances(one.application.buffers[name], one.transaction, SERVER)
    ]
    return APP_PROTOS[app_of[1]], values


@pytest.mark.parametrize(
    ("app", "talk"),
    [("smtp", SMTP), ("ftp", FTP), ("http", CONNECT), ("ldap", LDAP), ("postgresql", PGSQL)],
)
@pytest.mark.parametrize("step", [3, 1000])
def test_tls_goes_on(app: str, talk: list[tuple[int, bytes]], step: int) -> None:
    pieces = [(SERVER, HELLO[at : at + step]) for at in range(0, len(HELLO), step)]
    called, names = seen(app, "tls", [*talk, *pieces], "tls.sni")
    assert called == "tls"
    assert set(names) == {b"inside.example"}


def test_http_inside_of_connect() -> None:
    inside = [(SERVER, b"GET /inside HTTP/1.1\r\nHost: h\r\n\r\n"), (CLIENT, b"HTTP/1.1 204 No\r\n\r\n")]
    called, uris = seen("http", "http1", [*CONNECT, *inside], "http.uri")
    assert called == "http"
    assert b"/inside" in uris


def test_tunnels_of_tunnels_come_to_an_end() -> None:
    nested = [(SERVER, CONNECT[0][1]), (CLIENT, CONNECT[1][1])] * 20
    called, methods = seen("http", "http1", nested, "http.method")
    assert called == "http"
    assert methods.count(b"CONNECT") >= 20


ASKED, CONNECTED = CONNECT[0][1], CONNECT[1][1]
LONG = b"CONNECT h:443 HTTP/1.1\r\n" + (b"A: " + b"a" * 1_000 + b"\r\n") * 15 + b"\r\n"
"""As much as a parser is given at a time."""
GREETED, STARTED = b"EHLO me\r\nSTARTTLS\r\n", b"220 hi\r\n250 STARTTLS\r\n220 go\r\n"
REQUEST = b"GET /behind HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (ASKED * 2, CONNECTED * 2),
        (ASKED * 5, CONNECTED * 5),
        (LONG + ASKED * 20, CONNECTED * 21),
        (ASKED + LONG, CONNECTED * 2),
        (ASKED + GREETED, CONNECTED + STARTED),
    ],
)
def test_what_is_behind_several_changes_in_one_stretch_is_seen(asked: bytes, answered: bytes) -> None:
    """A client need not wait for an answer before it goes on."""
    called, names = seen("http", "tls", [(SERVER, asked + HELLO), (CLIENT, answered)], "tls.sni")
    assert called == "tls"
    assert set(names) == {b"inside.example"}


def test_however_many_changes_one_stretch_brings_they_come_to_an_end() -> None:
    many = 2_000
    said = [(SERVER, ASKED * many + HELLO), (CLIENT, CONNECTED * many)]
    called, methods = seen("http", "http1", said, "http.method")
    assert called == "tls"
    assert methods.count(b"CONNECT") >= many


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(ASKED * 2, CONNECTED * 2), (ASKED * 5, CONNECTED * 5), (GREETED, STARTED)],
)
def test_answers_may_lie_there_before_what_they_answer(asked: bytes, answered: bytes) -> None:
    said = [(SERVER, ASKED), (CLIENT, CONNECTED + answered), (SERVER, asked + HELLO)]
    called, names = seen("http", "tls", said, "tls.sni")
    assert called == "tls"
    assert set(names) == {b"inside.example"}


def test_mail_inside_of_connect() -> None:
    said = [*CONNECT, (CLIENT, b"220 hi\r\n"), (SERVER, b"EHLO me\r\n")]
    layer = AppLayer(Demand({"http1", "smtp"}))
    app_of, at = np.full(SLOTS, APP_PROTOS.index("http"), np.uint8), [0, 0, 0]
    for direction, data in said:
        layer.released(stretches((1, direction, at[direction], data)), app_of)
        at[direction] += len(data)
    assert APP_PROTOS[app_of[1]] == "smtp"


@pytest.mark.parametrize(
    "then",
    [
        [(CLIENT, b"HTTP/1.1 405 No\r\n\r\n")],
        [(CLIENT, b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")],
        [],
        [(SERVER, REQUEST * 4_000)],
    ],
    ids=["refused", "refused at last", "never answered", "too much to wait for"],
)
def test_requests_behind_a_connect_that_opens_no_tunnel_are_seen(then: list[tuple[int, bytes]]) -> None:
    _, uris = seen("http", "http1", [(SERVER, ASKED + REQUEST), *then], "http.uri")
    assert uris.count(b"/behind") >= 1


BULKY = b"GET / HTTP/1.1\r\nA: " + b"a" * 1_000 + b"\r\n\r\n"
REFUSED = b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        [(SERVER, ASKED), (CLIENT, b"HTTP/1.1 103 Wait\r\n\r\n" + CONNECTED), (SERVER, HELLO)],
        [(SERVER, ASKED + HELLO + b"\n" * 20_000), (CLIENT, CONNECTED)],
        [
            (SERVER, ASKED + BULKY * 20 + ASKED + HELLO + b"\n"),
            (CLIENT, REFUSED),
            (CLIENT, REFUSED * 20 + CONNECTED),
        ],
    ],
    ids=["interim answer", "long handshake", "another one refused"],
)
def test_what_a_tunnel_carries_is_seen_whatever_comes_before_its_answer(
    said: list[tuple[int, bytes]],
) -> None:
    called, names = seen("http", "tls", said, "tls.sni")
    assert called == "tls"
    assert set(names) == {b"inside.example"}


@pytest.mark.parametrize(
    "inside",
    [
        [b"\r\n" * 200 + REQUEST],
        [*[b"\r\n"] * 200, REQUEST],
        [b"GET %2fbehind HTTP/1.1\r\n\r\n"],
        [b"GET\t/behind HTTP/1.1\r\n\r\n"],
        [b"CONNECT 10.0.0.1:443 HTTP/1.1\r\n\r\n" + REQUEST],
    ],
)
def test_unusual_requests_inside_of_connect_are_seen(inside: list[bytes]) -> None:
    _, uris = seen("http", "http1", [*CONNECT, *((SERVER, data) for data in inside)], "http.uri")
    assert b"/behind" in uris


def test_an_answer_that_is_none_of_http_ends_the_wait() -> None:
    layer, app_of = AppLayer(Demand({"http1"})), np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    layer.released(stretches((1, SERVER, 0, ASKED + REQUEST)), app_of)
    found = layer.released(stretches((1, CLIENT, 0, b"What?\r\n")), app_of)
    assert len({id(one.transaction) for one in found}) == 2


@pytest.mark.parametrize("times", [1, 3])
def test_requests_behind_connects_that_nobody_answers_are_seen(times: int) -> None:
    _, uris = seen("http", "http1", [(SERVER, ASKED * times + REQUEST)], "http.uri")
    assert uris.count(b"/behind") >= 1


@pytest.mark.parametrize("times", [1, 3])
def test_requests_behind_what_is_lost_behind_a_connect_are_seen(times: int) -> None:
    layer, app_of = AppLayer(Demand({"http1"})), np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    said = (1, SERVER, 0, ASKED * times + REQUEST), (1, SERVER, 1_000, REQUEST)
    found = layer.released(stretches(*said), app_of)
    uris = [
        value
        for one in found
        for value in instances(one.application.buffers["http.uri"], one.transaction, SERVER)
    ]
    assert uris.count(b"/behind") >= 2
    assert not layer.stats()["app_layer.error"]


def test_what_nobody_knows_is_held_in_bounds() -> None:
    layer, app_of = AppLayer(Demand({"tls"})), np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    layer.released(stretches((1, SERVER, 0, CONNECT[0][1]), (1, CLIENT, 0, CONNECT[1][1])), app_of)
    before = layer.stats()["app_layer.memuse"]
    at = len(CONNECT[1][1])
    for _ in range(50):
        layer.released(stretches((1, CLIENT, at, bytes(1000))), app_of)
        at += 1000
    assert layer.stats()["app_layer.memuse"] < before + WEIGHED_AFTER


def test_a_successor_that_nobody_wants_is_dropped() -> None:
    called, _ = seen("smtp", "smtp", [*SMTP, (SERVER, HELLO)], "smtp.helo")
    assert called == "tls"
