"""Buffers and keywords of application layers, in sticky form and as modifiers of a content."""

from __future__ import annotations

import difflib

from msgspec.structs import replace

from vpi_tui.detect.applayer.event_names import NEVER_RAISED, OLD_NAMES, PROTOCOLS, RAISED, UNTOLD, known
from vpi_tui.detect.applayer.names import (
    BUFFER_NAMES,
    INSTANCE,
    NUMBERS,
    OF_MODIFIERS,
    SIDES,
    BufferName,
    NumberName,
    plain_name,
)
from vpi_tui.detect.applayer.transaction import EVENTS
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import PAYLOAD, ContentDraft, Draft
from vpi_tui.detect.rules.keywords.content import content
from vpi_tui.detect.rules.numbers import bits_in, flags_in, number_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.detection_events import COLUMN as DETECTION_COLUMN
from vpi_tui.model.detection_events import DetectionEvent, rule_name
from vpi_tui.model.signature import BufferSize, Content, NumberIn

_LONGEST_URI = 0xFFFF
_TCP = 6
_DETECTION_EVENTS = {rule_name(event): event for event in DetectionEvent}


def _sticky(buffer: BufferName) -> None:
    def handler(draft: Draft, text: str) -> None:
        if text:
            if text not in SIDES or draft.header.arrow != "=>":
                raise Refused(f"{buffer.name}: takes no value but to_server or to_client, in rules with =>")
            draft.look_at(f"{buffer.name}{INSTANCE}{text}")
        else:
            draft.look_at(_mention(draft, buffer.name) if buffer.multi else buffer.name)

    handler.__doc__ = f"The byte keywords after it look at the {buffer.summary}."
    keyword(buffer.name, *buffer.sticky, value="optional")(handler)


def _mention(draft: Draft, name: str) -> str:
    """The buffer's name for this mention: each may be held against another of its instances."""
    before = {step.buffer for step in draft.steps if plain_name(step.buffer) == name}
    return f"{name}{INSTANCE}{len(before) + 1}" if before else name


def _modifier(word: str, buffer: BufferName) -> None:
    def handler(draft: Draft, _text: str) -> None:
        # As in Suricata it is the last content that no modifier has moved yet.
        unmoved = (s for s in reversed(draft.steps) if isinstance(s, ContentDraft) and s.buffer == PAYLOAD)
        item = next(unmoved, None)
        if item is None:
            named = plain_name(draft.last_content(word).buffer)
            raise Refused(f"{word}: the content before it is in {named} already")
        item.buffer, item.moved = buffer.name, True
        draft.application = OF_MODIFIERS

    handler.__doc__ = f"The content before it is looked for in the {buffer.summary}."
    keyword(word, value="none")(handler)


for _buffer in BUFFER_NAMES:
    _sticky(_buffer)
    for _word in _buffer.modifiers:
        _modifier(_word, _buffer)


def _plain_number(found: NumberName, least: int) -> None:
    numbers = {str(number): number for number in range(least, found.largest + 1)}

    def handler(draft: Draft, text: str) -> None:
        written = unquote(found.name, text, needed=False).strip()
        value = numbers.get(written)
        if value is None:
            raise Refused(f"{found.name}: a number from {least} to {found.largest}, not {written[:40]!r}")
        draft.steps.append(NumberIn(found.name, ((value, value),)))

    handler.__doc__ = f"The {found.summary}: a number from {least} to {found.largest}."
    keyword(found.name, *found.others)(handler)


def _number(found: NumberName) -> None:
    read = flags_in if found.flags else number_in

    def handler(draft: Draft, text: str) -> None:
        test = read(found.name, unquote(found.name, text, needed=False), found.largest, found.words)
        draft.steps.append(replace(test, buffer=_mention(draft, found.name)))

    handler.__doc__ = f"The {found.summary}: a number, a range, {'bits' if found.flags else 'a word'}."
    keyword(found.name, *found.others)(handler)


for _named in NUMBERS:
    if _named.least is None:
        _number(_named)
    else:
        _plain_number(_named, _named.least)


@keyword("uricontent")
def uricontent(draft: Draft, text: str) -> None:
    """Bytes in the normalised URI: content and http_uri in one."""
    before, draft.buffer = draft.buffer, PAYLOAD
    content(draft, text)
    draft.buffer = before
    item = draft.steps[-1]
    assert isinstance(item, ContentDraft)
    item.buffer, item.moved = "http.uri", True
    draft.application = OF_MODIFIERS


@keyword("urilen")
def urilen(draft: Draft, text: str) -> None:
    """Length of the URI, normalised (`norm`, the default) or as sent (`raw`)."""
    number, _, kind = unquote("urilen", text, needed=False).partition(",")
    kind = kind.strip().lower()
    if kind not in {"", "norm", "raw"}:
        raise Refused(f"urilen: norm or raw, not {kind[:40]!r}")
    buffer = "http.uri.raw" if kind == "raw" else "http.uri"
    sizes, mask = bits_in("urilen", number, _LONGEST_URI)
    draft.steps.append(BufferSize(buffer, sizes, mask=mask))


@keyword("app-layer-event")
def app_layer_event(draft: Draft, text: str) -> None:
    """An anomaly that a parser (http.invalid_response_chunk_len) or the recognition of protocols found."""
    protocol, dot, event = text.lower().partition(".")
    if text.lower() in _DETECTION_EVENTS:
        bit = 1 << _DETECTION_EVENTS[text.lower()]
        draft.test("proto", ((_TCP, _TCP),))
        draft.test(DETECTION_COLUMN, ((bit, bit),), mask=bit)
        draft.needs_packet = True
        return
    protocol = PROTOCOLS.get(protocol, protocol)
    if dot and protocol in UNTOLD:
        raise Refused(f"app-layer-event {text[:60]!r}: {UNTOLD[protocol]}")
    if not dot or protocol not in RAISED:
        raise Refused(f"app-layer-event: needs protocol.event, has {text[:60]!r}")
    name = OLD_NAMES.get(f"{protocol}.{event}", f"{protocol}.{event}")
    if name.removeprefix(f"{protocol}.") in NEVER_RAISED.get(protocol, ()):
        raise Refused(f"app-layer-event {text[:60]!r}: Suricata has it no more, and nothing raises it here")
    if name not in known(protocol):
        near = difflib.get_close_matches(name[:64], known(protocol), 1, 0.6)
        hint = f", did you mean {near[0]}?" if near else ""
        raise Refused(f"app-layer-event {text[:60]!r}: not an event of {protocol}{hint}")
    draft.steps.append(Content(EVENTS, name.encode("ascii"), startswith=True, endswith=True))
