"""How much of a port's traffic the sensor has really seen, judged against a second, independent count."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The worst comes last: a switch or a guest with several ports is judged by its worst port."""

    SEEN = "seen"
    PARTIAL = "partial"
    ONE_WAY = "one-way"
    BLIND = "blind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PortCoverage:
    """One port over one window of time. Bytes are of frames; `in` enters the switch there, `out` leaves."""

    switch: str
    port: str
    guest: str
    """"" = none is known behind it."""
    verdict: Verdict
    cause: str
    """Why, a whole sentence."""
    mend: str = ""
    """The exact command, or what to do where there is none; "" = nothing to mend."""
    true_in: int = 0
    true_out: int = 0
    """What a count that is not ours says."""
    seen_in: int = 0
    seen_out: int = 0
    window_s: float = 0.0
    truth: str = ""
    """Who counted: "interface counters", "Open vSwitch", ...; "" = nobody."""
    inferred: bool = False
    """Concluded from what the traffic looks like, for want of a second count."""
    quiet: bool = False
    """It is counted, and too little passed in the window to judge by, or nothing."""

    @property
    def percent(self) -> float | None:
        """Share of the true bytes that was seen, 0 to 100; None without a count, or of too little traffic."""
        true = self.true_in + self.true_out
        if not self.truth or not true or self.quiet:
            return None
        return min(
            100.0, 100.0 * (min(self.seen_in, self.true_in) + min(self.seen_out, self.true_out)) / true
        )


@dataclass(frozen=True, slots=True)
class TrueCount:
    """What somebody else counted at one port. It only grows, until whoever counts begins anew.

    `in` enters the switch there, `out` leaves: seen from the switch, whichever end of a link its device is.
    """

    switch: str
    port: str
    in_bytes: int
    """Of frames, from the Ethernet header on."""
    out_bytes: int
    in_packets: int = 0
    out_packets: int = 0
    truth: str = "interface counters"
    """Who counted, as PortCoverage has it."""
    wire: bool = False
    """Counted on a wire: each segment by itself, padded to 60 bytes, perhaps with its check sequence. False =
    counted where we see frames too, as large as offloading makes them."""
    ifindex: int = 0
    """Of the device; 0 = there is none here (a mirror, a patch, a port of DPDK)."""
    at_ns: int = 0
    """When it was counted, by the monotonic clock; 0 = not told."""
    asked_ns: int = 0
    told_ns: int = 0
    """When it was asked for and answered, by the wall clock, where that takes long: it is of some moment
    between them. 0 = it is of the moment at which it is handed over."""
