"""From finished transactions to their records, with all that the log says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from vpi_tui.detect.applayer.costs import Costs
from vpi_tui.detect.applayer.describe.file_info import describe_file
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS, Describer
from vpi_tui.detect.applayer.progress import Finished
from vpi_tui.engine.flow_columns import ends_of
from vpi_tui.engine.names import Names
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.tunnels import kind_of
from vpi_tui.flow.render import to_records
from vpi_tui.model.batch import DecodedBatch, Direction, PacketBatch
from vpi_tui.model.event import FileRecord, FlowRecord, TransactionRecord


class Logged(NamedTuple):
    """What the log needs of transactions. protocols: names of applications; files: with what they carry;
    anomalies: with what is odd about them."""

    protocols: frozenset[str] = frozenset()
    files: bool = False
    anomalies: bool = False


NOTHING_LOGGED: Final = Logged()


class Place(NamedTuple):
    """Where rows point into. first: 1-based number of the batch's first packet; now_ns: time of what no row
    brought about."""

    packets: PacketBatch
    decoded: DecodedBatch
    first: int
    now_ns: int


@contextmanager
def charged(costs: Costs | None, finished: Sequence[Finished], records: Any) -> Iterator[None]:
    """What is done meanwhile is put to the flows of these transactions. records: the flow table's."""
    if costs is None:
        yield
        return
    began = costs.clock()
    yield
    costs.share([one.flow for one in finished], costs.clock() - began, ends_of(records))


def to_transactions(
    finished: Sequence[Finished],
    describe: Describer,
    place: Place,
    records: Any,
    names: Names,
    source: EngineSource,
) -> list[TransactionRecord]:
    """records: the flow table's, by slot; a flow that ended several is rendered once."""
    slots = list(dict.fromkeys(one.flow for one in finished))
    rows = records[slots]
    ports = [source.port_name(port) for port in rows["ifindex_client"].tolist()]
    flows = dict(
        zip(slots, zip(to_records(rows, names.switches, names.guests), ports, strict=True), strict=True)
    )
    return [_record(one, describe, place, *flows[one.flow]) for one in finished]


def _record(
    finished: Finished, describe: Describer, place: Place, flow: FlowRecord, in_iface: str
) -> TransactionRecord:
    packet = int(place.decoded.packet[finished.row]) if finished.row >= 0 else -1
    transaction, application = finished.transaction, finished.application
    description = DESCRIPTIONS[application.name]
    number = max(0, transaction.number)
    told = description.is_told is None or description.is_told(transaction)
    if flow.app_proto not in application.apps:  # the flow has become another protocol's
        flow = replace(flow, app_proto=application.apps[0])
    return TransactionRecord(
        ts_ns=int(place.packets.ts_ns[packet]) if packet >= 0 else place.now_ns,
        event_type=description.event_type,
        flow=flow,
        in_iface=in_iface,
        packet_number=place.first + packet if packet >= 0 else 0,
        inside=kind_of(place.decoded, finished.row),
        tx_id=number,
        of_client=not description.by_sender or bool(transaction.stage[Direction.TO_SERVER]),
        origin=finished.origin,
        fields=describe(application.name, transaction) if told else {},
        anomalies=tuple(dict.fromkeys(name for events in transaction.events for name in events)),
        files=tuple(
            FileRecord(file.direction == Direction.TO_SERVER, describe_file(file, number))
            for file in transaction.files
        ),
    )
