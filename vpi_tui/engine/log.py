"""What the engine writes as EVE JSON: which events, and what goes with an alert."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vpi_tui.detect.applayer.describe.file_info import describe_files
from vpi_tui.detect.applayer.describe.registry import DESCRIPTIONS
from vpi_tui.detect.applayer.files import FILE
from vpi_tui.detect.applayer.frames import FRAME_LIMIT, Frame
from vpi_tui.detect.applayer.registry import by_name
from vpi_tui.detect.rules.classification import categories
from vpi_tui.engine.anomalies import Found
from vpi_tui.engine.applications import Applications
from vpi_tui.engine.endings import UNKNOWN, Endings
from vpi_tui.engine.parsed import ParsedFlow
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.spec import EngineSpec, LogSpec
from vpi_tui.engine.tagged import Tagged
from vpi_tui.engine.transactions import Logged
from vpi_tui.flow.records import EndReason
from vpi_tui.flow.render import to_records
from vpi_tui.model.batch import Direction
from vpi_tui.model.event import Alert, TransactionRecord
from vpi_tui.output import eve
from vpi_tui.output.counters import of_application
from vpi_tui.output.evidence import alert_context, protocol_frame
from vpi_tui.output.logfile import LogFile, Rotation
from vpi_tui.output.logstream import LogStream, is_fifo, to_fifo, to_socket
from vpi_tui.output.writer import EveWriter
from vpi_tui.stream.sessions import STATES

ANOMALY, FILE_INFO = "anomaly", "fileinfo"
"""Types of events that come of many protocols."""
_TAKEN: Final = -1
"""In the place of a slot that is another flow's already: its record is all that is known of the flow."""
FLOWS_AT_A_TIME = 4_096
"""Records of ended flows that are held at a time; one takes some hundred bytes."""


def logged(types: Collection[str]) -> Logged:
    """The applications whose transactions events of these types are made of, and no other."""
    files = FILE_INFO in types
    return Logged(
        frozenset(
            name
            for name, one in DESCRIPTIONS.items()
            if ANOMALY in types or one.event_type in types or (files and FILE in by_name()[name].buffers)
        ),
        files,
        ANOMALY in types,
    )


def categories_of(spec: EngineSpec) -> dict[str, str]:
    """What the classes of the order's rules are called."""
    return categories(Path(path) for path in spec.rules or (spec.rules_dir,))


def open_log_file(spec: LogSpec, owner: tuple[int, int] | None) -> LogFile | LogStream | None:
    """Where the log goes; None = there is to be none. Raises VpiError when it cannot be written.

    owner: user and group that the process will be; None = it stays what it is.
    """
    if not spec.file:
        return None
    path = Path(spec.file)
    if spec.filetype == "unix_stream":
        return to_socket(path, time.time, owner)
    if is_fifo(path):
        return to_fifo(path, time.time, owner)
    rotation = Rotation(spec.rotate_bytes, spec.rotate_seconds, spec.keep)
    return LogFile(path, time.time, rotation, owner)


class NoLog:
    """Nothing is to be written."""

    notices: tuple[str, ...] = ()

    def alerts(self, alerts: Sequence[Alert]) -> None:
        """Write the alerts of one batch."""

    def tick(self, now_ns: int, uptime: float) -> None:
        """Once a snapshot: counters when it is time, and everything into the file."""

    def reopen(self) -> None:
        """Begin the file anew, as after it was moved away."""

    def close(self) -> None:
        """Write what is waiting."""

    def counters(self) -> dict[str, float]:
        return {}


class FileLog(NoLog):
    """The log of a sensor: it rotates, and what cannot be written is counted and told."""

    def __init__(self, spec: EngineSpec, pipeline: Pipeline, file: LogFile | LogStream) -> None:
        self._file = file
        self._log = EventLog(spec.log, pipeline, EveWriter(file), categories_of(spec))

    @property
    def notices(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self._file.alarm,) if self._file.alarm else ()

    def alerts(self, alerts: Sequence[Alert]) -> None:
        self._log.alerts(alerts)

    def tick(self, now_ns: int, uptime: float) -> None:
        self._log.stats(now_ns, uptime, self.counters())
        self._log.flush()

    def reopen(self) -> None:
        self._file.reopen()

    def close(self) -> None:
        self._file.close()

    def counters(self) -> dict[str, float]:
        return {"output.eve.events": float(self._log.written), "output.eve.lost": float(self._file.lost)}


class EventLog:
    """Writes what the pipeline finds. The pipeline has to be made with what is `logged` of the types.

    categories: classtype -> what events call it.
    """

    def __init__(
        self, spec: LogSpec, pipeline: Pipeline, writer: EveWriter, categories: Mapping[str, str]
    ) -> None:
        self._spec = spec
        self._categories = categories
        self._pipeline = pipeline
        self._parsed = ParsedFlow(pipeline)
        self._writer = writer
        self._alerts = "alert" in spec.types
        self._stats_at = 0
        pipeline.alerter.keeps_transactions = self._alerts
        self._applications = Applications() if "stats" in spec.types else None
        self._endings = Endings()
        self._flows = "flow" in spec.types
        if self._flows or self._applications is not None:
            pipeline.on_closed = self._ended
        self._anomalies_left_out = 0
        if ANOMALY in spec.types:
            pipeline.on_odd = self._write_odd
        self._tagged_left_out = 0
        if "packet" in spec.types:
            pipeline.on_tagged = self._write_tagged
        if logged(spec.types).protocols:
            pipeline.on_transactions = self._write_transactions

    @property
    def written(self) -> int:
        return self._writer.written

    def alerts(self, alerts: Sequence[Alert]) -> None:
        """Write the alerts of one batch."""
        if self._alerts:
            for alert in alerts:
                self._writer.write(self._alert(alert))
        self._pipeline.alerter.transactions.clear()
        self._pipeline.alerter.slots.clear()

    def stats(self, now_ns: int, uptime: float, own: Mapping[str, float] | None = None) -> None:
        """Write the counters, when it is time. own: those of the log itself."""
        if "stats" not in self._spec.types or now_ns < self._stats_at:
            return
        self._stats_at = now_ns + int(self._spec.stats_seconds * 1e9)
        counters = self._pipeline.stats() | self._by_application() | self._endings.counters()
        counters |= own or {}
        counters["output.eve.anomalies_left_out"] = float(self._anomalies_left_out)
        counters["output.eve.tagged_left_out"] = float(self._tagged_left_out)
        rules = self._pipeline.rules
        told = eve.RuleCounts(loaded=rules.of_files, failed=len(rules.refused))
        self._writer.write(eve.stats_event(now_ns, uptime, counters, told))

    def _by_application(self) -> Counter[str]:
        """Names that are the same in events are counted together."""
        counters: Counter[str] = Counter()
        layer, live = self._pipeline.app_layer, self._pipeline.table.used()
        left, transactions = (layer.left, layer.transactions) if layer is not None else ({}, {})
        errors = layer.errors if layer is not None else {}
        flows = self._applications.flows(live, left) if self._applications is not None else {}
        for what, counts in (("flow", flows), ("tx", transactions)):
            for (name, udp), count in counts.items():
                counters[of_application(what, eve.app_proto(name), udp=udp)] += count
        for (name, udp), count in errors.items():
            counters[f"{of_application('error', eve.app_proto(name), udp=udp)}.internal"] += count
        return counters

    def flush(self) -> None:
        self._writer.flush()

    def _alert(self, alert: Alert) -> dict[str, Any]:
        event = eve.alert_event(alert, self._categories.get(alert.classtype.lower(), alert.classtype))
        progress = self._pipeline.alerter.transactions.get(alert.number)
        if progress is not None and isinstance(progress.transaction, Frame):
            event["frame"] = self._frame(progress.transaction, progress.direction)
        elif progress is not None:
            event["tx_id"] = progress.transaction.number
            if progress.origin:
                event["app_proto_orig"] = eve.app_proto(progress.origin)
            event |= self._pipeline.describe(progress.application.name, progress.transaction)
            if files := describe_files(progress.transaction, progress.direction):
                event["files"] = files
        kept = self._pipeline.evidence.get(alert.number)
        if kept is None:
            return event
        if kept.flow is not None:
            event["flow"] = eve.flow_so_far(kept.flow)
            if application := eve.app_proto_of(kept.flow):
                event["app_proto"] = application
            slot = self._pipeline.alerter.slots.get(alert.number, -1)
            if slot >= 0:
                looks = self._parsed.looks(slot)
                if progress is not None:  # the flow may have become something else since
                    looks = looks._replace(origin=progress.origin)
                event |= eve.other_applications(application, looks)
        event["stream"] = int(alert.stream)
        event |= alert_context(
            kept.stream or kept.payload,
            kept.frame,
            kept.link_type,
            payload=self._spec.payload,
            packet=self._spec.packet,
        )
        return event

    def _frame(self, frame: Frame, direction: int) -> dict[str, Any]:
        return protocol_frame(
            frame.name,
            frame.data,
            to_server=direction == Direction.TO_SERVER,
            whole=len(frame.data) < FRAME_LIMIT,
            payload=self._spec.payload,
        )

    def _ended(self, rows: Any) -> None:
        if self._applications is not None:
            self._applications.ended(rows)
            self._endings.ended(rows, self._parsed.states(rows))
        if self._flows:
            self._write_flows(rows)

    def _write_flows(self, rows: Any) -> None:
        """After a flood, or at the end of a capture, a million may end at once."""
        names, port_name = self._pipeline.names, self._pipeline.source.port_name
        for start in range(0, len(rows), FLOWS_AT_A_TIME):
            some = rows[start : start + FLOWS_AT_A_TIME]
            slots = np.where(some["reason"] == EndReason.EVICTED, _TAKEN, some["slot"])
            ports, states = some["ifindex_client"].tolist(), self._parsed.states(some).tolist()
            columns = ports, slots.tolist(), self._parsed.lost(slots), states
            records = to_records(some, names.switches, names.guests)
            for flow, port, slot, lost, state in zip(records, *columns, strict=True):
                named = STATES[state] if state != UNKNOWN else ""
                known = self._known_of(slot)
                event = eve.flow_event(flow, port_name(port), tcp_state=named, lost=lost, **known)
                self._writer.write(event)

    def _known_of(self, slot: int) -> dict[str, Any]:
        """What else is told of a flow that has ended than its record."""
        if slot == _TAKEN:
            return {}
        known: dict[str, Any] = {"looks": self._parsed.looks(slot), "transactions": self._parsed.count(slot)}
        found = self._pipeline.matcher.left_with(slot)
        if found is not None:
            known |= {"bits": found.flowbits, "numbers": found.flowints, "passed": found.passed}
        return known

    def _write_odd(self, found: Found) -> None:
        self._anomalies_left_out += found.left_out
        for anomaly in found.anomalies:
            self._writer.write(eve.packet_anomaly_event(anomaly))

    def _write_tagged(self, tagged: Tagged) -> None:
        self._tagged_left_out += tagged.left_out
        for one in tagged.packets:
            self._writer.write(eve.tagged_packet_event(one))

    def _write_transactions(self, records: list[TransactionRecord]) -> None:
        for record in records:
            if record.fields and record.event_type in self._spec.types:
                self._writer.write(eve.transaction_event(record))
            if record.files and FILE_INFO in self._spec.types:
                for event in eve.file_events(record):
                    self._writer.write(event)
            if record.anomalies and ANOMALY in self._spec.types:
                for event in eve.anomaly_events(record):
                    self._writer.write(event)
