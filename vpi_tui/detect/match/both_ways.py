"""Rules with `<>` that hold for a packet both as written and with source and destination changed.

Suricata makes two signatures of such a rule, one for each way, unless both sides are written the same.
A packet for which both hold (to and from the loopback, between two ports of a list) so raises two alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.identity import has_two_ways
from vpi_tui.model.batch import I64, U64
from vpi_tui.model.signature import Header, Signature

End = tuple[int, int]
"""Address as 128 bits, port; 0 = it has none."""
_HALF: Final = 64


class BothWays:
    """Asked once for each batch in which some rule held."""

    def __init__(self, special: Mapping[int, Signature]) -> None:
        self._headers = {n: s.header for n, s in special.items() if has_two_ways(s.header)}
        self._numbers: I64 = np.array(list(self._headers), np.int64)

    def __bool__(self) -> bool:
        return bool(self._headers)

    def twice(self, batch: Batch, found: Candidates, kept: I64) -> I64:
        """kept, sorted, with those that hold both ways in it twice. kept: indices into found."""
        among = kept[np.isin(found.rule[kept], self._numbers)]
        again = [i for i in among.tolist() if self._holds_both_ways(batch, found, i)]
        if not again:
            return kept
        return np.sort(np.concatenate((kept, np.array(again, np.int64))), kind="stable")

    def _holds_both_ways(self, batch: Batch, found: Candidates, i: int) -> bool:
        header = self._headers[int(found.rule[i])]
        first, second = _ends(batch, int(found.row[i]), int(found.stream[i]), int(found.entry[i]))
        return _holds(header, first, second) and _holds(header, second, first)


def _ends(batch: Batch, row: int, stream: int, entry: int) -> tuple[End, End]:
    """Both ends of what matched: of the transaction, the stretch or the packet."""
    subject, at = batch.subject, row
    if entry >= 0 and batch.entries is not None:
        subject, at = batch.entries.subject, entry
    elif stream >= 0 and batch.stream_subject is not None:
        subject, at = batch.stream_subject, stream
    return (
        (_address(subject.src_ip[at]), int(subject.src_port[at])),
        (_address(subject.dest_ip[at]), int(subject.dest_port[at])),
    )


def _address(halves: U64) -> int:
    return int(halves[0]) << _HALF | int(halves[1])


def _holds(header: Header, src: End, dest: End) -> bool:
    return (
        src[0] in header.src
        and dest[0] in header.dest
        and src[1] in header.src_port
        and dest[1] in header.dest_port
    )
