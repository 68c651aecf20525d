"""app-layer-event: names are those of Suricata, and a wrong one is refused with the right one."""

from __future__ import annotations

import pytest

from vpi_tui.detect.applayer.event_names import NEVER_RAISED, PROTOCOLS, RAISED, SILENT, known
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.signature import Content

from .rule_text import parse, refused


def name_in(text: str) -> bytes:
    (step,) = parse(f"app-layer-event:{text};").steps
    assert isinstance(step, Content)
    return step.pattern


@pytest.mark.parametrize("name", ["http.missing_host_header", "http.unknown_error"])
def test_a_name_is_looked_for_whole(name: str) -> None:
    assert name_in(name) == name.encode()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dns.not_a_request", b"dns.not_request"),
        ("ikev2.weak_crypto_nodh", b"ike.weak_crypto_no_dh"),
        ("bittorrent_dht.malformed_packet", b"bittorrent-dht.malformed_packet"),
        ("HTTP.Missing_Host_Header", b"http.missing_host_header"),
    ],
)
def test_other_spellings(written: str, meant: bytes) -> None:
    assert name_in(written) == meant


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("http.missing_host_headr", "did you mean http.missing_host_header"),
        ("tls.qqqq", "not an event of tls"),
        ("dns.unsollicited_response", "Suricata has it no more"),
        ("modbus.invalid_unit_identifier", "Suricata has it no more"),
        ("file.invalid_swf_length", "Flash files are not decompressed"),
        ("imap.invalid_data", "IMAP is recognised"),
        ("nothing.at_all", "needs protocol.event"),
        ("http", "needs protocol.event"),
    ],
)
def test_wrong_names_are_refused(written: str, why: str) -> None:
    assert why in refused(f"app-layer-event:{written};")


def test_protocols_are_those_of_rules() -> None:
    assert RAISED.keys() | set(PROTOCOLS.values()) <= RULE_WORDS.keys()
    assert NEVER_RAISED.keys() | SILENT.keys() <= RAISED.keys()
    assert not any(NEVER_RAISED[name] & (RAISED[name] | SILENT.get(name, set())) for name in NEVER_RAISED)
    assert not any(SILENT[name] & RAISED[name] for name in SILENT)
    assert known("http") >= {"http.range_invalid"}
