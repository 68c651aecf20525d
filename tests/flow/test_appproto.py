"""Which application a flow speaks, from its first payload bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.flow.rows import ACK, Seg, batch
from vpi_tui.flow.appproto import MATCHERS, app_tables
from vpi_tui.flow.kernels_app import MAX_PROBED
from vpi_tui.flow.table import FlowTable
from vpi_tui.model.applications import APP_PROTOS

TCP = Seg(flags=ACK, dport=9)
UDP = Seg(proto=17, dport=9)
DNS_QUERY = bytes.fromhex("beef0100000100000000000003777777076578616d706c65036f72670000010001")
DNS_UPDATE = b"\0\x01\x28\0\0\x02\0\0\0\x01\0\0" + 2 * b"\x01a\0\0\x06\0\x01" + bytes(16)
TLS_HELLO = bytes.fromhex("160301020001000200")
QUIC = bytes.fromhex("c000000001") + bytes(1200)


def app_of(*rows: Seg) -> str:
    table = FlowTable(4)
    table.update(*batch(rows))
    return APP_PROTOS[int(table.records["app_proto"][0])]


@pytest.mark.parametrize(
    ("row", "app"),
    [
        (replace(TCP, payload=b"GET / HTTP/1.1\r\n"), "http"),
        (replace(TCP, payload=b"get\t/ HTTP/1.1\r\n"), "http"),
        (replace(TCP, payload=b"PROPPATCH /a HTTP/1.1\r\n"), "http"),
        (replace(TCP, payload=b"Version-Control /a HTTP/1.1\r\n"), "http"),
        (replace(TCP, payload=b"UPDATE /a HTTP/1.1\r\n"), "http"),
        (replace(TCP, payload=b"PROPFINDS /a HTTP/1.1\r\n"), ""),
        (replace(TCP, payload=b"PRI * HTTP/2.0\r\n\r\n"), "http2"),
        (replace(TCP, payload=TLS_HELLO), "tls"),
        (replace(TCP, payload=bytes.fromhex("802e0103010015000000100100"), dport=8443), "tls"),
        (replace(TCP, payload=b"OPTIONS sip:a@example SIP/2.0\r\n"), "sip"),
        (replace(TCP, payload=b"OPTIONS * HTTP/1.1\r\n"), "http"),
        (replace(UDP, payload=b"NOTIFY sip:a@example SIP/2.0\r\n"), "sip"),
        (replace(UDP, payload=b"NOTIFY * HTTP/1.1\r\n"), "ssdp"),
        (replace(TCP, payload=b"SSH-2.0-OpenSSH_9.6\r\n"), "ssh"),
        (replace(TCP, payload=b"\0\0\0\x40\xfeSMB@\0" + bytes(58)), "smb"),
        (replace(TCP, payload=b"EHLO there\r\n", dport=25), "smtp"),
        (replace(TCP, payload=b"USER anonymous\r\n", dport=21), "ftp"),
        (replace(TCP, payload=b"USER me\r\n", dport=110), "pop3"),
        (replace(TCP, payload=b"AUTH PLAIN\r\n", dport=110), "pop3"),
        (replace(TCP, payload=b"-ERR busy\r\n", sport=110), "pop3"),
        (replace(TCP, payload=b"*1\r\n$4\r\nPING\r\n"), "redis"),
        (replace(TCP, payload=bytes.fromhex("0000000804d2162f")), "postgresql"),
        (replace(TCP, payload=b"P\0\0\0\x10\0SELECT 1\0\0\0", dport=5432), "postgresql"),
        (replace(TCP, payload=b"P\0\0\0\x10\0SELECT 1\0\0\0"), ""),
        (replace(TCP, payload=bytes.fromhex("0300002a25e00000000000")), "rdp"),
        (replace(TCP, payload=bytes.fromhex("0300000702f080"), dport=3389), "rdp"),
        (replace(TCP, payload=bytes.fromhex("0300000702f080")), ""),
        (replace(TCP, payload=b"\0\x1d" + DNS_QUERY, dport=53), "dns"),
        (replace(UDP, payload=DNS_QUERY, dport=5300), "dns"),
        (replace(UDP, payload=DNS_UPDATE, dport=53), "dns"),
        (replace(UDP, payload=DNS_UPDATE, dport=5300), ""),
        (replace(TCP, payload=b"\0\x2a" + DNS_UPDATE, dport=53), "dns"),
        (replace(UDP, payload=QUIC), "quic"),
        (replace(UDP, payload=bytes.fromhex("e0deadbeef0001aa00"), dport=443), "quic"),
        (replace(UDP, payload=bytes.fromhex("d0000000010001aa00"), dport=80), "quic"),
        (replace(UDP, payload=bytes.fromhex("e0deadbeef0001aa00"), dport=4433), ""),
        (replace(UDP, payload=b"\x23" + bytes(47), dport=123), "ntp"),
        (replace(UDP, payload=b"M-SEARCH * HTTP/1.1\r\n"), "ssdp"),
        (replace(UDP, payload=b"\x01\x01\x06\0" + bytes(232) + b"\x63\x82\x53\x63"), "dhcp"),
        (replace(UDP, payload=b"\1\x20\0\0" + bytes(232) + b"\x63\x82\x53\x63", dport=67), "dhcp"),
        (replace(UDP, payload=b"\1\x20\0\0" + bytes(232) + b"\x63\x82\x53\x63"), ""),
        (replace(UDP, payload=b"\0\x11x\0", dport=69), "tftp"),
        (replace(UDP, payload=b"\0\1x", dport=69), ""),
        (replace(UDP, payload=b"d1:ad2:id20:" + bytes(20)), "bittorrent-dht"),
        (replace(UDP, payload=b"d1:ad2:id19:" + bytes(20)), ""),
        (replace(TCP, payload=b"USER anonymous\r\n"), "ftp"),
        (replace(TCP, payload=b"user anonymous\r\n", dport=2121), "ftp"),
        (replace(TCP, payload=b"USER me 0 * :me\r\n", dport=6667), "irc"),
        (replace(TCP, payload=b"%SER anonymous\r\n"), ""),
        (replace(TCP, payload=b"ehlo there\r\n", dport=2525), "smtp"),
        (replace(TCP, payload=b"a001 capability\r\n", dport=1143), "imap"),
        (replace(UDP, payload=bytes.fromhex("308184020100"), dport=162), "snmp"),
        (replace(UDP, payload=bytes.fromhex("30840000008002010104"), dport=161), "snmp"),
        (replace(TCP, payload=b"GET"), ""),
        (replace(TCP, payload=b"\xfe\xed\xfa\xce" * 8), ""),
        (replace(UDP, payload=b"GET / HTTP/1.1\r\n"), ""),
        (replace(UDP, proto=132, payload=b"GET / HTTP/1.1\r\n"), ""),
    ],
)
def test_first_bytes_name_the_application(row: Seg, app: str) -> None:
    assert app_of(row) == app


def test_the_server_may_speak_first() -> None:
    assert app_of(replace(TCP, payload=0), TCP.back(payload=b"HTTP/1.1 200 OK\r\n")) == "http"


def test_a_direction_matters() -> None:
    answer = replace(TCP, payload=b"HTTP/1.1 200 OK\r\n")
    assert app_of(replace(TCP, payload=0), answer) == ""
    assert app_of(answer) == "http", "met midway, who answers is taken for the server"


def test_only_the_first_payloads_of_each_direction_are_looked_at() -> None:
    noise = [replace(TCP, payload=b"\xfe" * 16)] * MAX_PROBED
    assert app_of(*noise[1:], replace(TCP, payload=b"GET / HTTP/1.1\r\n")) == "http"
    assert app_of(*noise, replace(TCP, payload=b"GET / HTTP/1.1\r\n")) == ""
    assert app_of(*noise, TCP.back(payload=b"HTTP/1.1 200 OK\r\n")) == "http"


def test_what_was_found_stays() -> None:
    assert app_of(replace(TCP, payload=TLS_HELLO), replace(TCP, payload=b"GET / HTTP/1.1\r\n")) == "tls"


@pytest.mark.parametrize("size", range(0, 40))
def test_short_payloads_are_read_to_their_end_only(size: int) -> None:
    """What lies behind the payload (here: the rest of a message) must not complete a match."""
    packets, decoded = batch([replace(UDP, payload=DNS_QUERY)])
    decoded.payload_len[0] = min(size, len(DNS_QUERY))
    table = FlowTable(4)
    table.update(packets, decoded)
    assert APP_PROTOS[int(table.records["app_proto"][0])] == ("dns" if size >= 17 else "")


def test_the_registry_fits_the_record() -> None:
    tables = app_tables()
    assert len(APP_PROTOS) <= np.iinfo(np.uint8).max
    assert len(tables.app) == len(MATCHERS)
    assert all(matcher.test or matcher.port or matcher.second for matcher in MATCHERS)
    assert len(tables.start) == 513
    assert tables.start[-1] == len(tables.rows)
