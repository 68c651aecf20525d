"""All that is known of one port over one window of time: what the judge and the causes look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from vpi_tui.model.topology import Mirror, Port, Switch

IDLE_BYTES = 300
CHATTER = 60.0
"""Bytes a second that a switch itself may send through a port (spanning tree, queries for group members) and
that entered nowhere. Less than this in a window counts as no traffic, unless it is seen."""
SEEN_FROM = 0.98
"""Share of the true bytes from which on a direction is seen: the rest is what no two counts agree on."""
NOTHING_BELOW = 0.05
SKEW_FRAMES = 2
"""Frames that two counts of the same moment may differ by."""
WIRE_FRAME_BYTES = 26
"""What a frame may have on the wire and we do not see: padding of an ARP to 60 bytes, tag, check sequence."""
WIRE_SMALL = 128
"""Mean size of frames below which padding matters."""
WIRE_TAIL_BYTES = 8
"""Tag and check sequence of frames that need no padding."""
WIRE_SHARE = 0.06
"""What headers of segments, which offloading has taken together, make of the bytes at most: 78 of 1,500."""


class Share(Enum):
    """How much of one direction is seen."""

    IDLE = 0
    NOTHING = 1
    PART = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a port in the window.

    sure: bytes that our packets say went this way. most: with those that may have (they were for all, or for
    nobody known). watched: all that goes this way is taken, as far as the arrangement tells.
    """

    true: int = 0
    packets: int = 0
    sure: int = 0
    most: int = 0
    watched: bool = False

    def seen(self, *, wire: bool = False) -> int:
        """Bytes seen: as many of those that may have gone this way as the true count has room for.

        wire: with the headers and the padding that only the wire has.
        """
        found = min(self.true, max(self.sure, self.most))
        return min(self.true, found + self._wire_slack(found)) if wire and found else found

    def _wire_slack(self, found: int) -> int:
        """What the wire has more than the `found` bytes, at most."""
        if not self.packets:
            return 0
        frame = WIRE_FRAME_BYTES if self.true / self.packets < WIRE_SMALL else WIRE_TAIL_BYTES
        return min(frame * self.packets + round(WIRE_SHARE * self.true), found)

    def idle(self, window_s: float) -> bool:
        return self.true <= IDLE_BYTES + CHATTER * window_s

    def share(self, window_s: float, *, wire: bool) -> Share:
        if self.idle(window_s):
            surely = self.true > IDLE_BYTES and self.sure >= SEEN_FROM * self.true
            return Share.FULL if surely else Share.IDLE
        seen = self.seen(wire=wire)
        mean = self.true / self.packets if self.packets else 0.0
        if seen + SKEW_FRAMES * mean + CHATTER * window_s >= SEEN_FROM * self.true and seen:
            return Share.FULL
        return Share.NOTHING if seen <= NOTHING_BELOW * self.true else Share.PART


@dataclass(frozen=True, slots=True)
class Sensor:
    """An interface that gets copies of a switch's traffic, or shall."""

    name: str
    port: str = ""
    """Port of the switch that leads to it; "" = it is none of its ports."""
    device: str = ""
    """Where `tc mirred` has to send what shall arrive there."""
    promiscuous: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """How a port is watched, as far as the arrangement tells without a look at the traffic."""

    direct: bool = False
    """Frames are taken as they enter the switch there."""
    whole: bool = False
    """They are so at every port of the switch that has a device here, and where the host sends into it."""
    named: tuple[str, ...] = ()
    """What was named by -i; () = every switch is watched."""
    sensor: Sensor | None = None
    mirrors: tuple[Mirror, ...] = ()
    """Mirrors of the switch."""
    lost: Mirror | None = None
    """The mirror that copied the port until it was removed."""
    hub: bool = False
    """The switch hands every frame to every port."""
    own: bool = False
    """It leads to the sensor: what leaves there are the copies."""
    copied: bool = False
    """Copies of the switch's traffic were seen."""
    output: bool = False
    """A mirror sends its copies there, to whomever."""


@dataclass(frozen=True, slots=True)
class Facts:
    port: Port
    switch: Switch
    plan: Plan = field(default_factory=Plan)
    into: Way = field(default_factory=Way)
    out: Way = field(default_factory=Way)
    window_s: float = 0.0
    truth: str = ""
    """Who counts; "" = nobody."""
    wire: bool = False
    counted: bool = True
    """False while there is no window yet: the first count of the port was just taken."""
    reset: bool = False
    """The count began anew a moment ago."""
    drops: int = 0
    """Packets that the kernel dropped in the window because our ring was full."""
    ring_bytes: int = 0

    @property
    def quiet(self) -> bool:
        """Whether too little passes, either way, to judge by."""
        return self.into.idle(self.window_s) and self.out.idle(self.window_s)

    @property
    def countable(self) -> bool:
        """Whether its frames, or copies of them, can be taken here at all."""
        return bool(self.port.ifindex or self.port.far) and not self.port.bypass
