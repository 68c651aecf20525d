"""Target-based policies: which copy of overlapping bytes a host believes.

Source: Novak and Sturges, Target-Based TCP Stream Reassembly (2007) and Novak, Target-Based Fragmentation
Reassembly (2005), as Suricata applies them by its host-os-policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, NamedTuple

import numpy as np

from vpi_tui.model.batch import U16, U64
from vpi_tui.model.os_policy import DEFAULT_POLICY, OsPolicy
from vpi_tui.stream.kernels_policies import AFTER, BEFORE, SAME

Network = IPv4Network | IPv6Network
_IPV4: Final = 0xFFFF << 32
_LOW: Final = (1 << 64) - 1
_LAST: Final = (1 << 128) - 1
_EVERY: Final = (BEFORE, SAME, AFTER)


def _wins(*cases: tuple[int, int]) -> int:
    """(where it begins, where it ends) of later data whose bytes win."""
    return sum(1 << (3 * begins + ends) for begins, ends in cases)


NEVER: Final = _wins()
ALWAYS: Final = _wins(*((begins, ends) for begins in _EVERY for ends in _EVERY))
_BEGINS_BEFORE: Final = _wins(*((BEFORE, ends) for ends in _EVERY))
_COVERS: Final = _wins((BEFORE, SAME), (BEFORE, AFTER), (SAME, SAME), (SAME, AFTER))
_ENDS_AFTER: Final = _wins((AFTER, AFTER))

TCP_POLICIES: Final[dict[OsPolicy, int]] = {
    OsPolicy.BSD: _BEGINS_BEFORE,
    OsPolicy.BSD_RIGHT: _BEGINS_BEFORE,
    OsPolicy.HPUX10: _BEGINS_BEFORE,
    OsPolicy.IRIX: _BEGINS_BEFORE,
    OsPolicy.MACOS: _BEGINS_BEFORE,
    OsPolicy.WINDOWS: _BEGINS_BEFORE,
    OsPolicy.WINDOWS2K3: _BEGINS_BEFORE,
    OsPolicy.LINUX: _BEGINS_BEFORE | _wins((SAME, AFTER)),
    OsPolicy.OLD_LINUX: _BEGINS_BEFORE | _wins((SAME, SAME), (SAME, AFTER)),
    OsPolicy.SOLARIS: _COVERS | _ENDS_AFTER,
    OsPolicy.OLD_SOLARIS: _COVERS | _ENDS_AFTER,
    OsPolicy.HPUX11: _COVERS | _ENDS_AFTER,
    OsPolicy.VISTA: NEVER,
    OsPolicy.FIRST: NEVER,
    OsPolicy.LAST: ALWAYS,
}
"""Segments of TCP. BSD-right and old Solaris are known for fragments alone: for segments Suricata takes the
plain BSD and Solaris."""

_BEGINS_SAME: Final = _wins(*((SAME, ends) for ends in _EVERY))
_BEGINS_AFTER: Final = _wins(*((AFTER, ends) for ends in _EVERY))
_SURROUNDS: Final = _wins((BEFORE, AFTER))

FRAGMENT_POLICIES: Final[dict[OsPolicy, int]] = {
    OsPolicy.BSD: _BEGINS_BEFORE,
    OsPolicy.HPUX10: _BEGINS_BEFORE,
    OsPolicy.IRIX: _BEGINS_BEFORE,
    OsPolicy.BSD_RIGHT: _BEGINS_SAME | _BEGINS_AFTER,
    OsPolicy.LINUX: _BEGINS_BEFORE | _BEGINS_SAME,
    OsPolicy.OLD_LINUX: _BEGINS_BEFORE | _BEGINS_SAME,
    OsPolicy.WINDOWS: _SURROUNDS,
    OsPolicy.WINDOWS2K3: _SURROUNDS,
    OsPolicy.VISTA: _SURROUNDS,
    OsPolicy.SOLARIS: _SURROUNDS | _wins((BEFORE, SAME)),
    OsPolicy.OLD_SOLARIS: NEVER,
    OsPolicy.HPUX11: NEVER,
    OsPolicy.MACOS: NEVER,
    OsPolicy.FIRST: NEVER,
    OsPolicy.LAST: ALWAYS,
}
"""Fragments of IP."""


class HostPolicies(NamedTuple):
    """All addresses in intervals that have one policy each, in ascending order; the first begins at zero."""

    high: U64
    """uint64[n]: upper half of the first address of an interval, as in `DecodedBatch.dest_ip`."""
    low: U64
    tcp: U16
    """uint16[n]: cases in which later bytes win (kernels_policies)."""
    fragments: U16


def host_policies(networks: Mapping[OsPolicy, Sequence[Network]] | None = None) -> HostPolicies:
    """The table of these networks; of two that hold an address the smaller one counts."""
    spans = [(*_span(ip_network("0.0.0.0/0")), DEFAULT_POLICY)]  # which no IPv6 network holds
    spans += [(*_span(network), policy) for policy, listed in (networks or {}).items() for network in listed]
    starts, policies = _intervals(spans)
    return HostPolicies(
        np.array([start >> 64 for start in starts], np.uint64),
        np.array([start & _LOW for start in starts], np.uint64),
        np.array([TCP_POLICIES[policy] for policy in policies], np.uint16),
        np.array([FRAGMENT_POLICIES[policy] for policy in policies], np.uint16),
    )


def first_copies() -> HostPolicies:
    """Whatever a host would believe, it gets the copy that came first: an inline sensor sees to that."""
    return host_policies({OsPolicy.FIRST: [ip_network("0.0.0.0/0"), ip_network("::/0")]})


def _span(network: Network) -> tuple[int, int]:
    """First and last address, IPv4 as ::ffff:a.b.c.d."""
    mapped = _IPV4 if network.version == 4 else 0
    return mapped + int(network.network_address), mapped + int(network.broadcast_address)


def _intervals(spans: Iterable[tuple[int, int, OsPolicy]]) -> tuple[list[int], list[OsPolicy]]:
    """Where another policy begins, and which. Networks never overlap but where one lies in the other."""
    starts, policies = [0], [DEFAULT_POLICY]
    around: list[tuple[int, OsPolicy]] = [(_LAST, DEFAULT_POLICY)]
    """The networks that hold the present address, each with its last; the smallest one at the end."""

    def begin(address: int, policy: OsPolicy) -> None:
        if starts[-1] == address:
            policies[-1] = policy
        else:
            starts.append(address)
            policies.append(policy)

    def leave(address: int) -> None:
        """Out of the networks that end before `address`."""
        while around[-1][0] < address:
            end, _ = around.pop()
            begin(end + 1, around[-1][1])

    for first, last, policy in sorted(spans, key=lambda span: (span[0], -span[1])):
        leave(first)
        around.append((last, policy))
        begin(first, policy)
    leave(_LAST)
    return starts, policies
