"""What a rule says about itself: msg, sid, classtype, reference, metadata; and hints it may give."""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import Final, Literal

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import Handler, keyword
from vpi_tui.detect.rules.text import printable, unescape, unquote
from vpi_tui.model.signature import Tag

_U32: Final = 0xFFFFFFFF
PAIRS_KEPT: Final = 16_384
_ONCE: Final = ("sid", "rev")
"""Of groups the last one counts, as in Suricata."""
_LOWEST: Final = 0xFFFF
"""Of priorities; the manual has those up to 255."""


@keyword("msg")
def msg(draft: Draft, text: str) -> None:
    """Text of the alert."""
    draft.once("msg")
    draft.msg = unescape(unquote("msg", text))


def _number(name: str, low: int, high: int, summary: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        if name in _ONCE:
            draft.once(name)
        draft.numbers[name] = integer(name, unquote(name, text, needed=False), low, high)

    handler.__doc__ = summary
    registered: Handler = handler
    keyword(name)(registered)


_number("sid", 1, _U32, "Signature id, unique within a gid.")
_number("rev", 0, _U32, "Revision: of two rules with one sid the higher stays.")
_number("gid", 0, _U32, "Group of the signature id; 1 when not given.")


@keyword("priority")
def priority(draft: Draft, text: str) -> None:
    """1 = high; without it the classtype decides. Of several the most urgent one counts, as in Suricata."""
    number = integer("priority", unquote("priority", text, needed=False), 0, _LOWEST)
    draft.numbers["priority"] = min(number, draft.numbers.get("priority", number))


@keyword("classtype")
def classtype(draft: Draft, text: str) -> None:
    """Class of the alert; gives the priority. Of several the most urgent one counts, as in Suricata."""
    named = intern(printable(unquote("classtype", text, needed=False)))
    urgency = draft.priorities.get(named.lower())
    if urgency is None:
        draft.notices.append(f"unknown classtype {named[:60]!r}: priority 3 is taken")
    before = draft.priorities.get(draft.classtype.lower())
    if not draft.classtype or (urgency is not None and (before is None or urgency < before)):
        draft.classtype = named


@keyword("reference")
def reference(draft: Draft, text: str) -> None:
    """Where to read more: `type,value`."""
    whole = unquote("reference", text) if text[0] == '"' else text
    kind, comma, value = whole.partition(",")
    value = unquote("reference", value.strip(), needed=False)
    if not comma or not kind.strip() or not value:
        raise Refused(f"reference: needs `type,value`, has {text[:60]!r}")
    draft.reference.append((intern(printable(kind.strip())), unescape(value)))


@keyword("metadata")
def metadata(draft: Draft, text: str) -> None:
    """Names and values, `name value, name value`."""
    draft.metadata.extend(pair for one in text.split(",") if (pair := _name_and_value(one))[0])


@lru_cache(maxsize=PAIRS_KEPT)
def _name_and_value(text: str) -> tuple[str, str]:
    """The same few thousand stand in all rules of a set, which so share them."""
    name, _, value = text.strip().partition(" ")
    return intern(printable(name)), intern(unescape(value.strip()))


@keyword("target")
def target(draft: Draft, text: str) -> None:
    """Which end is attacked: src_ip or dest_ip."""
    if text not in {"src_ip", "dest_ip"}:
        raise Refused(f"target: src_ip or dest_ip, not {text[:40]!r}")
    if draft.target not in {"", text}:
        raise Refused(f"target: {draft.target} and {text} cannot stand together")
    draft.target = "src_ip" if text == "src_ip" else "dest_ip"


@keyword("tag", value="required")
def tag(draft: Draft, text: str) -> None:
    """Packets that follow an alert are told too: `session|host[,count,packets|bytes|seconds[,src|dst]]`."""
    kind, *rest = (part.strip() for part in text.split(","))
    if kind not in {"session", "host"}:
        raise Refused(f"tag: session or host, not {kind[:40]!r}")
    if len(rest) == 1 or (rest and rest[1] not in _METRICS):
        raise Refused("tag: needs `session|host,count,packets|bytes|seconds`")
    end = rest[2] if len(rest) > 2 else "dst"
    if len(rest) > 3 or end not in _TAGGED_END:
        raise Refused("tag: the direction is src or dst")
    count = integer("tag", rest[0], 0, _U32) if rest else _MOST_TAGGED
    metric = _METRICS[rest[1]] if rest else "packets"
    if metric == "packets":
        count = min(count, _MOST_TAGGED)
    draft.tags.append(Tag("flow" if kind == "session" else _TAGGED_END[end], metric, count))


_MOST_TAGGED: Final = 256
"""Packets that one alert has told at most."""
_METRICS: Final[dict[str, Literal["packets", "bytes", "seconds"]]] = {
    "packets": "packets", "bytes": "bytes", "seconds": "seconds",
}  # fmt: skip
_TAGGED_END: Final[dict[str, Literal["src", "dest"]]] = {"src": "src", "dst": "dest"}


@keyword("prefilter", value="none")
def prefilter(draft: Draft, _text: str) -> None:
    """Hint to test the keyword before it first; the matcher orders its tests by itself."""
    if draft.option == 0:
        raise Refused("prefilter: needs a keyword before it")
