"""What the guests say: messages of everyday protocols, right in form, short in content.

Sources: RFC 9112 (HTTP), RFC 8446 (TLS), RFC 4253 (SSH), RFC 5321 (SMTP), the PostgreSQL and
MySQL protocol chapters, RFC 1035 (DNS), RFC 5905 (NTP), RFC 2131 (DHCP).
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Mapping

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def request(
    target: str,
    host: str,
    *,
    method: str = "GET",
    agent: str = AGENT,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def response(body: bytes, *, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> bytes:
    """An HTTP/1.1 response with its length."""
    head = (
        f"HTTP/1.1 {status}\r\nServer: nginx/1.26.2\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n"
    )
    return head.encode() + body


def page(title: str, paragraphs: int) -> bytes:
    """An HTML page of about 180 bytes a paragraph."""
    rows = "".join(
        f"<p>Order {1000 + n}: ready for collection at the counter of the shop in the high street; "
        f"thank you for your patience with our new catalogue.</p>\n<hr class='thin'>\n"
        for n in range(paragraphs)
    )
    return f"<!doctype html><html><head><title>{title}</title></head><body>\n{rows}</body></html>\n".encode()


def rows_json(count: int) -> bytes:
    """A JSON answer of an internal service."""
    rows = [
        {"id": 4000 + n, "name": f"item {n}", "stock": n * 7 % 113, "price": f"{n * 3}.50"}
        for n in range(count)
    ]
    return json.dumps({"items": rows, "next": None}).encode()


def noise(size: int, seed: int) -> bytes:
    """Bytes that look encrypted or compressed; the same for the same seed."""
    return random.Random(seed).randbytes(size)


# TLS ------------------------------------------------------------------------------------------


def _vector(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack("!H", number) + _vector(data, 2)


def tls_record(kind: int, data: bytes) -> bytes:
    return struct.pack("!BH", kind, 0x0303) + _vector(data, 2)


def client_hello(name: str, seed: int) -> bytes:
    """A TLS 1.3 ClientHello record with a server name."""
    server_name = _vector(b"\0" + _vector(name.encode(), 2), 2)
    extensions = b"".join(
        [
            _extension(0, server_name),
            _extension(10, _vector(bytes.fromhex("001d00170018"), 2)),
            _extension(13, _vector(bytes.fromhex("0403080404010503"), 2)),
            _extension(16, _vector(b"\x02h2\x08http/1.1", 2)),
            _extension(43, b"\x04\x03\x04\x03\x03"),
            _extension(51, _vector(b"\0\x1d" + _vector(noise(32, seed), 2), 2)),
        ]
    )
    body = b"\x03\x03" + noise(32, seed + 1) + _vector(noise(32, seed + 2), 1)
    body += _vector(bytes.fromhex("130113021303c02bc02fc02cc030"), 2) + b"\x01\x00" + _vector(extensions, 2)
    return tls_record(22, b"\x01" + _vector(body, 3))


def server_flight(seed: int, size: int = 2900) -> bytes:
    """ServerHello, then encrypted handshake messages of `size` bytes."""
    extensions = _extension(43, b"\x03\x04") + _extension(51, b"\0\x1d" + _vector(noise(32, seed), 2))
    body = (
        b"\x03\x03"
        + noise(32, seed + 1)
        + _vector(noise(32, seed + 2), 1)
        + b"\x13\x01\0"
        + _vector(extensions, 2)
    )
    hello = tls_record(22, b"\x02" + _vector(body, 3))
    return hello + tls_record(20, b"\x01") + tls_record(23, noise(size, seed + 3))


def app_data(size: int, seed: int) -> bytes:
    """TLS application data in records of at most 16 KiB."""
    data = noise(size, seed)
    return b"".join(tls_record(23, data[n : n + 16384]) for n in range(0, size, 16384))


# Databases ------------------------------------------------------------------------------------


def pg_startup(user: str, database: str) -> bytes:
    body = struct.pack("!I", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!I", len(body) + 4) + body


def pg_message(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def pg_query(sql: str) -> bytes:
    return pg_message("Q", sql.encode() + b"\0")


PG_READY = pg_message("Z", b"I")
PG_AUTH_OK = pg_message("R", struct.pack("!I", 0)) + pg_message("S", b"server_version\x0017.2\0") + PG_READY


def pg_rows(count: int, width: int) -> bytes:
    """RowDescription, `count` rows with a text column of `width` bytes, CommandComplete."""
    description = struct.pack("!H", 1) + b"note\0" + struct.pack("!IHIHiH", 0, 0, 25, 0xFFFF, -1, 0)
    row = pg_message("D", struct.pack("!HI", 1, width) + (b"paid in full; " * (width // 14 + 1))[:width])
    return (
        pg_message("T", description) + row * count + pg_message("C", f"SELECT {count}\0".encode()) + PG_READY
    )


PG_DENIED = pg_message(
    "E", b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "postgres"\0\0'
)


def mysql_packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


MYSQL_GREETING = mysql_packet(
    0,
    b"\x0a8.4.3\0"
    + b"\x2a\0\0\0"
    + b"A1b2C3d4\0"
    + b"\xff\xff\xff\x02\0\xff\xdf\x15"
    + b"\0" * 10
    + b"e5F6g7H8i9J0\0",
)
MYSQL_LOGIN = mysql_packet(
    1,
    b"\x85\xa6\xff\x01\0\0\0\x01\x2d"
    + b"\0" * 23
    + b"shop\0\x14"
    + noise(20, 5)
    + b"mysql_native_password\0",
)
MYSQL_OK = mysql_packet(2, b"\0\0\0\x02\0\0\0")
MYSQL_DENIED = mysql_packet(
    2, b"\xff\x15\x04#28000Access denied for user 'root'@'10.20.0.11' (using password: YES)"
)


# Mail, shell, files ---------------------------------------------------------------------------

SSH_CLIENT = b"SSH-2.0-OpenSSH_9.9\r\n"
SSH_SERVER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5\r\n"


def ssh_kexinit(seed: int) -> bytes:
    """SSH_MSG_KEXINIT with today's algorithms."""
    lists = [
        "mlkem768x25519-sha256,curve25519-sha256,ecdh-sha2-nistp256",
        "ssh-ed25519,rsa-sha2-512",
        *["chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"] * 2,
        *["umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com"] * 2,
        *["none,zlib@openssh.com"] * 2,
        "",
        "",
    ]
    body = b"\x14" + noise(16, seed) + b"".join(_vector(x.encode(), 4) for x in lists) + b"\0" * 5
    pad = 8 - (len(body) + 5) % 8 + 8
    return struct.pack("!IB", len(body) + pad + 1, pad) + body + b"\0" * pad


MAIL_BODY = (
    b"From: Orders <orders@shop.example>\r\nTo: <desk@corp.example>\r\nSubject: Daily figures\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    + b"Attached you find the figures of yesterday, by branch and by hour.\r\n" * 60
    + b"\r\n.\r\n"
)

# Datagrams, by scapy --------------------------------------------------------------------------


def dns_question(name: str, kind: str = "A", *, ident: int = 0x1A2B) -> bytes:
    from scapy.layers.dns import DNS, DNSQR

    return bytes(DNS(id=ident, rd=1, qd=DNSQR(qname=name, qtype=kind)))


def dns_answer(name: str, kind: str, data: str, *, ident: int = 0x1A2B, ttl: int = 300) -> bytes:
    """An answer with one record; data "" = no such name."""
    from scapy.layers.dns import DNS, DNSQR, DNSRR

    question = DNSQR(qname=name, qtype=kind)
    if not data:
        return bytes(DNS(id=ident, qr=1, rd=1, ra=1, rcode=3, qd=question))
    rdata: object = [data.encode()] if kind == "TXT" else data
    record = DNSRR(rrname=name, type=kind, ttl=ttl, rdata=rdata)
    return bytes(DNS(id=ident, qr=1, rd=1, ra=1, qd=question, an=record))


def lookup(name: str, kind: str, data: str, *, ident: int = 0x1A2B) -> tuple[bytes, bytes]:
    """Question and answer."""
    return dns_question(name, kind, ident=ident), dns_answer(name, kind, data, ident=ident)


def ntp(mode: int) -> bytes:
    """An NTP packet: mode 3 asks, mode 4 answers."""
    from scapy.layers.ntp import NTPHeader

    times = dict.fromkeys(("ref", "orig", "recv", "sent"), 3_990_000_000.0)
    return bytes(NTPHeader(version=4, mode=mode, stratum=0 if mode == 3 else 2, **times))


def dhcp(kind: str, mac: int, address: str, server: str) -> bytes:
    """A DHCP message: "request" or "ack"."""
    from scapy.layers.dhcp import BOOTP, DHCP

    options = [("message-type", kind), ("server_id", server), ("hostname", b"build-01"), "end"]
    asked = kind == "request"
    return bytes(
        BOOTP(
            op=1 if asked else 2,
            chaddr=mac.to_bytes(6, "big") + b"\0" * 10,
            xid=0x5EED0001,
            ciaddr=address,
            yiaddr="0.0.0.0" if asked else address,
        )
        / DHCP(options=options)
    )
