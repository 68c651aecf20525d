"""Keywords about DCE/RPC that take a value; its sticky buffer stands in applayer/names.py."""

from __future__ import annotations

import re

from vpi_tui.detect.applayer.names import INSTANCE, plain_name
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer, spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import Spans
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import Content, NumberIn

_UUID = re.compile(r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?", re.I)
_LARGEST = 0xFFFF
_LARGEST_IN_LIST = 0xFFFF_FFFF
"""What lists may name beyond it is no call's."""
_VERSION, _FIRST = 16, 18
"""Where version and first fragment stand in the buffer dcerpc.iface."""


@keyword("dcerpc.iface", "dce_iface")
def dcerpc_iface(draft: Draft, text: str) -> None:
    """Interface of a DCE/RPC call: UUID, then perhaps a version (<, >, =, !) and any_frag."""
    uuid, *rest = (part.strip() for part in unquote("dcerpc.iface", text, needed=False).split(","))
    found = _UUID.fullmatch(uuid)
    if not found:
        raise Refused(f"dcerpc.iface: not a UUID: {uuid[:50]!r}")
    any_fragment = rest[-1:] == ["any_frag"]
    versions = rest[:-1] if any_fragment else rest
    if len(versions) > 1:
        raise Refused(f"dcerpc.iface: needs UUID, version and any_frag in this order, has {text[:80]!r}")
    before = {step.buffer for step in draft.steps if plain_name(step.buffer) == "dcerpc.iface"}
    buffer = f"dcerpc.iface{INSTANCE}{len(before) + 1}" if before else "dcerpc.iface"
    draft.steps.append(Content(buffer, bytes.fromhex("".join(found.groups())), startswith=True))
    for version in versions:
        draft.steps.append(
            NumberIn(buffer, spans("dcerpc.iface", version, _LARGEST), offset=_VERSION, count=2)
        )
    if not any_fragment:
        draft.steps.append(NumberIn(buffer, ((1, 1),), offset=_FIRST, count=1))


@keyword("dcerpc.opnum", "dce_opnum")
def dcerpc_opnum(draft: Draft, text: str) -> None:
    """Operation of a DCE/RPC call: numbers and ranges (both ends included) with commas."""
    parts = [part.strip() for part in unquote("dcerpc.opnum", text, needed=False).split(",")]
    draft.steps.append(NumberIn("dcerpc.opnum", tuple(span for part in parts for span in _range(part))))


def _range(part: str) -> Spans:
    low, dash, high = part.partition("-")
    first = integer("dcerpc.opnum", low, 0, _LARGEST_IN_LIST)
    last = integer("dcerpc.opnum", high, 0, _LARGEST_IN_LIST) if dash else first
    if last < first:
        raise Refused(f"dcerpc.opnum: {first} comes after {last}")
    return ((first, last),)
