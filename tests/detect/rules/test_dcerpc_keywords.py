"""Keywords about DCE/RPC as they are written."""

from __future__ import annotations

import pytest

from vpi_tui.model.signature import ByteTest, Content, NumberIn

from .rule_text import columns, parse, refused

UUID = "367abb81-9844-35f1-ad32-98f038001003"
WANTED = Content("dcerpc.iface", bytes.fromhex(UUID.replace("-", "")), startswith=True)
FIRST = NumberIn("dcerpc.iface", ((1, 1),), offset=18, count=1)


def test_an_interface() -> None:
    assert parse(f"dcerpc.iface:{UUID};").steps == (WANTED, FIRST)
    assert parse(f"dce_iface:{UUID.upper()}, any_frag;").steps == (WANTED,)


@pytest.mark.parametrize(
    ("test", "spans"),
    [("=2", ((2, 2),)), ("!2", ((0, 1), (3, 65535))), ("<2", ((0, 1),)), (">0xfffe", ((65535, 65535),))],
)
def test_a_version(test: str, spans: tuple[tuple[int, int], ...]) -> None:
    made = NumberIn("dcerpc.iface", spans, offset=16, count=2)
    assert parse(f"dcerpc.iface:{UUID},{test};").steps == (WANTED, made, FIRST)
    assert parse(f"dcerpc.iface:{UUID},{test},any_frag;").steps == (WANTED, made)


def test_two_interfaces_may_be_different_ones() -> None:
    steps = parse(f"dcerpc.iface:{UUID},any_frag; dcerpc.iface:{UUID},any_frag;").steps
    assert len({step.buffer for step in steps}) == 2


@pytest.mark.parametrize(
    ("test", "spans"),
    [
        ("4", ((4, 4),)),
        ("4,10-12, 20", ((4, 4), (10, 12), (20, 20))),
        ("7,70000-4294967295", ((7, 7), (70000, 4294967295))),
    ],
)
def test_operations(test: str, spans: tuple[tuple[int, int], ...]) -> None:
    assert parse(f"dcerpc.opnum:{test};").steps == (NumberIn("dcerpc.opnum", spans),)
    assert parse(f"dce_opnum:{test};").steps == (NumberIn("dcerpc.opnum", spans),)


@pytest.mark.parametrize(
    "options",
    [
        "dcerpc.iface:367abb81;",
        f"dcerpc.iface:{UUID},any_frag,=1;",
        f"dcerpc.iface:{UUID},=70000;",
        "dcerpc.opnum:12-10;",
        "dcerpc.opnum:4294967296;",
        "dcerpc.opnum:>7;",
        "dcerpc.opnum:!7;",
        "dcerpc.opnum:one;",
        "byte_test:2,=,1,0,string,dec,dce;",
    ],
)
def test_what_makes_no_sense_is_refused(options: str) -> None:
    assert options.partition(":")[0] in refused(options)


def test_byte_order_of_the_message() -> None:
    (step,) = parse("dce_stub_data; byte_test:2,=,1,0,dce;").steps
    assert step == ByteTest("dcerpc.stub_data", 2, "=", 1, 0, dce=True)
    assert "app_proto" in columns("byte_test:2,=,1,0,dce;")
    assert "app_proto" not in columns("byte_test:2,=,1,0;")
