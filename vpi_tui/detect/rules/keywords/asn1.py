"""asn1: flaws of BER elements in the payload."""

from __future__ import annotations

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import Asn1

_FLAGS = ("bitstring_overflow", "double_overflow")
_NUMBERS = {
    "oversize_length": (0, 0xFFFFFFFF),
    "absolute_offset": (0, 0xFFFF),
    "relative_offset": (-0xFFFF, 0xFFFF),
}


@keyword("asn1")
def asn1(draft: Draft, text: str) -> None:
    """BER with a flaw: bitstring_overflow, double_overflow, oversize_length N; relative_offset N."""
    said: dict[str, int] = {}
    words = iter(text.replace(",", " ").split())
    for word in words:
        if word in _FLAGS:
            said[word] = 1
        elif word in _NUMBERS:
            said[word] = integer(f"asn1 {word}", next(words, ""), *_NUMBERS[word])
        else:
            known = ", ".join((*_FLAGS, *_NUMBERS))
            raise Refused(f"asn1: unknown part {word[:40]!r}; there are {known}")
    if "absolute_offset" in said and "relative_offset" in said:
        raise Refused("asn1: absolute_offset and relative_offset cannot stand together")
    if not said.keys() & {*_FLAGS, "oversize_length"}:
        raise Refused(f"asn1: needs oversize_length or one of {', '.join(_FLAGS)}")
    relative = "relative_offset" in said
    draft.steps.append(
        Asn1(
            draft.buffer_for(relative),
            "bitstring_overflow" in said,
            "double_overflow" in said,
            said.get("oversize_length"),
            said.get("relative_offset", said.get("absolute_offset", 0)),
            relative,
        )
    )
