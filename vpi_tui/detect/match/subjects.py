"""Who each candidate of a batch is about: its flow, its ends, its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.match import kernels_order
from vpi_tui.detect.match.candidates import Batch, Candidates, Found
from vpi_tui.detect.match.kernels_order import Ends
from vpi_tui.detect.match.kernels_rules import Subject
from vpi_tui.detect.match.remembered import Who
from vpi_tui.model.batch import I32, I64, U8, U32, U64

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Subjects:
    """Columns of each candidate: who, in which flow, when."""

    flow: I64
    born: I64
    direction: U8
    ts_ns: I64
    src_ip: U64
    dest_ip: U64

    def where(self, held: Bools) -> Subjects:
        return Subjects(
            self.flow[held],
            self.born[held],
            self.direction[held],
            self.ts_ns[held],
            self.src_ip[held],
            self.dest_ip[held],
        )


def in_order(batch: Batch, found: Found, rank: I32) -> tuple[Candidates, Subjects]:
    """Sort, by packet, then by rule: a rule that a packet and its stretch both may match is tried on the
    stretch first. Transactions come behind the packet that completed them.

    The later ones of one row and rule are kept: the first may turn out not to hold. What was found by
    several classes of patterns, or by both ports, is there once. rank: of each rule, its place in the order.
    """
    packets, streams, entries = batch.packets, batch.streams, batch.entries
    rows = of_streams = of_entries = _ends(batch.subject, batch.flows.flow, batch.born)
    if streams is not None and batch.stream_subject is not None:
        of_streams = _ends(batch.stream_subject, streams.flow, batch.stream_born)
    if entries is not None:
        of_entries = _ends(entries.subject, entries.shaped.flow, entries.born)
    of_packet = batch.decoded.packet, packets.ts_ns
    columns = kernels_order.in_order(*found, rank, rows, of_streams, of_entries, *of_packet)
    return Candidates(*columns[:4]), Subjects(*columns[4:])


def _ends(subject: Subject, flow: I32, born: U32) -> Ends:
    return Ends(subject.row, flow, born, subject.direction, subject.src_ip, subject.dest_ip)


def halves(address: U64) -> tuple[int, int]:
    return int(address[0]), int(address[1])


def who_of(subjects: Subjects, i: int, row: int, progress: Progress | None) -> Who:
    """Whose memory candidate `i` is about."""
    src, dest = halves(subjects.src_ip[i]), halves(subjects.dest_ip[i])
    flow, born = int(subjects.flow[i]), int(subjects.born[i])
    transaction = progress.transaction if progress is not None else None
    return Who(flow, born, src, dest, int(subjects.ts_ns[i]), row, transaction)
