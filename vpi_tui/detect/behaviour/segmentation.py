"""Segmentation: connections that no line of the policy allows, or that one denies.

Each flow is judged by a compiled loop when it begins, when it is answered, and when a policy comes into force
while it lives. Python is entered for those that break the policy only, and of these once for each two ends
and port in a quiet time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.behaviour import kernels_policy
from vpi_tui.detect.behaviour.base import NO_OPTIONS, Behaviour, Finding, describe, register
from vpi_tui.detect.behaviour.baseline import Baseline, keys_of
from vpi_tui.detect.behaviour.policy_tables import PolicyTables, compile_policy, ordered, unknown_names
from vpi_tui.model.batch import DecodedBatch, FirstSeen, FlowBatch, FlowState, PacketBatch
from vpi_tui.model.policy import WITH_PORTS, Policy, PolicyLine, PortRange, same_proto
from vpi_tui.model.topology import End, Topology

SID = 25
QUIET_NS = 600_000_000_000
"""The same two ends and port are told once in this time of packets."""
PORTS_A_PAIR = 4
"""Different ports of two ends that are told of a burst; then one alert says that there are more."""
BURST_NS = 30_000_000_000
"""After so long ports are told again: a scan must not hide what comes behind it."""
MAX_TOLD = 65_536
MAX_ROWS = 4_096
"""Flows of one batch whose ends and port are compared; more are counted."""
MAX_LOOKED = 256
"""Different ends and ports of one batch that Python looks at."""
MAX_FINDINGS = 64
"""Alerts of one batch."""
MAX_BROKEN = 4_096
"""Two ends that are marked in the matrix."""
UNKNOWN_TOLD = 3
_ENDS = {int(End.HOST): "host", int(End.WORLD): "world", int(End.UNKNOWN): "unknown"}
Pair = tuple[int, int]


@register
class Segmentation(Behaviour):
    """Silent until it has a policy. Also learns a baseline, which is what a policy can be made of."""

    signatures = (
        describe(
            SID, "Segmentation: a connection that the policy does not allow", "policy-violation", 2, "T1021"
        ),
    )

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        super().__init__(options)
        self.baseline = Baseline()
        self.policy: Policy | None = None
        self.violations = 0
        self.broken: OrderedDict[Pair, str] = OrderedDict()
        """Two ends -> the line that they broke last."""
        self.notices: tuple[str, ...] = ()
        """Names in the policy that are nobody's."""
        self._records: NDArray[Any] | None = None
        self._topology = Topology()
        self._tables: PolicyTables | None = None
        self._lines: list[PolicyLine] = []
        self._told: OrderedDict[tuple[int, int, int, int], int] = OrderedDict()
        self._ports: OrderedDict[Pair, tuple[int, int]] = OrderedDict()
        """Two ends -> (since when, ports that were told)."""
        self._living: deque[tuple[int, int, int]] = deque()
        """Flows that lived when the policy came into force and break it: slot, flow_id, verdict."""
        self._rows = np.zeros(MAX_ROWS, np.int32)
        self._verdicts = np.zeros(MAX_ROWS, np.int32)

    def attach(self, records: NDArray[Any]) -> None:
        """records: the flow table's live array (flow.FLOW_DTYPE)."""
        self._records = records

    @property
    def topology(self) -> Topology:
        return self._topology

    def follow(self, topology: Topology) -> None:
        moved = [guest.name for guest in topology.guests][: len(self._topology.guests)] != [
            guest.name for guest in self._topology.guests
        ]
        if moved:
            self.baseline.move(self._topology, topology)
            self._forget()
        self._topology = topology
        self._compile()

    def use(self, policy: Policy | None) -> None:
        """Judge by this policy from now on; None = by none."""
        self.policy = policy
        self._lines = ordered(policy) if policy else []
        self._forget()
        self._compile()

    def judge_living(self) -> None:
        """Judge the flows that live by the policy that has just come into force; `tell_living` tells."""
        self._living.clear()
        if self._records is None or self._tables is None:
            return
        lives = (self._records["flow_id"] != 0) & (self._records["reason"] == 0)
        slots = np.flatnonzero(lives & (self._records["state"] != FlowState.CLOSED))
        slots = slots.astype(np.int32)
        rows, verdicts = np.zeros((2, len(slots)), np.int32)
        began = np.full(len(slots), FirstSeen.OF_FLOW, np.uint8)
        broke, opened = kernels_policy.judge(self._tables, self._records, slots, began, rows, verdicts)
        self.violations += opened
        slots, verdicts = slots[rows[:broke]], verdicts[:broke]
        _, places = np.unique(keys_of(self._records[slots]), return_index=True)
        ids = self._records["flow_id"][slots]
        self._living.extend((int(slots[at]), int(ids[at]), int(verdicts[at])) for at in np.sort(places))

    def tell_living(self, now_ns: int) -> list[tuple[int, str]]:
        """Slots of flows that broke the policy when it came into force, and what to tell; the rest waits for
        the next call."""
        found: list[tuple[int, str]] = []
        for _ in range(min(len(self._living), MAX_LOOKED)):
            if self._records is None or len(found) == MAX_FINDINGS:
                break
            slot, flow_id, verdict = self._living.popleft()
            flow = self._records[slot]
            if int(flow["flow_id"]) == flow_id and (detail := self._violation(flow, verdict, now_ns)):
                found.append((slot, detail))
        return found

    def _forget(self) -> None:
        self._living.clear()
        self.broken.clear()
        self._told.clear()
        self._ports.clear()

    def _compile(self) -> None:
        self._tables = compile_policy(self.policy, self._topology) if self.policy else None
        self.notices = self._unknown()

    def _unknown(self) -> tuple[str, ...]:
        if self.policy is None or not self._topology.guests:
            return ()
        unknown = unknown_names(self.policy, self._topology)
        told = [
            f"{self._place(line)} names {selector}, and nobody is called so here (now)."
            for line, selector in unknown[:UNKNOWN_TOLD]
        ]
        more = len(unknown) - UNKNOWN_TOLD
        return (*told, *((f"The policy names {more:,} more ends that are not here.",) if more > 0 else ()))

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch) -> list[Finding]:
        if self._records is None:
            return []
        if self.baseline.learning:
            self.baseline.learn(self._records[np.unique(flows.flow[(flows.first != 0) & (flows.flow >= 0)])])
        if self._tables is None:
            return []
        broke, opened = kernels_policy.judge(
            self._tables, self._records, flows.flow, flows.first, self._rows, self._verdicts
        )
        if not broke:
            return []
        self.violations += opened
        rows, verdicts = self._rows[:broke], self._verdicts[:broke]
        _, places = np.unique(keys_of(self._records[flows.flow[rows]]), return_index=True)
        chosen = np.sort(places)[:MAX_LOOKED]
        found: list[Finding] = []
        for row, verdict in zip(rows[chosen].tolist(), verdicts[chosen].tolist(), strict=True):
            if len(found) == MAX_FINDINGS:
                break
            now = int(packets.ts_ns[decoded.packet[row]])
            if detail := self._violation(self._records[flows.flow[row]], verdict, now):
                found.append(Finding(SID, row, detail))
        return found

    def _violation(self, flow: Any, verdict: int, now_ns: int) -> str:
        """What to tell of a flow; "" = that was told already."""
        src, dest = int(flow["src_guest"]), int(flow["dest_guest"])
        proto = same_proto(int(flow["proto"]))
        port = int(flow["dest_port"]) if proto in WITH_PORTS else 0
        line = self._place(self._lines[verdict].line if verdict >= 0 else self._default_line)
        self.broken[src, dest] = line
        self.broken.move_to_end((src, dest))
        _bound(self.broken, MAX_BROKEN)
        last = self._told.get((src, dest, proto, port))
        if last is not None and now_ns - last < QUIET_NS:
            return ""
        since, ports = self._ports.get((src, dest), (now_ns, 0))
        if now_ns - since >= BURST_NS:
            since, ports = now_ns, 0
        if ports > PORTS_A_PAIR:
            return ""
        self._ports[src, dest] = since, ports + 1
        self._told[src, dest, proto, port] = now_ns
        _bound(self._ports, MAX_TOLD)
        _bound(self._told, MAX_TOLD)
        what = PortRange(proto, port, port) if proto in WITH_PORTS else PortRange(proto)
        ends = f"{self._name(src)} > {self._name(dest)}"
        if ports == PORTS_A_PAIR:
            seconds = BURST_NS // 1_000_000_000
            return f"{line}: {ends} breaks it on more than {PORTS_A_PAIR} ports within {seconds} s"
        if verdict >= 0:
            return f"{line} denies {ends} {what}"
        return f"{line}: no line allows {ends} {what}{self._nearest(src, dest, proto, port)}"

    @property
    def _default_line(self) -> int:
        return self.policy.default_line if self.policy else 1

    def _place(self, line: int) -> str:
        return f"{PurePath(self.policy.path).name if self.policy else ''}:{line}"

    def _name(self, end: int) -> str:
        guests = self._topology.guests
        return guests[end].name if 0 <= end < len(guests) else _ENDS.get(end, "unknown")

    def _nearest(self, src: int, dest: int, proto: int, port: int) -> str:
        """The allow line that lacks least: the port, or else who opens it."""
        tables = self._tables
        if tables is None:
            return ""
        source, target = (int(tables.class_of[end + kernels_policy.FIRST_END]) for end in (src, dest))
        from_here = set(tables.line[tables.start[source] : tables.start[source + 1]].tolist())
        to_there = [n for n in np.flatnonzero(tables.dest_in[:, target]).tolist() if not tables.deny[n]]
        both = [n for n in to_there if n in from_here]
        near = both or [n for n in to_there if any(p.holds(proto, port) for p in self._lines[n].ports)]
        if not near:
            return ""
        line = self._lines[near[0]]
        return f"; nearest: {self._place(line.line)} allows {line}"


def _bound(table: OrderedDict[Any, Any], most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
