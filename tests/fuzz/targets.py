"""All that is fuzzed. A module of targets adds its line."""

from __future__ import annotations

from typing import Final

from tests.fuzz import applayer, capture, decode, documents, encodings, rules
from tests.fuzz.target import Target

TARGETS: Final[tuple[Target, ...]] = (
    *applayer.TARGETS,
    *rules.TARGETS,
    *documents.TARGETS,
    *encodings.TARGETS,
    *decode.TARGETS,
    *capture.TARGETS,
)


def by_name() -> dict[str, Target]:
    return {one.name: one for one in TARGETS}
