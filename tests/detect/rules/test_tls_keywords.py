"""Keywords about TLS as they are written."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.detect.applayer.test_scan import Connection, scan, sids
from tests.detect.applayer.test_tls import handshake
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.match.evaluate import Plan, Tally
from vpi_tui.model.batch import Direction
from vpi_tui.model.signature import Content, NumberIn, Pcre, Step

from .rule_text import parse, refused

TLS_1_0 = NumberIn("tls.version", ((0x0301, 0x0301),))
SHA1 = ":".join(["aB"] * 20)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("ssl_version:tls1.0;", TLS_1_0),
        ("tls.version:1.0;", TLS_1_0),
        ("tls.version:0x0301;", TLS_1_0),
        ("ssl_version:!sslv2,!sslv3,!tls1.1,!tls1.2,!tls1.3;", TLS_1_0),
        ("ssl_state:client_hello;", Content("tls.hello", b"client_hello", startswith=True, endswith=True)),
        ("ssl_state:unknown;", Content("tls.state", b"unknown", startswith=True, endswith=True)),
        ("ssl_state:!client_hello;", Pcre("tls.state", rb"\A(?!(?:client_hello)\z)")),
        ("ssl_state:server_keyx;", Content("tls.state", b"server_keyx", startswith=True, endswith=True)),
        ('tls.subject:!"CN=a";', Content("tls.cert_subject", b"CN=a", negated=True)),
        ('tls.issuerdn:"CN=a";', Content("tls.cert_issuer", b"CN=a")),
        (
            f'tls.fingerprint:"{SHA1}";',
            Content("tls.cert_fingerprint", SHA1.lower().encode(), startswith=True, endswith=True),
        ),
        ("tls.cert_chain_len:>2;", NumberIn("tls.cert_chain_len", ((3, 0xFFFF_FFFF),))),
        ("tls_cert_notbefore:>2020-01-02;", NumberIn("tls.cert_notbefore", ((1577923200, (1 << 63) - 1),))),
        ("tls_cert_notafter:<1577923200;", NumberIn("tls.cert_notafter", ((0, 1577923200),))),
        (
            "tls_cert_notafter:2020-01-02T00:00:01;",
            NumberIn("tls.cert_notafter", ((1577923201, 1577923201),)),
        ),
        ('tls_sni; content:"a";', Content("tls.sni", b"a")),
        (f'ja3_hash; content:"{"AB" * 16}";', Content("ja3.hash", b"AB" * 16, nocase=True)),
        ('tls.cert_serial; content:"ab";', Content("tls.cert_serial", b"ab", nocase=True)),
    ],
)
def test_one_step(options: str, expected: Step) -> None:
    assert parse(options, head="alert tls any any -> any any").steps == (expected,)


def test_several_versions_are_a_choice() -> None:
    (step,) = parse("ssl_version:tls1.0,tls1.2;").steps
    assert step == NumberIn("tls.version", ((0x0301, 0x0301), (0x0303, 0x0303)))


def test_each_mention_of_a_subject_stands_for_itself(tmp_path: Path) -> None:
    packets = Connection(443)
    for direction, data in handshake(ssl.TLSVersion.TLSv1_2):
        (packets.client if direction == Direction.TO_SERVER else packets.server)(data)
    rule = 'alert tls any any -> any any (tls.cert_subject; content:"CN=host"; {}content:"C=DE"; within:4;)'
    found = scan(tmp_path, packets.packets, rule.format("tls.cert_subject; "), rule.format(""))
    assert sids(found) == {1: 1}


def test_drafts_count_as_the_version_that_came_of_them() -> None:
    draft = (0x7F00, 0x7FFF)
    assert parse("tls.version:1.3;").steps == (NumberIn("tls.version", ((0x0304, 0x0304), draft)),)
    assert draft in parse("ssl_version:!tls1.2;").steps[0].spans
    assert parse("tls.version:0x7f12;").steps == (NumberIn("tls.version", ((0x7F12, 0x7F12),)),)
    assert parse("tls.version:0x0304;").steps == (NumberIn("tls.version", ((0x0304, 0x0304),)),)


def test_messages_are_a_choice_or_none_of_it() -> None:
    steps = parse("ssl_state:client_hello,client_keyx; ssl_state:!server_keyx;").steps
    assert steps == (
        Pcre("tls.state", rb"\A(?:client_hello|client_keyx)\z"),
        Pcre("tls.state", rb"\A(?!(?:server_keyx)\z)"),
    )


def test_a_span_of_time() -> None:
    (step,) = parse("tls_cert_notbefore:2019<>2020;").steps
    assert step == NumberIn("tls.cert_notbefore", ((1546300800, 1577836800),))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("ssl_version:tls9;", "ssl_version: 'tls9'"),
        ("tls.version:9;", "tls.version"),
        ("ssl_state:hello;", "ssl_state"),
        ('tls.fingerprint:"ab";', "tls.fingerprint"),
        ("tls_cert_notbefore:>2020-13-45x;", "tls_cert_notbefore"),
        ("tls_cert_notbefore:2020<>2019;", "no moment"),
        ("tls_cert_notbefore:2020<>2020;", "no moment"),
    ],
)
def test_refusals(options: str, named: str) -> None:
    assert named in refused(options)


@dataclass(frozen=True)
class _Certificate:
    """A subject with one certificate, valid until second 200."""

    now_ns: int
    fresh: int = -1
    little_endian: bool = False

    def instances(self, name: str) -> Sequence[bytes]:
        assert name == "tls.cert_validity"
        return ((200).to_bytes(8),)

    def has(self, _name: str) -> bool:
        return True

    def grows(self, _name: str) -> bool:
        return False

    def files(self) -> Sequence[File]:
        return ()


@pytest.mark.parametrize(
    ("second", "valid", "expired"),
    [(0, False, False), (100, True, False), (200, True, False), (201, False, True)],
)
def test_validity_is_that_of_the_packets_time(second: int, valid: bool, expired: bool) -> None:
    for name, expected in (("tls_cert_valid", valid), ("tls_cert_expired", expired)):
        plan = Plan.of(parse(f"{name};").steps)
        assert (plan.match(_Certificate(second * 1_000_000_000), Tally()) is not None) == expected


def test_to_store_a_certificate_is_no_condition_of_a_rule_for_tls() -> None:
    assert parse("tls.store;", head="alert tls any any -> any any").steps == ()
    assert parse("tls.store;").steps == (NumberIn("tls.cert_chain_len", ((1, 65535),)),)
