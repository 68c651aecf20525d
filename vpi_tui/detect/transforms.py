"""Transforms: what a rule does with a buffer before it looks at it. Each registers itself here.

A transformed buffer is named by its base and the transforms in order: `http.host>to_lowercase>xor:0d0a`
(arguments in hex). Semantics are those of Suricata 8 (manual, "Transformations"); where a transform
cannot be done the bytes stay as they are; a compression that is broken before the limit holds nothing.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from vpi_tui.detect.bounded import search
from vpi_tui.detect.match.coded import base64_prefix
from vpi_tui.detect.regex import SUBJECT_LIMIT

MARK: Final = ">"
"""Between the name of a buffer and its transforms, and between these."""
MOST: Final = 16
"""Transforms of one buffer."""
DEFAULT_INFLATED, MOST_INFLATED = 1024, 16 << 20
"""Bytes that gunzip and zlib_deflate give at most: when the rule does not say, and whatever it says."""

LONGEST_NAME: Final = 255
"""Bytes of a host name (RFC 1035); a longer one is none."""

Function = Callable[[bytes], bytes]
Piece = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Transform:
    """make: from the argument (b"" = none) to the function. piece: of a pattern that the transformed bytes
    hold, what the bytes before must hold too but for upper and lower case; b"" = nothing."""

    name: str
    make: Callable[[bytes], Function]
    piece: Piece
    summary: str


TRANSFORMS: Final[dict[str, Transform]] = {}


def _nothing(_pattern: bytes) -> bytes:
    return b""


def _itself(pattern: bytes) -> bytes:
    return pattern


def transform(name: str, piece: Piece = _nothing) -> Callable[[Function], Function]:
    """Register a transform that takes no argument."""

    def register(function: Function) -> Function:
        TRANSFORMS[name] = Transform(name, lambda _argument: function, piece, _first_line(function))
        return function

    return register


def transform_with(name: str) -> Callable[[Callable[[bytes], Function]], Callable[[bytes], Function]]:
    """Register a transform that takes an argument."""

    def register(make: Callable[[bytes], Function]) -> Callable[[bytes], Function]:
        TRANSFORMS[name] = Transform(name, make, _nothing, _first_line(make))
        return make

    return register


def _first_line(function: object) -> str:
    return (function.__doc__ or "").partition("\n")[0]


# Names ----------------------------------------------------------------------------------------


def with_transform(buffer: str, name: str, argument: bytes = b"") -> str:
    """The buffer's name with one more transform."""
    return f"{buffer}{MARK}{name}" + (f":{argument.hex()}" if argument else "")


def base_of(buffer: str) -> str:
    """The name without transforms."""
    return buffer.partition(MARK)[0]


def chain_length(buffer: str) -> int:
    return buffer.count(MARK)


def _parts(buffer: str) -> list[tuple[Transform, bytes]]:
    """Transforms with their arguments, in order."""
    found = []
    for part in buffer.split(MARK)[1:]:
        name, _, argument = part.partition(":")
        found.append((TRANSFORMS[name], bytes.fromhex(argument)))
    return found


def transforms_of(buffer: str) -> list[Transform]:
    return [one for one, _ in _parts(buffer)]


@lru_cache(maxsize=4096)
def function_of(buffer: str) -> Function | None:
    """All transforms of a buffer as one function, None when it has none."""
    functions = [one.make(argument) for one, argument in _parts(buffer)]
    if not functions:
        return None

    def run(data: bytes) -> bytes:
        for function in functions:
            data = function(data)
        return data

    return run


def raw_piece(buffer: str, pattern: bytes) -> bytes:
    """Of a pattern in a transformed buffer, what its base must hold (but for case); b"" = nothing."""
    for one, _ in reversed(_parts(buffer)):
        pattern = one.piece(pattern)
    return pattern


# The transforms -------------------------------------------------------------------------------

_SPACE: Final = b" \t\n\v\f\r"
_SPACES: Final = re.compile(rb"[ \t\n\v\f\r]+")
_PSEUDO: Final = re.compile(rb"^:[^\n]*(?:\n|\Z)", re.M)
_HEADER_NAME: Final = re.compile(rb"^[^\n:]*+", re.M)
_ESCAPE: Final = re.compile(rb"%(?:([0-9A-Fa-f]{2})|[0-9A-Fa-f]?.)|\+", re.S)


def _without(separator: re.Pattern[bytes]) -> Piece:
    """The longest part of a pattern between separators."""
    return lambda pattern: max(separator.split(pattern), key=len)


@transform("to_lowercase", _itself)
def to_lowercase(data: bytes) -> bytes:
    """ASCII letters to lower case."""
    return data.lower()


@transform("to_uppercase", _itself)
def to_uppercase(data: bytes) -> bytes:
    """ASCII letters to upper case."""
    return data.upper()


@transform("header_lowercase", _itself)
def header_lowercase(data: bytes) -> bytes:
    """Names of headers to lower case, as HTTP/2 has them."""
    return _HEADER_NAME.sub(lambda found: found[0].lower(), data)


@transform("strip_whitespace")
def strip_whitespace(data: bytes) -> bytes:
    """White space taken out."""
    return data.translate(None, _SPACE)


@transform("compress_whitespace", _without(_SPACES))
def compress_whitespace(data: bytes) -> bytes:
    """Of a run of white space only its first byte."""
    return _SPACES.sub(lambda found: found[0][:1], data)


@transform("strip_pseudo_headers", _without(re.compile(rb"\n")))
def strip_pseudo_headers(data: bytes) -> bytes:
    """Lines that begin with a colon taken out (HTTP/2)."""
    return _PSEUDO.sub(b"", data)


@transform("dotprefix", lambda pattern: pattern.removeprefix(b"."))
def dotprefix(data: bytes) -> bytes:
    """A dot before the first byte: `.example.com` then ends the domain and every name in it."""
    return b"." + data


@transform("domain", _itself)
def domain(data: bytes) -> bytes:
    """The part of a host name that was registered: `example.co.uk` of `www.example.co.uk`; else nothing."""
    return _last_labels(data, 1)


@transform("tld", _itself)
def tld(data: bytes) -> bytes:
    """The public suffix of a host name, below which names are registered: `co.uk`; else nothing."""
    return _last_labels(data, 0)


@cache
def public_suffixes() -> Any:
    """publicsuffix.org's list. Read when it is first needed: it costs 35 ms and a megabyte."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _last_labels(name: bytes, beyond: int) -> bytes:
    """The public suffix of a name that was registered, and so many labels before it; as it was spelled."""
    if len(name) > LONGEST_NAME:
        return b""
    end = b"." if name.endswith(b".") else b""
    labels = name.removesuffix(b".").split(b".")
    suffix = public_suffixes().publicsuffix(tuple(labels))
    if suffix is None or len(suffix) == len(labels):
        return b""
    return b".".join(labels[-len(suffix) - beyond :]) + end


@transform("url_decode")
def url_decode(data: bytes) -> bytes:
    """%XX as the byte and + as a blank; what stands behind a % that escapes nothing is not looked at."""
    return _ESCAPE.sub(_unescaped, data) if b"%" in data else data.replace(b"+", b" ")


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[0] == b"+":
        return b" "
    return bytes.fromhex(found[1].decode("ascii")) if found[1] is not None else found[0]


@transform("to_md5")
def to_md5(data: bytes) -> bytes:
    """The MD5 of the bytes, 16 bytes."""
    return hashlib.md5(data, usedforsecurity=False).digest()


@transform("to_sha1")
def to_sha1(data: bytes) -> bytes:
    """The SHA-1 of the bytes, 20 bytes."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


@transform("to_sha256")
def to_sha256(data: bytes) -> bytes:
    """The SHA-256 of the bytes, 32 bytes."""
    return hashlib.sha256(data).digest()


@transform_with("xor")
def xor(key: bytes) -> Function:
    """Each byte xor the next one of the key."""

    def run(data: bytes) -> bytes:
        size = len(data)
        stream = (key * (size // len(key) + 1))[:size]
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")

    return run


@transform_with("pcrexform")
def pcrexform(pattern: bytes) -> Function:
    """What the first group of the expression holds; where it, or the group, does not match all stays."""

    def run(data: bytes) -> bytes:
        found = search(pattern, 0, data[:SUBJECT_LIMIT])
        return data if found is None or found[1] is None else found[1]

    return run


def _inflate(window_bits: int, *, whole: bool) -> Callable[[bytes], Function]:
    """whole: a stream that is cut off holds nothing either."""

    def make(argument: bytes) -> Function:
        limit = int(argument) if argument else DEFAULT_INFLATED

        def run(data: bytes) -> bytes:
            inflater = zlib.decompressobj(window_bits)
            try:
                made = inflater.decompress(data, limit)
            except zlib.error:
                return b""
            return made if inflater.eof or not whole or len(made) >= limit else b""

        return run

    return make


TRANSFORMS["gunzip"] = Transform("gunzip", _inflate(31, whole=True), _nothing, "What a gzip stream holds.")
TRANSFORMS["zlib_deflate"] = Transform(
    "zlib_deflate", _inflate(15, whole=False), _nothing, "What a zlib stream holds."
)


@transform_with("from_base64")
def from_base64(argument: bytes) -> Function:
    """What base64 says: `bytes,offset,mode`; where there is none, or not so many bytes, all stays."""
    count, offset, mode = argument.decode("ascii").split(",")
    start, end = int(offset), int(offset) + int(count) if int(count) else None

    def run(data: bytes) -> bytes:
        if end is not None and end >= len(data):
            return data
        encoded = data[start:end]
        if mode == "strict" and not _is_whole(encoded):
            return data
        return base64_prefix(encoded, skip_others=mode == "rfc2045") or data

    return run


_WHOLE: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?+")


def _is_whole(encoded: bytes) -> bool:
    return _WHOLE.fullmatch(encoded) is not None
