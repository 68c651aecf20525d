"""flowint, xbits and hostbits: numbers of a flow, and bits of hosts that end by themselves."""

from __future__ import annotations

import re
from typing import Final, Literal, cast

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import printable
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.signature import FlowInt, HostBits

_U32: Final = 0xFFFFFFFF
_XBITS_SECONDS: Final = 30
_HOSTBITS_SECONDS: Final = 300
"""How long bits stay when the rule does not say: Suricata's figures."""

_FlowIntOp = Literal["=", "+", "-", "<", ">", "<=", ">=", "==", "!=", "isset", "isnotset"]
_BitsOp = Literal["set", "unset", "toggle", "isset", "isnotset"]
_Track = Literal["src", "dst", "pair", "tx"]

_FLOWINT_OPS: Final = ("=", "+", "-", "<", ">", "<=", ">=", "==", "!=")
_BITS_OPS: Final = ("set", "unset", "toggle", "isset", "isnotset")
_XBITS_TRACKS: Final = {"ip_src": "src", "ip_dst": "dst", "ip_pair": "pair", "tx": "tx"}
_NUMBER: Final = re.compile(r"[0-9]+", re.A)


def _name(keyword_name: str, text: str) -> str:
    if not text or any(mark in text for mark in " ,|"):
        raise Refused(f"{keyword_name}: not a name: {text[:40]!r}")
    return printable(text)


@keyword("flowint")
def flowint(draft: Draft, text: str) -> None:
    """Count in a number of the flow, or compare it: name,+,1 name,>,3 name,isset."""
    parts = [part.strip() for part in text.split(",")]
    name = _name("flowint", parts[0])
    op = parts[1].lower() if len(parts) > 1 else ""
    if op in {"isset", "isnotset", "notset"} and len(parts) == 2:
        draft.flowints.append(FlowInt(name, "isset" if op == "isset" else "isnotset"))
        return
    if op not in _FLOWINT_OPS or len(parts) != 3:
        raise Refused(
            f"flowint: needs `name,operator,value` with one of {' '.join(_FLOWINT_OPS)}, or `name,isset`"
        )
    value = parts[2]
    operand = integer("flowint", value, 0, _U32) if _NUMBER.fullmatch(value) else _name("flowint", value)
    draft.flowints.append(FlowInt(name, cast(_FlowIntOp, op), operand))


def _op(keyword_name: str, text: str) -> _BitsOp:
    if text not in _BITS_OPS:
        raise Refused(
            f"{keyword_name}: unknown action {text[:40]!r}; there are {', '.join(_BITS_OPS)} and noalert"
        )
    return cast(_BitsOp, text)


@keyword("xbits")
def xbits(draft: Draft, text: str) -> None:
    """Set or test a bit of a host or pair: set,name,track ip_src|ip_dst|ip_pair,expire N; or noalert."""
    op, *rest = (part.strip() for part in text.split(","))
    if op.lower() == "noalert" and not rest:
        draft.noalert = True
        return
    made = _op("xbits", op.lower())
    if not rest:
        raise Refused("xbits: needs a name")
    name = _name("xbits", rest[0])
    track, seconds = "", _XBITS_SECONDS
    for part in rest[1:]:
        word, _, value = part.partition(" ")
        if word == "track" and not track and value.strip() in _XBITS_TRACKS:
            track = _XBITS_TRACKS[value.strip()]
        elif word == "expire":
            seconds = integer("xbits expire", value, 1, _U32)
        else:
            raise Refused(
                f"xbits: unknown part {part[:40]!r}; there are track {'|'.join(_XBITS_TRACKS)}, expire"
            )
    if not track:
        raise Refused("xbits: track is missing")
    if track == "tx":
        _check_of_transaction(draft, made)
    draft.hostbits.append(HostBits(made, name, cast(_Track, track), seconds))


def _check_of_transaction(draft: Draft, op: str) -> None:
    """Bits of transactions end with them, and are asked for at a stage of them, as in Suricata 8."""
    if op not in ("set", "isset"):
        raise Refused(f"xbits: track tx goes with set and isset, not with {op}")
    if op == "isset" and not (draft.hook and draft.header.protocol.lower() in RULE_WORDS):
        raise Refused("xbits: isset with track tx needs a hook, as in `alert http1:request_complete`")


@keyword("hostbits")
def hostbits(draft: Draft, text: str) -> None:
    """Set or test a bit of a host: set,name,src,60; without src or dst it is the source, for 300 seconds."""
    op, *rest = (part.strip() for part in text.split(","))
    if op.lower() == "noalert" and not rest:
        draft.noalert = True
        return
    made = _op("hostbits", op.lower())
    side = rest[1] if len(rest) > 1 else "src"
    if not rest or len(rest) > 3 or side not in {"src", "dst"}:
        raise Refused("hostbits: needs `action,name`, and src or dst and seconds behind them")
    seconds = integer("hostbits expire", rest[2], 1, _U32) if len(rest) > 2 else _HOSTBITS_SECONDS
    name = _name("hostbits", rest[0])
    draft.hostbits.append(HostBits(made, name, cast(_Track, side), seconds, "hostbits"))
