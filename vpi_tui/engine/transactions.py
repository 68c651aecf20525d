"""From a finished transaction to its record, with all that the log says of it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from vpi_tui.detect.applayer.describe.file_info import describe_file
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS, Describer
from vpi_tui.detect.applayer.progress import Finished
from vpi_tui.engine.names import Names
from vpi_tui.engine.sources import EngineSource
from vpi_tui.flow.render import to_record
from vpi_tui.model.batch import DecodedBatch, Direction, PacketBatch
from vpi_tui.model.event import FileRecord, TransactionRecord


class Logged(NamedTuple):
    """What the log needs of transactions. protocols: names of applications; files: with what they carry."""

    protocols: frozenset[str] = frozenset()
    files: bool = False


NOTHING_LOGGED: Final = Logged()


class Place(NamedTuple):
    """Where rows point into. first: 1-based number of the batch's first packet; now_ns: time of what no row
    brought about."""

    packets: PacketBatch
    decoded: DecodedBatch
    first: int
    now_ns: int


def to_transaction(
    finished: Finished, describe: Describer, place: Place, records: Any, names: Names, source: EngineSource
) -> TransactionRecord:
    packet = int(place.decoded.packet[finished.row]) if finished.row >= 0 else -1
    description = DESCRIPTIONS[finished.application.name]
    row = records[finished.flow]
    transaction = finished.transaction
    number = max(0, transaction.number)
    return TransactionRecord(
        ts_ns=int(place.packets.ts_ns[packet]) if packet >= 0 else place.now_ns,
        event_type=description.event_type,
        flow=to_record(row, names.switches, names.guests),
        in_iface=source.port_name(int(row["ifindex_client"])),
        packet_number=place.first + packet if packet >= 0 else 0,
        tx_id=number,
        fields=describe(finished.application.name, transaction),
        anomalies=tuple(name for events in transaction.events for name in events),
        files=tuple(
            FileRecord(file.direction == Direction.TO_SERVER, describe_file(file, number))
            for file in transaction.files
        ),
    )
