"""content and the modifiers that speak of the content before them."""

from __future__ import annotations

import re

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import DECODED, PAYLOAD, ContentDraft, Draft, Position
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, signed, unquote

_BARE_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*+"')
MAX_POSITION = 0xFFFF
MAX_DISTANCE = 1 << 20
"""Suricata's limit for distance and within, either way."""
MAX_PATTERN = 4096


@keyword("content")
def content(draft: Draft, text: str) -> None:
    """Bytes that the buffer holds; `!` before the quotes: does not hold."""
    negated, quoted = signed(text)
    written = unquote("content", quoted)
    if _BARE_QUOTE.search(written):
        raise Refused('content: a double quote in it is written \\" or |22|')
    made = pattern("content", written)
    if len(made) > MAX_PATTERN:
        raise Refused(f"content: {len(made):,} bytes; the limit is {MAX_PATTERN:,}")
    draft.steps.append(ContentDraft(draft.buffer, made, negated, option=draft.option))


def _position(draft: Draft, name: str, text: str, low: int, high: int) -> Position:
    if text[0].isdigit() or text[0] in "-+":
        return integer(name, text.lstrip("+"), low, high)
    return draft.known_variable(name, text)


def _absolute(item: ContentDraft, name: str) -> None:
    if item.relative:
        raise Refused(f"{name}: cannot stand with distance or within on the same content")
    if item.startswith:
        raise Refused(f"{name}: cannot stand with startswith on the same content")
    _movable(item, name)


def _relative(item: ContentDraft, name: str) -> None:
    if item.startswith:
        raise Refused(f"{name}: cannot stand with startswith on the same content")
    if item.offset is not None or item.depth is not None:
        raise Refused(f"{name}: cannot stand with offset or depth on the same content")
    _movable(item, name)


def _movable(item: ContentDraft, name: str) -> None:
    """A positioned content cannot be one that the prefilter alone decides."""
    if item.fast_pattern_only:
        raise Refused(f"{name}: cannot stand with fast_pattern:only on the same content")
    if item.fast_pattern and item.negated:
        raise Refused(f"{name}: cannot stand with fast_pattern on a negated content")


@keyword("nocase", value="none")
def nocase(draft: Draft, _text: str) -> None:
    """The content before it matches in upper and lower case."""
    item = draft.last_content("nocase")
    if item.nocase:
        raise Refused("nocase: given twice for one content")
    item.nocase = True


@keyword("rawbytes", value="none")
def rawbytes(draft: Draft, _text: str) -> None:
    """Look at the bytes as they came; the payload always is that, so it changes nothing."""
    if draft.last_content("rawbytes").buffer != PAYLOAD:
        raise Refused("rawbytes: only for content of the payload")


@keyword("offset")
def offset(draft: Draft, text: str) -> None:
    """Start of the search, in bytes from the start of the buffer."""
    item = draft.last_content("offset")
    if item.offset is not None:
        raise Refused("offset: given twice for one content")
    _absolute(item, "offset")
    item.offset = _position(draft, "offset", text, 0, MAX_POSITION)


@keyword("depth")
def depth(draft: Draft, text: str) -> None:
    """How many bytes from the offset on are searched."""
    item = draft.last_content("depth")
    if item.depth is not None:
        raise Refused("depth: given twice for one content")
    _absolute(item, "depth")
    value = _position(draft, "depth", text, 0, MAX_POSITION)
    _room(item, "depth", value)
    item.depth = value


@keyword("distance")
def distance(draft: Draft, text: str) -> None:
    """Bytes between the last match and the start of the search; may be negative."""
    item = draft.last_content("distance")
    if item.distance is not None:
        raise Refused("distance: given twice for one content")
    _relative(item, "distance")
    item.distance = _position(draft, "distance", text, -MAX_DISTANCE, MAX_DISTANCE)


@keyword("within")
def within(draft: Draft, text: str) -> None:
    """How far behind the last match (and distance) the content must end."""
    item = draft.last_content("within")
    if item.within is not None:
        raise Refused("within: given twice for one content")
    _relative(item, "within")
    value = _position(draft, "within", text, -MAX_DISTANCE, MAX_DISTANCE)
    _room(item, "within", value)
    item.within = value


def _room(item: ContentDraft, name: str, value: Position) -> None:
    if isinstance(value, int) and value < len(item.pattern):
        raise Refused(
            f"{name}: {value} is less than the {len(item.pattern)} bytes of the pattern; it can never match"
        )


@keyword("startswith", value="none")
def startswith(draft: Draft, _text: str) -> None:
    """The content stands at the start of the buffer."""
    item = draft.last_content("startswith")
    if item.startswith:
        raise Refused("startswith: given twice for one content")
    if item.relative or item.offset is not None or item.depth is not None:
        raise Refused("startswith: cannot stand with offset, depth, distance or within on the same content")
    _movable(item, "startswith")
    item.startswith = True


@keyword("endswith", value="none")
def endswith(draft: Draft, _text: str) -> None:
    """The content stands at the end of the buffer."""
    item = draft.last_content("endswith")
    if item.endswith:
        raise Refused("endswith: given twice for one content")
    item.endswith = True


@keyword("fast_pattern", value="optional")
def fast_pattern(draft: Draft, text: str) -> None:
    """Look for this content first; `only`: nowhere else; `offset,length`: look for that part of it."""
    item = draft.last_content("fast_pattern")
    if item.buffer == DECODED:
        raise Refused("fast_pattern: not for base64_data, which no packet holds as it is")
    if any(isinstance(step, ContentDraft) and step.fast_pattern for step in draft.steps):
        raise Refused("fast_pattern: only one content of a rule may have it")
    placed = item.relative or item.offset is not None or item.depth is not None
    if item.negated and (placed or item.startswith):
        raise Refused("fast_pattern: cannot stand on a negated content with a position")
    if text == "only":
        if placed or item.startswith or item.negated:
            raise Refused("fast_pattern:only: cannot stand with a position or on a negated content")
        item.fast_pattern_only = True
    elif text:
        item.fast_pattern_chop = _chop(text, len(item.pattern))
    item.fast_pattern = True


def _chop(text: str, size: int) -> tuple[int, int]:
    first, comma, second = text.partition(",")
    if not comma:
        raise Refused(f"fast_pattern: only or offset,length, not {text[:40]!r}")
    start = integer("fast_pattern", first, 0, MAX_POSITION)
    length = integer("fast_pattern", second, 1, MAX_POSITION)
    if start + length > size:
        raise Refused(f"fast_pattern: {start},{length} goes beyond the {size} bytes of the pattern")
    return start, length
