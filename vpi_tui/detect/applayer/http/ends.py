"""Where lines and heads end, as libhtp has it: more leniently in responses than in requests.

In a response a CR that no LF follows ends a line too, as does an LF with a CR behind it. A head ends with an
empty line, or with one of a single blank and something behind it. Each search takes time in proportion to
the bytes, also when they are nothing but line ends.
"""

from __future__ import annotations

import re
from typing import Final

_ANY_HERE: Final = rb"(?>\n\r(?=[^\r\n])|\r*+\n|\r++(?=[^\r\n]))"
# The last byte of an end, with the CR that may come behind it: found from any byte of the end.
_ANY: Final = rb"[\r\n](?:(?<=\n)(?:(?<!\r\n)\r(?=[^\r\n]))?+|(?<=\r)(?=[^\r\n]))"
_BLANK: Final = rb"[ \t\x0b\x0c]\n(?=[^\n])"
_REQUEST_BLANK_LINE: Final = re.compile(rb"\n(?:\r?\n|" + _BLANK + rb")")
_REQUEST_LINE: Final = re.compile(rb"\r?\n")
_RESPONSE_BLANK_LINE: Final = re.compile(_ANY + rb"(?:" + _ANY_HERE + rb"|" + _BLANK + rb")")
_RESPONSE_EMPTY: Final = re.compile(_ANY_HERE)
_RESPONSE_LINE: Final = re.compile(_ANY)
_LONGEST: Final = 64
"""Bytes before those that were searched in vain, which may be the beginning of an end."""


def response_line(data: bytearray, searched: int) -> int:
    """Behind the first line of a response; -1 = its end is not here. searched: bytes without an end."""
    found = _RESPONSE_LINE.search(data, max(0, searched - 1))
    return found.end() if found is not None else -1


def head(data: bytearray, searched: int, *, of_response: bool) -> int:
    """Behind the empty line that ends header fields; -1 = it is not here."""
    if of_response:
        empty, blank_line = _RESPONSE_EMPTY, _RESPONSE_BLANK_LINE
    else:
        empty, blank_line = _REQUEST_LINE, _REQUEST_BLANK_LINE
    found = empty.match(data) or blank_line.search(data, max(0, searched - _LONGEST))
    return found.end() if found is not None else -1
