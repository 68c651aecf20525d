"""Normalising URIs as libhtp does for Suricata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.applayer.http.uri import Authority, asked_of, normalise, of_request


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
        (b"/p#%41", b"/p#A"),
        (b"/a/.", b"/a"),
        (b"/a/b/..", b"/a"),
        (b"/a/../?q", b"/?q"),
        (b"http://h.org", b""),
        (b"*", b"*"),
        (b"", b""),
    ],
)
def test_normal_form(sent: bytes, normal: bytes) -> None:
    assert normalise(sent) == normal


@given(st.binary(max_size=200))
def test_never_longer(sent: bytes) -> None:
    assert len(normalise(sent)) <= max(1, len(sent))


@pytest.mark.parametrize(
    ("method", "sent", "named"),
    [
        (b"GET", b"/p", Authority(None)),
        (b"GET", b"http://u:p@H.Org.:80/p", Authority(b"h.org", b"80", 20)),
        (b"GET", b"http:///p", Authority(None)),
        (b"CONNECT", b"[2001:DB8::1]:443", Authority(b"[2001:db8::1]", b"443", 17)),
    ],
)
def test_the_host_that_a_request_line_names(method: bytes, sent: bytes, named: Authority) -> None:
    assert asked_of(method, sent) == named


def test_a_tunnel_has_no_uri() -> None:
    assert of_request(b"CONNECT", b"h.org:443") == b""
    assert of_request(b"GET", b"/h.org:443") == b"/h.org:443"
