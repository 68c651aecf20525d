"""Normalising URIs as libhtp does for Suricata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.http.uri import normalise


@pytest.mark.parametrize(
    ("sent", "normal"),
    [
        (b"/a/./b/../c", b"/a/c"),
        (b"/../../etc", b"/etc"),
        (b"/a%2fb", b"/a/b"),
        (b"/a\\b", b"/a/b"),
        (b"/a///b", b"/a/b"),
        (b"/%zz%4", b"/%zz%4"),
        (b"/%u002fx", b"/x"),
        (b"/%uff0fx", b"/x"),
        (b"/%c0%afx", b"//x"),
        (b"http://h.org:80/p?q#f", b"/p?q#f"),
        (b"/p?a=%26+b", b"/p?a=&+b"),
        (b"*", b"*"),
        (b"", b""),
    ],
)
def test_normal_form(sent: bytes, normal: bytes) -> None:
    assert normalise(sent) == normal


@given(st.binary(max_size=200))
def test_never_longer(sent: bytes) -> None:
    assert len(normalise(sent)) <= max(1, len(sent))
