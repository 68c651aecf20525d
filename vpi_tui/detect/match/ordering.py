"""In which order rules are tried and reported on one packet, and which are inspected only once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from vpi_tui.detect.match.columns import IP_ONLY_COLUMNS
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.signature import Action, AddressIn, Check, FlowProtocol, Pcre, Signature

_ACTION: Final = {Action.PASS: 0, Action.DROP: 1, Action.REJECT: 2, Action.ALERT: 3}
_OF_APPLICATION: Final = frozenset(("app_proto", "direction", "ip_v", "proto", "locality"))
"""Columns of which rules may speak that are about the application of a flow."""
_CHANGES: Final = frozenset(("set", "unset", "toggle", "=", "+", "-"))


def _rank_of(operations: Iterable[str]) -> int:
    """Rules that only change what is remembered, then those that also ask, then those that only ask."""
    changing = [op in _CHANGES for op in operations]
    return {(True, False): 0, (True, True): 1, (False, True): 2}.get((any(changing), not all(changing)), 3)


def _remembering(signature: Signature) -> tuple[int, ...]:
    """By kind of memory: flowbits, flowints, texts of flows and of packets, bits of hosts and of pairs."""
    return (
        _rank_of(step.op for step in signature.flowbits),
        _rank_of(step.op for step in signature.flowints),
        _rank_of(_uses_of_texts(signature, "flow")),
        _rank_of(_uses_of_texts(signature, "pkt")),
        _rank_of(_uses_of_bits(signature, ("src", "dst"))),
        _rank_of(_uses_of_bits(signature, ("pair",))),
    )


def _uses_of_bits(signature: Signature, tracks: Sequence[str]) -> Iterator[str]:
    """How a rule uses bits of hosts: Suricata's order sees `hostbits` only where it changes one, and `xbits`
    only where it asks. So who asks with `xbits` goes before who sets, and meets what earlier packets left."""
    for bits in signature.hostbits:
        if bits.track in tracks and (bits.keyword == "hostbits") == (bits.op in _CHANGES):
            yield bits.op


def _uses_of_texts(signature: Signature, scope: Literal["flow", "pkt"]) -> Iterator[str]:
    """How a rule uses the texts that expressions capture: only those over the payload make it a writer."""
    for step in signature.steps:
        if isinstance(step, Pcre) and step.buffer == "payload":
            yield from ("set" for capture in step.captures if capture.scope == scope)
    yield from ("isset" for asked in signature.variables if asked.scope == scope)


def rule_order(signatures: Sequence[Signature]) -> list[int]:
    """Rule numbers in Suricata's order: action, what is remembered, priority, sid."""

    def rank(number: int) -> tuple[int, ...]:
        signature = signatures[number]
        return _ACTION[signature.action], *_remembering(signature), signature.priority, signature.sid, number

    return sorted(range(len(signatures)), key=rank)


def is_protocol_only(signature: Signature) -> bool:
    """A rule about the application of a flow alone: it is looked at once, when it is known what a direction
    looks like. As in Suricata any word of `flow` but the direction makes it one about each packet."""
    return (
        not signature.steps
        and any(isinstance(check, FlowProtocol) for check in signature.checks)
        and all(isinstance(check, AddressIn) or _is_of_known(check) for check in signature.checks)
        and {test.column for test in signature.columns} <= _OF_APPLICATION
        and all(bits.op == "set" for bits in signature.flowbits)
        and not signature.flowints
        and not signature.variables
    )


def _is_of_known(check: Check) -> bool:
    """Does it wait until something is known?"""
    return isinstance(check, FlowProtocol) and 0 not in check.numbers


def is_about_flow(signature: Signature) -> bool:
    """A rule about nothing but the application of a flow, be it by its protocol (`pass tls`)."""
    return is_protocol_only(signature) or (
        signature.header.protocol in RULE_WORDS and not signature.steps and not _asks_of_packets(signature)
    )


def _asks_of_packets(signature: Signature) -> bool:
    """Has each packet to be asked? As in Suricata even for what all packets of a flow have alike, such as
    `flow:established`, but for a direction."""
    of_flows = [*(bits.op for bits in signature.flowbits), *(step.op for step in signature.flowints)]
    return (
        bool(signature.checks or signature.variables)
        or not {test.column for test in signature.columns} <= _OF_APPLICATION
        or not _CHANGES.issuperset((*of_flows, *(bits.op for bits in signature.hostbits)))
    )


def is_ip_only(signature: Signature) -> bool:
    """A rule about addresses alone for which once a flow and direction is enough: as in Suricata none that
    says which addresses are not meant."""
    return is_about_addresses(signature) and not signature.header.negated


def is_about_addresses(signature: Signature) -> bool:
    """A rule about addresses alone, and ports; it may set flowbits, and ask and change bits of hosts."""
    protocol = signature.header.protocol
    return (
        not signature.steps
        and protocol != "pkthdr"
        and protocol not in RULE_WORDS
        and all(bits.op == "set" for bits in signature.flowbits)
        and not signature.flowints
        and all(bits.track != "tx" for bits in signature.hostbits)
        and not signature.variables
        and all(isinstance(check, AddressIn) for check in signature.checks)
        and all(test.column in IP_ONLY_COLUMNS for test in signature.columns)
    )
