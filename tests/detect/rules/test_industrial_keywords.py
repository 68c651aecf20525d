"""Keywords about DNP3 and Modbus with a syntax of their own."""

from __future__ import annotations

import pytest

from vpi_tui.model.signature import NumberIn

from .rule_text import parse, refused


@pytest.mark.parametrize(
    ("option", "step"),
    [
        ("dnp3_ind:device_restart,need_time", NumberIn("dnp3_ind", ((1, 0x9000),), 0x9000)),
        ("dnp3_ind:+device_restart,need_time", NumberIn("dnp3_ind", ((0x9000, 0x9000),), 0x9000)),
        ("dnp3_ind:0x8001", NumberIn("dnp3_ind", ((1, 0x8001),), 0x8001)),
        ("dnp3_ind:0", NumberIn("dnp3_ind", (), 0)),
        ("dnp3_ind:=0x8000", NumberIn("dnp3_ind", ((0x8000, 0x8000),))),
        ("dnp3_obj:30, 1", NumberIn("dnp3_obj", ((0x1E01, 0x1E01),))),
        ("dnp3_func:unsolicited_response", NumberIn("dnp3_func", ((130, 130),))),
    ],
)
def test_dnp3(option: str, step: NumberIn) -> None:
    assert parse(f"{option};").steps == (step,)


@pytest.mark.parametrize("option", ["dnp3_ind:no_such", "dnp3_obj:1", "dnp3_obj:1,256", "dnp3_func:no_such"])
def test_dnp3_refuses_what_it_does_not_know(option: str) -> None:
    assert refused(f"{option};").startswith("dnp3_")


@pytest.mark.parametrize(
    "option",
    [
        "function 0",
        "function some",
        "subfunction 1",
        "access write input",
        "access read, address 1, value 2",
        "access write coils, address 1<>9, value 1",
        "function 1, access read",
        "function Assigned",
        "function !5",
        "function 256",
        "function 1, unit 2",
        "unit 65536",
        "unit 0x10",
        "unit >=5",
        "unit 1 <> 5",
        "unit 1,",
        "unit 1, unit 2",
        "access read, address 65536",
    ],
)
def test_modbus_refuses_what_cannot_hold(option: str) -> None:
    assert refused(f"modbus: {option};").startswith("modbus")
