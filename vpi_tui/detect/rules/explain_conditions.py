"""Conditions besides bytes, and limits, in words."""

from __future__ import annotations

from collections.abc import Callable

from vpi_tui.detect.rules.explain_values import shown, spans_text
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import DecoderEvent
from vpi_tui.model.decoder_events import EVENT_COLUMNS, WORD
from vpi_tui.model.detection_events import COLUMN as DETECTION_COLUMN
from vpi_tui.model.detection_events import DETECTION_BITS, DetectionEvent
from vpi_tui.model.detection_events import rule_name as detection_rule_name
from vpi_tui.model.signature import (
    AddressIn,
    Check,
    ColumnTest,
    FlowBits,
    FlowInt,
    FlowNumber,
    FlowProtocol,
    HostBits,
    Scope,
    Tag,
    Threshold,
    VariableHolds,
)
from vpi_tui.model.stream_events import StreamEvent
from vpi_tui.model.stream_events import rule_name as stream_rule_name

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
    ("state", ((0, 2),), False): "it belongs to a flow, in whatever state",
    ("same_ip", ((1, 1),), False): "source and destination address are the same",
    ("fragment", ((3, 3),), True): "it was not put together from fragments",
    ("fragment", ((3, 3),), False): "it was put together from fragments",
}
_FLAG_LETTERS = "FSRPAUEC"


def column_text(test: ColumnTest) -> str:
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
    return f"{label}{masked} {verb} {spans_text(test.spans)}"


def _letters(bits: int) -> str:
    return "".join(letter for at, letter in enumerate(_FLAG_LETTERS) if bits >> at & 1) or "none"


_FLOWBITS: dict[str, str] = {
    "set": "then the flow is marked {}",
    "unset": "then the flow loses the mark {}",
    "toggle": "then the mark {} of the flow is turned over",
    "isset": "the flow is marked {}",
    "isnotset": "the flow is not marked {}",
}


def flowbits_text(bits: FlowBits) -> str:
    return _FLOWBITS[bits.op].format(" or ".join(bits.names))


_FLOWINT = {"=": "then {0} of the flow becomes {1}", "+": "then {0} of the flow grows by {1}"}
_FLOWINT |= {"-": "then {0} of the flow shrinks by {1}"}
_FLOWINT |= {"isset": "the flow has a number {0}", "isnotset": "the flow has no number {0}"}


def flowint_text(number: FlowInt) -> str:
    return _FLOWINT.get(number.op, f"{{0}} of the flow is {number.op} {{1}}").format(
        number.name, number.value
    )


_WHOSE = {"src": "source", "dst": "destination", "pair": "pair of hosts", "tx": "transaction"}


def hostbits_text(bits: HostBits) -> str:
    whose, named = _WHOSE[bits.track], bits.name
    if bits.op in ("isset", "isnotset"):
        return f"the {whose} {'is' if bits.op == 'isset' else 'is not'} marked {named}"
    if bits.op == "unset":
        return f"then the {whose} loses the mark {named}"
    turned = "is marked" if bits.op == "set" else "has turned over its mark"
    return f"then the {whose} {turned} {named}" + (f" for {bits.seconds} s" if bits.track != "tx" else "")


def variable_text(asked: VariableHolds) -> str:
    whose = "flow" if asked.scope == "flow" else "packet"
    holds = "does not hold" if asked.negated else "holds"
    return f"what was captured of the {whose} as {asked.name} {holds} {shown(asked.pattern)}"


_ADDRESSES = {
    "src": "the source",
    "dst": "the destination",
    "any": "one of the addresses",
    "both": "each of the addresses",
}


def check_text(check: Check) -> str:
    if isinstance(check, FlowNumber):
        number = spans_text(check.spans)
        if check.mask is not None:
            number = f"(of the bits {check.mask:#x}) {number}"
        if check.counter == "age":
            return f"the flow is {number} seconds old"
        what = "packets" if check.counter == "pkts" else check.counter
        side = {
            "toserver": "to the server", "toclient": "to the client", "either": "one way or the other",
            "both": "each way",
        }  # fmt: skip
        return f"the flow has carried {number} {what} {side[check.side]}"
    if isinstance(check, FlowProtocol):
        names = {APP_PROTOS[n] or "none yet" if n < len(APP_PROTOS) else "none" for n in check.numbers}
        return f"{_SIDES[check.mode]} one of {', '.join(sorted(names))}"
    whose = _ADDRESSES[check.side]
    if isinstance(check, AddressIn):
        return f"{whose} is in a list of {check.ranges.count:,} networks"
    where = ", ".join(sorted(check.codes))
    return f"{whose} is {'in a known country other than' if check.negated else 'in'} {where}"


_SIDES = {
    "direction": "what is sent this way looks like",
    "to_server": "what the client sends looks like",
    "to_client": "what the server sends looks like",
    "either": "what the client or the server sends looks like",
    "neither": "neither what the client nor what the server sends looks like",
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


def tag_text(tag: Tag) -> str:
    whose = {"flow": "the flow", "src": "the source", "dest": "the destination"}[tag.whose]
    return f"packets of {whose} are told up to {tag.count:,} {tag.metric} behind an alert"


def threshold_text(limit: Threshold) -> str:
    time = f" in {limit.seconds} s" if limit.seconds else ""
    return f"{_THRESHOLD[limit.kind](limit)}{time} for each {_TRACK[limit.track]}"


def scope_text(scope: Scope) -> str:
    parts: list[str] = [scope.direction] if scope.direction != "any" else []
    parts += [
        f"{name} {' or '.join(names)}"
        for name, names in (("switch", scope.switches), ("guest", scope.guests), ("tag", scope.tags))
        if names
    ]
    return f"only {', '.join(parts)}"
