"""The plain report: what a run saw, as text, for where no dashboard can be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo

from vpi_tui.model.snapshot import Snapshot, TalkerTable
from vpi_tui.view import humanize
from vpi_tui.view.alerts import Inbox, parties, select
from vpi_tui.view.cells import SEVERITY_WORDS, severity_index
from vpi_tui.view.escape import safe
from vpi_tui.view.overview import east_west, protocol_mix, talkers
from vpi_tui.view.scope import ALL

_MOST = 40


def report(snapshot: Snapshot | None, inbox: Inbox, *, zone: tzinfo = UTC) -> str:
    """Lines of text, ending in a newline; no control bytes whatever was on the wire."""
    if snapshot is None:
        return "Nothing was captured: the engine ended before it published a first picture.\n"
    parts = [
        _head(snapshot, zone),
        _table(
            "Virtual switches", ("switch", "kind", "ports", "packets", "bytes", "alerts"), _switches(snapshot)
        ),
        _table("Guests", ("guest", "switch", "addresses", "sent", "received", "alerts"), _guests(snapshot)),
        _talkers(snapshot),
        _mix(snapshot),
        _alerts(inbox, zone),
        _notices(snapshot),
    ]
    return "\n".join(part for part in parts if part)


def alerted(by_rule: Mapping[tuple[int, int, int, str], int]) -> str:
    """The rules that alerted, the gravest and busiest first; "" when none did.

    by_rule: (priority, gid, sid, msg) to alerts.
    """
    ranked = sorted(by_rule.items(), key=lambda item: (severity_index(item[0][0]), -item[1], item[0][1:3]))
    rows = [
        (SEVERITY_WORDS[severity_index(priority)], f"{count:,}", f"{gid}:{sid}", safe(msg, 200))
        for (priority, gid, sid, msg), count in ranked
    ]
    return _table("", ("severity", "count", "gid:sid", "signature"), rows, most=len(rows))


def _head(snapshot: Snapshot, zone: tzinfo) -> str:
    total = snapshot.total.counters
    drops = snapshot.stats.get("capture.kernel_drops", 0.0)
    high, medium, low = snapshot.total.alerts
    lines = [
        f"{snapshot.mode} of {safe(snapshot.source, 200)}, "
        f"until {humanize.full_time(snapshot.packet_ns, zone)}",
        f"{humanize.counted(total.pkts_in, 'packet')}, {humanize.size(total.bytes_in)}, "
        f"{drops:,.0f} dropped; "
        f"{humanize.counted(high + medium + low, 'alert')} ({high:,} high, {medium:,} medium, {low:,} low); "
        f"{snapshot.rules_enabled:,} of {snapshot.rules_loaded:,} rules on, "
        f"{snapshot.rules_refused:,} refused",
    ]
    if snapshot.state == "failed":
        lines.append(f"It ended early: {safe(snapshot.state_text, 500)}")
    return "\n".join(lines) + "\n"


def _switches(snapshot: Snapshot) -> list[Sequence[str]]:
    return [
        (
            safe(s.name, 40),
            safe(s.kind, 16),
            str(s.ports),
            humanize.count(s.counters.pkts_in),
            humanize.size(s.counters.bytes_in),
            str(sum(s.alerts)),
        )
        for s in snapshot.switches
    ]


def _guests(snapshot: Snapshot) -> list[Sequence[str]]:
    ranked = sorted(snapshot.guests, key=lambda g: -(g.counters.bytes_in + g.counters.bytes_out))
    return [
        (
            safe(g.name, 40),
            safe(g.switch, 24),
            safe(" ".join(g.ips[:2]), 60) or "-",
            humanize.size(g.counters.bytes_in),
            humanize.size(g.counters.bytes_out),
            str(sum(g.alerts)),
        )
        for g in ranked
    ]


def _talkers(snapshot: Snapshot) -> str:
    table: TalkerTable | None = talkers(snapshot, "peer", "all")
    if table is None:
        return ""
    whole = table.total_bytes or 1
    rows = [
        (
            safe(r.label, 60),
            humanize.size(r.bytes),
            humanize.percent(r.bytes / whole),
            humanize.count(r.flows),
        )
        for r in table.rows[:10]
    ]
    return _table("Top talkers", ("from > to", "bytes", "share", "flows"), rows)


def _mix(snapshot: Snapshot) -> str:
    mix = protocol_mix(snapshot, 8)
    if not mix:
        return ""
    inside = east_west(snapshot, ALL)
    rows = [(row.name, humanize.size(row.bytes), humanize.percent(row.share)) for row in mix]
    rows.append(("(east-west)", humanize.size(inside.bytes), humanize.percent(inside.share)))
    return _table("Protocols", ("protocol", "bytes", "share"), rows)


def _alerts(inbox: Inbox, zone: tzinfo) -> str:
    groups = select(inbox, acknowledged=True)
    rows = [
        (
            SEVERITY_WORDS[g.severity],
            str(g.count),
            f"{g.key[0]}:{g.key[1]}",
            safe(g.newest.msg, 80),
            parties(g),
            safe(g.newest.technique, 16) or "-",
            humanize.clock(g.first_ns, zone),
            humanize.clock(g.last_ns, zone),
        )
        for g in groups
    ]
    name = humanize.zone_name(groups[0].last_ns, zone) if groups else "UTC"
    heads = (
        "severity",
        "count",
        "gid:sid",
        "signature",
        "guest and peer",
        "technique",
        "first",
        f"last ({name})",
    )
    return _table("Alerts", heads, rows) or "Alerts\n  none\n"


def _notices(snapshot: Snapshot) -> str:
    if not snapshot.notices:
        return ""
    return "Notices\n" + "".join(f"  {safe(text, 300)}\n" for text in snapshot.notices[-_MOST:])


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, most: int = _MOST) -> str:
    """Aligned columns under their title; "" when there are no rows; what is left out is counted."""
    shown = list(rows)
    if not shown:
        return ""
    body = shown[:most]
    widths = [max(len(row[i]) for row in [heads, *body]) for i in range(len(heads))]
    lines = [*([title] if title else ()), *(_aligned(row, widths) for row in [heads, *body])]
    if len(shown) > len(body):
        lines.append(f"  and {len(shown) - len(body)} more")
    return "\n".join(lines) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
