"""What attacks send with: sockets of a guest, and frames of its interface."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from vpi_tui.lab.plan import Guest

PATIENCE: Final = 1.0
"""Seconds for a connection or an answer."""
SPACE: Final = 0.05
"""Seconds between two messages to a server that does not answer, so that each is a segment of its own."""
BROADCAST: Final = "ff:ff:ff:ff:ff:ff"
ETH_P_ARP: Final = 0x0806
ETH_P_EXPERIMENT: Final = 0x88B5
"""IEEE 802: for local experiments; nobody answers it."""
REQUEST, REPLY = 1, 2
_NOBODY: Final = "00:00:00:00:00:00"


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def frame(dest: str, source: str, ethertype: int, payload: bytes) -> bytes:
    """An Ethernet frame, padded to its least length."""
    return (mac_bytes(dest) + mac_bytes(source) + struct.pack(">H", ethertype) + payload).ljust(60, b"\0")


def arp(operation: int, sender: tuple[str, str], target: tuple[str, str] = (_NOBODY, "0.0.0.0")) -> bytes:
    """An ARP packet (RFC 826); sender and target: MAC and IPv4 address."""
    return struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + b"".join(
        mac_bytes(mac) + socket.inet_aton(ip) for mac, ip in (sender, target)
    )


def send_frames(frames: Iterable[bytes]) -> None:
    """From eth0 of the namespace in which the caller is."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("eth0", 0))
        for one in frames:
            sock.send(one)


def tcp(server: Guest, port: int, *sent: bytes, answers: bool = True) -> bytes:
    """Connect, send each part and take what comes after it; all that came. Nobody there = b""."""
    came = b""
    with suppress(OSError), socket.create_connection((server.ip, port), PATIENCE) as sock:
        sock.settimeout(PATIENCE)
        for part in sent:
            sock.sendall(part)
            if answers:
                came += sock.recv(65536)
            else:
                time.sleep(SPACE)
        sock.shutdown(socket.SHUT_WR)
        while answers and (part := sock.recv(65536)):
            came += part
    return came


def http(
    server: Guest, target: str, *, port: int = 80, method: str = "GET", headers: str = "", body: str = ""
) -> str:
    """One request, written by hand so that `target` goes out as it is; the status line of the answer."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {target} HTTP/1.1\r\nHost: {server.name}\r\nUser-Agent: curl/8.5.0\r\n"
    return (
        tcp(server, port, f"{head}{headers}{length}\r\n{body}".encode())
        .partition(b"\r\n")[0]
        .decode("latin-1")
    )
