"""Modbus requests and responses: what they do, and what is wrong with them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.applayer.conversations import memory_of
from tests.detect.rules.rule_text import parse
from vpi_tui.detect.applayer.application import instances
from vpi_tui.detect.applayer.modbus import MODBUS
from vpi_tui.detect.applayer.modbus.parser import FLOOD, KEPT_LIMIT, ModbusParser
from vpi_tui.detect.applayer.transaction import Stage, Transaction
from vpi_tui.detect.match.evaluate import Plan, Tally
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def message(pdu: bytes, number: int = 1, unit: int = 10, protocol: int = 0) -> bytes:
    return struct.pack("!HHHB", number, protocol, len(pdu) + 1, unit) + pdu


def begun() -> ModbusParser:
    """The parser of a flow that has begun with a message and its response."""
    parser = ModbusParser()
    for direction in (SERVER, CLIENT):
        parser.feed(direction, message(b"\x11", 99), 0)
    return parser


def run(*pieces: tuple[int, bytes]) -> list[Transaction]:
    parser = begun()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    return list(found)


def events(*pieces: tuple[int, bytes]) -> list[str]:
    return [name for found in run(*pieces) for names in found.events for name in names]


class Seen:
    """A request as rules see it."""

    fresh = -1
    little_endian = False

    def __init__(self, pdu: bytes) -> None:
        (self._found,) = run((SERVER, message(pdu)))

    def instances(self, name: str) -> list[bytes]:
        return list(MODBUS.buffers[name].get(self._found, SERVER))


def holds(options: str, pdu: bytes) -> bool:
    return Plan.of(parse(f"modbus: {options};").steps).match(Seen(pdu), Tally()) is not None


READ_COILS = bytes.fromhex("01 0013 0005")
"""Coils 20 to 24."""
WRITE_REGISTERS = bytes.fromhex("10 0001 0002 04 000a 0102")
WRITE_COILS = bytes.fromhex("0f 0013 000a 02 cd01")
READ_WRITE = bytes.fromhex("17 0003 0006 000e 0003 06 00ff 00ff 00ff")


@pytest.mark.parametrize(
    ("options", "pdu", "wanted"),
    [
        ("unit 10", READ_COILS, True),
        ("unit >10", READ_COILS, False),
        ("unit 9<>11, function 1", READ_COILS, True),
        ("unit 0<>11", READ_COILS, True),
        ("unit 10<>65535", READ_COILS, False),
        ("unit 10<>10", READ_COILS, True),
        ("unit 11<>9", READ_COILS, False),
        ("unit 300", READ_COILS, False),
        ("unit 10, access read", READ_COILS, True),
        ("function assigned, subfunction 1", READ_COILS, True),
        ("access read holding, address 15, value 255", READ_WRITE, True),
        ("function 16", WRITE_REGISTERS, True),
        ("function 8, subfunction 4", bytes.fromhex("08 0004 0000"), True),
        ("function 8, subfunction 1", bytes.fromhex("08 0004 0000"), False),
        ("function assigned", READ_COILS, True),
        ("function !assigned", READ_COILS, False),
        ("function reserved", bytes.fromhex("08 0005 0000"), True),
        ("function user", b"\x41", True),
        ("function public", b"\x20", True),
        ("access read", READ_COILS, True),
        ("access write", READ_COILS, False),
        ("access read holding", READ_WRITE, True),
        ("access write holding", READ_WRITE, True),
        ("access read coils, address 20", READ_COILS, True),
        ("access read coils, address 24", READ_COILS, True),
        ("access read coils, address 25", READ_COILS, False),
        ("access read coils, address <20", READ_COILS, False),
        ("access read coils, address <21", READ_COILS, True),
        ("access read coils, address >23", READ_COILS, True),
        ("access read coils, address >24", READ_COILS, False),
        ("access read coils, address 22<>30", READ_COILS, True),
        ("access read coils, address 20<>21", READ_COILS, True),
        ("access write holding, address 3, value 258", WRITE_REGISTERS, True),
        ("access write holding, address 3, value >258", WRITE_REGISTERS, False),
        ("access write holding, address 2, value <20", WRITE_REGISTERS, True),
        ("access write coils, address 20, value 1", WRITE_COILS, True),
        ("access write coils, address 21, value 1", WRITE_COILS, False),
        ("access write coils, address 28, value 1", WRITE_COILS, True),
        ("access write holding, address 15, value 255", READ_WRITE, True),
        ("access write coils, address 6, value 1", bytes.fromhex("05 0005 ff00"), True),
    ],
)
def test_requests_as_rules_describe_them(options: str, pdu: bytes, wanted: bool) -> None:
    assert holds(options, pdu) is wanted


ASK = (SERVER, message(READ_COILS))


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([(CLIENT, message(b"\x01\x01\x05"))], ["modbus.unsolicited_response"]),
        ([(SERVER, message(READ_COILS, protocol=1))], ["modbus.invalid_protocol_id"]),
        ([(SERVER, b"\0\1\0\0\0\1")], ["modbus.invalid_length"]),
        ([(SERVER, message(b"\x01\x00"))], ["modbus.invalid_length"]),
        ([(SERVER, message(b"\x81\0\0\0\1"))], ["modbus.invalid_function_code"]),
        ([(SERVER, message(b"\0"))], ["modbus.invalid_function_code"]),
        ([(SERVER, message(bytes(300)))], ["modbus.invalid_length"]),
        ([(SERVER, message(bytes.fromhex("10 0001 0000 00")))], ["modbus.invalid_length"]),
        (
            [(SERVER, message(bytes.fromhex("10 0001 0001 04 0102")))],
            ["modbus.invalid_length", "modbus.invalid_value"],
        ),
        ([(SERVER, message(bytes.fromhex("05 0005 0001")))], ["modbus.invalid_value"]),
        ([(SERVER, message(bytes.fromhex("03 0000 007e")))], ["modbus.invalid_value"]),
        ([ASK, (CLIENT, message(b"\x81\x09"))], ["modbus.invalid_exception_code"]),
        ([ASK, (CLIENT, message(b"\x81\x02"))], []),
        ([ASK, (CLIENT, message(b"\x81\x08"))], ["modbus.invalid_exception_code"]),
        ([(SERVER, message(b"\x11")), (CLIENT, message(b"\x91\x02"))], []),
        ([ASK, (CLIENT, message(b"\x81\x02\0"))], ["modbus.value_mismatch"]),
        ([(SERVER, message(READ_WRITE)), (CLIENT, message(b"\x17\x0c" + bytes(12)))], []),
        (
            [(SERVER, message(READ_WRITE)), (CLIENT, message(b"\x17\x02\0\0"))],
            ["modbus.value_mismatch"],
        ),
        (
            [(SERVER, message(b"\x08\0\0\0\0")), (CLIENT, message(b"\x08\0\x0a\0\0"))],
            ["modbus.unsolicited_response"],
        ),
        (
            [(SERVER, message(b"\x2b\x0e\1\0")), (CLIENT, message(b"\x2b\x0d\1\0"))],
            ["modbus.unsolicited_response"],
        ),
        ([ASK, (CLIENT, message(b"\x01\x01\x15"))], []),
        ([ASK, (CLIENT, message(b"\x01\x02\x15\x00"))], ["modbus.value_mismatch"]),
        ([ASK] * FLOOD, []),
        ([ASK] * (FLOOD + 9), ["modbus.flooded"]),
    ],
)
def test_what_is_wrong_is_an_event(pieces: list[tuple[int, bytes]], wanted: list[str]) -> None:
    assert events(*pieces) == wanted


def test_byte_by_byte_is_the_same() -> None:
    sent = [ASK, (CLIENT, message(b"\x01\x01\x15")), (SERVER, message(WRITE_COILS, 2))]
    split = [(direction, data[n : n + 1]) for direction, data in sent for n in range(len(data))]
    whole, bytewise = run(*sent), run(*split)
    assert [one.request for one in whole] == [one.request for one in bytewise]  # type: ignore[attr-defined]
    assert whole[0].response == bytewise[0].response  # type: ignore[attr-defined]


PIECES = st.one_of(
    st.sampled_from([message(READ_COILS), message(READ_WRITE), message(WRITE_COILS)]),
    st.binary(max_size=20).map(message),
    st.binary(max_size=20),
)


@given(st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), PIECES), max_size=20))
def test_nothing_raises(pieces: list[tuple[int, bytes]]) -> None:
    for found in run(*pieces):
        for buffer in MODBUS.buffers.values():
            buffer.get(found, SERVER)


@pytest.mark.parametrize("pdu", [b"\x2b", b"\x08\0", b"\xe4", b"\0"])
def test_a_function_that_does_not_say_what_it_is_has_no_category(pdu: bytes) -> None:
    assert not holds("function all", pdu)


@pytest.mark.parametrize(
    ("direction", "data", "wanted"),
    [
        (SERVER, message(READ_COILS), 1),
        (SERVER, message(b"\x81\x06"), 1),
        (SERVER, message(b"\x81\x06\0"), 0),
        (CLIENT, message(b"\x81\x09"), 0),
        (SERVER, message(b"\x08\0"), 0),
        (SERVER, message(b"\x2b"), 0),
        (SERVER, message(bytes(300)), 0),
        (SERVER, message(READ_COILS, protocol=1), 0),
    ],
)
def test_a_flow_that_begins_otherwise_is_none_of_modbus(direction: int, data: bytes, wanted: int) -> None:
    parser = ModbusParser()
    assert len(parser.feed(direction, data, 0)) == wanted
    assert len(parser.feed(SERVER, message(READ_COILS), 0)) == wanted
    assert parser.over() is not bool(wanted)


def test_behind_a_wrong_length_the_next_message_is_read() -> None:
    wrong, right = run((SERVER, message(bytes(300)) + message(READ_COILS)))
    assert wrong.told[SERVER] == {"modbus.invalid_length": None}
    assert [bytes(one) for one in MODBUS.buffers["modbus.first"].get(right, SERVER)] == [b"\0\0\x14"]


@pytest.mark.parametrize("quantity", [0, 0xFFFF])
def test_addresses_that_two_bytes_do_not_hold_are_none(quantity: int) -> None:
    assert not holds("access read, address >0", struct.pack("!BHH", 1, 0x0013, quantity))


def test_an_answer_that_nobody_asked_for_is_what_rules_look_at() -> None:
    (found,) = run((CLIENT, message(b"\x03\x02\0\1")))
    assert list(MODBUS.buffers["modbus.function"].get(found, SERVER)) == [b"\x03"]
    (found,) = run((CLIENT, message(WRITE_REGISTERS[:5])))
    assert list(MODBUS.buffers["modbus.written"].get(found, SERVER)) == []


def test_an_answer_that_nobody_asked_for_is_seen_from_both_sides() -> None:
    (found,) = begun().feed(CLIENT, message(b"\x01\x02\x05"), 0)
    wanted = {"modbus.unsolicited_response", "modbus.value_mismatch"}
    for side in (SERVER, CLIENT):
        assert found.stage[side] == Stage.DONE
        assert set(found.told[side]) == wanted


def test_values_of_a_request_that_waits_are_weighed() -> None:
    """Each bit of it is a value of its own for rules, and takes many times as much."""
    parser = ModbusParser()
    for number in range(8):
        coils = struct.pack("!BHHB", 15, 0, 1_976, 247) + bytes(247)
        (found,) = parser.feed(SERVER, message(coils, number), 0)
        assert len(instances(MODBUS.buffers["modbus.written"], found, SERVER)) == 1_976
    size, waiting = memory_of(parser)
    assert waiting == 8
    assert 8 * 1_976 * 40 < size < 2 * parser.held()


def test_what_waits_in_a_flood_is_bounded() -> None:
    """Most of it are the values that each request sets."""
    parser = ModbusParser()
    for number in range(2 * FLOOD):
        coils = struct.pack("!BHHB", 15, 0, 1_976, 247) + bytes(247)
        parser.feed(SERVER, message(coils, number), 0)
        assert parser.held() < 2 * KEPT_LIMIT
