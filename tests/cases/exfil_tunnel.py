"""Cases of rules/exfil-tunnel.yaml."""

from __future__ import annotations

from tests.cases.build import (
    GUEST,
    OUTSIDE,
    PEER,
    Case,
    Talks,
    answered,
    get,
    icmp_sent,
    pinged,
    probed,
    said,
    sent,
)
from vpi_tui.capture.demo import payloads as p
from vpi_tui.capture.demo.conversation import Conversation, Frame

_LONG = "mzxw6ytboi4tkmrsmzxw6ytboi4tkmrsmzxw6ytboi4tkmrsmzxw6ytb.t.example"
_WIREGUARD = b"\x01\0\0\0" + p.noise(144, 8)
_KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
_SHADOW = b"root:$6$saltsalt$u1oQ0uT7xX3yQ9w1:20000:0:99999:7:::\n"
_DUMP = b"--\n-- PostgreSQL database dump\n--\nSET statement_timeout = 0;\n"


def _six_in_four(proto: int) -> Talks:
    """An IPv4 packet with another protocol number."""
    from scapy.layers.inet import IP
    from scapy.layers.l2 import Ether

    from vpi_tui.capture.demo.hosts import mac_text

    packet = Ether(src=mac_text(GUEST.mac), dst=mac_text(PEER.mac)) / IP(
        src=GUEST.ip, dst=PEER.ip, proto=proto
    )
    yield Conversation(
        (Frame(0.0, True, GUEST.ifindex, bytes(packet) + b"\x60" + b"\0" * 5 + b"\x3b\x40" + b"\0" * 32),)
    )


def _key_material(bad: bytes, good: bytes) -> Case:
    return Case(
        lambda: said(8080, bad, client=GUEST, server=OUTSIDE),
        lambda: said(8080, good, client=GUEST, server=OUTSIDE),
    )


CASES = {
    9000500: Case(
        lambda: sent(53, p.dns_question("a.example", "TXT"), 24),
        lambda: sent(53, p.dns_question("a.example", "A"), 24),
    ),
    9000501: Case(
        lambda: sent(53, p.dns_question("a.example", "NULL"), 12),
        lambda: sent(53, p.dns_question("a.example", "MX"), 12),
    ),
    9000502: Case(
        lambda: sent(53, p.dns_question(_LONG), 12),
        lambda: sent(
            53, p.dns_question("a-rather-long-name-of-a-host.in-a-region.cloud.provider.example.com"), 12
        ),
    ),
    9000503: Case(
        lambda: pinged(14, gap=1.0, payload=b"x" * 900), lambda: pinged(14, gap=1.0, payload=b"x" * 56)
    ),
    9000504: Case(
        lambda: icmp_sent(8, 0, payload=b"\0" * 12 + p.SSH_CLIENT),
        lambda: icmp_sent(8, 0, payload=b"\0" * 12 + b"SSH"),
    ),
    9000505: Case(lambda: said(8443, p.SSH_CLIENT), lambda: said(22, p.SSH_CLIENT)),
    9000506: Case(lambda: _six_in_four(41), lambda: _six_in_four(89)),
    9000507: Case(
        lambda: sent(51820, _WIREGUARD, server=OUTSIDE),
        lambda: sent(51820, _WIREGUARD + b"\0", server=OUTSIDE),
    ),
    9000508: Case(lambda: probed([445], server=OUTSIDE), lambda: probed([445], server=PEER)),
    9000509: Case(lambda: said(21, b"PASS hunter2\r\n"), lambda: said(21, b"PASV\r\n")),
    9000510: Case(
        lambda: said(80, get("/", headers="Authorization: Basic dXNlcjpwYXNz\r\n"), server=OUTSIDE),
        lambda: said(80, get("/", headers="Authorization: Bearer abcdef\r\n"), server=OUTSIDE),
    ),
    9000511: Case(lambda: said(110, b"PASS hunter2\r\n"), lambda: said(110, b"STAT\r\n")),
    9000512: _key_material(_KEY, b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"),
    9000513: _key_material(_SHADOW, b"root:*:20000:0:99999:7:::\n"),
    9000514: _key_material(
        b"[default]\naws_secret_access_key = abcdef\n", b"[default]\nregion = eu-central-1\n"
    ),
    9000515: Case(lambda: answered(8080, _DUMP, client=OUTSIDE), lambda: answered(8080, _DUMP)),
    9000516: Case(
        lambda: said(3333, b'{"id":1,"method":"mining.subscribe","params":[]}\n'),
        lambda: said(3333, b'{"id":1,"method":"news.subscribe","params":[]}\n'),
    ),
}
