"""The name that a client sends with its DHCP requests: option 12 (RFC 2132) or 81 (RFC 4702)."""

from __future__ import annotations

from vpi_tui.inventory.wire.reader import MalformedError, Sender, name_of

_HEADER = 236
_COOKIE = bytes.fromhex("63825363")
_REQUEST, _ETHERNET = 1, 1
_PAD, _END, _HOST_NAME, _FQDN = 0, 255, 12, 81
_FQDN_FLAGS = 3
_ENCODED = 0x04
"""Flag of option 81: the name is in labels, as in the DNS."""


def client_name(data: bytes, sender: Sender) -> str:
    """A request that speaks for another hardware address (a relay's) names nobody here."""
    if len(data) < _HEADER + len(_COOKIE) or data[_HEADER : _HEADER + len(_COOKIE)] != _COOKIE:
        raise MalformedError
    is_request = data[0] == _REQUEST and data[1] == _ETHERNET and data[2] == 6
    if not is_request or int.from_bytes(data[28:34], "big") != sender.mac:
        return ""
    options = _options(data[_HEADER + len(_COOKIE) :])
    return name_of(options.get(_HOST_NAME, b"")) or _fqdn(options.get(_FQDN, b""))


def _options(data: bytes) -> dict[int, bytes]:
    """By code; of several with one code the first. Those that are cut off are left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 1 < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        code, end = data[at], at + 2 + data[at + 1]
        if end > len(data):
            break
        found.setdefault(code, data[at + 2 : end])
        at = end
    return found


def _fqdn(value: bytes) -> str:
    if len(value) <= _FQDN_FLAGS:
        return ""
    name = value[_FQDN_FLAGS:]
    if not value[0] & _ENCODED:
        return name_of(name)
    labels = []
    while name and 0 < name[0] < 64:
        labels.append(name[1 : 1 + name[0]])
        name = name[1 + name[0] :]
    return name_of(b".".join(labels))
