"""Session descriptions (RFC 8866) as rules see them: as strictly read as Suricata 8 does.

Lines stand in the order of the RFC, each in a narrow form (a name of letters, digits and blanks: not even the
usual `s=-`). Where a line that has to be there is none, rules see nothing of the description; where another
is none, they see what is in front of it. The log is less strict: see sdp.py.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

MOST_LINES: Final = 1_024
"""Lines of one kind that are read in a row."""
_TOKEN: Final = rb"[!#-'*+\-.0-9A-Z^-~]"
_END: Final = rb"\r?\n"
_TIMES: Final = rb"([0-9dhms-]*+)[ \t]++([0-9dhms-]*+)[ \t]++([0-9dhms-]*+)[ \t]++([0-9dhms-]*+)"
_LATER: Final = rb"(?:/([1-9][0-9]{0,2}+))?+"


def _line(pattern: bytes) -> re.Pattern[bytes]:
    """Nothing is tried twice: what has been read is not given back."""
    return re.compile(pattern + _END, re.ASCII)


_VERSION: Final = _line(rb"v=(0)")
_ORIGIN: Final = _line(
    rb"o=(" + _TOKEN + rb"*+)[ \t]++([0-9]*+)[ \t]++([0-9]*+)[ \t]++([A-Za-z]*+)[ \t]++([A-Za-z0-9]*+)[ \t]++"
    rb"([^\r\n]*+)"
)  # fmt: skip
_NAME: Final = _line(rb"s=([A-Za-z0-9 \t]*+)")
_INFORMATION: Final = _line(rb"i=([A-Za-z0-9 \t]*+)")
_URI: Final = _line(rb"u=((?:" + _TOKEN + rb"|[~#@:;=?+&$,/])*+)")
_EMAIL: Final = _line(rb"e=([^\r\n]*+)")
_PHONE: Final = _line(rb"p=([^\r\n]*+)")
_CONNECTION: Final = _line(rb"c=([A-Za-z]*+)[ \t]++([A-Za-z0-9]*+)[ \t]++([0-9A-Fa-f.:]*+)" + _LATER + _LATER)
_BANDWIDTH: Final = _line(rb"b=((?:CT|AS|TIAS):[0-9]++)")
_TIME: Final = _line(rb"t=([0-9]++)[ \t]++([0-9]++)")
_REPEAT: Final = _line(rb"r=" + _TIMES)
_ZONE: Final = _line(rb"z=" + _TIMES)
_KEY: Final = _line(rb"k=([^\r\n]*+)")
_ATTRIBUTE: Final = _line(rb"a=([A-Za-z]*+(?::[^\r\n]*+)?+)")
_MEDIUM: Final = _line(
    rb"m=(audio|video|text|application|message)[ \t]++([0-9]{1,5}+)(?:/([0-9]{1,5}+))?+[ \t]++"
    rb"(udp|RTP/AVP|RTP/SAVP)((?:[ \t]++[A-Za-z0-9]{1,255}+)++)"
)
_LARGEST: Final = 0xFFFF


@dataclass(slots=True)
class Medium:
    """One medium; None = it has no such line."""

    media: bytes
    info: bytes | None = None
    connection: bytes | None = None
    key: bytes | None = None


Session = dict[str, Sequence[bytes]]
"""By keyword: its instances."""


class _Reader:
    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def line(
        self, pattern: re.Pattern[bytes], made: Callable[[Sequence[bytes]], bytes | None]
    ) -> bytes | None:
        """The next line, when it is one of these; else None, and the place stays."""
        found = pattern.match(self._data, self._at)
        value = made([part or b"" for part in found.groups()]) if found is not None else None
        if found is not None and value is not None and _is_text(value):
            self._at = found.end()
            return value
        return None

    def lines(
        self, pattern: re.Pattern[bytes], made: Callable[[Sequence[bytes]], bytes | None]
    ) -> Iterator[bytes]:
        for _ in range(MOST_LINES):
            value = self.line(pattern, made)
            if value is None:
                return
            yield value


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _joined(parts: Sequence[bytes]) -> bytes:
    return b" ".join(parts)


def _connection(parts: Sequence[bytes]) -> bytes | None:
    """None = it names no address, or a group without how far it reaches."""
    net, kind, text, first, second = parts
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return None
    if any(number and int(number) > 0xFF for number in (first, second)):
        return None
    if address.version == 6:
        second = b""
    elif address.is_multicast and not first:
        return None
    numbers = b"".join(b"/" + number for number in (first, second) if number)
    return _joined((net, kind, str(address).encode("ascii"))) + numbers


def _medium(parts: Sequence[bytes]) -> bytes | None:
    kind, port, ports, transport, formats = parts
    if int(port) > _LARGEST:
        return None
    place = b"%d" % int(port) + (b"/%d" % int(ports) if ports and int(ports) <= _LARGEST else b"")
    return _joined((kind, place, transport, *formats.split()))


def parse(body: bytes) -> Session | None:
    """None = it is none that Suricata reads."""
    reader, said = _Reader(body), Session()
    if reader.line(_VERSION, _joined) is None:
        return None
    for name, pattern in (("sdp.origin", _ORIGIN), ("sdp.session_name", _NAME)):
        value = reader.line(pattern, _joined)
        if value is None:
            return None
        said[name] = (value,)
    _optional(said, reader, (("sdp.session_info", _INFORMATION), ("sdp.uri", _URI), ("sdp.email", _EMAIL)))
    _optional(said, reader, (("sdp.phone_number", _PHONE),))
    _put(said, "sdp.connection_data", reader.line(_CONNECTION, _connection))
    said["sdp.bandwidth"] = list(reader.lines(_BANDWIDTH, _joined))
    times, repeated = [], []
    for time in reader.lines(_TIME, _joined):
        times.append(time)
        repeated.append(reader.line(_REPEAT, _joined))
    if not times:
        return None
    said["sdp.time"], said["sdp.repeat_time"] = times, _until_none(repeated)
    _optional(said, reader, (("sdp.timezone", _ZONE), ("sdp.encryption_key", _KEY)))
    said["sdp.attribute"] = list(reader.lines(_ATTRIBUTE, _joined))
    media = list(_media(reader))
    said["sdp.media.media"] = [medium.media for medium in media]
    said["sdp.media.media_info"] = _until_none(medium.info for medium in media)
    said["sdp.media.connection_data"] = _until_none(medium.connection for medium in media)
    said["sdp.media.encryption_key"] = _until_none(medium.key for medium in media)
    return said


def _optional(said: Session, reader: _Reader, kinds: Iterable[tuple[str, re.Pattern[bytes]]]) -> None:
    for name, pattern in kinds:
        _put(said, name, reader.line(pattern, _joined))


def _put(said: Session, name: str, value: bytes | None) -> None:
    if value is not None:
        said[name] = (value,)


def _media(reader: _Reader) -> Iterator[Medium]:
    for media in reader.lines(_MEDIUM, _medium):
        medium = Medium(media, reader.line(_INFORMATION, _joined), reader.line(_CONNECTION, _connection))
        for _ in reader.lines(_BANDWIDTH, _joined):
            pass  # rules see those of the session alone
        medium.key = reader.line(_KEY, _joined)
        for _ in reader.lines(_ATTRIBUTE, _joined):
            pass
        yield medium


def _until_none(values: Iterable[bytes | None]) -> list[bytes]:
    """Rules see the values up to the first time or medium that has none."""
    return [value for value in takewhile(lambda value: value is not None, values) if value is not None]
