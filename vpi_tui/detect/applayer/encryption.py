"""When a connection is encrypted.

TLS: at the first record with data of the application, whoever sends it. Neither side's announcement that it
is going to encrypt counts. Data before the server's hello is early data if the client has said that it would
send some (RFC 8446, 4.2.10), and the handshake goes on. SSH: behind the new keys of both sides. As Suricata:
see SSLV3_APPLICATION_PROTOCOL in its app-layer-ssl.c, and NewKeys in its ssh.rs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.kernels_encryption import NEW, SEEN, SSH, TLS, Walks, walk_records
from vpi_tui.detect.applayer.progress import Sealed
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import U8, FlowBatch, StreamBatch

KINDS: Final = {"tls": TLS, "ssh": SSH}
"""Protocols whose records are gone over, and what the loop calls these."""
_NONE_BEGUN: Final[Mapping[int, tuple[int, int]]] = {}


class Encrypted(StrEnum):
    """What becomes of a connection that is encrypted from some point on; words of `encryption-handling`."""

    TRACK_ONLY = "track-only"
    """Rules about payload see no more of it; all else goes on."""
    FULL = "full"
    """All goes on."""
    BYPASS = "bypass"
    """No rule sees any more of it."""


class Encryption:
    """Goes over the records of all connections of some protocols, parsed or not, until each is encrypted.

    slots: of the flow table. handling: by name of the protocol.
    """

    def __init__(self, slots: int, handling: Mapping[str, Encrypted]) -> None:
        self._kinds: U8 = np.zeros(APP_FAILED + 1, np.uint8)
        """uint8[applications]: what the loop calls their records; 0 = all of them is looked at."""
        self._bypasses: U8 = np.zeros(APP_FAILED + 1, np.uint8)
        """uint8[applications]: 1 = no rule looks at any more of them."""
        for name, how in handling.items():
            self._kinds[APP_PROTOS.index(name)] = KINDS[name] if how is not Encrypted.FULL else 0
            self._bypasses[APP_PROTOS.index(name)] = how is Encrypted.BYPASS
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
        self._walks.at[opened] = 0

    def look(
        self, streams: StreamBatch, app_of: U8, begun: Mapping[int, tuple[int, int]] = _NONE_BEGUN
    ) -> list[Sealed]:
        """The connections that these stretches bring the first encrypted bytes of.

        app_of: uint8[slots], the flow table's. begun: slots of flows that have become what they are now in
        the middle, and where in the streams to server and client they did.
        """
        for slot, places in begun.items():
            self._walks.state[slot] = NEW
            self._walks.at[slot] = places
        found = np.empty(streams.flow.size, np.int32)
        count = walk_records(self._walks, streams, app_of, self._kinds, found)
        if not count:
            return []
        at = found[:count]
        slots = streams.flow[at]
        columns = slots, streams.row[at], streams.direction[at], self._bypasses[app_of[slots]] != 0
        return [Sealed(*one) for one in zip(*(column.tolist() for column in columns), strict=True)]
