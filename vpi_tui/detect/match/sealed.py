"""Payload that nobody can read: once a connection is encrypted, rules about payload see no more of it.

As Suricata 8 does with TLS unless `app-layer.protocols.tls.encryption-handling` says full. Rules that ask
nothing of the payload, and those about the handshake, go on. Source: SSLV3_APPLICATION_PROTOCOL in Suricata's
app-layer-ssl.c.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.match.candidates import Batch, Candidates
from vpi_tui.detect.match.flowstate import FlowState
from vpi_tui.detect.match.subjects import Subjects
from vpi_tui.model.batch import U8

Bools = NDArray[np.bool_]


def legible(
    of_payload: U8,
    batch: Batch,
    found: Candidates,
    subjects: Subjects,
    progress: Sequence[Progress],
    state: FlowState,
) -> Bools | None:
    """bool per candidate: it asks nothing of encrypted payload; None = all are such.

    of_payload: uint8[rules]. Connections that became encrypted are marked for later batches; in this one,
    what lies behind the packet that brought it about is encrypted.
    """
    new = _new(batch, progress, state)
    if not len(found) or not (new or state.sealed.any()):
        return None
    asks = (of_payload[found.rule] != 0) & (found.entry < 0) & (subjects.flow >= 0)
    slot = np.maximum(subjects.flow, 0)
    sealed = asks & (state.sealed[slot] == subjects.born) & (subjects.born != 0)
    for flow, (born, row) in new.items():
        sealed &= ~((subjects.flow == flow) & (subjects.born == born) & (found.row <= row))
    return ~sealed if sealed.any() else None


def _new(batch: Batch, progress: Sequence[Progress], state: FlowState) -> dict[int, tuple[int, int]]:
    """Slot -> (generation, row) of the flows that this batch's handshakes end; they are marked."""
    new: dict[int, tuple[int, int]] = {}
    for one in progress:
        if one.transaction.sealed and one.flow >= 0:
            born = int(batch.born[one.row] if one.row >= 0 else state.generation[one.flow])
            if state.sealed[one.flow] != born:
                state.sealed[one.flow] = born
                new[one.flow] = born, one.row
    return new
