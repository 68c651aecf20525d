"""Bytes of each port, from frames that are taken where they enter, and from copies."""

from __future__ import annotations

from tests.coverage.build import BROADCAST, batch, mac, port, topology
from vpi_tui.coverage.seen import SeenBytes, SeenCount, Watched
from vpi_tui.model.topology import Port

A, B, C, HOST = 1, 2, 3, 9
THREE = topology(port(A), port(B), port(C), own={"br0": HOST})
ALL = Watched(frozenset({A, B, C}), frozenset({HOST}))


def counting(
    *frames: tuple[int, int, int, int], watched: Watched = ALL, where=THREE, vlan: int = 0
) -> SeenBytes:
    seen = SeenBytes()
    seen.follow(where, watched)
    seen.count(batch(frames, vlan=vlan))
    return seen


def of(seen: SeenBytes, number: int, switch: str = "br0") -> SeenCount:
    return seen.counts()[switch, f"vnet{number}"]


def test_a_frame_leaves_where_its_destination_was_seen() -> None:
    seen = counting((A, mac(1), mac(2), 100), (B, mac(2), mac(1), 1000), (A, mac(1), mac(2), 300))
    first, second, third = (of(seen, n) for n in (A, B, C))
    assert (first.into, first.out) == (400, 1000)
    assert (second.into, second.out, second.out_maybe) == (1000, 300, 100)  # nobody knew mac 2 at first
    assert (third.into, third.out, third.out_maybe) == (0, 0, 100)


def test_broadcasts_may_leave_everywhere_but_where_they_came_from() -> None:
    seen = counting((A, mac(1), BROADCAST, 60), (HOST, mac(9), BROADCAST, 90))
    assert [of(seen, n).out_maybe for n in (A, B, C)] == [90, 150, 150]


def test_what_the_host_sends_leaves_at_a_port_and_what_it_gets_at_none() -> None:
    seen = counting((HOST, mac(9), BROADCAST, 60), (A, mac(1), mac(9), 500), (HOST, mac(9), mac(1), 700))
    assert of(seen, A) == SeenCount(into=500, out=700, out_maybe=60)
    assert of(seen, B).out == 0


def test_a_frame_to_its_own_side_leaves_nowhere() -> None:
    seen = counting((A, mac(1), BROADCAST, 60), (A, mac(11), BROADCAST, 60), (A, mac(1), mac(11), 800))
    assert [of(seen, n).out for n in (A, B, C)] == [0, 0, 0]


def test_a_bridge_in_hub_mode_hands_all_to_all() -> None:
    hub = Watched(ALL.incoming, ALL.outgoing, {"br0": 0.0})
    seen = counting((B, mac(2), BROADCAST, 60), (A, mac(1), mac(2), 500), watched=hub)
    assert [of(seen, n).out for n in (A, B, C)] == [0, 0, 0]
    assert of(seen, C).out_maybe == 560


def test_an_address_that_was_silent_for_long_is_forgotten() -> None:
    seen = SeenBytes()
    seen.follow(THREE, ALL)
    seen.count(batch([(B, mac(2), BROADCAST, 60), (A, mac(1), mac(2), 500)], [10**9, 400 * 10**9]))
    assert (of(seen, B).out, of(seen, B).out_maybe) == (0, 500)


def test_the_tag_that_the_kernel_took_off_is_counted() -> None:
    assert of(counting((A, mac(1), BROADCAST, 60), vlan=30), A).into == 64


def test_over_a_patch_a_frame_is_followed_into_the_next_switch() -> None:
    """Frames are taken at neither end of the patch that another switch hands to."""
    near, far = Port(5, "patch5", "br0", peer=6), Port(6, "patch6", "br1", peer=5)
    where = topology(port(A), near, far, port(B, "br1"))
    seen = counting(
        (B, mac(2), BROADCAST, 60), (A, mac(1), mac(2), 400), (B, mac(2), mac(1), 900),
        watched=Watched(frozenset({A, B})), where=where,
    )  # fmt: skip
    counts = seen.counts()
    assert counts["br1", "vnet2"] == SeenCount(into=960, out=400)
    assert (counts["br0", "patch5"].into, counts["br0", "patch5"].out) == (960, 400)
    assert (counts["br0", "vnet1"].out, counts["br0", "vnet1"].out_maybe) == (900, 60)


def test_copies_say_by_their_addresses_where_a_frame_came_from_and_went() -> None:
    where = topology(
        port(A, macs=(mac(1),)), port(B, macs=(mac(2),)), Port(7, "eno1", "br0", uplink=True),
        Port(20, "mon0", "mon0"), kinds={"mon0": "interface"},
    )  # fmt: skip
    seen = counting(
        (20, mac(1), mac(2), 300), (20, mac(2), mac(99), 500), (20, mac(99), mac(1), 700),
        (20, mac(1), BROADCAST, 60),
        watched=Watched(frozenset({20})), where=where,
    )  # fmt: skip
    counts = seen.counts()
    one, two, uplink = (counts["br0", name] for name in ("vnet1", "vnet2", "eno1"))
    assert (one.copied_into, one.copied_out, one.copied_maybe) == (360, 700, 0)
    assert (two.copied_into, two.copied_out, two.copied_maybe) == (500, 300, 60)
    assert (uplink.copied_into, uplink.copied_out) == (700, 500)
    assert (one.into, two.into) == (0, 0)


def test_two_copies_of_one_frame_are_one() -> None:
    """As `tc mirred` makes them, where it copies what enters and what leaves."""
    where = topology(port(A, macs=(mac(1),)), port(B, macs=(mac(2),)), Port(20, "mon0", "mon0"),
                     kinds={"mon0": "interface"})  # fmt: skip
    seen = SeenBytes()
    seen.follow(where, Watched(frozenset({20})))
    frame = batch([(20, mac(1), mac(2), 300)])
    for _ in range(2):
        seen.count(frame)
    assert of(seen, A).copied_into == of(seen, B).copied_out == 300
    assert seen.duplicate_factor == 2.0


def test_a_mark_counts_the_packets_before_it() -> None:
    seen = SeenBytes()
    seen.follow(THREE, ALL)
    seen.mark(3_000)
    assert seen.marked() is None
    seen.count(batch([(A, mac(1), BROADCAST, 100)] * 5))
    answer = seen.marked()
    assert answer is not None
    assert (answer[0], answer[1]["br0", "vnet1"].into) == (3_000, 300)
    assert of(seen, A).into == 500
    seen.mark(90_000)
    seen.count(batch([(A, mac(1), BROADCAST, 100)]))
    assert seen.marked() is None, "packets from before the mark may still come"
    seen.settle(90_000)
    answer = seen.marked()
    assert answer is not None
    assert answer[1]["br0", "vnet1"].into == 600


def test_ports_keep_their_counts_and_addresses_when_the_topology_changes() -> None:
    seen = counting((B, mac(2), BROADCAST, 60), (A, mac(1), mac(2), 500))
    more = topology(port(7), port(A), port(B), port(C), own={"br0": HOST})
    seen.follow(more, Watched(frozenset({A, B, C, 7}), frozenset({HOST})))
    seen.count(batch([(C, mac(3), mac(2), 250)]))
    assert of(seen, B) == SeenCount(into=60, out=750)
    assert of(seen, 7).out == 0


def test_bridges_joined_by_patches_without_a_device_are_as_one() -> None:
    """As br-int and br-ex of Open vSwitch are."""
    ends = Port(0, "patch-a", "br0", kind="patch"), Port(0, "patch-b", "br1", kind="patch")
    where = topology(port(A), ends[0], ends[1], port(B, "br1"), kinds={"br0": "ovs", "br1": "ovs"})
    seen = counting(
        (B, mac(2), BROADCAST, 60), (A, mac(1), mac(2), 400), (B, mac(2), mac(1), 900),
        watched=Watched(frozenset({A, B})), where=where,
    )  # fmt: skip
    assert of(seen, A) == SeenCount(into=400, out=900, out_maybe=60)
    assert of(seen, B, "br1") == SeenCount(into=960, out=400)


def test_time_that_steps_back_does_not_hold_marks_up() -> None:
    seen = SeenBytes()
    seen.follow(THREE, ALL)
    seen.mark(10**12)
    seen.mark(2_000)
    seen.count(batch([(A, mac(1), BROADCAST, 100)] * 5))
    answer = seen.marked()
    assert answer is not None
    assert answer[0] == 2_000


def test_a_flood_of_addresses_makes_nothing_blind() -> None:
    """Who floods the table makes the others' frames such as may have left anywhere."""
    seen = counting((B, mac(2), BROADCAST, 60))
    flood = [(C, mac(1000 + n), BROADCAST, 60) for n in range(60_000)]
    seen.count(batch(flood))
    seen.count(batch([(A, mac(1), mac(2), 500)]))
    told = of(seen, B)
    assert told.out + told.out_maybe >= 60 * 60_000 + 500
