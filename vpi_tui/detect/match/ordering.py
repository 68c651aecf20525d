"""In which order rules are tried and reported on one packet, and which are inspected only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.match.columns import IP_ONLY_COLUMNS
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.signature import ANY_PORT, Action, Signature

_ACTION: Final = {Action.PASS: 0, Action.DROP: 1, Action.REJECT: 2, Action.ALERT: 3}
_CONDITIONS: Final = ("isset", "isnotset")


def _flowbits_rank(signature: Signature) -> int:
    """Rules that only change flowbits, then those that also ask, then those that only ask."""
    asks = any(bits.op in _CONDITIONS for bits in signature.flowbits)
    changes = any(bits.op not in _CONDITIONS for bits in signature.flowbits)
    return {(True, False): 0, (True, True): 1, (False, True): 2}.get((changes, asks), 3)


def rule_order(signatures: Sequence[Signature]) -> list[int]:
    """Rule numbers in Suricata's order: action, flowbits, priority, place in the files."""

    def rank(number: int) -> tuple[int, int, int, int]:
        signature = signatures[number]
        return _ACTION[signature.action], _flowbits_rank(signature), signature.priority, number

    return sorted(range(len(signatures)), key=rank)


def is_ip_only(signature: Signature) -> bool:
    """A rule about addresses alone (it may set flowbits): once a flow and direction is enough."""
    header = signature.header
    return (
        not signature.steps
        and header.protocol != "pkthdr"
        and header.protocol not in RULE_WORDS
        and header.src_port == ANY_PORT
        and header.dest_port == ANY_PORT
        and all(bits.op == "set" for bits in signature.flowbits)
        and all(test.column in IP_ONLY_COLUMNS for test in signature.columns)
    )
