"""Older keywords about SSH as they are written."""

from __future__ import annotations

import pytest

from vpi_tui.detect import regex
from vpi_tui.model.signature import Content, Pcre

from .rule_text import parse, refused


def test_a_version_is_the_whole_of_it() -> None:
    (step,) = parse("ssh.protoversion:1.99;").steps
    assert step == Content("ssh.proto", b"1.99", startswith=True, endswith=True)


@pytest.mark.parametrize(
    ("version", "compatible"), [(b"2", True), (b"2.0", True), (b"1.99", True), (b"1.5", False)]
)
def test_compatible_with_version_2(version: bytes, compatible: bool) -> None:
    (step,) = parse("ssh.protoversion:2_compat;").steps
    assert isinstance(step, Pcre)
    assert bool(regex.search(step.pattern, step.flags, version)) == compatible


def test_software() -> None:
    (step,) = parse('ssh.softwareversion:"PuTTY";').steps
    assert step == Content("ssh.software", b"PuTTY")


def test_no_version() -> None:
    assert "ssh.protoversion" in refused("ssh.protoversion:two;")
