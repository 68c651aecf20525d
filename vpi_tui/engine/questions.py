"""What an operator asks about one alert or one flow."""

from __future__ import annotations

from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.feed.messages import AlertDetail, FlowDetail
from vpi_tui.flow.render import to_record
from vpi_tui.model.event import FlowRecord


def alert_detail(pipeline: Pipeline, number: int) -> AlertDetail:
    """What is kept about an alert."""
    kept = pipeline.evidence.get(number)
    if kept is None:
        return _without_evidence(pipeline, number)
    flow = _flow(pipeline, kept.flow.flow_id) or kept.flow if kept.flow else None
    reason = "" if kept.frame or kept.stream else "The whole flow raised this alert, and no packet of it."
    return AlertDetail(
        number, kept.rule, kept.origin, flow, kept.frame, kept.link_type, kept.ts_ns, kept.stream, reason
    )


def flow_detail(pipeline: Pipeline, flow_id: int) -> FlowDetail:
    """A flow that lives or ended lately, and its alerts."""
    return FlowDetail(flow_id, _flow(pipeline, flow_id), pipeline.ledger.of_flow(flow_id))


def _without_evidence(pipeline: Pipeline, number: int) -> AlertDetail:
    """What can still be said when the packet has made room for newer ones."""
    alert = pipeline.ledger.get(number)
    if not 1 <= number <= pipeline.alerter.count:
        return AlertDetail(number, "", "", None, b"", 1, 0, reason=f"There is no alert {number}.")
    reason = "The packet behind this alert is no longer kept: newer ones took its place."
    if alert is None:
        return AlertDetail(number, "", "", None, b"", 1, 0, reason=reason)
    told = pipeline.rules.detail(alert.gid, alert.sid)
    flow = _flow(pipeline, alert.flow_id) if alert.flow_id else None
    return AlertDetail(number, told.rule, told.origin, flow, b"", 1, alert.ts_ns, reason=reason)


def _flow(pipeline: Pipeline, flow_id: int) -> FlowRecord | None:
    rows = pipeline.table.get(flow_id)
    if rows is None:
        rows = pipeline.closed.get(flow_id)
    return None if rows is None else to_record(rows[0], pipeline.names.switches, pipeline.names.guests)
