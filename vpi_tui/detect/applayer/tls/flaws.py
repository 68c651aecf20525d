"""What is wrong with a certificate (RFC 5280, 4.1) or a hello, as the names of Suricata's events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from vpi_tui.detect.applayer.ber import INTEGER, OID, SEQUENCE, SET, Element, elements, head
from vpi_tui.detect.applayer.tls.certificates import MOST_REMEMBERED, REMEMBERED_SIZE
from vpi_tui.detect.applayer.tls.hello import (
    ALPN,
    GROUPS,
    LONGEST_NAME,
    POINT_FORMATS,
    SIGNATURE_ALGORITHMS,
    SNI,
    SUPPORTED_VERSIONS,
    Hello,
)

OF_CERTIFICATE: Final = tuple(
    "tls." + name
    for name in (
        "invalid_certificate", "certificate_invalid_length", "certificate_invalid_version",
        "certificate_invalid_serial", "certificate_invalid_algorithmidentifier",
        "certificate_invalid_x509name", "certificate_invalid_date", "certificate_invalid_extensions",
        "certificate_invalid_der",
    )
)  # fmt: skip
OF_HELLO: Final = tuple(
    "tls." + name
    for name in (
        "multiple_sni_extensions", "invalid_sni_type", "invalid_sni_length", "handshake_invalid_length",
    )
)  # fmt: skip
"""The events that the functions of this module tell of."""
_BITS: Final = 0x03
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_UTC_TIME, _GENERAL_TIME = 0x17, 0x18
_TIMES: Final = {
    _UTC_TIME: re.compile(rb"[0-9]{10}(?:[0-9]{2})?(?:Z|[+-][0-9]{4})"),
    _GENERAL_TIME: re.compile(rb"[0-9]{10}(?:[0-9]{2}){0,2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{4})?"),
}
_MOST_PARTS: Final = 64
"""Attributes of a name, or extensions, that are looked at."""
_TOO_SHORT: Final = "handshake_invalid_length"
_SNI_HEAD: Final = 5
"""Length of the list, type and length of its first name."""


def of_known_certificate(der: bytes) -> str:
    """The same as `of_certificate`; a server shows its own to each client."""
    return _remembered(der) if len(der) <= REMEMBERED_SIZE else of_certificate(der)


@lru_cache(MOST_REMEMBERED)
def _remembered(der: bytes) -> str:
    return of_certificate(der)


def of_certificate(der: bytes) -> str:
    """The first thing that is wrong; "" = nothing is."""
    outer = head(der)
    if outer is None or outer.tag != SEQUENCE:
        return "certificate_invalid_der"
    if outer.size + outer.length > len(der):
        return "certificate_invalid_length"
    parts = list(elements(der[outer.size : outer.size + outer.length]))
    if not parts or parts[0].tag != SEQUENCE:
        return "certificate_invalid_der"
    fault = _of_body(parts[0].value)
    if fault:
        return fault
    if len(parts) < 2 or not _is_algorithm(parts[1]):
        return "certificate_invalid_algorithmidentifier"
    return "" if len(parts) > 2 and parts[2].tag == _BITS else "certificate_invalid_der"


def _of_body(data: bytes) -> str:
    fields = elements(data)
    field = next(fields, None)
    if field is not None and field.tag == _VERSION:
        number = next(elements(field.value), None)
        if number is None or number.tag != INTEGER:
            return "certificate_invalid_version"
        field = next(fields, None)
    if field is None or field.tag != INTEGER or not field.value:
        return "certificate_invalid_serial"
    for is_right, event in (
        (_is_algorithm, "certificate_invalid_algorithmidentifier"),
        (_is_name, "certificate_invalid_x509name"),
        (_is_validity, "certificate_invalid_date"),
        (_is_name, "certificate_invalid_x509name"),
        (_is_key, "invalid_certificate"),
    ):
        field = next(fields, None)
        if field is None or not is_right(field):
            return event
    for field in fields:
        if field.tag == _EXTENSIONS and not _are_extensions(field):
            return "certificate_invalid_extensions"
    return ""


def _is_algorithm(field: Element) -> bool:
    first = next(elements(field.value), None) if field.tag == SEQUENCE else None
    return first is not None and first.tag == OID


def _is_key(field: Element) -> bool:
    first = next(elements(field.value), None) if field.tag == SEQUENCE else None
    return first is not None and _is_algorithm(first)


def _is_name(field: Element) -> bool:
    if field.tag != SEQUENCE or not _is_whole(field.value):
        return False
    for number, relative in enumerate(elements(field.value)):
        if relative.tag != SET or not all(map(_is_algorithm, elements(relative.value))):
            return False
        if number >= _MOST_PARTS:
            break
    return True


def _is_validity(field: Element) -> bool:
    times = list(elements(field.value)) if field.tag == SEQUENCE else []
    return len(times) == 2 and all(
        time.tag in _TIMES and _TIMES[time.tag].fullmatch(time.value) for time in times
    )


def _are_extensions(field: Element) -> bool:
    listed = next(elements(field.value), None)
    if listed is None or listed.tag != SEQUENCE or not _is_whole(listed.value):
        return False
    return all(_is_algorithm(one) for _, one in zip(range(_MOST_PARTS), elements(listed.value), strict=False))


def _is_whole(data: bytes) -> bool:
    """Does it consist of elements, the last of which ends where it ends?"""
    at = 0
    while at < len(data):
        found = head(data, at)
        if found is None:
            return False
        at += found.size + found.length
    return at == len(data)


def of_client_hello(made: Hello) -> Iterator[str]:
    """As in Suricata nothing is said of what stands behind an extension with a flaw."""
    named = False
    for kind, data in made.extensions:
        fault = _of_extension(kind, data, _OF_CLIENT)
        if fault:
            yield fault
            return
        if kind == SNI and data:
            if named:
                yield "multiple_sni_extensions"
            named = True
    if made.cut:
        yield _TOO_SHORT


def of_server_hello(made: Hello) -> Iterator[str]:
    faults = (_of_extension(kind, data, _OF_SERVER) for kind, data in made.extensions)
    fault = next(filter(None, faults), _TOO_SHORT if made.cut else "")
    if fault:
        yield fault


def _of_extension(kind: int, data: bytes, checks: dict[int, Callable[[bytes], str]]) -> str:
    """An empty one has no flaw."""
    check = checks.get(kind)
    return check(data) if check is not None and data else ""


def _of_server_name(data: bytes) -> str:
    """The first of its names."""
    if len(data) > 2 and data[2]:
        return "invalid_sni_type"
    if len(data) < _SNI_HEAD:
        return _TOO_SHORT
    size = int.from_bytes(data[3:_SNI_HEAD])
    return "" if 0 < size <= min(len(data) - _SNI_HEAD, LONGEST_NAME) else "invalid_sni_length"


def _of_list(data: bytes) -> str:
    """It begins with the length of all of it, two bytes."""
    return _TOO_SHORT if len(data) < 2 or int.from_bytes(data[:2]) > len(data) - 2 else ""


def _of_short_list(data: bytes) -> str:
    return _TOO_SHORT if data[0] > len(data) - 1 else ""


def _of_pairs(data: bytes) -> str:
    return _of_list(data) or (_TOO_SHORT if data[1] % 2 else "")


def _of_names(data: bytes) -> str:
    """Names with their length, of which the last may reach beyond the list, but not beyond the extension."""
    if _of_list(data):
        return _TOO_SHORT
    at, end = 2, 2 + int.from_bytes(data[:2])
    while at < end:
        at += 1 + data[at]
        if at > len(data):
            return _TOO_SHORT
    return ""


def _of_versions(data: bytes) -> str:
    return _of_short_list(data) or (_TOO_SHORT if data[0] < 2 else "")


def _of_version(data: bytes) -> str:
    return _TOO_SHORT if len(data) < 2 else ""


_OF_SERVER: Final[dict[int, Callable[[bytes], str]]] = {
    SNI: _of_server_name,
    GROUPS: _of_list,
    POINT_FORMATS: _of_short_list,
    SIGNATURE_ALGORITHMS: _of_pairs,
    ALPN: _of_names,
    SUPPORTED_VERSIONS: _of_version,
}
_OF_CLIENT: Final = {**_OF_SERVER, SUPPORTED_VERSIONS: _of_versions}
"""Kind of extension -> what is wrong with one."""
