"""The steps of a signature: tests over the bytes of buffers, in the order in which the rule writes them."""

from __future__ import annotations

from typing import Literal

from vpi_tui.model.parts import Part, Record
from vpi_tui.model.valueset import ContextList, ScoreList, ValueSet
from vpi_tui.model.valuetable import ValueTable


class Content(Part, frozen=True):
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


class Capture(Record, frozen=True):
    """A group of an expression whose text is kept: with the flow, or with the alert alone (pkt)."""

    group: int
    scope: Literal["flow", "pkt"]
    name: str
    """`key` = the text of this group names the next capture of its scope."""


class Pcre(Part, frozen=True):
    """A regular expression in PCRE2's syntax; flags are PCRE2's options (detect/regex.py)."""

    buffer: str
    pattern: bytes
    flags: int = 0
    negated: bool = False
    relative: bool = False
    captures: tuple[Capture, ...] = ()


class IsDataAt(Part, frozen=True):
    """True when the buffer has a byte at the position (or, relative, that far behind the last match)."""

    buffer: str
    position: int | str
    relative: bool = False
    negated: bool = False


class ByteTest(Part, frozen=True):
    buffer: str
    count: int | str
    operator: str
    """One of < > = <= >= & ^ ; a leading ! is in `negated`."""
    value: int | str
    offset: int | str
    negated: bool = False
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 1, 8, 10, 16] = 0
    """0 = binary; otherwise the digits of a string in that base; 1: they tell it (0x17, 017, 17)."""
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


class ByteJump(Part, frozen=True):
    buffer: str
    count: int | str
    offset: int | str
    relative: bool = False
    little_endian: bool = False
    base: Literal[0, 1, 8, 10, 16] = 0
    multiplier: int = 1
    align: bool = False
    from_beginning: bool = False
    from_end: bool = False
    post_offset: int | str = 0
    bitmask: int | None = None
    dce: bool = False
    """The byte order is what the DCE/RPC message says of itself."""


class ByteExtract(Part, frozen=True):
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


class ByteMath(Part, frozen=True):
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


class BufferSize(Part, frozen=True):
    """bsize: the length of a buffer lies in `spans`."""

    buffer: str
    spans: tuple[tuple[int, int], ...]
    negated: bool = False
    mask: int | None = None
    """Bits of the length that are looked at, where they are; None = all."""


class Entropy(Part, frozen=True):
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


class Base64Decode(Part, frozen=True):
    """Bytes that are decoded; `steps` are held against what comes out, and nothing else is."""

    buffer: str
    count: int
    """Encoded bytes at most; 0 = to the end."""
    offset: int
    relative: bool
    steps: tuple[Step, ...] = ()


class Which(Record, frozen=True):
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


class NumberIn(Part, frozen=True):
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


class Asn1(Part, frozen=True):
    """A BER element from the offset on has one of these flaws."""

    buffer: str
    bitstring_overflow: bool
    double_overflow: bool
    oversize_length: int | None
    """A value of more bytes; None = any length will do."""
    offset: int
    relative: bool


class HasReputation(Part, frozen=True):
    """The whole buffer has a score in a list, which lies in `spans`."""

    buffer: str
    scores: ScoreList
    spans: tuple[tuple[int, int], ...]


class Validity(Part, frozen=True):
    """The time of the packet lies before the end of a certificate, or (expired) behind it.

    The buffer holds that end, 8 bytes: seconds since 1970.
    """

    buffer: str
    expired: bool


class Absent(Part, frozen=True):
    """The buffer is not there. or_else: or it is, and the other steps on it hold."""

    buffer: str
    or_else: bool = False


class InSet(Part, frozen=True):
    """The whole buffer is (or is not) in a set; set and unset hold when they changed something."""

    buffer: str
    values: ValueSet
    op: Literal["isset", "isnotset", "set", "unset"]
    subdomain: bool = False
    """Or ends with a value of the set, from a dot on."""
    context: ContextList | None = None
    """What the alert tells of the value, None = nothing."""
    context_key: str = ""
    """Under which name it does."""


class FileTest(Part, frozen=True):
    """Something about a file; all of a rule have to hold together of one file.

    size: in `spans`; md5, sha1, sha256: the digest is in `digests`, or in `listed`; any: there is a file.
    """

    kind: Literal["size", "md5", "sha1", "sha256", "any"]
    spans: tuple[tuple[int, int], ...] = ()
    digests: frozenset[bytes] = frozenset()
    listed: ValueTable | None = None
    """What a long list holds, in place of digests."""
    negated: bool = False
    buffer: str = "file"
    mask: int | None = None
    """Bits of the size that are looked at, where they are; None = all."""


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
