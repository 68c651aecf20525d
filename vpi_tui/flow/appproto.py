"""Which application a payload belongs to, judged by its first bytes.

One matcher is one line of the registry: patterns are written as hexadecimal digits where `.` is
any digit (`l` one below 8, `h` another, `v` an even one, `w` an odd one, `m` 4 or 6, `n` 5 or 7), or as
text. A matcher that would be too weak alone names a port as well. The first line that fits wins.
Sources: the protocols' own specifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.model.applications import APP_PROTOS

TO_SERVER = 0b010
TO_CLIENT = 0b100
BOTH = TO_SERVER | TO_CLIENT
"""Bit sets over model.batch.Direction."""

TRANSPORTS = ("tcp", "udp")


@dataclass(frozen=True, slots=True)
class Matcher:
    """Two tests of at most eight bytes each. port: one of the two must be it; 0 = any."""

    app: str
    transport: str
    test: str
    offset: int = 0
    second: str = ""
    second_offset: int = 0
    port: int = 0
    directions: int = BOTH
    min_size: int = 0


def text(words: str) -> str:
    """The hexadecimal pattern of an ASCII text."""
    return words.encode("ascii").hex()


def folded(words: str) -> str:
    """The same in whatever case: letters that differ by bit 0x20 only."""
    return "".join(
        ("m" if char.upper() < "P" else "n") + f"{ord(char) & 15:x}" if char.isalpha() else text(char)
        for char in words
    )


def _either_case(app: str, directions: int, *words: str, port: int = 0) -> list[Matcher]:
    """Commands and greetings over TCP, as far as the first sixteen bytes tell."""
    return [
        Matcher(
            app, "tcp", folded(word[:8]), second=folded(word[8:16]), second_offset=8 if len(word) > 8 else 0,
            port=port, directions=directions,
        )
        for word in words
    ]  # fmt: skip


def _starts(app: str, transport: str, directions: int, *words: str, port: int = 0) -> list[Matcher]:
    return [Matcher(app, transport, text(word), port=port, directions=directions) for word in words]


_HTTP_METHODS = (
    "GET POST HEAD PUT DELETE CONNECT PATCH TRACE OPTIONS PROPFIND PROPPATCH REPORT MKCOL COPY MOVE LOCK "
    "UNLOCK CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL MKWORKSPACE MKACTIVITY MERGE INVALID VERSION-CONTROL "
    "BASELINE-CONTROL"
)
"""Of HTTP, WebDAV and its versioning, as Suricata knows them; in either case."""
_DNS_QUERY = "....0001 0000 0000"  # counts: one question, no answers
# In front of the flags of DNS stands "q": there are no operations above 7.
_SIP = "INVITE |REGISTER|ACK sip|BYE sip|CANCEL s|SIP/2.0 |SUBSCRIB|PRACK si|UPDATE s|REFER si|INFO sip"
_SIP_ALSO_OTHERS = "OPTIONS sip|NOTIFY sip|MESSAGE sip|PUBLISH sip"
"""Methods of other protocols as well, so with the start of the URI."""


def _longer(app: str, transport: str, words: str) -> list[Matcher]:
    """Texts of up to sixteen bytes, in two tests."""
    return [
        Matcher(app, transport, text(word[:8]), second=text(word[8:]), second_offset=8)
        for word in words.split("|")
    ]


def _dcerpc(directions: int, *kinds: str) -> list[Matcher]:
    """PDUs of version 5, either byte order."""
    return [
        Matcher("dcerpc", "tcp", f"050{minor}{kind}.. {order}000000", directions=directions, min_size=16)
        for kind in kinds
        for minor in "01"
        for order in ("10", "00")
    ]


_POSTGRESQL = "123ABCDEFGHIKNPQRSTVWXZcdfnpstv"
"""Kinds of messages of either side; of a session whose beginning was not seen any may be the first."""


_ENIP = ("00", "04", "63", "64", "65", "66", "6f", "70", "72", "73")


def _enip(transport: str) -> list[Matcher]:
    """The commands that are defined, with a status of one byte."""
    return [
        Matcher("enip", transport, f"{kind}00", second="..000000", second_offset=8, port=44818, min_size=24)
        for kind in _ENIP
    ]


_CAPABILITY = folded(" CAPABIL")
_MOST_TAG = 6
"""Bytes of the tag in front of an IMAP client's first command."""


def _snmp() -> list[Matcher]:
    """A sequence that begins with a version, its length in each of the usual forms."""
    heads = ("30..0201 0.", "3081..02 010.", "3082.... 02010.", "3083.... ..02010.", "3084.... ....0201")
    return [Matcher("snmp", "udp", head, port=port) for head in heads for port in (161, 162)]


def _ldap(transport: str) -> list[Matcher]:
    """A sequence that begins with a short number, its length in each of the usual forms."""
    heads = ("30..020", "3081..020", "3082....020", "3083......020", "3084........02")
    return [
        Matcher("ldap", transport, head + "." * (len(head) % 2), port=port)
        for head in heads
        for port in (389, 3268)
    ]


MATCHERS: tuple[Matcher, ...] = (
    # tcp, sure by content alone
    *_starts("sip", "tcp", BOTH, *_SIP.split("|")),
    *_longer("sip", "tcp", _SIP_ALSO_OTHERS),
    *_either_case("http", TO_SERVER, *(word + space for word in _HTTP_METHODS.split() for space in " \t")),
    *_either_case("http", TO_CLIENT, "HTTP/1.", "HTTP/0.9"),
    *_starts("http2", "tcp", TO_SERVER, "PRI * HT"),
    Matcher("http2", "tcp", "0000..04 00000000", second="00", second_offset=8, directions=TO_CLIENT),
    Matcher("tls", "tcp", "16030..... 01", min_size=6, directions=TO_SERVER),
    Matcher("tls", "tcp", "16030..... 02", min_size=6, directions=TO_CLIENT),
    Matcher("tls", "tcp", "8...01 0002", min_size=11, directions=TO_SERVER),  # SSLv2 hello
    Matcher("tls", "tcp", "8...01 030.", min_size=11, directions=TO_SERVER),
    *_starts("ssh", "tcp", BOTH, "SSH-"),
    # The flags say who speaks.
    Matcher("smb", "tcp", "00......ff534d42", second="l.", second_offset=13, directions=TO_SERVER),
    Matcher("smb", "tcp", "00......ff534d42", second="h.", second_offset=13, directions=TO_CLIENT),
    Matcher("smb", "tcp", "00......fe534d42", second=".v", second_offset=20, directions=TO_SERVER),
    Matcher("smb", "tcp", "00......fe534d42", second=".w", second_offset=20, directions=TO_CLIENT),
    Matcher("smb", "tcp", "00......fd534d42"),
    Matcher("smb", "tcp", "8100 0044 20", directions=TO_SERVER),
    *_dcerpc(TO_SERVER, "00", "0b", "0e"),
    *_dcerpc(TO_CLIENT, "02", "03", "0c", "0d", "0f"),
    Matcher("rdp", "tcp", "0300.... ..e00000", directions=TO_SERVER),
    Matcher("rdp", "tcp", "0300.... ..d00000", directions=TO_CLIENT),
    Matcher("rdp", "tcp", "03", port=3389),
    *_starts("rfb", "tcp", BOTH, "RFB 00"),
    *_either_case("imap", TO_CLIENT, "* OK", "* PREAUTH", "* NO ", "* BAD ", "* LIST ", "* ESEARCH "),
    *_either_case("imap", TO_CLIENT, "* STATUS ", "* FLAGS "),
    *(Matcher("imap", "tcp", _CAPABILITY, at, directions=TO_SERVER) for at in range(1, _MOST_TAG + 1)),
    *_starts("pop3", "tcp", TO_CLIENT, "+OK ", "+OK\r\n", "-ERR ", "-ERR\r\n", port=110),
    *_either_case("smtp", TO_SERVER, "EHLO ", "HELO ", "MAIL FROM"),
    *_starts("smtp", "tcp", TO_CLIENT, "220 ", "220-", "554 ", port=25),
    *_starts("smtp", "tcp", TO_CLIENT, "220 ", "220-", "554 ", port=465),
    *_starts("smtp", "tcp", TO_CLIENT, "220 ", "220-", "554 ", port=587),
    *_starts("ftp", "tcp", TO_CLIENT, "220 ", "220-", port=21),
    *_either_case("ftp", TO_SERVER, "AUTH TLS", port=21),
    *_either_case("pop3", TO_SERVER, "USER ", "CAPA\r\n", "APOP ", "STLS\r\n", "AUTH ", "QUIT\r\n", port=110),
    *_either_case("irc", TO_SERVER, "PASS ", "USER ", port=6667),
    *_starts("ftp", "tcp", TO_CLIENT, "220 ("),
    *_either_case("ftp", TO_SERVER, "USER ", "PASS ", "PORT ", "FEAT"),
    *_either_case("smtp", TO_SERVER, "QUIT"),
    *_starts("redis", "tcp", TO_SERVER, *(f"*{count}\r\n$" for count in range(1, 10)), "PING\r\n"),
    Matcher("mysql", "tcp", "......00 0a 35", directions=TO_CLIENT),
    Matcher("mysql", "tcp", "......00 0a 38", directions=TO_CLIENT),
    Matcher("mysql", "tcp", "......00 0a 3131", directions=TO_CLIENT),
    Matcher("mysql", "tcp", "......00 ff", directions=TO_CLIENT, port=3306),
    Matcher("postgresql", "tcp", "0000.... 00030000", directions=TO_SERVER),
    Matcher("postgresql", "tcp", "00000008 04d2162f", directions=TO_SERVER),
    Matcher("postgresql", "tcp", "0000....", port=5432, min_size=8, directions=TO_SERVER),
    *(Matcher("postgresql", "tcp", text(kind) + "000.....", port=5432) for kind in _POSTGRESQL),
    Matcher("mssql", "tcp", "1201.... 0000..00", directions=TO_SERVER),
    Matcher("mqtt", "tcp", "10..0004 4d515454", directions=TO_SERVER),
    Matcher("mqtt", "tcp", "10..0006 4d514973", directions=TO_SERVER),
    Matcher("mqtt", "tcp", "10....00 044d5154", directions=TO_SERVER),
    *(Matcher("mqtt", "tcp", f"{kind:x}.", port=1883, min_size=2) for kind in range(1, 16)),
    Matcher("ldap", "tcp", "30..0201 ..60", directions=TO_SERVER),
    Matcher("ldap", "tcp", "30840000 ....0201", directions=BOTH),
    *_ldap("tcp"),
    Matcher("krb5", "tcp", "000..... 6.", port=88),
    Matcher("krb5", "tcp", "000..... 7e", port=88),
    Matcher("bittorrent", "tcp", "13" + text("BitTorr")),
    *_starts("rtsp", "tcp", BOTH, "RTSP/1.0", "DESCRIBE"),
    *_starts("irc", "tcp", TO_SERVER, "NICK ", port=6667),
    *_starts("vmware-auth", "tcp", TO_CLIENT, "220 VMwa"),
    Matcher("iscsi", "tcp", "43........000000", port=3260, directions=TO_SERVER, min_size=48),
    Matcher("iscsi", "tcp", "03........000000", port=3260, directions=TO_SERVER, min_size=48),
    Matcher("iscsi", "tcp", "23", port=3260, directions=TO_CLIENT, min_size=48),
    Matcher("nfs", "tcp", "8.", second="00000002 000186a3", second_offset=12, min_size=44),
    Matcher("rpc", "tcp", "8.", second="00000000 00000002", second_offset=8, min_size=28),
    Matcher("telnet", "tcp", "fff. ..ff", second="f.", second_offset=4, port=23),
    Matcher("telnet", "tcp", "fff.", port=23),
    Matcher("modbus", "tcp", "....0000 00", port=502),
    Matcher("dnp3", "tcp", "0564", port=20000),
    Matcher("dns", "tcp", "......00 00", second=_DNS_QUERY, second_offset=4, min_size=19, port=53),
    Matcher("dns", "tcp", "", second="....0001", second_offset=4, min_size=19, port=53),
    Matcher("dns", "tcp", "", second="q... 00..00..00..", second_offset=4, min_size=14, port=53),
    *_enip("tcp"),
    Matcher("telnet", "tcp", "", port=23, min_size=2),
    # udp
    *_enip("udp"),
    *_ldap("udp"),
    Matcher("quic", "udp", "c. 00000001", min_size=1000, directions=TO_SERVER),
    Matcher("quic", "udp", "d. 6b3343cf", min_size=1000, directions=TO_SERVER),
    Matcher("quic", "udp", "c. 00000001", port=443),
    Matcher("quic", "udp", ".. 6b3343cf", min_size=1000),
    Matcher("quic", "udp", "c. ff0000", min_size=1000),
    Matcher("quic", "udp", "c. faceb002", min_size=1000),
    Matcher("quic", "udp", ".. 513034"),
    Matcher("quic", "udp", "c. 51303530"),
    *(Matcher("quic", "udp", f"{kind}.", port=port, min_size=8) for kind in "cdef" for port in (443, 80)),
    Matcher("quic", "udp", "..", second="513034", second_offset=9),
    Matcher("dhcp", "udp", "0.0106", second="63825363", second_offset=236),
    *(Matcher("dhcp", "udp", "", second="63825363", second_offset=236, port=port) for port in (67, 68)),
    Matcher("mdns", "udp", "", second="....", second_offset=2, port=5353, min_size=12),
    Matcher("llmnr", "udp", "", second="....0001", second_offset=2, port=5355, min_size=12),
    Matcher("nbns", "udp", "", second="....0001 0000", second_offset=2, port=137, min_size=12),
    Matcher("nbns", "udp", "", second="..0.0000 0001", second_offset=2, port=137, min_size=12),
    *_starts("ssdp", "udp", BOTH, "M-SEARCH", "NOTIFY *"),
    *_starts("sip", "udp", BOTH, *_SIP.split("|")),
    *_longer("sip", "udp", _SIP_ALSO_OTHERS),
    *_snmp(),
    Matcher("krb5", "udp", "6.", port=88, min_size=32),
    Matcher("krb5", "udp", "7e", port=88, min_size=32),
    Matcher("ntp", "udp", "", port=123, min_size=48, second="..", second_offset=0),
    Matcher("nfs", "udp", "", second="00000002 000186a3", second_offset=8, min_size=40),
    Matcher("rpc", "udp", "", second="00000000 00000002", second_offset=4, min_size=24),
    Matcher("radius", "udp", "0.", port=1812, min_size=20),
    Matcher("syslog", "udp", "3c", port=514),
    Matcher("tftp", "udp", "00", port=69, min_size=4),
    Matcher("wireguard", "udp", "01000000", min_size=148, directions=TO_SERVER),
    Matcher("ikev2", "udp", "", second="..20", second_offset=16, port=500, min_size=28),
    Matcher("ikev1", "udp", "", second="..10", second_offset=16, port=500, min_size=28),
    Matcher("dcerpc", "udp", "0400..0. 100000", min_size=80, directions=TO_SERVER),
    Matcher("dcerpc", "udp", "0402..0. 100000", min_size=80, directions=TO_CLIENT),
    Matcher("dcerpc", "udp", "0400..0. 000000", min_size=80, directions=TO_SERVER),
    Matcher("dcerpc", "udp", "0402..0. 000000", min_size=80, directions=TO_CLIENT),
    Matcher("vxlan", "udp", "08000000", port=4789),
    Matcher("bittorrent-dht", "udp", text("d1:ad2:i"), second=text("d20:"), second_offset=8),
    Matcher("dns", "udp", "....0.0. 0001 0000", second="0000 00", second_offset=8, min_size=17),
    Matcher("dns", "udp", "....012. 0001 0000", second="0000 00", second_offset=8, min_size=17),
    Matcher("dns", "udp", "....q... 0001", second="..", second_offset=8, port=53, min_size=17),
    Matcher("dns", "udp", "....q... 00..00..", second="00..00..", second_offset=8, port=53, min_size=12),
)


class AppTables(NamedTuple):
    """The registry as the kernel reads it. Buckets: transport << 8 | first byte."""

    start: NDArray[np.int32]
    """int32[513]: where a bucket's rows start in `rows`."""
    rows: NDArray[np.int32]
    mask: NDArray[np.uint64]
    """uint64[k, 2]: 0 = no test."""
    value: NDArray[np.uint64]
    offset: NDArray[np.int32]
    min_size: NDArray[np.int32]
    port: NDArray[np.int32]
    directions: NDArray[np.int32]
    app: NDArray[np.int32]


_PARTIAL = {
    ".": (0, 0), "l": (8, 0), "h": (8, 8), "v": (1, 0), "w": (1, 1), "m": (13, 4), "n": (13, 5), "q": (4, 0)
}  # fmt: skip
"""(bits that are looked at, what they are) of what is no hexadecimal digit."""


def _compiled(pattern: str) -> tuple[int, int, int]:
    """(mask, value, bytes) of a pattern, left-aligned in 64 bits."""
    digits = pattern.replace(" ", "")
    if len(digits) % 2 or len(digits) > 16:
        raise ValueError(f"pattern {pattern!r}: whole bytes, at most eight")
    mask = value = 0
    for digit in digits.ljust(16, "."):
        bits, wanted = _PARTIAL[digit] if digit in _PARTIAL else (15, int(digit, 16))
        mask, value = mask << 4 | bits, value << 4 | wanted
    return mask, value, len(digits) // 2


@cache
def app_tables() -> AppTables:
    """The compiled registry; made once."""
    count = len(MATCHERS)
    mask = np.zeros((count, 2), np.uint64)
    value = np.zeros((count, 2), np.uint64)
    offset = np.zeros((count, 2), np.int32)
    min_size = np.zeros(count, np.int32)
    for at, matcher in enumerate(MATCHERS):
        tests = ((matcher.test, matcher.offset), (matcher.second, matcher.second_offset))
        for which, (pattern, where) in enumerate(tests):
            mask[at, which], value[at, which], size = _compiled(pattern)
            offset[at, which] = where
            min_size[at] = max(min_size[at], where + size, matcher.min_size, 1)
    start, rows = _buckets(mask, value, offset)
    columns: dict[str, Any] = {
        "port": [matcher.port for matcher in MATCHERS],
        "directions": [matcher.directions for matcher in MATCHERS],
        "app": [APP_PROTOS.index(matcher.app) for matcher in MATCHERS],
    }
    return AppTables(
        start,
        rows,
        mask,
        value,
        offset,
        min_size,
        **{name: np.array(column, np.int32) for name, column in columns.items()},
    )


def _buckets(
    mask: NDArray[np.uint64], value: NDArray[np.uint64], offset: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each transport and first byte the matchers that may still fit, in registry order."""
    first_mask = np.where(offset[:, 0] == 0, mask[:, 0] >> np.uint64(56), np.uint64(0))
    first = value[:, 0] >> np.uint64(56) & first_mask
    may_fit = np.arange(256, dtype=np.uint64)[:, None] & first_mask == first
    transport = np.array([matcher.transport for matcher in MATCHERS])
    fits = np.concatenate([may_fit & (transport == name) for name in TRANSPORTS])
    start = np.concatenate(([0], np.cumsum(fits.sum(axis=1))))
    return start.astype(np.int32), np.nonzero(fits)[1].astype(np.int32)
