"""Which policy a destination has, and what the policies say of the classic overlaps."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stream.build import feed, wanted
from tests.stream.twin import ACK, PSH, SYN, Segment
from vpi_tui.config.settings import set_from_text
from vpi_tui.engine.options import stream_options
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.os_policy import DEFAULT_POLICY, OsPolicy
from vpi_tui.stream.kernels_policies import policy_of
from vpi_tui.stream.policies import FRAGMENT_POLICIES, TCP_POLICIES, HostPolicies, host_policies
from vpi_tui.stream.reassembly import Reassembler

policy_of = getattr(policy_of, "py_func", policy_of)


def entry(hosts: HostPolicies, column: str, address: str) -> int:
    parsed = ip_address(address)
    number = int(parsed) + (0xFFFF << 32 if parsed.version == 4 else 0)
    low = number & ((1 << 64) - 1)
    return int(policy_of(hosts, getattr(hosts, column), np.uint64(number >> 64), np.uint64(low)))


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Of few addresses, so that they lie in each other."""
    if draw(st.booleans()):
        return str(ip_network((draw(st.integers(0, 7)) << 29, draw(st.integers(0, 3))), strict=False))
    return str(ip_network((draw(st.integers(0, 7)) << 125, draw(st.integers(0, 3))), strict=False))


@given(
    st.dictionaries(networks(), st.sampled_from(OsPolicy), max_size=8),
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6).filter(lambda a: a.ipv4_mapped is None)),
)
def test_the_smallest_network_around_an_address_counts(
    listed: dict[str, OsPolicy], address: IPv4Address | IPv6Address
) -> None:
    given_ = {ip_network(text): policy for text, policy in listed.items()}
    hosts = host_policies(
        {policy: [n for n, p in given_.items() if p is policy] for policy in set(given_.values())}
    )
    around = [n for n in given_ if address in n]
    expected = given_[max(around, key=lambda n: n.prefixlen)] if around else DEFAULT_POLICY
    assert entry(hosts, "tcp", str(address)) == TCP_POLICIES[expected]
    assert entry(hosts, "fragments", str(address)) == FRAGMENT_POLICIES[expected]


def test_settings_name_hosts_as_suricata_does() -> None:
    name, text = set_from_text("host-os-policy.windows=[0.0.0.0/0, 8762:2352:6241:7245:E000:0:0:0]")
    other, linux = set_from_text("host-os-policy.old-linux=10.1.2.3")
    hosts = stream_options({name: text, other: linux, "host-os-policy.bsd": "[]"}).hosts
    expected = {
        "10.1.2.3": OsPolicy.OLD_LINUX,
        "10.1.2.4": OsPolicy.WINDOWS,
        "8762:2352:6241:7245:E000::": OsPolicy.WINDOWS,
        "::1": DEFAULT_POLICY,
    }
    for address, policy in expected.items():
        assert entry(hosts, "fragments", address) == FRAGMENT_POLICIES[policy]


def test_what_is_no_address_and_no_system_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"host-os-policy\.linux is '\[10\.0\.0\.0/99\]'"):
        stream_options({"host-os-policy.linux": "[10.0.0.0/99]"})
    with pytest.raises(ConfigError, match="unknown setting"):
        set_from_text("host-os-policy.beos=10.0.0.1")


CLASSIC = ((1, b"AAA"), (5, b"BB"), (9, b"CCC"), (2, b"DDDD"), (8, b"EEEEE"), (0, b"f"), (7, b"g"))
"""(place, bytes), behind a hole until `f` comes: D begins in A and ends in B, E is around C."""
SEEN = {
    OsPolicy.FIRST: b"fAAADBBgECCCE",
    OsPolicy.LAST: b"fADDDDBgEEEEE",
    OsPolicy.BSD: b"fAAADDBgEEEEE",
    OsPolicy.SOLARIS: b"fADDDBBgEEEEE",
}


@pytest.mark.parametrize("policy", SEEN, ids=lambda policy: policy.value)
def test_what_a_receiver_sees(policy: OsPolicy) -> None:
    hosts = host_policies({policy: [ip_network("0.0.0.0/0"), ip_network("::/0")]})
    streams = Reassembler(1, 1 << 20, wanted(0), hosts=hosts)
    segments = [Segment(0, 1, SYN, 99, first=True)]
    segments += [Segment(0, 1, ACK | PSH, 100 + place, data=data) for place, data in CLASSIC]
    stretches, _ = feed(streams, segments)
    assert b"".join(stretch.new for stretch in stretches) == SEEN[policy]
