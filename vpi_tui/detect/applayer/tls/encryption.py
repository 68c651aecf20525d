"""When a connection is encrypted: at the first record with data of the application, whoever sends it.

Neither side's announcement that it is going to encrypt counts. Data before the server's hello is early data
if the client has said that it would send some (RFC 8446, 4.2.10), and the handshake goes on. As Suricata: see
SSLV3_APPLICATION_PROTOCOL in its app-layer-ssl.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.progress import Sealed
from vpi_tui.detect.applayer.tls.kernels_records import NEW, SEEN, WALKED, Walks, walk_records
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import U8, FlowBatch, StreamBatch


class Encrypted(StrEnum):
    """What becomes of a connection that is encrypted from some point on; words of `encryption-handling`."""

    TRACK_ONLY = "track-only"
    """Rules about payload see no more of it; all else goes on."""
    FULL = "full"
    """All goes on."""
    BYPASS = "bypass"
    """No rule sees any more of it."""


_TLS: Final = APP_PROTOS.index("tls")
_NONE_BEGUN: Final[Mapping[int, tuple[int, int]]] = {}


class Encryption:
    """Goes over the records of all TLS connections, parsed or not, until each is encrypted. slots: of the
    flow table."""

    def __init__(self, slots: int) -> None:
        self._walks = Walks(
            state=np.zeros(slots, np.uint8),
            flags=np.zeros(slots, np.uint8),
            at=np.zeros((slots, 2), np.int64),
            have=np.zeros((slots, 2), np.uint8),
            begun=np.zeros((slots, 2), np.uint8),
            head=np.zeros((slots, 2, SEEN), np.uint8),
        )

    def begin(self, flows: FlowBatch) -> None:
        """Slots that are another flow's now."""
        opened = flows.flow[flows.new_rows]
        self._walks.state[opened] = NEW
        for column in (self._walks.flags, self._walks.at, self._walks.have, self._walks.begun):
            column[opened] = 0

    def look(
        self, streams: StreamBatch, app_of: U8, begun: Mapping[int, tuple[int, int]] = _NONE_BEGUN
    ) -> list[Sealed]:
        """The connections that these stretches bring the first encrypted bytes of.

        app_of: uint8[slots], the flow table's. begun: slots of flows that have become what they are now in
        the middle, and where in the streams to server and client they did.
        """
        for slot, places in begun.items():
            self._walks.state[slot] = WALKED
            self._walks.at[slot] = places
        found = np.empty(streams.flow.size, np.int32)
        count = walk_records(self._walks, streams, app_of, _TLS, found)
        return [
            Sealed(int(streams.flow[k]), int(streams.row[k]), int(streams.direction[k]))
            for k in found[:count].tolist()
        ]
