"""What is known of one flow, alert or rule, as labelled lines for a reader."""

from __future__ import annotations

from datetime import UTC, tzinfo

from vpi_tui.feed.messages import RuleDetail, RuleRow
from vpi_tui.model.event import Alert, FlowRecord
from vpi_tui.model.snapshot import RuleStat
from vpi_tui.view import humanize
from vpi_tui.view.cells import SEVERITY_STYLES, SEVERITY_WORDS, Cell, severity_index
from vpi_tui.view.escape import safe
from vpi_tui.view.flow_table import proto_name
from vpi_tui.view.rule_text import layout

Fact = tuple[str, tuple[Cell, ...]]
"""(label, value). No value = a heading; neither = a blank line."""

BLANK: Fact = ("", ("",))
_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
_PORTS = frozenset({6, 17, 132})


def end_text(ip: str, port: int, proto: int) -> str:
    """`10.0.5.3:443`, `[fd00::1]:53`; without a port for protocols that have none."""
    if proto not in _PORTS:
        return safe(ip, 64)
    return f"[{safe(ip, 64)}]:{port}" if ":" in ip else f"{safe(ip, 64)}:{port}"


def flow_facts(flow: FlowRecord, now_ns: int, zone: tzinfo = UTC) -> list[Fact]:
    """Ends, place, state, counters and times of a flow."""
    total = flow.bytes_toserver + flow.bytes_toclient
    lasted = max(flow.end_ns - flow.start_ns, 0) / 1e9
    facts: list[Fact] = [
        ("client", _end(flow.client_guest, end_text(flow.src_ip, flow.src_port, flow.proto))),
        ("server", _end(flow.server_guest, end_text(flow.dest_ip, flow.dest_port, flow.proto))),
        ("application", ((_application(flow), "protocol"),)),
        ("state", _state(flow)),
        ("where", ((_place(flow.switch, flow.locality, flow.vlan), "text"),)),
        ("sent", _counted(flow.pkts_toserver, flow.bytes_toserver, total)),
        ("received", _counted(flow.pkts_toclient, flow.bytes_toclient, total)),
        ("began", ((humanize.full_time(flow.start_ns, zone), "text"),)),
        ("last packet", ((humanize.full_time(flow.end_ns, zone), "text"), _age(flow.end_ns, now_ns))),
        ("lasted", ((humanize.duration(lasted), "text"), (_rate(total, lasted), "muted"))),
        ("community id", ((safe(flow.community_id, 64) or "-", "muted"),)),
    ]
    if flow.proto == 6:
        facts.insert(7, ("TCP flags", _flags(flow)))
    return facts


def alert_facts(alert: Alert, now_ns: int, zone: tzinfo = UTC) -> list[Fact]:
    """The alert in a few lines: when, who to whom, what it is called."""
    level = severity_index(alert.priority)
    kind = _kind(alert.classtype, alert.technique)
    number = str(alert.sid) if alert.gid == 1 else f"{alert.gid}:{alert.sid}"
    return [
        ("when", ((humanize.full_time(alert.ts_ns, zone), "text"), _age(alert.ts_ns, now_ns))),
        ("from", _end(alert.src_guest, end_text(alert.src_ip, alert.src_port, alert.proto))),
        ("to", _end(alert.dest_guest, end_text(alert.dest_ip, alert.dest_port, alert.proto))),
        (
            "what",
            (
                (SEVERITY_WORDS[level], SEVERITY_STYLES[level]),
                (f"  {kind}", "text"),
                (f"  sid {number}", "muted"),
            ),
        ),
        ("seen on", ((_seen_on(alert), "text"),)),
    ]


def rule_facts(
    rule: RuleRow, stat: RuleStat | None, now_ns: int, zone: tzinfo = UTC, share: float | None = None
) -> list[Fact]:
    """A rule as the list knows it: on or off, severity, hits, where it stands, what it costs.

    share: of the engine's work on packets; None = not known.
    """
    level = severity_index(rule.priority)
    severity: Cell = (SEVERITY_WORDS[level], SEVERITY_STYLES[level])
    state: Cell = ("on", "rule.on") if rule.enabled else ("off: it raises nothing", "rule.off")
    if rule.why_off:
        state = (f"off: {safe(rule.why_off, 20)} (space switches it on again)", "rule.off")
    hits: tuple[Cell, ...] = (("none since the engine started", "muted"),)
    if stat is not None and stat.hits:
        last = humanize.full_time(stat.last_hit_ns, zone)
        hits = ((f"{stat.hits:,}", "number"), (f"  last {last}", "muted"), _age(stat.last_hit_ns, now_ns))
    return [
        ("state", (state, *_cost(stat, share))),
        ("what", (severity, (f"  {_kind(rule.classtype, rule.technique)}", "text"))),
        ("alerts", hits),
        ("origin", ((safe(rule.pack, 80), "text"), (f"  {safe(rule.origin, 300)}", "muted"))),
    ]


def _cost(stat: RuleStat | None, share: float | None) -> tuple[Cell, ...]:
    """How often it was tried and held, and the CPU time of that."""
    if stat is None or not stat.checks:
        return ()
    counts = f"    {humanize.count(stat.checks)} checks, {humanize.count(stat.matches)} matches"
    if not stat.cpu_ns:
        return ((counts, "muted"),)
    each = f"{stat.cpu_ns / 1e6 / stat.checks:,.3f} ms"
    of_all = f", {humanize.percent(share)} of the CPU" if share is not None else ""
    return ((f"{counts}{of_all}", "muted"), (f", {each} each", "muted"))


def rule_text_facts(rule: str) -> list[Fact]:
    """The rule, an option a line. An option without a value, such as a buffer, stands where values do."""
    return [(name, cells) if cells else ("", ((name, "protocol"),)) for name, cells in layout(rule)]


def rule_words(detail: RuleDetail) -> list[Fact]:
    """What the rule looks for, in words."""
    return [("", ((safe(text, 1000), "text"),)) for text in detail.words.splitlines()[:200]]


def _kind(classtype: str, technique: str) -> str:
    parts = (safe(classtype, 60), f"ATT&CK {safe(technique, 16)}" if technique else "")
    return "  ".join(part for part in parts if part)


def _end(guest: str, address: str) -> tuple[Cell, ...]:
    if not guest:
        return ((address, "address"),)
    return ((safe(guest, 64), "guest"), (f"  {address}", "address"))


def _application(flow: FlowRecord) -> str:
    transport = proto_name(flow.proto)
    return f"{safe(flow.app_proto, 24)} over {transport}" if flow.app_proto else transport


def _state(flow: FlowRecord) -> tuple[Cell, ...]:
    style = {"new": "new", "established": "good"}.get(flow.state, "muted")
    why = f"  ended by {safe(flow.reason, 24)}" if flow.reason else ""
    return ((safe(flow.state, 24), style), (why, "muted"))


def _place(switch: str, locality: str, vlan: tuple[int, ...]) -> str:
    tags = f"  VLAN {'.'.join(str(tag) for tag in vlan)}" if vlan else ""
    where = "" if locality == "unknown" else f"  {safe(locality.replace('_', '-'), 24)}"
    return f"{safe(switch, 64) or 'no switch known'}{where}{tags}"


def _seen_on(alert: Alert) -> str:
    """Port, switch, and which packet or stretch of a stream it was."""
    port = f"port {safe(alert.in_iface, 64)}, " if alert.in_iface else ""
    packet = f"packet {alert.packet_number:,}" if alert.packet_number else "no packet of its own"
    direction = f" {alert.direction.replace('_', ' ')}" if alert.direction else ""
    what = f"stream{direction}, {packet}" if alert.stream else f"{packet}{direction}"
    return f"{port}{_place(alert.switch, alert.locality, alert.vlan)}, {what}"


def _counted(pkts: int, size: int, total: int) -> tuple[Cell, ...]:
    share = f"  {humanize.percent(size / total)}" if total else ""
    return (
        (f"{humanize.size(size)}", "number"),
        (f" in {pkts:,} packet{'' if pkts == 1 else 's'}{share}", "muted"),
    )


def _flags(flow: FlowRecord) -> tuple[Cell, ...]:
    sent, back = flow.tcp_flags_toserver, flow.tcp_flags_toclient
    return (
        ("sent ", "muted"),
        (_flag_names(sent), "text"),
        ("  received ", "muted"),
        (_flag_names(back), "text"),
    )


def _flag_names(bits: int) -> str:
    return " ".join(name for number, name in enumerate(_FLAGS) if bits >> number & 1) or "-"


def _age(then_ns: int, now_ns: int) -> Cell:
    ago = humanize.ago(then_ns, now_ns)
    return (f"  {ago} ago" if ago not in ("-", "now") else f"  {ago}", "muted")


def _rate(size: int, seconds: float) -> str:
    return f"  {humanize.bit_rate(size / seconds)} on average" if seconds > 0 else ""
