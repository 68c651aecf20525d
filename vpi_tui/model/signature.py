"""A signature: a rule lowered to a few kinds of test that the matcher knows.

The rule language has hundreds of keywords; each lowers itself to the types below, so that a new
keyword needs no new code in the matcher. The order of `steps` is the order in the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

from vpi_tui.model.valueset import ScoreList, ValueSet

IP_MAX = (1 << 128) - 1
PORT_MAX = 0xFFFF


class Action(StrEnum):
    """What a match does. A monitor only looks: drop and reject raise an alert."""

    ALERT = "alert"
    PASS = "pass"
    DROP = "drop"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of integers as sorted, disjoint, inclusive ranges; negation is already resolved.

    Addresses live in the 128-bit space (IPv4 as ::ffff:a.b.c.d), ports in 0..65535.
    """

    spans: tuple[tuple[int, int], ...]

    def __contains__(self, value: int) -> bool:
        return any(low <= value <= high for low, high in self.spans)


ANY_ADDRESS = Ranges(((0, IP_MAX),))
ANY_PORT = Ranges(((0, PORT_MAX),))


@dataclass(frozen=True, slots=True)
class Header:
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
    either_end: bool = False
    """True: a test of either address became `bidirectional`; a packet that fits both ways matches once."""


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """`((column & mask) in ranges) != negated`, evaluated by the compiled loop.

    column: a field of DecodedBatch (integers only), or one of direction, state, first (FlowBatch),
    locality (Locality of the flow). mask None = all bits.
    """

    column: str
    spans: tuple[tuple[int, int], ...]
    mask: int | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """A byte pattern. Positions may name a variable of byte_extract or byte_math."""

    buffer: str
    pattern: bytes
    nocase: bool = False
    negated: bool = False
    offset: int | str | None = None
    depth: int | str | None = None
    distance: int | str | None = None
    within: int | str | None = None
    startswith: bool = False
    endswith: bool = False
    fast_pattern: bool = False
    fast_pattern_only: bool = False
    fast_pattern_chop: tuple[int, int] | None = None
    """(offset, length) of the part to use as fast pattern."""


class Capture(NamedTuple):
    """A group of an expression whose text is kept: with the flow, or with the alert alone (pkt)."""

    group: int
    scope: Literal["flow", "pkt"]
    name: str
    """`key` = the text of this group names the next capture of its scope."""


@dataclass(frozen=True, slots=True)
class Pcre:
    """A regular expression in PCRE2's syntax; flags are PCRE2's options (detect/regex.py)."""

    buffer: str
    pattern: bytes
    flags: int = 0
    negated: bool = False
    relative: bool = False
    captures: tuple[Capture, ...] = ()


@dataclass(frozen=True, slots=True)
class IsDataAt:
    """True when the buffer has a byte at the position (or, relative, that far behind the last match)."""

    buffer: str
    position: int | str
    relative: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ByteTest:
    buffer: str
    count: int | str
    operator: str
    """One of < > = <= >= & ^ ; a leading ! is in `negated`."""
    value: int | str
    offset: int | str
    negated: bool = False
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 8, 10, 16] = 0
    """0 = binary; otherwise the digits of a string in that base."""
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


@dataclass(frozen=True, slots=True)
class ByteJump:
    buffer: str
    count: int | str
    offset: int | str
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 8, 10, 16] = 0
    multiplier: int = 1
    align: bool = False
    from_beginning: bool = False
    from_end: bool = False
    post_offset: int | str = 0
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


@dataclass(frozen=True, slots=True)
class ByteExtract:
    buffer: str
    count: int
    offset: int | str
    name: str
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 8, 10, 16] = 0
    multiplier: int = 1
    align: int = 0
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


@dataclass(frozen=True, slots=True)
class ByteMath:
    buffer: str
    count: int | str
    offset: int | str
    operator: str
    """One of + - * / << >>."""
    rvalue: int | str
    result: str
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 8, 10, 16] = 0
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


@dataclass(frozen=True, slots=True)
class BufferSize:
    """bsize: the length of a buffer lies in `spans`."""

    buffer: str
    spans: tuple[tuple[int, int], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Entropy:
    """The Shannon entropy of some bytes, in bits a byte, is from low to high (both inclusive when closed)."""

    buffer: str
    offset: int
    count: int
    """Bytes that are looked at; 0 = all from the offset on."""
    low: float
    high: float
    closed: bool = True
    """False: low and high themselves are outside."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Base64Decode:
    """Bytes that are decoded; `steps` are held against what comes out, and nothing else is."""

    buffer: str
    count: int
    """Encoded bytes at most; 0 = to the end."""
    offset: int
    relative: bool
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Which:
    """How many numbers of a transaction have to lie in the spans, or which of them."""

    kind: Literal["any", "all", "index", "count"]
    absent: bool = False
    """Holds as well when there is no number (kind index: none at that place)."""
    index: int = 0
    """Kind index: the place of the one that is meant; below 0 = from the end."""
    counts: tuple[tuple[int, int], ...] = ()
    """Kind count: so many of them."""
    part: tuple[int, int] | None = None
    """(first, end) of the numbers that are looked at, below 0 = from the end; None = all."""


@dataclass(frozen=True, slots=True)
class NumberIn:
    """The number that a buffer holds (big-endian) lies in `spans`."""

    buffer: str
    spans: tuple[tuple[int, int], ...]
    mask: int | None = None
    """Bits of it that are looked at, where they are; None = all."""
    which: Which | None = None
    """None = one of them, and nothing else is asked."""
    offset: int = 0
    count: int = 0
    """Where the number stands and its bytes; 0 = it is all that the buffer holds."""


@dataclass(frozen=True, slots=True)
class Asn1:
    """A BER element from the offset on has one of these flaws."""

    buffer: str
    bitstring_overflow: bool
    double_overflow: bool
    oversize_length: int | None
    """A value of more bytes; None = any length will do."""
    offset: int
    relative: bool


@dataclass(frozen=True, slots=True)
class HasReputation:
    """The whole buffer has a score in a list, which lies in `spans`."""

    buffer: str
    scores: ScoreList
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Validity:
    """The time of the packet lies within that of a certificate, or (expired) behind its end.

    The buffer holds both ends, 8 bytes each: seconds since 1970.
    """

    buffer: str
    expired: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The buffer is not there. or_else: or it is, and the other steps on it hold."""

    buffer: str
    or_else: bool = False


@dataclass(frozen=True, slots=True)
class InSet:
    """The whole buffer is (or is not) in a set; set and unset hold when they changed something."""

    buffer: str
    values: ValueSet
    op: Literal["isset", "isnotset", "set", "unset"]
    subdomain: bool = False
    """Or ends with a value of the set, from a dot on."""


@dataclass(frozen=True, slots=True)
class FileTest:
    """Something about a file; all of a rule have to hold together of one file.

    name: the name holds `value` (lower case); extension: it ends with a dot and `value`; size: in `spans`;
    md5, sha1, sha256: the digest is in `digests`; any: there is a file.
    """

    kind: Literal["name", "extension", "size", "md5", "sha1", "sha256", "any"]
    value: bytes = b""
    spans: tuple[tuple[int, int], ...] = ()
    digests: frozenset[bytes] = frozenset()
    negated: bool = False
    buffer: str = "file"


Step = (
    Content
    | Pcre
    | IsDataAt
    | ByteTest
    | ByteJump
    | ByteExtract
    | ByteMath
    | BufferSize
    | NumberIn
    | Entropy
    | Base64Decode
    | Absent
    | Validity
    | Asn1
    | HasReputation
    | InSet
    | FileTest
)
"""Tests over bytes. Buffer names: payload (packet payload or TCP stream), ipv4.hdr, ipv6.hdr,
tcp.hdr, udp.hdr, icmpv4.hdr, icmpv6.hdr; application layers add theirs."""


@dataclass(frozen=True, slots=True)
class FlowBits:
    """set, unset, toggle happen when all else matched; isset, isnotset are conditions."""

    op: Literal["set", "unset", "toggle", "isset", "isnotset"]
    names: tuple[str, ...]
    """One name, or several joined by `|`: any of them."""


@dataclass(frozen=True, slots=True)
class FlowInt:
    """A number of the flow: a comparison is a condition, = + - happen when all else matched."""

    name: str
    op: Literal["=", "+", "-", "<", ">", "<=", ">=", "==", "!=", "isset", "isnotset"]
    value: int | str = 0
    """A number or the name of another flowint."""


@dataclass(frozen=True, slots=True)
class HostBits:
    """A bit of a host or of a pair of hosts; set, unset and toggle happen when all else matched."""

    op: Literal["set", "unset", "toggle", "isset", "isnotset"]
    name: str
    track: Literal["src", "dst", "pair", "tx"]
    """pair: the two addresses, whichever way the packet goes; tx: a transaction's own bit."""
    seconds: int
    """How long a bit stays after it was set; of a transaction as long as that is there."""


@dataclass(frozen=True, slots=True)
class VariableHolds:
    """What an expression has captured under a name holds a text: of the flow, or of the same packet."""

    scope: Literal["flow", "pkt"]
    name: str
    pattern: bytes
    negated: bool = False
    """True: it was captured, and does not hold the text."""


@dataclass(frozen=True, slots=True)
class FlowNumber:
    """How much the flow has carried, this packet included, or its age in seconds, lies in `spans`."""

    counter: Literal["pkts", "bytes", "age"]
    side: Literal["toserver", "toclient", "either"]
    """Of whose packets; an age has no side."""
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AddressIn:
    """An address of the packet lies in a set that a list gives."""

    side: Literal["src", "dst", "any", "both"]
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class CountryIn:
    """An address of the packet is (or, negated, is not) in one of some countries; unknown ones neither."""

    side: Literal["src", "dst", "any", "both"]
    codes: frozenset[str]
    negated: bool
    database: str
    """Path of a MaxMind database."""


@dataclass(frozen=True, slots=True)
class FlowProtocol:
    """One direction of the flow looks like one of some applications, or the flow was one of them before."""

    mode: Literal["to_server", "to_client", "either", "original"]
    numbers: frozenset[int]
    """In applications.APP_PROTOS, or APP_FAILED; 0 = not known yet."""


Check = FlowNumber | AddressIn | CountryIn | FlowProtocol


@dataclass(frozen=True, slots=True)
class Threshold:
    """limit, threshold, both, backoff (after a match), or detection_filter (before an alert)."""

    kind: Literal["limit", "threshold", "both", "detection_filter", "backoff"]
    track: Literal["by_src", "by_dst", "by_both", "by_rule", "by_flow"]
    count: int
    seconds: int
    """0 = the count never starts again (backoff)."""
    multiplier: int = 0
    """backoff: after each alert so many times as many matches are needed."""


@dataclass(frozen=True, slots=True)
class Suppress:
    """No alert when the tracked address is one of these."""

    track: Literal["by_src", "by_dst", "by_either"]
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class RateFilter:
    """After `count` alerts in `seconds` the rule acts otherwise for `timeout` seconds."""

    track: Literal["by_src", "by_dst", "by_both", "by_rule"]
    count: int
    seconds: int
    silent: bool
    """True: it then passes, and raises no alert. Any other action is an alert in a monitor."""
    timeout: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the virtual topology a rule holds; empty = everywhere. Names may use `*`."""

    direction: Literal["any", "east-west", "north-south"] = "any"
    switches: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule was read from. line is 1-based; pack is "" for a plain rule file."""

    path: str
    line: int
    pack: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    action: Action
    header: Header
    msg: str
    gid: int
    sid: int
    rev: int
    raw: str
    """The rule's text, one line."""
    origin: Origin
    classtype: str = ""
    priority: int = 3
    """1 = high; from the classtype unless the rule says."""
    reference: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    """Key and value in order; mitre_technique_id names the ATT&CK technique."""
    inspect: Literal["auto", "packet", "stream"] = "auto"
    """Which payload: stream data and packets outside a stream (auto), only packets, only streams."""
    columns: tuple[ColumnTest, ...] = ()
    steps: tuple[Step, ...] = ()
    flowbits: tuple[FlowBits, ...] = ()
    flowints: tuple[FlowInt, ...] = ()
    hostbits: tuple[HostBits, ...] = ()
    variables: tuple[VariableHolds, ...] = ()
    checks: tuple[Check, ...] = ()
    threshold: Threshold | None = None
    suppress: tuple[Suppress, ...] = ()
    rate_filter: RateFilter | None = None
    scope: Scope = field(default_factory=Scope)
    noalert: bool = False
    target: Literal["", "src_ip", "dest_ip"] = ""
    """Which end the rule says is attacked."""
    bypass: bool = False
    """After a match the flow is passed by: no rule looks at it any more."""
    enabled: bool = True
    """As shipped; the operator's switch is kept elsewhere."""
    packet_too: bool = False
    """With inspect auto: a payload content is tied to the start (offset, depth, startswith), so each
    TCP packet's own payload is inspected as well as the stream, as Suricata does."""

    @property
    def technique(self) -> str:
        """ATT&CK technique id (T1046), or "" when the rule names none."""
        return next((v.replace("_", ".") for k, v in self.metadata if k == "mitre_technique_id"), "")
