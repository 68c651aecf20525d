"""What an engine is to do: everything it needs, as one value that can be sent to its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Mode = Literal["live", "replay", "demo"]
Checksums = Literal["auto", "all", "none"]
FileType = Literal["regular", "unix_stream"]


EVENT_TYPES: Final = (
    "alert", "anomaly", "bittorrent_dht", "dcerpc", "dhcp", "dnp3", "dns", "enip", "fileinfo", "flow", "ftp",
    "ftp_data", "http", "ike", "krb5", "ldap", "mdns", "modbus", "mqtt", "nfs", "ntp", "packet", "pgsql",
    "pop3", "quic", "rdp", "rfb", "sip", "smb", "smtp", "snmp", "ssh", "stats", "tftp", "tls", "websocket",
)  # fmt: skip
"""Types of events that the log can have."""


@dataclass(frozen=True, slots=True)
class LogSpec:
    """What is written as EVE JSON, and where."""

    file: str = ""
    """"" = nothing is written."""
    filetype: FileType = "regular"
    types: tuple[str, ...] = EVENT_TYPES
    rotate_bytes: int = 0
    rotate_seconds: float = 0.0
    keep: int = 0
    """Most rotated files; 0 = all."""
    payload: bool = False
    """Alerts carry the bytes that were inspected."""
    packet: bool = False
    """Alerts carry their frame."""
    stats_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Paths are text, absolute, or "" for none; the process that reads them may have another cwd."""

    mode: Mode
    interfaces: tuple[str, ...] = ()
    """Live: ports named by hand; empty = the ports of every virtual switch found here."""
    files: tuple[str, ...] = ()
    """Replay: capture files in order; "-" = standard input."""
    speed: float = 1.0
    """Replay and demo: times real time; 0 = as fast as it goes."""
    seed: int = 1
    """Demo: the same seed gives the same frames."""
    demo_start_ns: int = 0
    """Demo: time of the first frame; 0 = now."""
    duration: float = 0.0
    """Seconds after which the engine ends by itself; 0 = never (live, demo) or at the end (replay)."""
    rules: tuple[str, ...] = ()
    """Rule files and packs; empty = the bundled packs."""
    rules_dir: str = ""
    """Where the bundled packs are."""
    variables: dict[str, str] = field(default_factory=dict)
    """vars.address-groups.NAME and vars.port-groups.NAME."""
    options: dict[str, str] = field(default_factory=dict)
    """Other --set keys in Suricata's spelling: stream.midstream, stream.reassembly.depth, ..."""
    checksums: Checksums = "auto"
    inventory: str = ""
    """inventory.yaml"""
    policy: str = ""
    """policy.yaml; "" = none, but in the demo its own."""
    state_dir: str = ""
    """Where the rule switches are kept; "" = nowhere."""
    cache_dir: str = ""
    """NUMBA_CACHE_DIR of the engine."""
    rule_cache: str = ""
    """Where compiled rules are kept for the next start; "" = nowhere."""
    user: str = ""
    """User to become once the ring is open, when started as root; "" = stay."""
    max_flows: int = 1 << 20
    stream_memory: int = 256 << 20
    """Bytes of TCP data kept for reassembly at most."""
    evidence_memory: int = 64 << 20
    """Bytes of frames kept behind the alerts at most."""
    rule_budget: float = 0.0
    """Percent of the engine's CPU time above which a rule is switched off; 0 = never."""
    parse_budget: float = 0.0
    """Percent of a live engine's CPU time above which what two hosts say is not parsed while the engine falls
    behind; 0 = never."""
    ring_memory: int = 64 << 20
    """Bytes of the capture ring."""
    log: LogSpec = LogSpec()
    interval: float = 1.0
    """Seconds between snapshots until the ui says otherwise."""
