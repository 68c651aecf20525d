"""Compiled loop of the segmentation policy: one turn a flow that began or was answered."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.batch import FirstSeen
from vpi_tui.model.jit import helper, kernel
from vpi_tui.model.topology import End, Locality

I32 = np.int32
ALLOWED = -1
UNNAMED = -2
"""No line names it, and the default is deny."""
TCP, UDP = 6, 17
ICMP, ICMP6 = 1, 58
SYN = 2
NOWHERE = int(End.UNKNOWN)
GROUPS = int(End.BROADCAST)
"""An end that is no greater is a group."""
OF_FLOW = int(FirstSeen.OF_FLOW)
FIRST_END = 3
"""Class of the ends -3, -2, -1 stand before those of the guests."""
EAST_WEST, NORTH_SOUTH, HOST = int(Locality.EAST_WEST), int(Locality.NORTH_SOUTH), int(Locality.HOST)


@helper
def line_fits(t, line, proto, port):
    """Whether a line's ports hold this one."""
    first, last = t.port_start[line], t.port_start[line + 1]
    if first == last:
        return True
    for at in range(first, last):
        if t.port_proto[at] == proto and t.port_low[at] <= port <= t.port_high[at]:
            return True
    return False


@helper
def verdict(t, src, dest, proto, port):
    """The line that denies, UNNAMED or ALLOWED. Deny lines stand before allow lines."""
    if src + FIRST_END >= len(t.class_of) or dest + FIRST_END >= len(t.class_of):
        return I32(ALLOWED)
    source, target = t.class_of[src + FIRST_END], t.class_of[dest + FIRST_END]
    for at in range(t.start[source], t.start[source + 1]):
        line = t.line[at]
        if t.dest_in[line, target] and line_fits(t, line, proto, port):
            return I32(line) if t.deny[line] else I32(ALLOWED)
    return I32(UNNAMED) if t.default_deny else I32(ALLOWED)


@helper
def start_seen(flow):
    """Whether it is known who opened a flow. Of TCP the SYN tells; of UDP, the lower port is the server's."""
    if flow["proto"] == TCP:
        return (flow["tcp_flags_toserver"] | flow["tcp_flags_toclient"]) & SYN != 0
    return flow["proto"] != UDP or flow["src_port"] >= flow["dest_port"]


@helper
def is_judged(flow):
    """Flows with an end here, not to a group, and not inside a tunnel, whose own flow is judged."""
    place = flow["locality"]
    known = flow["src_guest"] != NOWHERE and flow["dest_guest"] != NOWHERE and flow["dest_guest"] > GROUPS
    return known and flow["tunnel"] == 0 and (place == EAST_WEST or place == NORTH_SOUTH or place == HOST)


@kernel
def judge(t, records, flow, first, rows, verdicts):
    """Judge the flows of the rows that are the first of their flow or direction.

    rows, verdicts: int32[k], out: rows that break the policy, and the line, or UNNAMED. Returns how many were
    written, and how many flows that began break it, also when k were too few.
    """
    count = 0
    opened = 0
    for row in range(len(first)):
        if first[row] == 0 or flow[row] < 0:
            continue
        one = records[flow[row]]
        if not is_judged(one):
            continue
        src, dest = one["src_guest"], one["dest_guest"]
        proto = ICMP if one["proto"] == ICMP6 else one["proto"]
        has_ports = proto != ICMP
        found = verdict(t, src, dest, proto, one["dest_port"] if has_ports else 0)
        if found == ALLOWED:
            continue
        if not start_seen(one) and verdict(t, dest, src, proto, one["src_port"]) == ALLOWED:
            continue
        if count < len(rows):
            rows[count] = row
            verdicts[count] = found
            count += 1
        if first[row] & OF_FLOW:
            opened += 1
    return count, opened
