"""Pass rules: what they let through. Source: RuleActionToFlow in the source of Suricata 8."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.flowstate import FlowState
from vpi_tui.detect.match.pass_scopes import Passes
from vpi_tui.detect.match.subjects import Subjects
from vpi_tui.model.batch import I64, U8, DecodedBatch, FlowBatch

Bools = NDArray[np.bool_]
_TCP: Final = 6
_SYN, _RST, _ACK = 2, 4, 16


def not_passed(
    kinds: U8, batch: Batch, found: Candidates, subjects: Subjects, held: Bools, state: FlowState
) -> Bools:
    """bool per candidate: no pass rule held for its packet, nor before it for its flow or its transaction.

    kinds: uint8[rules] of Passes. Flows and transactions are marked for later batches.
    """
    kind = kinds[found.rule]
    passing = np.flatnonzero(held & (kind != Passes.NOTHING))
    allowed = np.ones(len(found), np.bool_)
    if (kinds == Passes.TRANSACTION).any():
        allowed &= _not_of_passed(batch, found)
    if not passing.size:
        return allowed
    rows = found.row[passing]
    allowed &= ~np.isin(found.row, rows[rows >= 0])
    for i in _passing_flows(kind, found, subjects, passing).tolist():
        flow, born = int(subjects.flow[i]), int(subjects.born[i])
        if state.passed[flow] != born:
            state.passed[flow] = born
            allowed &= ~((subjects.flow == flow) & (subjects.born == born) & (found.row >= found.row[i]))
    return allowed & _not_with_passed(batch, found, passing[kind[passing] == Passes.TRANSACTION])


def _passing_flows(kind: U8, found: Candidates, subjects: Subjects, passing: I64) -> I64:
    """Those at `passing` that let a whole flow through. kind: uint8 per candidate, of Passes."""
    stateful = (found.stream[passing] >= 0) | (found.entry[passing] >= 0)
    whole = (kind[passing] == Passes.FLOW) | ((kind[passing] == Passes.STATEFUL) & stateful)
    chosen: I64 = passing[whole & (subjects.flow[passing] >= 0)]
    return chosen


def first_to_pass(kinds: U8, found: Candidates, subjects: Subjects, held: Bools) -> Bools:
    """bool per candidate: nothing has let its packet's flow through before that packet in this batch, and no
    pass rule before it the packet itself. Only asked of pass rules that hold."""
    kind = kinds[found.rule]
    passing = np.flatnonzero(held & (kind != Passes.NOTHING))
    first = np.zeros(len(found), np.bool_)
    first[passing[np.unique(found.row[passing], return_index=True)[1]]] = True
    since: dict[tuple[int, int], int] = {}
    for i in _passing_flows(kind, found, subjects, passing).tolist():
        since.setdefault((int(subjects.flow[i]), int(subjects.born[i])), int(found.row[i]))
    for i in np.flatnonzero(first).tolist() if since else ():
        row = since.get((int(subjects.flow[i]), int(subjects.born[i])))
        first[i] = row is None or found.row[i] <= row
    return first


def _not_of_passed(batch: Batch, found: Candidates) -> Bools:
    """bool per candidate: its transaction was not passed in an earlier batch."""
    allowed = np.ones(len(found), np.bool_)
    for i in np.flatnonzero(found.entry >= 0).tolist():
        progress = batch.progress_of(int(found.entry[i]))
        allowed[i] = progress is None or not progress.transaction.passed
    return allowed


def _not_with_passed(batch: Batch, found: Candidates, passing: I64) -> Bools:
    """bool per candidate: none of those at `passing` passes its transaction, there or before.

    The transactions are marked. One look at each candidate: a batch may pass thousands.
    """
    allowed = np.ones(len(found), np.bool_)
    since: dict[int, int] = {}
    for i in passing.tolist():
        progress = batch.progress_of(int(found.entry[i]))
        if progress is not None:
            progress.transaction.passed = True
            since.setdefault(id(progress.transaction), int(found.row[i]))
    for i in np.flatnonzero(found.entry >= 0).tolist() if since else ():
        progress = batch.progress_of(int(found.entry[i]))
        row = since.get(id(progress.transaction)) if progress is not None else None
        allowed[i] = row is None or found.row[i] < row
    return allowed


def pass_late(state: FlowState, decoded: DecodedBatch, flows: FlowBatch) -> None:
    """Let no rule look at connections that the batch takes up in the middle (`stream.midstream-policy`).

    To be called before the batch's generations are counted: that of a new flow is the next one of its slot.
    """
    rows = flows.new_rows.astype(np.int64)
    flags = decoded.tcp_flags[rows]
    late = ((flags & (_SYN | _ACK)) != _SYN) & (flags & _RST == 0) & (flags & _ACK != 0)
    slots = flows.flow[rows[(decoded.proto[rows] == _TCP) & late]]
    if slots.size:
        state.make_room(int(slots.max()) + 1)
        state.passed[slots] = state.generation[slots] + np.uint32(1)
