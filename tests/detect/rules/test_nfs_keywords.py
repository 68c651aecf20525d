"""NFS and RPC keywords as they are written."""

from __future__ import annotations

import re

import pytest

from vpi_tui.model.signature import Content, NumberIn, Pcre

from .rule_text import parse, refused


def test_a_procedure() -> None:
    assert parse("nfs_procedure:17;").steps == (NumberIn("nfs_procedure", ((17, 17),)),)
    assert parse("nfs_procedure:3<>5;").steps == (NumberIn("nfs_procedure", ((3, 5),)),)
    name = Content("nfs_procedure.name", b"getattr", startswith=True, endswith=True)
    assert parse("nfs_procedure:getattr;").steps == (name,)
    (other,) = parse("nfs_procedure:!read;").steps
    assert isinstance(other, Pcre)
    expression = re.compile(other.pattern.replace(rb"\z", rb"\Z"))
    held = [name for name in (b"read", b"readdir", b"write", b"") if expression.search(name)]
    assert held == [b"readdir", b"write"]
    assert parse("nfs.version:<4;").steps == (NumberIn("nfs_version", ((0, 3),)),)
    assert "nfs_procedure" in refused("nfs_procedure:5<>3;")


@pytest.mark.parametrize(("transport", "start"), [("udp", 0), ("tcp", 4)])
def test_a_call_of_a_program(transport: str, start: int) -> None:
    made = parse("rpc:100000,*,4;", head=f"alert {transport} any any -> any any")
    assert made.inspect == "packet"
    assert [(step.pattern, step.offset, step.depth) for step in made.steps if isinstance(step, Content)] == [
        (b"\0\0\0\0", start + 4, 4),
        (b"\x00\x01\x86\xa0", start + 12, 4),
        (b"\0\0\0\4", start + 20, 4),
    ]


@pytest.mark.parametrize("text", ["100000,2,3,4", "portmap", "100000,x"])
def test_no_program(text: str) -> None:
    assert refused(f"rpc:{text};").startswith("rpc: ")
