"""Transforms: they change what the byte keywords after them see of the sticky buffer before them."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import DECODED, PAYLOAD, Draft
from vpi_tui.detect.rules.keywords.pcre import groups_of
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import raw_bytes, unquote
from vpi_tui.detect.transforms import MOST, MOST_INFLATED, TRANSFORMS, chain_length, with_transform

_PLAIN: Final = (
    "to_lowercase", "to_uppercase", "header_lowercase", "strip_whitespace", "compress_whitespace",
    "strip_pseudo_headers", "dotprefix", "domain", "tld", "url_decode", "to_md5", "to_sha1", "to_sha256",
)  # fmt: skip
_MODES: Final = ("rfc4648", "rfc2045", "strict")
_MOST_BYTES: Final = 65_535
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){1,255}", re.A)


def _add(draft: Draft, name: str, argument: bytes = b"") -> None:
    if draft.buffer in (PAYLOAD, DECODED):
        raise Refused(f"{name}: needs a sticky buffer before it")
    if chain_length(draft.buffer) >= MOST:
        raise Refused(f"{name}: more than {MOST} transforms of one buffer")
    if chain_length(draft.buffer) and any(step.buffer == draft.buffer for step in draft.steps):
        raise Refused(f"{name}: transforms stand together, in front of what is asked of the buffer")
    draft.buffer = with_transform(draft.buffer, name, argument)


def _plain(name: str) -> None:
    def handler(draft: Draft, _text: str) -> None:
        _add(draft, name)

    handler.__doc__ = f"Transform of the sticky buffer before it. {TRANSFORMS[name].summary}"
    keyword(name, value="none")(handler)


for _name in _PLAIN:
    _plain(_name)


@keyword("xor")
def xor(draft: Draft, text: str) -> None:
    """Transform of the sticky buffer before it: xor with a key in hex."""
    key = unquote("xor", text)
    if not _HEX.fullmatch(key):
        raise Refused(f"xor: needs a key of 1 to 255 bytes in hex, has {key[:40]!r}")
    _add(draft, "xor", bytes.fromhex(key))


@keyword("pcrexform")
def pcrexform(draft: Draft, text: str) -> None:
    """Transform of the sticky buffer before it: what the group of an expression holds."""
    pattern = raw_bytes(unquote("pcrexform", text))
    if groups_of("pcrexform", pattern) != 1:
        raise Refused("pcrexform: the expression needs exactly one group in brackets")
    _add(draft, "pcrexform", pattern)


def _inflating(name: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        word, _, size = text.replace("=", " ", 1).partition(" ")
        if text and word != "max-size":
            raise Refused(f"{name}: unknown part {text[:40]!r}; there is max-size")
        _add(draft, name, str(integer(name, size, 1, MOST_INFLATED)).encode() if text else b"")

    handler.__doc__ = f"Transform of the sticky buffer before it. {TRANSFORMS[name].summary}"
    keyword(name, value="optional")(handler)


for _name in ("gunzip", "zlib_deflate"):
    _inflating(_name)


@keyword("from_base64", value="optional")
def from_base64(draft: Draft, text: str) -> None:
    """Transform of the sticky buffer before it: base64 decoded: bytes N, offset N, mode M."""
    numbers = {"bytes": 0, "offset": 0}
    mode = _MODES[0]
    for part in (part.strip() for part in text.split(",")) if text else ():
        word, _, value = part.partition(" ")
        if word in numbers and value:
            numbers[word] = integer(f"from_base64 {word}", value, 0, _MOST_BYTES)
        elif word == "mode" and value.strip().lower() in _MODES:
            mode = value.strip().lower()
        else:
            raise Refused(
                f"from_base64: unknown part {part[:40]!r}; there are bytes, offset, mode {'|'.join(_MODES)}"
            )
    _add(draft, "from_base64", f"{numbers['bytes']},{numbers['offset']},{mode}".encode())
