"""The URI as rules see it: percent codes decoded, the path made canonical, the query kept apart.

Follows libhtp with the personality that Suricata uses: `\\` is `/`, runs of `/` are one, `.` and `..`
segments are resolved, %uXXXX and overlong UTF-8 become the byte that a server would take them for; a
percent sign without two digits stays.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_MAY_CHANGE: Final = re.compile(rb"[%\\]|/[/.]")
"""What a URI that is normal as it is does not hold."""
_CODE: Final = re.compile(rb"%(?:[uU]([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
_DIGITS: Final = b"0123456789abcdefABCDEF"
_BYTES: Final = {bytes((a, b)): bytes.fromhex(chr(a) + chr(b)) for a in _DIGITS for b in _DIGITS}
"""Two hexadecimal digits -> the byte that they are."""
_CREDENTIALS: Final = re.compile(rb"//(?!/)[^@]*@")
_HOST_AND_PORT: Final = re.compile(
    rb"(?://)?(?!/) *(\[[^/?#\]]+\]?|[^/?#:]+)(?:: *([^/?# ][^/?#]*))?", re.DOTALL
)
_CONNECT: Final = b"CONNECT"
_SLASHES: Final = re.compile(rb"/{2,}")
_BEST_FIT: Final = {0x2215: b"/", 0x2044: b"/", 0x2216: b"\\", 0xFF0F: b"/", 0xFF3C: b"\\"}
_REPLACEMENT: Final = b"?"
_UTF8: Final = re.compile(rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}")


class Authority(NamedTuple):
    """What a URI or a Host field names: the host as sent, the port if any, and how
    many bytes were read. host: None = it names none."""

    host: bytes | None
    port: bytes | None = None
    end: int = 0


NO_AUTHORITY: Final = Authority(None)


def authority_in(text: bytes, at: int = 0) -> Authority:
    """Of a Host field, or of a URI from its authority on."""
    found = _HOST_AND_PORT.match(text, at)
    return Authority(found[1].rstrip(b" "), found[2], found.end()) if found is not None else NO_AUTHORITY


def split(uri: bytes) -> tuple[Authority, bytes]:
    """(authority, the rest from the path on).

    As in libhtp whatever does not begin with a slash has a scheme in front of its first colon.
    """
    if uri[:1] == b"/" or b":" not in uri:
        return NO_AUTHORITY, uri
    at = uri.index(b":") + 1
    trusted = _CREDENTIALS.match(uri, at)
    at = trusted.end() if trusted is not None else at
    found = authority_in(uri, at)
    return found, uri[found.end if found.host is not None else at :]


def asked_of(method: bytes, uri: bytes) -> Authority:
    """The authority that a request line names, its host normalised."""
    found = authority_in(uri) if method == _CONNECT else split(uri)[0]
    if found.host is None:
        return found
    return found._replace(host=decode(found.host).lower().rstrip(b"."))


def of_request(method: bytes, uri: bytes) -> bytes:
    """What rules see as the URI of a request: CONNECT names nothing but an authority."""
    return b"" if method == _CONNECT else normalise(uri)


def normalise(uri: bytes) -> bytes:
    """The normalised form of a request's URI; without scheme and authority."""
    if uri[:1] == b"/" and uri.isascii() and _MAY_CHANGE.search(uri) is None:
        return uri
    _, rest = split(uri)
    if b"?" not in rest and b"#" not in rest:
        return _path(rest)
    rest, hash_mark, fragment = rest.partition(b"#")
    path, question, query = rest.partition(b"?")
    return _path(path) + question + decode(query) + hash_mark + decode(fragment)


def path_of(uri: bytes) -> bytes:
    """The path alone, normalised."""
    _, rest = split(uri)
    return _path(rest.partition(b"#")[0].partition(b"?")[0])


def decode(text: bytes) -> bytes:
    """Percent codes as bytes; %uXXXX as the byte that fits it best."""
    if b"%" not in text:
        return text
    if b"%u" in text or b"%U" in text:
        return _CODE.sub(_decoded, text)
    first, *parts = text.split(b"%")
    return first + b"".join(
        [byte + part[2:] if (byte := _BYTES.get(part[:2])) else b"%" + part for part in parts]
    )


def _decoded(found: re.Match[bytes]) -> bytes:
    if found[2]:
        return bytes((int(found[2], 16),))
    return _best_fit(int(found[1], 16))


def _best_fit(point: int) -> bytes:
    if point < 0x100:
        return bytes((point,))
    if 0xFF01 <= point <= 0xFF5E:
        return bytes((point - 0xFEE0,))
    return _BEST_FIT.get(point, _REPLACEMENT)


def _path(path: bytes) -> bytes:
    made = decode(path).replace(b"\\", b"/")
    if b"//" in made:
        made = _SLASHES.sub(b"/", made)
    if not made.isascii():
        made = _UTF8.sub(_from_utf8, made)
    return _without_dots(made) if b"/." in made or made[:1] == b"." else made


def _from_utf8(found: re.Match[bytes]) -> bytes:
    """One byte for a UTF-8 sequence, valid or overlong; a sequence with no equal stays as it is."""
    first, *others = found[0]
    point = first & (0x3F >> len(others))
    for byte in others:
        point = point << 6 | (byte & 0x3F)
    fitted = _best_fit(point)
    return found[0] if fitted == _REPLACEMENT and point != 0x3F else fitted


def _without_dots(path: bytes) -> bytes:
    """Resolve `.` and `..`; as in libhtp no slash remains where they stood at the end."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            if kept and kept != [b""]:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
    return b"/".join(kept)
