"""A rule in words, for `rules show` and the rule's screen."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from functools import singledispatch

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.atoms import V4_BASE
from vpi_tui.detect.rules.lexer import split_rule
from vpi_tui.detect.rules.registry import PROTOCOLS
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.decoder_events import EVENT_COLUMNS, WORD
from vpi_tui.model.detection_events import COLUMN as DETECTION_COLUMN
from vpi_tui.model.detection_events import DETECTION_BITS, DetectionEvent
from vpi_tui.model.detection_events import rule_name as detection_rule_name
from vpi_tui.model.signature import (
    ANY_ADDRESS,
    ANY_PORT,
    Absent,
    AddressIn,
    Asn1,
    Base64Decode,
    BufferSize,
    ByteExtract,
    ByteJump,
    ByteMath,
    ByteTest,
    Check,
    ColumnTest,
    Content,
    Entropy,
    FileTest,
    FlowBits,
    FlowInt,
    FlowNumber,
    FlowProtocol,
    HasReputation,
    HostBits,
    InSet,
    IsDataAt,
    NumberIn,
    Pcre,
    Ranges,
    Scope,
    Signature,
    Step,
    Threshold,
    Validity,
    VariableHolds,
    Which,
)
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.model.stream_events import rule_name as stream_rule_name

_MAX_SPANS = 4


def describe(signature: Signature) -> str:
    """The rule as a few lines: what it raises, on which packets, under which conditions."""
    lines = [_headline(signature), _ends(signature)]
    lines += [f"- {text}" for text in _conditions(signature)]
    return "\n".join(lines)


def _headline(signature: Signature) -> str:
    verb = "Matches without an alert" if signature.noalert else f"{signature.action.value.capitalize()}s"
    kind = f", {signature.classtype}" if signature.classtype else ""
    technique = f", ATT&CK {signature.technique}" if signature.technique else ""
    name = f"{signature.gid}:{signature.sid} rev {signature.rev}"
    return f"{verb} as {signature.msg!r} ({name}, priority {signature.priority}{kind}{technique})"


def _ends(signature: Signature) -> str:
    header = signature.header
    written: tuple[str, ...] = ("", "", "", "")
    try:
        text = split_rule(signature.raw).header
        written = (text.src, text.src_port, text.dest, text.dest_port)
    except Refused:
        pass
    source = _end(header.src, header.src_port, written[0], written[1])
    dest = _end(header.dest, header.dest_port, written[2], written[3])
    arrow = "between {} and {}" if header.bidirectional else "from {} to {}"
    return f"when {PROTOCOLS.get(header.protocol, header.protocol)} goes {arrow.format(source, dest)}, and"


def _end(address: Ranges, port: Ranges, written_address: str, written_port: str) -> str:
    where = (
        "anywhere"
        if address == ANY_ADDRESS
        else written_address
        if "$" in written_address
        else _addresses(address)
    )
    if port == ANY_PORT:
        return where
    return f"{where} port {written_port if '$' in written_port else _spans(port.spans)}"


def _addresses(ranges: Ranges) -> str:
    return _some([_network(low, high) for low, high in ranges.spans[:_MAX_SPANS]], len(ranges.spans))


def _network(low: int, high: int) -> str:
    def text(value: int) -> str:
        v4 = V4_BASE <= value <= V4_BASE + 0xFFFFFFFF
        return str(ipaddress.IPv4Address(value - V4_BASE) if v4 else ipaddress.IPv6Address(value))

    size = high - low + 1
    if size == 1:
        return text(low)
    if size & (size - 1) == 0 and low % size == 0:
        full = 32 if low >= V4_BASE and high <= V4_BASE + 0xFFFFFFFF else 128
        return f"{text(low)}/{full - size.bit_length() + 1}"
    return f"{text(low)} to {text(high)}"


def _spans(spans: tuple[tuple[int, int], ...]) -> str:
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in spans[:_MAX_SPANS]]
    return _some(shown, len(spans))


def _some(shown: list[str], total: int) -> str:
    rest = f" and {total - len(shown)} more" if total > len(shown) else ""
    return ", ".join(shown) + rest


def _conditions(signature: Signature) -> Iterator[str]:
    for test in signature.columns:
        yield _column(test)
    if signature.inspect != "auto":
        yield {
            "packet": "each packet by itself is looked at",
            "stream": "only reassembled streams are looked at",
        }[signature.inspect]
    for step in signature.steps:
        yield _step(step)
    for bits in signature.flowbits:
        yield _flowbits(bits)
    for number in signature.flowints:
        yield _flowint(number)
    for host in signature.hostbits:
        yield _hostbits(host)
    for check in signature.checks:
        yield _check(check)
    for asked in signature.variables:
        yield _variable(asked)
    if signature.threshold is not None:
        yield _threshold(signature.threshold)
    if signature.scope != Scope():
        yield _scope(signature.scope)


_INSPECT = {
    "packet": "each packet by itself is looked at",
    "stream": "only reassembled streams are looked at",
}
_LABELS = {
    "ip_v": "IP version",
    "proto": "IP protocol",
    "payload_len": "payload length",
    "ip_id": "IP identification",
    "frag_bits": "fragment flags",
    "frag_offset": "fragment offset",
    "ip_opts": "IP options",
    "tcp_flags": "TCP flags",
    "tcp_seq": "TCP sequence number",
    "tcp_ack": "TCP acknowledgement number",
    "tcp_window": "TCP window",
    "tcp_mss": "TCP maximum segment size",
    "icmp_type": "ICMP type",
    "icmp_code": "ICMP code",
    "icmp_id": "ICMP identifier",
    "icmp_seq": "ICMP sequence number",
    "vlan_layers": "number of VLAN tags",
    "vlan_any": "VLAN of any layer",
    "vlan0": "outer VLAN",
    "vlan1": "inner VLAN",
    "client_size": "what the client has sent, in bytes,",
    "server_size": "what the server has sent, in bytes,",
    "either_size": "what one of the two has sent, in bytes,",
}
_WORDS: dict[tuple[str, tuple[tuple[int, int], ...], bool], str] = {
    ("direction", ((1, 1),), False): "the client sent it",
    ("direction", ((2, 2),), False): "the server sent it",
    ("state", ((1, 2),), False): "the connection is established",
    ("state", ((0, 0),), False): "the connection is not established yet",
    ("same_ip", ((1, 1),), False): "source and destination address are the same",
    ("fragment", ((3, 3),), True): "it was not put together from fragments",
    ("fragment", ((3, 3),), False): "it was put together from fragments",
}
_FLAG_LETTERS = "FSRPAUEC"


def _column(test: ColumnTest) -> str:
    fixed = _WORDS.get((test.column, test.spans, test.negated))
    if fixed is not None and test.mask is None:
        return fixed
    if test.column == DETECTION_COLUMN and (test.mask or 0) & DETECTION_BITS:
        odd = DetectionEvent((test.mask or 0).bit_length() - 1)
        return f"protocol detection found: {detection_rule_name(odd).replace('_', ' ')}"
    if test.column in EVENT_COLUMNS and test.mask:
        number = test.mask.bit_length() - 1 + WORD * EVENT_COLUMNS.index(test.column)
        event = DecoderEvent(number).name.lower().replace("_", " ")
        return f"the decoder found {'no ' if test.negated else ''}{event}"
    if test.column == "stream_events" and test.mask:
        name = StreamEvent(test.mask.bit_length() - 1)
        return f"its TCP segment is odd: {stream_rule_name(name).replace('_', ' ')}"
    label = _LABELS.get(test.column, test.column)
    verb = "is not" if test.negated else "is"
    if test.column == "tcp_flags" and test.mask is not None:
        return f"{label} {verb} {_letters(test.spans[0][0])} (of {_letters(test.mask)})"
    masked = f" & {test.mask:#x}" if test.mask is not None else ""
    return f"{label}{masked} {verb} {_spans(test.spans)}"


def _letters(bits: int) -> str:
    return "".join(letter for at, letter in enumerate(_FLAG_LETTERS) if bits >> at & 1) or "none"


@singledispatch
def _step(step: Step) -> str:
    raise TypeError(f"no words for {type(step).__name__}")


def _shown(pattern: bytes) -> str:
    """Printable bytes as text, others as `|hex|`."""
    shown: list[str] = []
    for byte in pattern[:64]:
        printable = 0x20 <= byte < 0x7F and byte not in b'|"'
        shown.append(chr(byte) if printable else f"|{byte:02x}|")
    return '"' + "".join(shown).replace("||", " ") + ('"' if len(pattern) <= 64 else '..."')


@_step.register
def _(step: Content) -> str:
    words = [f"the {step.buffer} {'does not hold' if step.negated else 'holds'} {_shown(step.pattern)}"]
    notes: list[tuple[bool, str]] = [
        (step.nocase, "in any case"),
        (step.startswith, "at its start"),
        (step.endswith, "at its end"),
        (step.offset is not None, f"from byte {step.offset}"),
        (step.depth is not None, f"within {step.depth} bytes"),
        (step.distance is not None, f"{step.distance} bytes after the last match"),
        (step.within is not None, f"within {step.within} bytes of the last match"),
    ]
    return ", ".join(words + [text for holds, text in notes if holds])


@_step.register
def _(step: Pcre) -> str:
    behind = " after the last match" if step.relative else ""
    verb = "does not match" if step.negated else "matches"
    return f"the {step.buffer} {verb} the expression {step.pattern[:80].decode('latin-1')!r}{behind}"


@_step.register
def _(step: Asn1) -> str:
    flaws = ["a bit string that is shorter than it says"] if step.bitstring_overflow else []
    flaws += ["a real of more than 256 bytes"] if step.double_overflow else []
    if step.oversize_length is not None:
        flaws.append(f"a value of more than {step.oversize_length} bytes")
    return f"BER in the {step.buffer} has {' or '.join(flaws)}"


@_step.register
def _(step: HasReputation) -> str:
    return f"the {step.buffer} has a score of {_spans(step.spans)} in {step.scores.name}"


@_step.register
def _(step: Validity) -> str:
    return f"the certificate {'has expired' if step.expired else 'is valid'} at the time of the packet"


@_step.register
def _(step: Absent) -> str:
    return f"there is no {step.buffer}" + (", or else what is said of it holds" if step.or_else else "")


@_step.register
def _(step: IsDataAt) -> str:
    behind = " after the last match" if step.relative else ""
    return f"the {step.buffer} has {'no' if step.negated else 'a'} byte at {step.position}{behind}"


def _number(step: ByteTest | ByteJump | ByteExtract | ByteMath) -> str:
    kind = f"{step.count}-byte {'text number' if step.base else 'number'}"
    behind = " after the last match" if step.relative else ""
    masked = f" & {step.bitmask:#x}" if step.bitmask is not None else ""
    return f"{kind} at byte {step.offset}{behind} of the {step.buffer}{masked}"


@_step.register
def _(step: ByteTest) -> str:
    return f"the {_number(step)} {'is not' if step.negated else 'is'} {step.operator} {step.value}"


@_step.register
def _(step: ByteJump) -> str:
    return f"(moves on by the {_number(step)})"


@_step.register
def _(step: ByteExtract) -> str:
    return f"({step.name} = the {_number(step)})"


@_step.register
def _(step: ByteMath) -> str:
    return f"({step.result} = the {_number(step)} {step.operator} {step.rvalue})"


@_step.register
def _(step: BufferSize) -> str:
    return f"the length of the {step.buffer} {'is not' if step.negated else 'is'} {_spans(step.spans)}"


@_step.register
def _(step: FileTest) -> str:
    no = "not " if step.negated else ""
    value = repr(step.value.decode("latin-1"))
    return {
        "name": f"the name of a file does {no}hold {value}" if no else f"the name of a file holds {value}",
        "extension": f"the extension of a file is {no}{value}",
        "size": f"the size of a file is {_spans(step.spans)}",
        "any": "there is a file",
    }.get(step.kind, f"the {step.kind} of a file is {no}one of {len(step.digests):,}")


@_step.register
def _(step: NumberIn) -> str:
    bits = f", of the bits {step.mask:#x}," if step.mask is not None else ""
    return f"the {step.buffer}{bits} is {_spans(step.spans)}{_which(step.which)}"


def _which(which: Which | None) -> str:
    """Of several numbers: which of them, or how many."""
    if which is None:
        return ""
    words = {
        "any": "",
        "all": ", each of them",
        "index": f", number {which.index} of them",
        "count": f", {_spans(which.counts)} of them",
    }[which.kind]
    part = f", looking at those from {which.part[0]} to {which.part[1]}" if which.part else ""
    return words + part + (", or there is none" if which.absent else "")


@_step.register
def _(step: Entropy) -> str:
    inside = f"from {step.low:g} to {step.high:g} bits a byte"
    return f"the entropy of the {step.buffer} {'is not' if step.negated else 'is'} {inside}"


_IN_SET = {
    "isset": "the {} is in the set {}",
    "isnotset": "the {} is not in the set {}",
    "set": "the {} is new in the set {}, and goes there",
    "unset": "the {} is taken out of the set {}",
}


@_step.register
def _(step: InSet) -> str:
    return _IN_SET[step.op].format(step.buffer, step.values.name)


@_step.register
def _(step: Base64Decode) -> str:
    inner = "".join(f"; there {_step(own)}" for own in step.steps)
    return f"the {step.buffer} holds base64 at byte {step.offset}{inner}"


_FLOWBITS: dict[str, str] = {
    "set": "then the flow is marked {}",
    "unset": "then the flow loses the mark {}",
    "toggle": "then the mark {} of the flow is turned over",
    "isset": "the flow is marked {}",
    "isnotset": "the flow is not marked {}",
}


def _flowbits(bits: FlowBits) -> str:
    return _FLOWBITS[bits.op].format(" or ".join(bits.names))


_FLOWINT = {"=": "then {0} of the flow becomes {1}", "+": "then {0} of the flow grows by {1}"}
_FLOWINT |= {"-": "then {0} of the flow shrinks by {1}"}
_FLOWINT |= {"isset": "the flow has a number {0}", "isnotset": "the flow has no number {0}"}


def _flowint(number: FlowInt) -> str:
    return _FLOWINT.get(number.op, f"{{0}} of the flow is {number.op} {{1}}").format(
        number.name, number.value
    )


_WHOSE = {"src": "source", "dst": "destination", "pair": "pair of hosts", "tx": "transaction"}


def _hostbits(bits: HostBits) -> str:
    whose, named = _WHOSE[bits.track], bits.name
    if bits.op in ("isset", "isnotset"):
        return f"the {whose} {'is' if bits.op == 'isset' else 'is not'} marked {named}"
    if bits.op == "unset":
        return f"then the {whose} loses the mark {named}"
    turned = "is marked" if bits.op == "set" else "has turned over its mark"
    return f"then the {whose} {turned} {named}" + (f" for {bits.seconds} s" if bits.track != "tx" else "")


def _variable(asked: VariableHolds) -> str:
    whose = "flow" if asked.scope == "flow" else "packet"
    holds = "does not hold" if asked.negated else "holds"
    return f"what was captured of the {whose} as {asked.name} {holds} {_shown(asked.pattern)}"


_ADDRESSES = {
    "src": "the source",
    "dst": "the destination",
    "any": "one of the addresses",
    "both": "each of the addresses",
}


def _check(check: Check) -> str:
    if isinstance(check, FlowNumber):
        if check.counter == "age":
            return f"the flow is {_spans(check.spans)} seconds old"
        what = "packets" if check.counter == "pkts" else check.counter
        side = {"toserver": "to the server", "toclient": "to the client", "either": "one way or the other"}
        return f"the flow has carried {_spans(check.spans)} {what} {side[check.side]}"
    if isinstance(check, FlowProtocol):
        names = {APP_PROTOS[n] or "none yet" if n < len(APP_PROTOS) else "none" for n in check.numbers}
        return f"{_SIDES[check.mode]} one of {', '.join(sorted(names))}"
    whose = _ADDRESSES[check.side]
    if isinstance(check, AddressIn):
        return f"{whose} is in a list of {len(check.ranges.spans):,} networks"
    where = ", ".join(sorted(check.codes))
    return f"{whose} is {'in a known country other than' if check.negated else 'in'} {where}"


_SIDES = {
    "to_server": "what the client sends looks like",
    "to_client": "what the server sends looks like",
    "either": "what the client or the server sends looks like",
    "original": "before its protocol changed the flow was",
}
_TRACK = {
    "by_src": "source",
    "by_dst": "destination",
    "by_both": "pair of addresses",
    "by_rule": "rule",
    "by_flow": "flow",
}
_THRESHOLD: dict[str, Callable[[Threshold], str]] = {
    "limit": lambda t: f"at most {t.count} alert{'s' if t.count > 1 else ''}",
    "threshold": lambda t: f"one alert for every {t.count} matches",
    "both": lambda t: f"one alert when it has matched {t.count} times",
    "detection_filter": lambda t: f"an alert for each match after the first {t.count}",
    "backoff": lambda t: f"an alert at match {t.count}, and each time there are {t.multiplier} times as many",
}


def _threshold(limit: Threshold) -> str:
    time = f" in {limit.seconds} s" if limit.seconds else ""
    return f"{_THRESHOLD[limit.kind](limit)}{time} for each {_TRACK[limit.track]}"


def _scope(scope: Scope) -> str:
    parts: list[str] = [scope.direction] if scope.direction != "any" else []
    parts += [
        f"{name} {' or '.join(names)}"
        for name, names in (("switch", scope.switches), ("guest", scope.guests), ("tag", scope.tags))
        if names
    ]
    return f"only {', '.join(parts)}"
