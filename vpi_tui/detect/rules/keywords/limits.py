"""threshold and detection_filter: how often a rule may or must match."""

from __future__ import annotations

import re
from typing import Literal, cast

from msgspec.structs import replace

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import Threshold

_TRACKS = ("by_src", "by_dst", "by_both", "by_rule", "by_flow")
_TYPES = ("limit", "threshold", "both")
_U32 = 0xFFFFFFFF
_BACKOFF = re.compile(r"type\s+backoff")

_Kind = Literal["limit", "threshold", "both", "detection_filter", "backoff"]
_Track = Literal["by_src", "by_dst", "by_both", "by_rule", "by_flow"]


def _parts(name: str, text: str, needed: tuple[str, ...]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.split(","):
        key, _, value = part.strip().partition(" ")
        if key not in needed:
            raise Refused(f"{name}: unknown part {part.strip()[:40]!r}; there are {', '.join(needed)}")
        if key in parts or not value.strip():
            raise Refused(f"{name}: {key} must stand once, with a value")
        parts[key] = value.strip()
    for key in needed:
        if key not in parts:
            raise Refused(f"{name}: {key} is missing")
    return parts


def _made(name: str, kind: str, parts: dict[str, str]) -> Threshold:
    if parts["track"] not in _TRACKS:
        raise Refused(f"{name}: track is one of {', '.join(_TRACKS)}, not {parts['track'][:20]!r}")
    return Threshold(
        cast(_Kind, kind),
        cast(_Track, parts["track"]),
        integer(f"{name} count", parts["count"], 1, _U32),
        integer(f"{name} seconds", parts["seconds"], int(kind == "detection_filter"), _U32),
    )


def _backoff(text: str) -> Threshold:
    parts = _parts("threshold", text, ("type", "track", "count", "multiplier"))
    if parts["track"] != "by_flow":
        raise Refused("threshold: type backoff counts by_flow only")
    made = _made("threshold", "backoff", {**parts, "seconds": "1"})
    return replace(made, seconds=0, multiplier=integer("threshold multiplier", parts["multiplier"], 2, _U32))


@keyword("threshold")
def threshold(draft: Draft, text: str) -> None:
    """Limit the alerts: type limit|threshold|both|backoff, track by_src|..., count N, seconds N."""
    draft.once("threshold or detection_filter")
    draft.threshold = limit_of(text)


def limit_of(text: str) -> Threshold:
    """What stands behind `threshold:`. Raises Refused."""
    if _BACKOFF.search(text):
        return _backoff(text)
    parts = _parts("threshold", text, ("type", "track", "count", "seconds"))
    if parts["type"] not in _TYPES:
        raise Refused(f"threshold: type is one of {', '.join(_TYPES)}, not {parts['type'][:20]!r}")
    return _made("threshold", parts["type"], parts)


@keyword("detection_filter")
def detection_filter(draft: Draft, text: str) -> None:
    """Alert only from the match after `count` in `seconds` on: track by_src|..., count N, seconds N."""
    draft.once("threshold or detection_filter")
    parts = _parts("detection_filter", text, ("track", "count", "seconds"))
    draft.threshold = _made("detection_filter", "detection_filter", parts)
