"""What the detection of application protocols finds odd, by number and by the names that rules use."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

COLUMN: Final = "oddities1"
"""The column that holds the bits; decoder events have those below."""


class DetectionEvent(IntEnum):
    """Bit numbers of word 1 of `DecodedBatch.oddities`; named as in Suricata's app-layer-events.rules."""

    APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS = 48
    APPLAYER_WRONG_DIRECTION_FIRST_DATA = 49
    APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION = 50
    APPLAYER_PROTO_DETECTION_SKIPPED = 51
    APPLAYER_NO_TLS_AFTER_STARTTLS = 52
    APPLAYER_UNEXPECTED_PROTOCOL = 53


DETECTION_BITS: Final = sum(1 << event for event in DetectionEvent)


def rule_name(event: DetectionEvent) -> str:
    return event.name.lower()
