"""Parsers do what is asked of their protocol: what nobody looks for is not looked for."""

from __future__ import annotations

import base64

import pytest
from scapy.layers import dns as wire

from tests.detect.applayer import feeding
from tests.detect.rules.rule_text import parse
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.dns import DNS, DnsUdpOrTcp
from vpi_tui.detect.applayer.smtp import SMTP
from vpi_tui.detect.applayer.smtp.parser import SmtpParser
from vpi_tui.detect.applayer.transaction import EVENTS
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
ANSWER = bytes(
    wire.DNS(qr=1, qd=wire.DNSQR(qname="a.example"), an=[wire.DNSRR(rrname="a.example", rdata="10.0.0.1")])
)
LONG_BASE64 = base64.b64encode(bytes(range(90)))
MAIL = (
    b"HELO me\r\nMAIL FROM:<a@example>\r\nRCPT TO:<b@example>\r\nDATA\r\n"
    b"Content-Type: application/odd; boundary=" + b"-" * 255 + b"\r\n"
    b"Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + LONG_BASE64
    + b"\r\n.\r\n"
)


def test_rules_ask_each_protocol_for_what_they_look_at_there() -> None:
    app = RuleSet.compile(
        [
            parse('file_data; content:"abcd";', head="alert smtp any any -> any any"),
            parse('dns.query; content:"abcd";', head="alert dns any any -> any any"),
            parse("app-layer-event:smtp.tls_rejected;", head="alert smtp any any -> any any"),
        ]
    ).app
    assert set().union(*app.buffers["smtp"]) == {"file.data", EVENTS}
    assert set().union(*app.buffers["dns"]) == {"dns.query"}
    assert app.events == {"smtp.tls_rejected"}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(buffers=frozenset({"dns.query"}), events=frozenset(), logged=False), []),
        (Limits(buffers=frozenset({"dns.query"}), events=frozenset(), logged=True), [b"a.example"]),
        (Limits(buffers=frozenset({"dns.query", EVENTS}), logged=False), [b"a.example"]),
        (Limits(buffers=frozenset({"dns.rcode"}), events=frozenset(), logged=False), [b"a.example"]),
    ],
)
def test_what_a_server_answers_is_read_where_it_can_be_seen(limits: Limits, expected: list[bytes]) -> None:
    (found,) = DnsUdpOrTcp(limits).datagram(CLIENT, ANSWER)
    assert feeding.values(DNS, found, "dns.answers.rrname", CLIENT) == expected
    assert not found.events[CLIENT]


def test_which_way_a_message_goes_is_known_all_the_same() -> None:
    parser = DnsUdpOrTcp(Limits(buffers=frozenset({"dns.query"}), events=frozenset(), logged=False))
    parser.datagram(CLIENT, ANSWER)
    (found,) = parser.datagram(SERVER, ANSWER)
    assert list(found.events[SERVER]) == ["dns.not_request"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, {"smtp.mime_long_boundary", "smtp.mime_long_enc_line"}),
        (frozenset({"smtp.mime_long_enc_line"}), {"smtp.mime_long_boundary", "smtp.mime_long_enc_line"}),
        (frozenset({"smtp.mime_long_boundary"}), {"smtp.mime_long_boundary"}),
        (frozenset({"smtp.tls_rejected"}), set()),
    ],
)
def test_a_mail_is_judged_as_far_as_anybody_asks(asked: frozenset[str] | None, expected: set[str]) -> None:
    parser = SmtpParser(Limits(events=asked))
    parser.feed(CLIENT, b"220 hi\r\n", 0)
    (found,) = parser.feed(SERVER, MAIL, 0)
    assert {name for name in found.events[SERVER] if name.startswith("smtp.mime_")} == expected
    (name,) = feeding.values(SMTP, found, "file.name", SERVER)
    assert name == b"a"
