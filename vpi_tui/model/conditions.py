"""What a signature asks besides bytes: of headers and columns, of flows and hosts; and its limits."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from vpi_tui.model.parts import Part, Ranges, Record


class Header(Record, frozen=True):
    """The part of a rule before its options."""

    protocol: str
    """As written, lower case: ip, tcp, udp, icmp, tcp-pkt, http, ..."""
    src: Ranges
    src_port: Ranges
    dest: Ranges
    dest_port: Ranges
    bidirectional: bool = False
    """True for `<>`: the rule also holds with source and destination changed."""
    transactional: bool = False
    """True for `=>`: a request from source to destination and its response, both at once."""
    negated: bool = False
    """True: some address is said not to be meant, in the rule or in a variable of it."""
    either_end: bool = False
    """True: a test of either address became `bidirectional`; a packet that fits both ways matches once."""

    @property
    def looked_for(self) -> Header:
        """What packets have in which such a rule is looked for: with `=>` they bring the response."""
        if not self.transactional:
            return self
        ends = {"src": self.dest, "src_port": self.dest_port, "dest": self.src, "dest_port": self.src_port}
        return replace(self, **ends)


class ColumnTest(Record, frozen=True):
    """`((column & mask) in ranges) != negated`, evaluated by the compiled loop.

    column: a field of DecodedBatch (integers only), or one of direction, state, first (FlowBatch),
    locality (Locality of the flow). mask None = all bits.
    """

    column: str
    spans: tuple[tuple[int, int], ...]
    mask: int | None = None
    negated: bool = False


class FlowBits(Record, frozen=True):
    """set, unset, toggle happen when all else matched; isset, isnotset are conditions."""

    op: Literal["set", "unset", "toggle", "isset", "isnotset"]
    names: tuple[str, ...]
    """One name, or several joined by `|`: any of them."""


class FlowInt(Record, frozen=True):
    """A number of the flow: a comparison is a condition, = + - happen when all else matched."""

    name: str
    op: Literal["=", "+", "-", "<", ">", "<=", ">=", "==", "!=", "isset", "isnotset"]
    value: int | str = 0
    """A number or the name of another flowint."""


class HostBits(Record, frozen=True):
    """A bit of a host or of a pair of hosts; set, unset and toggle happen when all else matched."""

    op: Literal["set", "unset", "toggle", "isset", "isnotset"]
    name: str
    track: Literal["src", "dst", "pair", "tx"]
    """pair: the two addresses, whichever way the packet goes; tx: a transaction's own bit."""
    seconds: int
    """How long a bit stays after it was set; of a transaction as long as that is there."""
    keyword: Literal["xbits", "hostbits"] = "xbits"
    """Who says it: the bits are the same, the order of rules is not."""


class VariableHolds(Record, frozen=True):
    """What an expression has captured under a name holds a text: of the flow, or of the same packet."""

    scope: Literal["flow", "pkt"]
    name: str
    pattern: bytes
    negated: bool = False
    """True: it was captured, and does not hold the text."""


class FlowNumber(Part, frozen=True):
    """How much the flow has carried, this packet included, or its age in seconds, lies in `spans`."""

    counter: Literal["pkts", "bytes", "age"]
    side: Literal["toserver", "toclient", "either", "both"]
    """Of whose packets; an age has no side."""
    spans: tuple[tuple[int, int], ...]
    mask: int | None = None
    """Bits of the number that are looked at, where they are; None = all."""


class AddressIn(Part, frozen=True):
    """An address of the packet lies in a set that a list gives."""

    side: Literal["src", "dst", "any", "both"]
    ranges: Ranges


class CountryIn(Part, frozen=True):
    """An address of the packet is (or, negated, is not) in one of some countries; unknown ones neither."""

    side: Literal["src", "dst", "any", "both"]
    codes: frozenset[str]
    negated: bool
    database: str
    """Path of a MaxMind database."""


class FlowProtocol(Part, frozen=True):
    """One direction of the flow looks like one of some applications, or the flow was one of them before."""

    mode: Literal["direction", "to_server", "to_client", "either", "neither", "original", "final"]
    """direction: that of the packet. neither: none of the two, and one is known. final: what both were taken
    for."""
    numbers: frozenset[int]
    """In applications.APP_PROTOS, or APP_FAILED; 0 = not known yet."""


Check = FlowNumber | AddressIn | CountryIn | FlowProtocol


class Threshold(Record, frozen=True):
    """limit, threshold, both, backoff (after a match), or detection_filter (before an alert)."""

    kind: Literal["limit", "threshold", "both", "detection_filter", "backoff"]
    track: Literal["by_src", "by_dst", "by_both", "by_rule", "by_flow"]
    count: int
    seconds: int
    """Of backoff none: its count never starts again."""
    multiplier: int = 0
    """backoff: after each alert so many times as many matches are needed."""


class Suppress(Record, frozen=True):
    """No alert when the tracked address is one of these."""

    track: Literal["by_src", "by_dst", "by_either"]
    ranges: Ranges


class RateFilter(Record, frozen=True):
    """After `count` alerts in `seconds` the rule acts otherwise for `timeout` seconds."""

    track: Literal["by_src", "by_dst", "by_both", "by_rule"]
    count: int
    seconds: int
    silent: bool
    """True: it then passes, and raises no alert. Any other action is an alert in a monitor."""
    timeout: int


class Tag(Record, frozen=True):
    """Packets behind an alert that are told too: of its flow, or of one of the two hosts of its packet."""

    whose: Literal["flow", "src", "dest"]
    metric: Literal["packets", "bytes", "seconds"]
    count: int


class Scope(Record, frozen=True):
    """Where in the virtual topology a rule holds; empty = everywhere. Names may use `*`."""

    direction: Literal["any", "east-west", "north-south"] = "any"
    switches: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
