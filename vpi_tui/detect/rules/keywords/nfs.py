"""Keywords about NFS and RPC."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.words import NFS3_PROCEDURES, NFS4_PROCEDURES
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.numbers import integer, number_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.signature import Content, NumberIn, Pcre

_HIGHEST: Final = 0xFFFFFFFF
_RANGE: Final = re.compile(r"\s*([0-9]+)\s*(?:<>|-)\s*([0-9]+)\s*", re.A)
_NAMES: Final = frozenset((*NFS3_PROCEDURES.values(), *NFS4_PROCEDURES.values()))


def _number(name: str, text: str) -> NumberIn:
    """As all integers of rules but for ranges, whose ends are inside."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return number_in(name, text, _HIGHEST)
    low, high = (integer(name, part, 0, _HIGHEST) for part in found.groups())
    if low >= high:
        raise Refused(f"{name}: the first number of a range is the smaller one, not {text[:40]!r}")
    return NumberIn(name, ((low, high),))


@keyword("nfs_procedure")
def nfs_procedure(draft: Draft, text: str) -> None:
    """The procedure of an NFS call: a number, a range that includes its ends, or a name; `!` before it."""
    word = unquote("nfs_procedure", text, needed=False).strip()
    negated, name = word.startswith("!"), word.lower().lstrip("! ")
    if name in _NAMES and negated:
        # Of calls whose procedure has a name: the expression holds for none that is empty.
        draft.steps.append(Pcre("nfs_procedure.name", rb"\A(?!" + name.encode("ascii") + rb"\z)."))
    elif name in _NAMES:
        whole = name.encode("ascii")
        draft.steps.append(Content("nfs_procedure.name", whole, startswith=True, endswith=True))
    else:
        draft.steps.append(_number("nfs_procedure", word))


@keyword("nfs_version", "nfs.version")
def nfs_version(draft: Draft, text: str) -> None:
    """The version of an NFS call: a number, or a range that includes its ends."""
    draft.steps.append(_number("nfs_version", unquote("nfs_version", text, needed=False).strip()))


_FRAGMENT: Final = 4
"""Bytes in front of a call over TCP."""


@keyword("rpc")
def rpc(draft: Draft, text: str) -> None:
    """A call of an RPC program, with its version and procedure: 100000,2,4; `*` = any of these two."""
    parts = [part.strip() for part in unquote("rpc", text, needed=False).split(",")]
    transport = draft.header.protocol.lower()
    if len(parts) > 3:
        raise Refused(f"rpc: program, version and procedure, not {text[:40]!r}")
    if transport not in ("tcp", "tcp-pkt", "udp"):
        raise Refused(f"rpc: for rules about tcp or udp, not {transport}")
    start = 0 if transport == "udp" else _FRAGMENT
    wanted: list[tuple[int, int]] = [(4, 0), (12, integer("rpc", parts[0], 0, _HIGHEST))]
    for place, part in zip((16, 20), parts[1:], strict=False):
        if part != "*":
            wanted.append((place, integer("rpc", part, 0, _HIGHEST)))
    draft.needs_packet = True
    for place, number in wanted:
        draft.steps.append(Content(PAYLOAD, number.to_bytes(4), offset=start + place, depth=4))
