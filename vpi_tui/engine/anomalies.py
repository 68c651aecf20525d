"""From bits of a batch to events: what is odd in single packets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.engine.seen import SeenBatch
from vpi_tui.model import decoder_events, stream_events
from vpi_tui.model.batch import DecodedBatch
from vpi_tui.model.decoder_events import DecoderEvent
from vpi_tui.model.event import PacketAnomaly
from vpi_tui.model.stream_events import StreamEvent

MOST: Final = 64
"""Anomalies of one batch that are told; a sender decides how many there are."""


class Found(NamedTuple):
    """left_out: packets whose anomalies are not told."""

    anomalies: list[PacketAnomaly]
    left_out: int


def packet_anomalies(batch: SeenBatch) -> Found:
    """Of the packets of one batch, in order."""
    decoded = batch.decoded
    odd = decoded.events | decoded.oddities[:, 0] | decoded.oddities[:, 1] | decoded.stream_events
    rows = np.flatnonzero(odd)
    found: list[PacketAnomaly] = []
    for done, row in enumerate(rows.tolist()):
        if len(found) >= MOST:
            return Found(found[:MOST], int(rows.size) - done)
        packet = batch.packet(row)
        found += [PacketAnomaly(packet, kind, event) for kind, event in _names(row, decoded)]
    return Found(found[:MOST], 0)


def _names(row: int, decoded: DecodedBatch) -> Iterator[tuple[str, str]]:
    """(kind, name) of each thing that is odd in a row."""
    words = (int(decoded.events[row]), int(decoded.oddities[row, 0]), int(decoded.oddities[row, 1]))
    for number, word in enumerate(words):
        for bit in _bits(word):
            event = DecoderEvent(number * decoder_events.WORD + bit)
            yield "decode", f"decoder.{decoder_events.rule_name(event)}"
    for bit in _bits(int(decoded.stream_events[row])):
        yield "stream", f"stream.{stream_events.rule_name(StreamEvent(bit))}"


def _bits(word: int) -> Iterator[int]:
    while word:
        yield (word & -word).bit_length() - 1
        word &= word - 1
