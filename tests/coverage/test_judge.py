"""Counts in, verdicts out: what they say for each arrangement, and what they never say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.coverage.causes import CAUSES, explain
from vpi_tui.coverage.facts import Facts, Plan, Sensor, Way
from vpi_tui.coverage.judge import judge, verdict_of
from vpi_tui.model.coverage import Verdict
from vpi_tui.model.topology import Mirror, Port, Switch

BRIDGE, OVS = Switch("br0", "bridge"), Switch("br-int", "ovs")
PORT = Port(3, "vnet3", "br0", "web-1")
DIRECT = Plan(direct=True, whole=True)
MIRROR = Mirror("m0", "br-int", "mon0", all_ports=True)
COPIED = Plan(sensor=Sensor("mon0", "mon0", "mon0"), mirrors=(MIRROR,))


def way(true: int, seen: int, *, maybe: int = 0, frame: int = 1000, watched: bool = True) -> Way:
    return Way(true, true // frame, seen, seen + maybe, watched)


def facts(into: Way, out: Way, plan: Plan = DIRECT, **more: object) -> Facts:
    known: dict[str, object] = {"window_s": 2.0, "truth": "interface counters"}
    return Facts(PORT, BRIDGE, plan, into, out, **(known | more))  # type: ignore[arg-type]


LOT = 1_000_000
NOTHING = way(0, 0)


@pytest.mark.parametrize(
    ("into", "out", "verdict"),
    [
        (way(LOT, LOT), way(LOT, LOT), "seen"),
        (way(LOT, LOT - 15_000), way(LOT, LOT), "seen"),  # within 2 %
        (way(LOT, LOT - 60_000), way(LOT, LOT), "partial"),
        (way(LOT, LOT), way(LOT, 0, maybe=LOT), "seen"),  # flooded
        (way(LOT, LOT), way(LOT, LOT // 2), "partial"),
        (way(LOT, LOT), way(LOT, 0, watched=False), "one-way"),
        (way(LOT, 0, watched=False), way(LOT, LOT), "one-way"),
        (way(LOT, 0), way(LOT, 0), "blind"),
        (way(LOT, 0, watched=False), way(0, 0, watched=False), "blind"),
        (way(LOT, LOT), NOTHING, "seen"),
        (way(LOT, LOT), way(0, 0, watched=False), "one-way"),  # what would leave would not be seen
        (way(LOT, LOT), way(200, 0), "seen"),  # the switch's own spanning tree
        (NOTHING, NOTHING, "unknown"),
        (way(400, 400), way(400, 400), "seen"),  # little, and all of it
        (way(400, 400), way(400, 0), "seen"),
        (way(400, 200), way(400, 0, maybe=400), "unknown"),
        (way(200, 200), way(200, 200), "unknown"),
        (way(LOT, 3 * LOT), way(LOT, 5 * LOT), "seen"),  # more than left: a firewall took some
    ],
)
def test_what_the_counts_say(into: Way, out: Way, verdict: str) -> None:
    assert verdict_of(facts(into, out)) == verdict


def test_merged_segments_and_padding_of_a_wire_are_no_loss() -> None:
    """A card counts each segment with its headers and check sequence; we see 64 kB at once."""
    data, segments = 100_000_000, 69_061
    true = data + segments * (66 + 4)
    seen = data + data // 65_000 * 66
    wire = facts(Way(true, segments, seen, seen, True), NOTHING, wire=True)
    assert verdict_of(wire) is Verdict.SEEN
    assert judge(wire).percent == 100.0
    assert verdict_of(replace(wire, wire=False)) is Verdict.PARTIAL
    arps = facts(Way(64_000, 1000, 42_000, 42_000, True), NOTHING, wire=True)
    assert verdict_of(arps) is Verdict.SEEN
    half = facts(Way(true, segments, seen // 2, seen // 2, True), NOTHING, wire=True)
    assert verdict_of(half) is Verdict.PARTIAL


def test_what_we_dropped_ourselves_is_partial_and_says_so() -> None:
    judged = judge(facts(way(LOT, 20_000), way(LOT, LOT // 3), drops=900, ring_bytes=64 << 20))
    assert judged.verdict is Verdict.PARTIAL
    assert "dropped 900 packets" in judged.cause
    assert judged.mend == "vpi-tui --set memory.ring=256mb"


@pytest.mark.parametrize("how", ["SR-IOV", "vhost-user", "DPDK", "something new"])
def test_what_bypasses_the_host_is_never_seen(how: str) -> None:
    judged = judge(replace(facts(way(LOT, LOT), way(LOT, LOT)), port=replace(PORT, bypass=how)))
    assert judged.verdict is Verdict.UNKNOWN
    assert how in judged.cause
    assert judged.mend


@pytest.mark.parametrize(
    ("kind", "word"), [("patch", "another bridge"), ("vxlan", "vxlan"), ("", "no device")]
)
def test_what_has_no_device_here_cannot_be_judged(kind: str, word: str) -> None:
    inside = replace(PORT, ifindex=0, kind=kind)
    judged = judge(
        replace(facts(way(LOT, 0), way(LOT, 0)), port=inside), judge(facts(way(LOT, LOT), NOTHING))
    )
    assert judged.verdict is Verdict.UNKNOWN
    assert word in judged.cause


def test_an_idle_port_keeps_its_verdict_and_says_why() -> None:
    busy = judge(facts(way(LOT, LOT), way(LOT, LOT)))
    idle = facts(NOTHING, NOTHING, window_s=30.0)
    assert judge(idle).verdict is Verdict.UNKNOWN
    kept = judge(idle, busy)
    assert kept.verdict is Verdict.SEEN
    assert kept.cause.startswith("No traffic in the last 30 s.")
    assert judge(replace(idle, reset=True), busy).verdict is Verdict.UNKNOWN
    closed = judge(replace(idle, port=replace(PORT, state="down")))
    assert (closed.verdict, closed.mend) == (Verdict.UNKNOWN, "ip link set vnet3 up")


def test_the_output_of_a_mirror_is_told_apart_from_a_silent_guest() -> None:
    assert "copies of a mirror" in judge(facts(NOTHING, NOTHING, replace(DIRECT, output=True))).cause


def test_an_idle_port_that_nobody_copies_says_so_before_it_speaks() -> None:
    silent = way(0, 0, watched=False)
    mirror = replace(MIRROR, all_ports=False, ports_in=("vnet4",), ports_out=("vnet4",))
    left_out = facts(silent, way(200, 0, watched=False), replace(COPIED, mirrors=(mirror,)), window_s=5.0)
    judged = judge(left_out)
    assert judged.verdict is Verdict.UNKNOWN
    assert judged.quiet
    surely = judge(facts(way(400, 400), silent, replace(COPIED, mirrors=(mirror,)), window_s=5.0))
    assert (surely.quiet, surely.percent) == (False, 100.0), "all of the little was seen"
    assert judged.percent is None
    assert judged.cause.startswith(
        "Too little traffic to judge: 200 bytes in the last 5 s. More would not be seen"
    )
    assert "add Mirror m0 select_src_port" in judged.mend
    for well in (replace(left_out, plan=DIRECT, into=NOTHING), replace(left_out, plan=Plan())):
        assert judge(well).mend == ""
    assert judge(replace(left_out, port=replace(PORT, state="blocking"))).mend == ""


GONE = way(LOT, 0, watched=False)


def cause_of(plan: Plan, switch: Switch = OVS, into: Way = GONE, out: Way = GONE) -> tuple[str, str]:
    judged = judge(replace(facts(into, out, plan), switch=switch))
    assert judged.verdict in (Verdict.BLIND, Verdict.ONE_WAY, Verdict.PARTIAL)
    return judged.cause, judged.mend


def test_each_arrangement_has_its_cause_and_its_command() -> None:
    sensor = Sensor("mon0", "mon0", "mon0")
    some = replace(MIRROR, all_ports=False, ports_in=("vnet3",), ports_out=("vnet3", "vnet4"), vlans=(7,))
    said, command = cause_of(Plan(sensor=sensor, lost=some))
    assert "m0" in said
    assert "removed" in said
    assert command == (
        "ovs-vsctl -- --id=@out get Port mon0 -- --id=@p0 get Port vnet3 -- --id=@p1 get Port vnet4"
        " -- --id=@m create Mirror name=m0 select-src-port=@p0 select-dst-port=@p0,@p1 select-vlan=7"
        " output-port=@out -- add Bridge br-int mirrors @m"
    )
    said, command = cause_of(Plan(sensor=sensor))
    assert "no mirror" in said
    assert "select-all=true" in command
    said, command = cause_of(Plan(sensor=sensor, mirrors=(replace(MIRROR, output=""),)))
    assert command == "ovs-vsctl -- --id=@out get Port mon0 -- set Mirror m0 output-port=@out"
    only_in = replace(MIRROR, all_ports=False, ports_in=("vnet3",))
    said, command = cause_of(Plan(sensor=sensor, mirrors=(only_in,)), into=way(LOT, LOT))
    assert "leaves through" in said
    assert command == "ovs-vsctl -- --id=@p get Port vnet3 -- add Mirror m0 select_dst_port @p"
    vlans = Plan(sensor=sensor, mirrors=(replace(MIRROR, vlans=(7,)),))
    assert cause_of(vlans) == (
        "The mirror m0 of br-int copies VLAN 7 only.",
        "ovs-vsctl clear Mirror m0 select_vlan",
    )
    said, command = cause_of(Plan(sensor=Sensor("mon0", "tap9", "mon0")), BRIDGE)
    assert command == "ip link set br0 type bridge ageing_time 0"
    assert cause_of(Plan(sensor=Sensor("mon0", "", "mon0", promiscuous=False)), BRIDGE)[1] == (
        "ip link set mon0 promisc on"
    )
    said, command = cause_of(Plan(sensor=Sensor("mon0", "", "mon0")), BRIDGE)
    assert command.startswith("tc qdisc replace dev vnet3 clsact && tc filter add dev vnet3 ingress ")
    assert cause_of(Plan(named=("vnet1",)), BRIDGE)[1] == "vpi-tui -i vnet1 -i br0"
    one_port = cause_of(Plan(direct=True, named=("vnet3",)), BRIDGE, into=way(LOT, LOT))
    assert one_port == (
        "Only what enters br0 at vnet3 is watched; what is sent to vnet3 enters at other ports.",
        "vpi-tui -i br0",
    )
    said, _ = cause_of(DIRECT, BRIDGE, into=way(LOT, LOT), out=way(LOT, 0))
    assert "More leaves through vnet3" in said


def test_names_that_a_shell_would_read_are_quoted() -> None:
    port = replace(PORT, name="a;reboot")
    judged = judge(replace(facts(GONE, GONE, Plan(sensor=Sensor("mon0", "", "mon0"))), port=port))
    assert "dev 'a;reboot' ingress" in judged.mend


# Properties -------------------------------------------------------------------------------------

amounts = st.integers(0, 1 << 40)
ways = st.builds(
    lambda true, packets, sure, more, watched: Way(true, packets, sure, sure + more, watched),
    amounts, st.integers(0, 1 << 32), amounts, amounts, st.booleans(),
)  # fmt: skip
mirrors = st.builds(
    Mirror, st.just("m0"), st.just("br-int"), st.sampled_from(["", "mon0"]),
    st.sampled_from([(), ("vnet3",)]), st.sampled_from([(), ("vnet3",)]), st.booleans(),
    st.sampled_from([(), (7,)]),
)  # fmt: skip
plans = st.builds(
    Plan, st.booleans(), st.booleans(), st.sampled_from([(), ("vnet3",), ("br1",)]),
    st.sampled_from([None, Sensor("mon0", "mon0", "mon0"), Sensor("mon0", "", "mon0", False)]),
    st.tuples(mirrors), st.none() | mirrors, st.booleans(),
)  # fmt: skip
anything = st.builds(
    Facts,
    st.builds(lambda bypass, state: replace(PORT, bypass=bypass, state=state),
              st.sampled_from(["", "SR-IOV"]), st.sampled_from(["", "down", "forwarding"])),
    st.sampled_from([BRIDGE, OVS]), plans, ways, ways, st.floats(0, 60), st.sampled_from(["", "libvirt"]),
    st.booleans(), st.booleans(), st.booleans(), st.integers(0, 9), st.integers(0, 1 << 32),
)  # fmt: skip


@given(anything)
def test_a_verdict_has_a_cause_and_what_is_missing_has_a_remedy(some: Facts) -> None:
    judged = judge(some)
    assert judged.cause[0].isupper() or judged.cause.startswith(("vnet", "br", "mon"))
    assert judged.cause.endswith(".")
    if judged.verdict in (Verdict.PARTIAL, Verdict.ONE_WAY, Verdict.BLIND):
        assert judged.mend


@given(anything)
def test_seen_is_never_said_without_a_count_or_of_what_is_missing(some: Facts) -> None:
    judged = judge(some)
    if judged.verdict is Verdict.SEEN:
        assert judged.truth
        assert not some.port.bypass
        assert some.into.true + some.out.true > 0
        for one in (some.into, some.out):
            mean = one.true / one.packets if one.packets else 0.0
            slack = 2 * mean + 300 + 120 * some.window_s
            if not some.wire:
                assert one.most + slack >= 0.98 * one.true


@given(anything)
def test_blind_is_never_said_of_what_is_seen_or_silent(some: Facts) -> None:
    if verdict_of(some) is Verdict.BLIND:
        active = [one for one in (some.into, some.out) if not one.idle(some.window_s)]
        assert active
        assert all(one.sure <= 0.05 * one.true for one in active)


@given(anything)
def test_no_more_is_seen_than_there_is(some: Facts) -> None:
    percent = judge(some).percent
    assert percent is None or 0 <= percent <= 100


def test_every_verdict_has_a_last_cause() -> None:
    """`explain` ends with one that always applies."""
    empty = Facts(Port(0, "", ""), Switch("", ""), truth="somebody", window_s=9.0,
                  into=Way(LOT, 9), out=Way(LOT, 9))  # fmt: skip
    for verdict in Verdict:
        assert explain(verdict, empty).cause
    assert len({one.name for one in CAUSES}) == len(CAUSES)
