"""Just enough rtnetlink to list links, addresses and neighbours, quickly and within a bound.

Sources: netlink(7), rtnetlink(7), linux/netlink.h, linux/rtnetlink.h. Reading needs no capability.
A guest can fill the kernel's neighbour tables with made-up addresses, so a dump is parsed only up to
a limit, and message bodies are unpacked by the caller, who wants few of their fields.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
ATTRIBUTE = struct.Struct("=HH")
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x01, 0x10, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_GETADDR, RTM_GETNEIGH, RTM_GETNSID, RTM_GETSTATS = 22, 30, 90, 94
RTMGRP_LINK, RTMGRP_NEIGH = 0x1, 0x4
TYPE_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""
RECEIVE_BYTES = 1 << 17
REPLY_SECONDS = 2.0
DUMPS_AT_MOST = 4
"""Times that a dump is begun anew because something changed meanwhile and it may lack entries."""
NOTICES_AT_ONCE = 500
"""Notices taken by one look; a flood must not keep the reader."""

Attributes = dict[int, bytes]


class LinkNotices:
    """What the kernel told about links and neighbours since the last question. Never blocks."""

    def __init__(self) -> None:
        self._socket = _open(RTMGRP_LINK | RTMGRP_NEIGH)
        self._socket.setblocking(False)

    def take(self) -> tuple[bool, bool]:
        """Whether a link, and whether a neighbour, has come, gone or changed. Lost notices count as both."""
        links = neighbours = False
        for _ in range(NOTICES_AT_ONCE):
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                return True, True
            for kind, _, _ in _messages(data):
                is_link = kind in (RTM_NEWLINK, RTM_DELLINK)
                links, neighbours = links or is_link, neighbours or not is_link
        return links, neighbours

    def close(self) -> None:
        self._socket.close()


class Requests:
    """Asks the kernel, one question at a time, about the network namespace in which it was made."""

    def __init__(self) -> None:
        self._socket = _open(0)
        self._socket.settimeout(REPLY_SECONDS)
        self._sequence = 0

    def dump(self, kind: int, body: bytes, limit: int) -> list[bytes]:
        """Bodies of the first `limit` messages of a dump; the rest is read and thrown away.

        Raises OSError.
        """
        for _ in range(DUMPS_AT_MOST):
            bodies, whole = self._dump(kind, body, limit)
            if whole:
                break
        return bodies

    def _dump(self, kind: int, body: bytes, limit: int) -> tuple[list[bytes], bool]:
        """False when the kernel says that it changed meanwhile."""
        self._send(kind, NLM_F_REQUEST | NLM_F_DUMP, body)
        bodies: list[bytes] = []
        whole = True
        while True:
            for answer, flags, content in self._receive():
                whole &= not flags & NLM_F_DUMP_INTR
                if answer == NLMSG_DONE:
                    return bodies, whole
                if len(bodies) < limit:
                    bodies.append(content)

    def ask(self, kind: int, body: bytes) -> bytes:
        """The body of the one answer to one question. Raises OSError."""
        self._send(kind, NLM_F_REQUEST, body)
        while True:
            for _, _, content in self._receive():
                return content

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(HEADER.pack(HEADER.size + len(body), kind, flags, self._sequence, 0) + body)

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        """Messages of one packet that answer the question at hand; late answers to others are passed over."""
        data = self._socket.recv(RECEIVE_BYTES)
        if HEADER.unpack_from(data)[3] != self._sequence:
            return
        for kind, flags, content in _messages(data):
            if kind == NLMSG_ERROR:
                code = -struct.unpack_from("=i", content)[0]
                raise OSError(code, os.strerror(code))
            yield kind, flags, content

    def close(self) -> None:
        self._socket.close()


def _open(groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    sock.bind((0, groups))
    return sock


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, _, _ = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            return
        yield kind, flags, data[at + HEADER.size : at + length]
        at += length + 3 & ~3


def attributes(data: bytes, start: int = 0) -> Attributes:
    """Attributes of a message body from byte `start` on, by type; of a repeated one the last."""
    return dict(each_attribute(data, start))


def each_attribute(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    while start + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, start)
        if length < ATTRIBUTE.size:
            return
        yield kind & TYPE_MASK, data[start + ATTRIBUTE.size : start + length]
        start += length + 3 & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute for a question."""
    return (ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value).ljust(
        ATTRIBUTE.size + len(value) + 3 & ~3, b"\0"
    )


def number(value: bytes | None) -> int | None:
    """An integer attribute of any width, signed as the kernel's int is; None when it is absent."""
    return None if value is None else int(struct.unpack(_WIDTHS[len(value)], value)[0])


_WIDTHS = {1: "=B", 2: "=H", 4: "=i"}


def text(value: bytes | None) -> str:
    """A string attribute; "" when it is absent. Bytes that are no UTF-8 come as \\xNN."""
    return "" if value is None else value.rstrip(b"\0").decode(errors="backslashreplace")
