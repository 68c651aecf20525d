"""The flow table in plain Python: a list of flows, searched one by one."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.flow.rows import ACK, FIN, RST, SYN, Seg
from vpi_tui.flow.records import EndReason
from vpi_tui.flow.table import FlowTimeouts
from vpi_tui.model.batch import FirstSeen, FlowState

NEW, ESTABLISHED, CLOSED = FlowState.NEW, FlowState.ESTABLISHED, FlowState.CLOSED
Side = tuple[str, int]
WRAP = 1 << 32


@dataclass
class Flow:
    number: int
    client: Side
    server: Side
    kind: tuple[int, int, tuple[int, int], int]
    """proto, IP version, VLANs, tunnel."""
    start_ns: int
    last_ns: int
    state: FlowState = NEW
    seen: set[str] = field(default_factory=set)
    """Of a TCP connection: syn, synack, handshake, rst, midstream, fin1 (to the server), fin2."""
    pkts: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    bytes: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    flags: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    next: dict[int, int] = field(default_factory=dict)
    """Number behind what was sent without a hole, or was acknowledged; by direction."""
    fins: dict[int, int] = field(default_factory=dict)
    """Number of a FIN, while something before it is missing; by direction."""
    reason: EndReason = EndReason.NONE

    @property
    def finished(self) -> bool:
        return {"fin1", "fin2"} <= self.seen

    def over(self) -> EndReason:
        if "rst" in self.seen:
            return EndReason.RST
        return EndReason.FIN if self.finished else EndReason.TIMEOUT

    def silence(self, limits: FlowTimeouts) -> int:
        """Nanoseconds it may be silent."""
        proto = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp"}.get(self.kind[0], "other")
        unseen = "midstream" in self.seen and self.state is NEW
        state = CLOSED if proto == "tcp" and self.finished and not unseen else self.state
        return int(getattr(limits, f"{proto}_{state.name.lower()}")) * 10**9


class Twin:
    def __init__(
        self, limits: FlowTimeouts, *, midstream: bool, one_sided: bool = False, bad_events: int = 0
    ) -> None:
        self.bad_events = bad_events
        self.limits = limits
        self.one_sided = one_sided
        self.midstream = midstream
        self.live: list[Flow] = []
        self.ended: list[Flow] = []
        self.opened = 0

    def row(self, seg: Seg) -> tuple[int, int, int, int] | None:
        """(flow id, direction, state, first) of one row, None when it has no flow."""
        if seg.version == 0 or seg.malformed:
            return None
        flow = self._find(seg)
        if flow is not None and self._is_over(flow, seg):
            self._end(flow, flow.over() if self._is_silent(flow, seg.ts_ns) else EndReason.REUSE)
            flow = None
        first = 0
        if flow is None:
            flow, direction = self._open(seg)
            first = int(FirstSeen.OF_FLOW)
        else:
            direction = 1 if (seg.src, seg.sport) == flow.client else 2
        if flow.pkts[direction] == 0:
            first |= FirstSeen.OF_DIRECTION
        flow.last_ns = max(flow.last_ns, seg.ts_ns)
        flow.pkts[direction] += 1
        flow.bytes[direction] += seg.length if seg.tunnel == 0 and seg.fragment != 3 else seg.length - 14
        if seg.proto == 6:
            flow.flags[direction] |= seg.flags & 0xFF
            if self._is_heeded(flow, seg, direction):
                if not seg.events & self.bad_events:
                    _note_sent(flow, seg, direction)
                self._track(flow, seg, direction)
                _note_fins(flow, seg, direction)
        elif flow.pkts[1] and flow.pkts[2] and flow.state is NEW:
            flow.state = ESTABLISHED
        return flow.number, direction, int(flow.state), first

    def expire(self, now_ns: int) -> None:
        for flow in list(self.live):
            if self._is_silent(flow, now_ns):
                self._end(flow, flow.over())

    def _find(self, seg: Seg) -> Flow | None:
        ends = ((seg.src, seg.sport), (seg.dst, seg.dport))
        kind = (seg.proto, seg.version, seg.vlan, seg.tunnel)
        for flow in self.live:
            if flow.kind == kind and ends in ((flow.client, flow.server), (flow.server, flow.client)):
                return flow
        return None

    def _is_silent(self, flow: Flow, now_ns: int) -> bool:
        return now_ns - flow.last_ns > flow.silence(self.limits)

    def _is_over(self, flow: Flow, seg: Seg) -> bool:
        if self._is_silent(flow, seg.ts_ns):
            return True
        opens = seg.proto == 6 and seg.flags & (SYN | ACK) == SYN
        return opens and (flow.state is CLOSED or flow.finished)

    def _open(self, seg: Seg) -> tuple[Flow, int]:
        self.opened += 1
        client, server = (seg.src, seg.sport), (seg.dst, seg.dport)
        tcp_flags = seg.flags if seg.proto == 6 else 0
        late = self.midstream or self.one_sided
        answered = late and seg.proto == 6 and tcp_flags & (SYN | ACK | RST) == SYN | ACK
        if answered:
            client, server = server, client
        kind = (seg.proto, seg.version, seg.vlan, seg.tunnel)
        flow = Flow(self.opened, client, server, kind, seg.ts_ns, seg.ts_ns)
        if answered or not tcp_flags & SYN:
            flow.seen.add("midstream")
        self.live.append(flow)
        return flow, 2 if answered else 1

    def _end(self, flow: Flow, reason: EndReason) -> None:
        flow.reason = reason
        self.live.remove(flow)
        self.ended.append(flow)

    def _is_heeded(self, flow: Flow, seg: Seg, direction: int) -> bool:
        if not seg.flags & (FIN | RST):
            return True
        exact = flow.next.get(direction, seg.seq) == seg.seq
        return not seg.events & self.bad_events and (exact or not seg.flags & RST)

    def _track(self, flow: Flow, seg: Seg, direction: int) -> None:
        seen = flow.seen
        if seg.flags & RST:
            seen.add("rst")
            if self.midstream or "midstream" not in seen or flow.state is not NEW:
                flow.state = CLOSED
        elif flow.finished:
            if self.midstream or "midstream" not in seen or flow.state is not NEW:
                flow.state = CLOSED
        elif seg.flags & SYN:
            if direction == 1 and not seg.flags & ACK:
                seen.add("syn")
            elif direction == 2 and seg.flags & ACK:
                seen.add("synack")
        else:
            if seg.flags & ACK and direction == 1 and "synack" in seen and seen & {"syn", "midstream"}:
                seen.add("handshake")
            if seg.size > 0 and direction == 2 and {"syn", "synack"} <= seen:
                seen.add("handshake")
            if self.midstream and "midstream" in seen and seg.flags & ACK:
                seen.add("handshake")
            alone = {"syn"} if direction == 1 else {"synack"}
            if self.one_sided and seg.flags & ACK and seen & {"syn", "synack"} == alone:
                seen.add("handshake")
            if "handshake" in seen and (flow.state is NEW or (flow.state is CLOSED and seg.size > 0)):
                flow.state = ESTABLISHED
                seen.discard("rst")


def _note_sent(flow: Flow, seg: Seg, direction: int) -> None:
    if not seg.flags & (SYN | RST | ACK):
        return
    covered = 1 if seg.flags & SYN else seg.size + bool(seg.flags & FIN)
    end = (seg.seq + covered) % WRAP
    before = flow.next.get(direction)
    if before is None or (not _is_behind(seg.seq, before) and _is_behind(end, before)):
        flow.next[direction] = end
    if seg.flags & ACK and 3 - direction in flow.next and _is_behind(seg.ack, flow.next[3 - direction]):
        flow.next[3 - direction] = seg.ack


def _note_fins(flow: Flow, seg: Seg, direction: int) -> None:
    if seg.flags & (FIN | SYN | RST | ACK) == FIN | ACK:
        flow.fins[direction] = (seg.seq + seg.size) % WRAP
    for side, number in list(flow.fins.items()):
        if _is_behind(number, flow.next[side]):
            continue
        del flow.fins[side]
        if flow.next[side] in (number, (number + 1) % WRAP):
            flow.next[side] = (number + 1) % WRAP
            flow.seen.add(f"fin{side}")


def _is_behind(number: int, other: int) -> bool:
    return number != other and (number - other) % WRAP < WRAP // 2
