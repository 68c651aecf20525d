"""What rules ask of the parsers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.applayer.sifting import DatagramSieve


@dataclass(frozen=True, slots=True)
class ByWay:
    """Limits that depend on between whom a flow is: many rules are about what comes in, or goes out."""

    limits: Sequence[Limits]
    """By way."""
    way: Callable[[int, int], int]
    """(address of the client, of the server) -> the way of the flow."""
    unknown: Limits
    """Of a flow of which nobody says between whom it is."""

    def of(self, slot: int, ends: Ends | None) -> Limits:
        return self.unknown if ends is None else self.limits[self.way(*ends.numbers(slot))]


@dataclass(frozen=True, slots=True)
class Demand:
    """Everything but `protocols` is by the name of a protocol, and may leave protocols out."""

    protocols: Collection[str] = ()
    """Names of those that are parsed, and with them those that flows of them may have begun as."""
    frames: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of the frames that rules look at."""
    limits: Mapping[str, Limits | ByWay] = field(default_factory=dict)
    """What is asked of its parsers; of one that is left out everything is."""
    mixed: Collection[str] = ()
    """Names of those of which the latest bytes as sent are kept."""
    due: Mapping[str, Sequence[int]] | None = None
    """By Direction: bits 1 << Stage of the stages at which rules want to see whatever transaction; None =
    they want to see all. A transaction with anomalies or files is always shown."""
    sieves: Mapping[str, DatagramSieve] = field(default_factory=dict)
    """Who says which datagrams need no parser."""
