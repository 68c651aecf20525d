"""What the engine publishes once a tick. Counters only grow; rates are the reader's business."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vpi_tui.model.coverage import PortCoverage
from vpi_tui.model.matrix import PairStat, Segmentation

Severities = tuple[int, int, int]
"""Alerts of priority 1, 2, and 3 or more."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Since the engine started. `in` is what entered from the subject, `out` what was sent to it."""

    pkts_in: int = 0
    pkts_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    inside_bytes: int = 0
    """The share of bytes_in + bytes_out (for a switch or all: of bytes_in) that no sensor on the wire could
    have seen: between guests of this host, between them and the host, and what is for all on a switch without
    an uplink."""


@dataclass(frozen=True, slots=True)
class SwitchStat:
    """For a switch (and `Snapshot.total`) bytes_in counts each frame once and bytes_out is 0."""

    name: str
    kind: str
    ports: int
    counters: Counters
    alerts: Severities
    coverage: str = "unknown"
    """seen, partial, one-way, blind, unknown."""


@dataclass(frozen=True, slots=True)
class GuestStat:
    name: str
    switch: str
    port: str
    ips: tuple[str, ...]
    macs: tuple[str, ...]
    tags: tuple[str, ...]
    source: str
    present: bool
    """False when its port went away, or when it never had one here and was not seen on the wire either."""
    counters: Counters
    """in = sent by the guest into the switch, out = delivered to the guest."""
    alerts: Severities
    last_alert: str = ""
    top_peer: str = ""
    coverage: str = "unknown"
    learned: tuple[tuple[str, str], ...] = ()
    """As Guest.learned."""
    state: str = ""
    """As its manager says: running, paused, shut off, ...; "" = nobody says."""


@dataclass(frozen=True, slots=True)
class Talker:
    """One row of a top list. label: guest name, "guest > peer", "tcp/443", or application."""

    label: str
    switch: str
    guest: str
    pkts: int
    bytes: int
    flows: int


TalkerKind = Literal["guest", "peer", "port", "application"]
Window = Literal["10s", "1m", "10m", "all"]


@dataclass(frozen=True, slots=True)
class TalkerTable:
    kind: TalkerKind
    window: Window
    rows: tuple[Talker, ...]
    """At most 20, most bytes first."""
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class FlowColumns:
    """Many flows as little-endian columns (numpy.frombuffer); `count` rows each.

    Empty unless the ui watches flows. Guests, switches and applications are numbers into `names`.
    """

    count: int = 0
    total: int = 0
    """Flows in the table, those not sent included."""
    names: tuple[str, ...] = ()
    flow_id: bytes = b""
    """uint64"""
    src_ip: bytes = b""
    """16 bytes each, network order, IPv4 as ::ffff:a.b.c.d"""
    dest_ip: bytes = b""
    src_port: bytes = b""
    """uint16"""
    dest_port: bytes = b""
    """uint16"""
    proto: bytes = b""
    """uint8"""
    vlan: bytes = b""
    """uint16, outermost; 0 = untagged"""
    state: bytes = b""
    """uint8: FlowState"""
    locality: bytes = b""
    """uint8: Locality"""
    alerted: bytes = b""
    """uint8: number of alerts, 255 = that many or more"""
    switch: bytes = b""
    """uint16 into names"""
    src_guest: bytes = b""
    """uint16 into names"""
    dest_guest: bytes = b""
    """uint16 into names"""
    src_end: bytes = b""
    """uint8: 0 = a guest, else an End (model/topology) without its sign"""
    dest_end: bytes = b""
    app_proto: bytes = b""
    """uint16 into names"""
    start_ns: bytes = b""
    """int64"""
    end_ns: bytes = b""
    """int64: last packet"""
    pkts_toserver: bytes = b""
    """uint64"""
    pkts_toclient: bytes = b""
    """uint64"""
    bytes_toserver: bytes = b""
    """uint64"""
    bytes_toclient: bytes = b""
    """uint64"""


@dataclass(frozen=True, slots=True)
class RuleStat:
    """Sent only for rules that were ever checked or hit; of very many the dearest."""

    gid: int
    sid: int
    hits: int
    last_hit_ns: int
    checks: int = 0
    """Packets, stretches and transactions that it was tried on, after the compiled loops had a say."""
    matches: int = 0
    """Times that all of it held; thresholds and suppression make fewer alerts of them."""
    cpu_ns: int = 0
    """CPU time of these evaluations."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    seq: int
    taken_ns: int
    """Wall clock of the engine."""
    packet_ns: int
    """Time of the newest packet; rates are differences of this when it is a replay."""
    mode: Literal["live", "replay", "demo"]
    source: str
    """What is watched: interface names or a file."""
    state: Literal["starting", "running", "paused", "finished", "failed"]
    state_text: str
    """What it is doing or why it stopped, a sentence; progress while starting."""
    total: SwitchStat
    switches: tuple[SwitchStat, ...] = ()
    guests: tuple[GuestStat, ...] = ()
    talkers: tuple[TalkerTable, ...] = ()
    """For the scope that the ui watches."""
    protocols: tuple[tuple[str, int], ...] = ()
    """Application or transport name and bytes since start, in the watched scope, most first."""
    flows: FlowColumns = field(default_factory=FlowColumns)
    has_flows: bool = True
    """Were they watched when it was taken? Else none are told, though there may be some."""
    rules: tuple[RuleStat, ...] = ()
    rules_enabled: int = 0
    rules_loaded: int = 0
    rules_refused: int = 0
    ruleset_serial: int = 0
    """Grows when rules are loaded or switched; the ui then asks for the list again."""
    reloading: str = ""
    """How far another set of rules has come that is loaded beside the running one; "" = none is."""
    stats: dict[str, float] = field(default_factory=dict)
    """EVE paths: capture.kernel_packets, capture.kernel_drops, decoder.pkts, decoder.bytes,
    decoder.invalid, flow.active, flow.memuse, flow.evicted, tcp.memuse, detect.alert,
    engine.cpu_seconds, engine.rss_bytes, stage.<name>.seconds, feed.alerts_dropped, ..."""
    notices: tuple[str, ...] = ()
    """Things the operator should know, newest last; whole sentences."""
    coverage: tuple[PortCoverage, ...] = ()
    """Every port, in the order of the topology."""
    matrix: tuple[PairStat, ...] = ()
    """For the window that the ui watches, most bytes first; empty unless it does."""
    has_matrix: bool = True
    """The same of `matrix`."""
    segmentation: Segmentation = field(default_factory=Segmentation)
    """The baseline and the policy."""
