"""What the operator and the rules ask of the messages of a connection, made once for a set of limits."""

from __future__ import annotations

from typing import Final, NamedTuple

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME
from vpi_tui.detect.applayer.http.body import Inspection
from vpi_tui.detect.applayer.transaction import EVENTS


class Asked(NamedTuple):
    anomalies: bool
    """Are heads looked at for what is odd about them?"""
    request: Inspection
    response: Inspection
    request_files: bool
    response_files: bool
    """Does anybody ask more of a response's file than its bytes, which are those of the body?"""
    response_file_data: bool
    """Does anybody ask more or its bytes?"""
    bombs: bool
    """Does anybody ask which responses unfold to more than any body should? That costs their unfolding."""


_MOST_KNOWN: Final = 32
_known: dict[int, tuple[Limits, Asked]] = {}
"""By the identity of the limits, which are kept so that no others get it."""


def asked_by(limits: Limits) -> Asked:
    found = _known.get(id(limits))
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = _known[id(limits)] = limits, _asked_by(limits)
    return found[1]


def _asked_by(limits: Limits) -> Asked:
    return Asked(
        limits.wants(EVENTS) and _heeds_any(limits.events),
        Inspection(
            limits.request_body,
            limits.request_minimum,
            limits.request_overlap,
            limits.wants("http.request_body"),
        ),
        Inspection(
            limits.response_body,
            limits.response_minimum,
            limits.response_overlap,
            limits.wants("http.response_body", FILE_DATA),
        ),
        limits.wants(FILE, FILE_NAME, FILE_DATA),
        limits.wants(FILE, FILE_NAME),
        limits.wants(FILE, FILE_NAME, FILE_DATA),
        limits.heeds("http.compression_bomb"),
    )


def _heeds_any(events: frozenset[str] | None) -> bool:
    """Is one of these anomalies of HTTP? None = any."""
    return events is None or any(name.startswith("http.") for name in events)
