"""Who each candidate of a batch is about: its flow, its ends, its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.remembered import Who
from vpi_tui.model.batch import I32, I64, U8, U64

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


def subjects_of(batch: Batch, found: Candidates) -> Subjects:
    """Look up the columns of all candidates, in the packets or in the stretches."""
    row, stream = found.row, found.stream
    of_stream = stream >= 0
    at: I32 = np.where(of_stream, 0, row)
    packet, decoded, flows = batch.packets, batch.decoded, batch.flows
    if decoded.packet.size:
        flow, born = flows.flow[at].astype(np.int64), batch.born[at].astype(np.int64)
        direction = flows.direction[at]
        src_ip, dest_ip = decoded.src_ip[at], decoded.dest_ip[at]
        ts_ns = packet.ts_ns[decoded.packet[np.maximum(row, 0)]]
    else:
        flow, born = np.full(at.size, -1, np.int64), np.zeros(at.size, np.int64)
        direction, ts_ns = np.zeros(at.size, np.uint8), np.zeros(at.size, np.int64)
        src_ip, dest_ip = np.zeros((at.size, 2), np.uint64), np.zeros((at.size, 2), np.uint64)
    if batch.streams is not None and batch.stream_subject is not None:
        of = stream[of_stream]
        flow[of_stream] = batch.streams.flow[of]
        born[of_stream] = batch.stream_born[of]
        direction[of_stream] = batch.streams.direction[of]
        src_ip[of_stream] = batch.stream_subject.src_ip[of]
        dest_ip[of_stream] = batch.stream_subject.dest_ip[of]
    if batch.entries is not None:
        of_entry = found.entry >= 0
        of = found.entry[of_entry]
        flow[of_entry] = batch.entries.shaped.flow[of]
        born[of_entry] = batch.entries.born[of]
        direction[of_entry] = batch.entries.shaped.direction[of]
        src_ip[of_entry] = batch.entries.subject.src_ip[of]
        dest_ip[of_entry] = batch.entries.subject.dest_ip[of]
    return Subjects(flow, born, direction, ts_ns, src_ip, dest_ip)


def halves(address: U64) -> tuple[int, int]:
    return int(address[0]), int(address[1])


def who_of(subjects: Subjects, i: int, row: int, progress: Progress | None) -> Who:
    """Whose memory candidate `i` is about."""
    src, dest = halves(subjects.src_ip[i]), halves(subjects.dest_ip[i])
    flow, born = int(subjects.flow[i]), int(subjects.born[i])
    transaction = progress.transaction if progress is not None else None
    return Who(flow, born, src, dest, int(subjects.ts_ns[i]), row, transaction)
