"""base64_decode, base64_data and entropy."""

from __future__ import annotations

import re

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import DECODED, Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import Base64Decode, Entropy

_MOST = 65_535
_PARTS = re.compile(r"(?:bytes|offset)\s+[0-9]+|[^,\s][^,]*")
"""Of base64_decode; a comma behind a number may be left out, as in Suricata."""


@keyword("base64_decode", value="optional")
def base64_decode(draft: Draft, text: str) -> None:
    """Decode base64 at a place: bytes N, offset N, relative; base64_data then looks at what comes out.

    A rule without base64_data after it holds nowhere.
    """
    numbers = {"bytes": 0, "offset": 0}
    relative = False
    for part in _PARTS.findall(text):
        word, _, value = part.partition(" ")
        if word in numbers and value:
            numbers[word] = integer(f"base64_decode {word}", value, 0, _MOST)
        elif part == "relative":
            relative = True
        else:
            raise Refused(f"base64_decode: unknown part {part[:40]!r}; there are bytes, offset, relative")
    if draft.buffer == DECODED:
        raise Refused("base64_decode: cannot look at base64_data")
    draft.steps.append(
        Base64Decode(draft.buffer_for(relative), numbers["bytes"], numbers["offset"], relative)
    )


@keyword("base64_data", value="none")
def base64_data(draft: Draft, _text: str) -> None:
    """The byte keywords after it look at what base64_decode gave."""
    draft.look_at(DECODED)


_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_ENTROPY = re.compile(rf"(>=|<=|!=|==|=|>|<|!)?\s*{_NUMBER}(?:\s*-\s*{_NUMBER})?", re.A)
_BITS = 8.0


@keyword("entropy")
def entropy(draft: Draft, text: str) -> None:
    """Shannon entropy of the buffer, in bits a byte: bytes N, offset N, value >= 5.5."""
    numbers = {"bytes": 0, "offset": 0}
    value = ""
    for part in (part.strip() for part in text.split(",")):
        word, _, rest = part.partition(" ")
        if word in numbers and rest:
            numbers[word] = integer(f"entropy {word}", rest, 0, _MOST)
        elif word == "value" and rest and not value:
            value = rest.strip()
        elif not value and _ENTROPY.fullmatch(part):
            value = part
        else:
            raise Refused(f"entropy: unknown part {part[:40]!r}; there are bytes, offset, value")
    found = _ENTROPY.fullmatch(value)
    if not found:
        raise Refused(f"entropy: needs a value from 0 to 8, has {value[:40]!r}")
    low, high, closed, negated = _bounds(found[1] or "=", float(found[2]), found[3])
    if low > high or low > _BITS:
        raise Refused(f"entropy: no bytes have an entropy of {value[:40]}")
    draft.steps.append(Entropy(draft.buffer, numbers["offset"], numbers["bytes"], low, high, closed, negated))


def _bounds(sign: str, value: float, top: str | None) -> tuple[float, float, bool, bool]:
    """(low, high, closed, negated)"""
    if top is not None:
        return value, float(top), False, sign in {"!", "!="}
    if sign in {"<", "<="}:
        return (0.0 if sign == "<=" else -1.0), value, sign == "<=", False
    if sign in {">", ">="}:
        return value, (_BITS if sign == ">=" else _BITS + 1), sign == ">=", False
    return value, value, True, sign in {"!", "!="}
