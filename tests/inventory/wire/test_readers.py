"""Readers of the protocols in which hosts name themselves."""

from __future__ import annotations

import random

import pytest

from tests.inventory.wire.samples import IP6, SENDER, SENDER6, discover, llmnr, mdns, netbios
from vpi_tui.inventory.wire.dhcp import client_name
from vpi_tui.inventory.wire.reader import MAX_NAME, MalformedError
from vpi_tui.inventory.wire.resolution import answered_name, netbios_name

READERS = (client_name, answered_name, netbios_name)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([("hostname", b"web-1")], "web-1"),
        ([(81, b"\0\0\0web-1.corp.example")], "web-1.corp.example"),
        ([(81, b"\4\0\0\5web-1\4corp\0")], "web-1.corp"),
        ([(81, b"\0\0\0other"), ("hostname", b"web-1\0")], "web-1"),
        ([("requested_addr", "10.0.0.9")], ""),
        ([(81, b"\0\0")], ""),
        ([(81, b"\4\0\0\x3fcut")], "cut"),
    ],
)
def test_dhcp(options: list[tuple[object, ...]], name: str) -> None:
    assert client_name(bytes(discover(*options)), SENDER) == name


def test_dhcp_of_another_hardware_address_or_a_server_names_nobody() -> None:
    assert client_name(bytes(discover(("hostname", b"web-1"), mac="52:54:00:00:00:01")), SENDER) == ""
    assert client_name(bytes(discover(("hostname", b"web-1"), op=2)), SENDER) == ""
    with pytest.raises(MalformedError):
        client_name(b"\0" * 240, SENDER)


def test_mdns_and_llmnr_name_the_one_whose_address_it_is() -> None:
    assert answered_name(bytes(mdns("web-1.local")), SENDER) == "web-1"
    assert answered_name(bytes(mdns("web-1.local", IP6)), SENDER6) == "web-1"
    assert answered_name(bytes(mdns("web-1.local", "10.0.0.1")), SENDER) == ""
    assert answered_name(bytes(llmnr("web-1")), SENDER) == "web-1"
    question = mdns("web-1.local")
    question.qr = 0
    assert answered_name(bytes(question), SENDER) == ""


def test_netbios() -> None:
    assert netbios_name(netbios("WEB-1"), SENDER) == "WEB-1"
    assert netbios_name(netbios("WEB-1", flags=0x8500), SENDER) == "WEB-1"  # an answer
    assert netbios_name(netbios("WEB-1", flags=0x0110), SENDER) == ""  # a question
    assert netbios_name(netbios("WORKGROUP", 0x1E), SENDER) == ""
    assert netbios_name(netbios("WORKGROUP", group=True), SENDER) == ""
    assert netbios_name(netbios("WEB-1", address="10.0.0.1"), SENDER) == ""


def test_hostile_names_are_printable_and_short() -> None:
    name = client_name(bytes(discover(("hostname", b"\x1b[2Ja\nb\xff" + b"x" * 200))), SENDER)
    assert name.isprintable()
    assert name.startswith("�[2Ja�b�xx")
    assert len(name) == MAX_NAME


def test_pointers_that_lead_in_circles_and_cut_messages_are_malformed_or_nothing() -> None:
    loop = bytes.fromhex("000084000000000100000000") + b"\xc0\x0c" + b"\0\1\0\1\0\0\0\0\0\4" + SENDER.ip
    with pytest.raises(MalformedError):
        answered_name(loop, SENDER)
    whole = bytes(mdns("web-1.local"))
    for length in range(len(whole)):
        try:
            assert answered_name(whole[:length], SENDER) == ""
        except MalformedError:
            continue


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_any_bytes_are_harmless(reader) -> None:  # type: ignore[no-untyped-def]
    drawn = random.Random(11)
    seeds = [bytes(discover(("hostname", b"web-1"))), bytes(mdns("web-1.local")), netbios("WEB-1")]
    for _ in range(3000):
        data = bytearray(drawn.choice(seeds))
        for _ in range(drawn.randrange(1, 12)):
            data[drawn.randrange(len(data))] = drawn.randrange(256)
        try:
            name = reader(bytes(data[: drawn.randrange(len(data) + 1)]), SENDER)
        except MalformedError:
            continue
        assert len(name) <= MAX_NAME
        assert name.isprintable()
