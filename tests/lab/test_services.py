"""What guests answer: on the loopback, without a lab."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.lab.guest import names, services
from vpi_tui.lab.names import Names
from vpi_tui.lab.plan import make_plan

PLAN = make_plan(Names("vpilab"), ("bridge",), 0, [])
KNOWN = {"web-1.lab.test": "10.213.1.11"}


def test_dns_answers_as_scapy_reads_it() -> None:
    from scapy.layers.dns import DNS

    found = DNS(names.answer(names.question("web-1.lab.test", names.A, 7), KNOWN))
    assert (found.id, found.rcode, found.an[0].rdata) == (7, 0, KNOWN["web-1.lab.test"])
    text = DNS(names.answer(names.question("x.example", names.TXT, 8), KNOWN))
    assert text.an[0].rdata == [b"ok"]
    assert DNS(names.answer(names.question("nobody.lab.test", names.A, 9), KNOWN)).rcode == names.NXDOMAIN


@given(st.binary(max_size=200))
def test_what_is_no_question_gets_no_answer_and_harms_nobody(query: bytes) -> None:
    said = names.answer(query, KNOWN)
    assert said == b"" or said[:2] == query[:2]


def talk(service: str, sent: bytes) -> bytes:
    """What the service says to `sent`, after which the client has no more to say."""

    async def both() -> bytes:
        started = services.SERVICES[service]
        port = free_port()
        await services.listen("127.0.0.1", replace(started, ports=(port,)), asyncio.Semaphore(5))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 5)

    return asyncio.run(both())


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


CASES = [
    ("http", b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
    ("http", b"\x16\x03\x01 what\r\n\r\n", b"HTTP/1.1 400 "),
    ("http", b"GET", b""),
    ("http", b"G" * 1_000_000, b""),
    ("database", b"SET a 1\r\nGET a\r\nPING\r\nx\r\n", b"+OK\r\n$1\r\n1\r\n+PONG\r\n-ERR"),
    ("database", b"SET " + b"k" * 200_000, b""),
    ("ssh", b"SSH-2.0-x\r\n", b"SSH-2.0-"),
    ("windows", b"\xfeSMB" * 1000, b""),
]


@pytest.mark.parametrize(
    ("service", "sent", "begins"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_each_service_within_its_bounds(service: str, sent: bytes, begins: bytes) -> None:
    """begins: of the answer; empty = there is none."""
    try:
        said = talk(service, sent)
    except ConnectionResetError:
        said = b""
    assert said.startswith(begins), said[:200]
    assert bool(said) == bool(begins), said[:200]
