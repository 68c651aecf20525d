"""threshold.config: limits of alerts and what is suppressed, apart from the rules themselves.

    suppress gen_id 1, sig_id 2002087, track by_src, ip 192.0.2.0/24
    threshold gen_id 1, sig_id 2404000, type limit, track by_dst, count 1, seconds 60
    rate_filter gen_id 1, sig_id 0, track by_rule, count 10, seconds 60, new_action pass, timeout 30

gen_id and sig_id 0 mean all. A threshold for one sig_id takes the place of what limits that rule already, in
its own text or by a line before; any other limit is for rules that have none. Source: "Global Thresholds" in
the manual of Suricata.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final, Literal, cast

from msgspec.structs import replace

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.keywords.limits import limit_of
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.errors import ConfigError, RuleError
from vpi_tui.model.signature import ANY_ADDRESS, RateFilter, Signature, Suppress, Threshold

_U32: Final = 0xFFFFFFFF
_BLANK: Final = re.compile(r"\s")
_OUTSIDE_BRACKETS: Final = re.compile(r",(?![^\[\]]*\])")
_RATE_TRACKS: Final = ("by_src", "by_dst", "by_both", "by_rule")
_ACTIONS: Final = ("alert", "drop", "pass", "reject", "log", "sdrop")
"""The last two do nothing, as in Suricata."""
_SUPPRESS_TRACKS: Final = ("by_src", "by_dst", "by_either")

Limit = Suppress | Threshold | RateFilter


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; gid, sid 0 = all."""

    gid: int
    sid: int
    limit: Limit

    def means(self, signature: Signature) -> bool:
        return self.gid in {0, signature.gid} and self.sid in {0, signature.sid}


def read(path: Path, variables: Variables) -> tuple[list[Entry], list[RuleError]]:
    """Entries, and the lines that are none. Raises ConfigError when the file cannot be read."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"The threshold-file {path} cannot be read: {error.strerror}.") from None
    entries: list[Entry] = []
    errors: list[RuleError] = []
    for number, line in _lines(text):
        try:
            entries.append(_entry(line, variables))
        except Refused as refused:
            errors.append(RuleError(path, number, refused.reason))
    return entries, errors


def limited(signatures: Sequence[Signature], entries: Sequence[Entry]) -> list[Signature]:
    """The rules with the limits of the file, line by line."""
    by_sid: dict[int, list[tuple[int, Entry]]] = {}
    for numbered in enumerate(entries):
        by_sid.setdefault(numbered[1].sid, []).append(numbered)
    made = []
    for signature in signatures:
        meant = signature
        lines = (*by_sid.get(signature.sid, ()), *by_sid.get(0, ()))
        for _, entry in sorted(lines, key=itemgetter(0)):
            if entry.means(signature):
                meant = _with(meant, entry)
        made.append(meant)
    return made


def _with(signature: Signature, entry: Entry) -> Signature:
    limit = entry.limit
    if isinstance(limit, Suppress):
        if limit.ranges == ANY_ADDRESS:
            return replace(signature, noalert=True)
        return replace(signature, suppress=(*signature.suppress, limit))
    if isinstance(limit, Threshold) and entry.sid:
        return replace(signature, threshold=limit, rate_filter=None)
    if signature.threshold is not None or signature.rate_filter is not None:
        return signature
    if isinstance(limit, RateFilter):
        return replace(signature, rate_filter=limit)
    return replace(signature, threshold=limit)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(1-based number, line) without comments; a backslash at the end joins the next line."""
    held, begin = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        begin = begin or number
        line = raw.rstrip()
        if line.endswith("\\"):
            held += line[:-1]
            continue
        whole = (held + line).strip()
        if whole and not whole.startswith("#"):
            yield begin, whole
        held, begin = "", 0
    if held.strip():
        yield begin, held.strip()


def _entry(line: str, variables: Variables) -> Entry:
    word, _, rest = _BLANK.sub(" ", line).partition(" ")
    make = _KINDS.get(word)
    if make is None:
        raise Refused(f"needs one of {', '.join(_KINDS)}, has {word[:40]!r}")
    parts: dict[str, str] = {}
    for part in _OUTSIDE_BRACKETS.split(rest):
        key, _, value = part.strip().partition(" ")
        if not value.strip() or key in parts:
            raise Refused(f"{word}: {key[:40] or 'nothing'} must stand once, with a value")
        parts[key] = value.strip()
    if not {"gen_id", "sig_id"} <= parts.keys():
        raise Refused(f"{word}: needs gen_id and sig_id")
    gid = integer("gen_id", parts.pop("gen_id"), 0, _U32)
    sid = integer("sig_id", parts.pop("sig_id"), 0, _U32)
    if not gid and sid:
        raise Refused(f"{word}: gen_id 0 means all rules, and sig_id {sid} one")
    return Entry(gid, sid, make(parts, variables))


def _suppress(parts: dict[str, str], variables: Variables) -> Suppress:
    if not parts:
        return Suppress("by_either", ANY_ADDRESS)
    if parts.keys() != {"track", "ip"} or parts["track"] not in _SUPPRESS_TRACKS:
        raise Refused(f"suppress: needs track {'|'.join(_SUPPRESS_TRACKS)} and ip, or neither")
    track = cast(Literal["by_src", "by_dst", "by_either"], parts["track"])
    return Suppress(track, variables.addresses(parts["ip"]))


def _threshold(parts: dict[str, str], _variables: Variables) -> Threshold:
    return limit_of(", ".join(f"{key} {value}" for key, value in parts.items()))


def _rate_filter(parts: dict[str, str], _variables: Variables) -> RateFilter:
    needed = {"track", "count", "seconds", "new_action", "timeout"}
    if parts.keys() != needed:
        raise Refused(f"rate_filter: needs {', '.join(sorted(needed))}")
    if parts["track"] not in _RATE_TRACKS or parts["new_action"] not in _ACTIONS:
        raise Refused(f"rate_filter: track {'|'.join(_RATE_TRACKS)}, new_action {'|'.join(_ACTIONS)}")
    return RateFilter(
        cast(Literal["by_src", "by_dst", "by_both", "by_rule"], parts["track"]),
        integer("rate_filter count", parts["count"], 1, _U32),
        integer("rate_filter seconds", parts["seconds"], 1, _U32),
        silent=parts["new_action"] == "pass",
        timeout=integer("rate_filter timeout", parts["timeout"], 0, _U32),
    )


_KINDS: Final[dict[str, Callable[[dict[str, str], Variables], Limit]]] = {
    "suppress": _suppress,
    "threshold": _threshold,
    "event_filter": _threshold,
    "rate_filter": _rate_filter,
}
