"""Which content of a rule, and which piece of it, the multi-pattern scan looks for.

A good piece is rare in ordinary traffic: the scan then seldom stops. Rarity is judged by the bytes
alone (a table of how common they are) and by a list of strings that are in almost every message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vpi_tui.detect.match.units import is_relative
from vpi_tui.model.signature import BufferSize, ByteTest, Content, IsDataAt, Step

LONGEST_PIECE: Final = 8
"""Bytes of a piece: as many as make one number. The whole content is compared after each hit."""

_BOILERPLATE: Final = (
    b"get / http/1.0 http/1.1\r\nhost: user-agent: mozilla/5.0 (compatible; content-type: "
    b"content-length: accept: accept-encoding: accept-language: connection: keep-alive\r\ncookie: "
    b"referer: server: date: post /put /head /options http://www.https:// .com .html .php text/html "
    b"application/ charset=utf-8\r\n\r\n200 ok\r\n<html><head><title><body></script></div> index. "
)


def _weights() -> tuple[float, ...]:
    """Bits of surprise for each byte, letters folded: a rough model of mixed traffic."""
    weight = [6.0] * 256
    for byte in range(0x80, 0x100):
        weight[byte] = 7.0
    for byte in b"abcdefghijklmnopqrstuvwxyz":
        weight[byte] = 4.0
    for byte in b"etaoinsrhld":
        weight[byte] = 3.3
    for byte in b"jkqvxz":
        weight[byte] = 5.0
    for byte in b'0123456789./:-_=;,"<>':
        weight[byte] = 4.3
    for byte in b" \r\n":
        weight[byte] = 3.2
    weight[0x00], weight[0xFF], weight[0x20] = 1.0, 2.5, 2.8
    weight[0x01], weight[0x90], weight[0x41] = 3.5, 4.5, weight[0x61]
    return tuple(weight)


_WEIGHT: Final = _weights()


Place = tuple[int, int]
"""(earliest start, latest end) of a content in its buffer, both in bytes; an end of -1 = anywhere."""

_STAYS: Final = ByteTest | IsDataAt | BufferSize
"""Steps behind which the next relative one counts from the same place as before, as behind negated ones."""


@dataclass(frozen=True, slots=True)
class FastPattern:
    """step: index in Signature.steps; piece: folded to lower case; at: where it is in the content."""

    step: int
    piece: bytes
    at: int


def fold(pattern: bytes) -> bytes:
    """ASCII letters to lower case, all other bytes as they are."""
    return pattern.lower()


def surprise(piece: bytes) -> float:
    """How rare a folded piece is, in bits; a byte that repeats its neighbour adds little."""
    total, before = 0.0, -1
    for byte in piece:
        total += _WEIGHT[byte] * (0.2 if byte == before else 1.0)
        before = byte
    return total * 0.4 if piece in _BOILERPLATE else total


def best_piece(pattern: bytes) -> tuple[float, bytes, int]:
    """(surprise, piece, offset) of the rarest piece of at most LONGEST_PIECE bytes."""
    folded = fold(pattern)
    last = max(0, len(folded) - LONGEST_PIECE)
    pieces = ((surprise(folded[at : at + LONGEST_PIECE]), -at) for at in range(last + 1))
    score, minus_at = max(pieces)
    return score, folded[-minus_at : -minus_at + LONGEST_PIECE], -minus_at


def choose(steps: Sequence[Step], buffer: str = "payload") -> FastPattern | None:
    """The fast pattern of a rule, None when it has no content that must be there.

    An explicit fast_pattern wins; else the rarest piece, where each byte of length counts.
    """
    best: tuple[float, FastPattern] | None = None
    for number, step in enumerate(steps):
        if not isinstance(step, Content) or step.negated or step.buffer != buffer or not step.pattern:
            continue
        begin, length = step.fast_pattern_chop or (0, len(step.pattern))
        chopped = step.pattern[begin : begin + length] or step.pattern
        begin = begin if step.pattern[begin : begin + length] else 0
        score, piece, at = best_piece(chopped)
        chosen = FastPattern(number, piece, begin + at)
        if step.fast_pattern or step.fast_pattern_only or step.fast_pattern_chop:
            return chosen
        if best is None or score > best[0]:
            best = (score, chosen)
    return best[1] if best else None


def places(steps: Sequence[Step], buffer: str, start: int = 0) -> dict[int, Place]:
    """Where each content of a buffer that must be there may lie, by its number among the steps, as far as
    numbers say. A relative one counts from those before it.

    start: the latest place from which one with none before it counts; -1 = not known.
    """
    found: dict[int, Place] = {}
    low, high = 0, start
    for number, step in enumerate(steps):
        if step.buffer != buffer or getattr(step, "negated", False) or isinstance(step, _STAYS):
            continue
        if isinstance(step, Content):
            first, last = found[number] = _place(step, low, high)
            low, high = first + len(step.pattern), last
        else:
            low, high = 0, -1
    return found


def _place(content: Content, low: int, high: int) -> Place:
    """low, high: of the place where the step before ended."""
    if content.startswith:
        return 0, len(content.pattern)
    if isinstance(content.offset, str):
        return 0, -1
    first = content.offset or 0
    last = first + content.depth if isinstance(content.depth, int) else -1
    if is_relative(content) and not isinstance(content.distance, str):
        distance = content.distance or 0
        first = max(first, low + distance)
        # A range that ends in front of the first byte is none: see steps.py.
        if high >= 0 and isinstance(content.within, int) and low + distance + content.within >= 0:
            end = high + distance + content.within
            last = end if last < 0 else min(last, end)
    return first, last
