"""What contents of certain buffers, and the protocol of a rule, have to be like: others could never match, so
the rule is refused.

As Suricata does when it loads a rule (the validation of its keywords). A buffer behind a transformation holds
something else, so its contents are free but for what the transformation itself takes away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.names import BUFFER_NAMES, NUMBERS, plain_name
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Spans, complement, subtract
from vpi_tui.detect.transforms import base_of, transforms_of
from vpi_tui.model.signature import Absent, ColumnTest, Content, Step

_MD5: Final = re.compile(rb"[0-9a-fA-F]{32}")
_SHA1: Final = re.compile(rb"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){19}")
_CLEARING: Final = frozenset(("to_lowercase", "to_uppercase", "strip_whitespace", "compress_whitespace"))
"""Transformations of which contents have to be such as they leave."""
_SHORT_SERIAL: Final = 2
"""Characters of a serial number that may do without a colon."""

_TCP: Final = ((6, 6),)
_ICMP4, _ICMP6 = ((1, 1),), ((58, 58),)
_TRANSPORTS: Final[dict[str, Spans]] = {
    "tcp": _TCP,
    "tcp-pkt": _TCP,
    "tcp-stream": _TCP,
    "udp": ((17, 17),),
    "sctp": ((132, 132),),
    "icmp": _ICMP4 + _ICMP6,
    **dict.fromkeys(("icmpv4", "icmp4"), _ICMP4),
    **dict.fromkeys(("icmpv6", "icmp6"), _ICMP6),
}
"""IP protocols that the word before the addresses means; a word not here leaves them open."""
_HIGHEST: Final = 0xFF
_OF_PACKET: Final = frozenset(
    (
        "payload_len", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "tcp_mss", "ttl", "tos", "ip_id",
        "ip_opts", "frag_bits", "frag_offset", "same_ip",
    )
)  # fmt: skip
"""Columns of what headers say."""
_HEADER: Final = ".hdr"
_OF_LAYERS: Final = frozenset(named.name for named in (*BUFFER_NAMES, *NUMBERS))


def check_protocol(word: str, tests: Sequence[ColumnTest]) -> None:
    """Refuses a rule whose protocol and keywords (tcp.hdr, itype, ip_proto) no IP protocol fits together."""
    left = _TRANSPORTS.get(word, ((0, _HIGHEST),))
    for test in tests:
        if test.column == "proto" and test.mask is None and not test.negated:
            left = subtract(left, complement(test.spans, _HIGHEST))
    if not left:
        raise Refused(f"keywords ask for headers that no packet has together in a rule for {word}")


def check_files(word: str, steps: Sequence[Step]) -> None:
    """Refuses file.data in a rule for anything but TCP, as Suricata does."""
    over_others = _TRANSPORTS.get(word, _TCP) != _TCP
    if over_others and any(plain_name(step.buffer) == "file.data" for step in steps):
        raise Refused(f"file.data: is not inspected in rules for {word}, only over TCP")


def check_mixed(steps: Sequence[Step], tests: Sequence[ColumnTest]) -> None:
    """Refuses a rule about the header of a packet and what an application layer holds, as Suricata does:
    which packet that would be cannot be said."""
    of_packet = next((test.column for test in tests if test.column in _OF_PACKET), None)
    names = (plain_name(step.buffer) for step in steps)
    header = next((name for name in names if name.endswith(_HEADER)), of_packet)
    other = next((plain_name(step.buffer) for step in steps if plain_name(step.buffer) in _OF_LAYERS), None)
    if header and other:
        raise Refused(f"{other} is of no packet, so the rule cannot ask for {header} as well")


def _lower(name: str, content: Content) -> None:
    if content.nocase:
        raise Refused(f"{name}: is in lower case already, so nocase may not stand with it")
    if content.pattern != content.pattern.lower():
        raise Refused(f"{name}: is in lower case, so {_text(content)} can never match")


def _bare(name: str, content: Content) -> None:
    if content.pattern.strip(b" \t") != content.pattern:
        raise Refused(f"{name}: has no blanks around it, so {_text(content)} can never match")


def _one_word(name: str, content: Content) -> None:
    if b" " in content.pattern:
        raise Refused(f"{name}: has no blank in it, so {_text(content)} can never match")


def _md5(name: str, content: Content) -> None:
    if not _MD5.fullmatch(content.pattern):
        raise Refused(f"{name}: is 32 hex digits, so {_text(content)} can never match")


def _sha1(name: str, content: Content) -> None:
    if not _SHA1.fullmatch(content.pattern):
        raise Refused(f"{name}: is 20 pairs of hex digits with colons, so {_text(content)} can never match")


def _serial(name: str, content: Content) -> None:
    if len(content.pattern) > _SHORT_SERIAL and b":" not in content.pattern:
        raise Refused(f"{name}: has a colon behind each pair of digits, so {_text(content)} can never match")


def _kept(content: Content) -> None:
    """As there, wherever in the chain it stands; nocase does not help."""
    for one in transforms_of(content.buffer):
        if one.name in _CLEARING and one.make(b"")(content.pattern) != content.pattern:
            raise Refused(f"{one.name}: leaves nothing like {_text(content)}")


def _text(content: Content) -> str:
    return repr(content.pattern[:40].decode("latin-1"))


def _absent(step: Absent, others: Sequence[Step]) -> None:
    name = plain_name(step.buffer)
    if others and not step.or_else:
        raise Refused(f"absent: {name} is not there, so nothing else may be asked of it without or_else")
    if not others and step.or_else:
        raise Refused(f"absent: or_else needs what else shall hold of {name} behind it")
    if any(isinstance(one, Content) and one.fast_pattern for one in others):
        raise Refused(f"absent: no content of {name} may have fast_pattern")


_DEMANDS: Final[dict[str, Callable[[str, Content], None]]] = {
    "http.host": _lower,
    "http.method": _bare,
    "http.protocol": _one_word,
    "ja3.hash": _md5,
    "ja3s.hash": _md5,
    "quic.cyu.hash": _md5,
    "ssh.hassh": _md5,
    "ssh.hassh.server": _md5,
    "tls.cert_fingerprint": _sha1,
    "tls.cert_serial": _serial,
}
"""By buffer: what is asked of each content."""


def check_contents(steps: Sequence[Step]) -> None:
    """Raises Refused for a content that its buffer can never hold, or that is not there."""
    for step in steps:
        if isinstance(step, Absent):
            _absent(step, [one for one in steps if one.buffer == step.buffer and one is not step])
        if isinstance(step, Content) and base_of(step.buffer) != step.buffer:
            _kept(step)
        elif isinstance(step, Content):
            name = plain_name(step.buffer)
            if name in _DEMANDS:
                _DEMANDS[name](name, step)
