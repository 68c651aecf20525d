"""What was counted of guests whose positions in the topology changed."""

from __future__ import annotations

import numpy as np

from vpi_tui.flow.counters import SubjectCounters
from vpi_tui.flow.facts import FACT_DTYPE, Facts, merged, moved
from vpi_tui.model.topology import End

SERVER, WORLD = 0x0A00_0009, int(End.WORLD)


def fact(*, address: int, guest: int, key: int) -> Facts:
    """What a host said to one that is no guest."""
    row = np.zeros(1, FACT_DTYPE)
    row["key"], row["seen"], row["pkts"] = key, 1, 10
    row["src_ip"], row["dest_ip"] = (0, address), (0, SERVER)
    row["src_guest"], row["dest_guest"] = guest, WORLD
    row["src_end"], row["dest_end"] = guest + 1, 77
    return row


def test_a_guest_is_counted_at_its_new_place() -> None:
    rows = moved(fact(address=1, guest=0, key=5), np.array([3], np.int16))
    assert (rows["src_guest"].item(), rows["src_end"].item()) == (3, 4)
    assert (rows["dest_guest"].item(), rows["dest_end"].item()) == (WORLD, 77)


def test_guests_that_have_gone_are_told_apart_by_their_addresses() -> None:
    said = [fact(address=1, guest=0, key=5), fact(address=2, guest=1, key=6), fact(address=1, guest=0, key=7)]
    gone = moved(np.concatenate(said), np.array([End.UNKNOWN, End.UNKNOWN], np.int16))
    assert set(gone["src_guest"].tolist()) == {End.UNKNOWN}
    first, second, again = gone["src_end"].tolist()
    assert first == again != second
    assert min(first, second) >> 63, "the top bit tells an address from a guest"


def test_what_was_counted_before_is_not_joined_with_what_another_at_that_place_says() -> None:
    before = moved(fact(address=1, guest=0, key=5), np.array([1], np.int16))
    both = merged(np.concatenate([before, fact(address=2, guest=0, key=5)]))
    assert sorted(both["src_guest"].tolist()) == [0, 1]
    assert set(both["pkts"].tolist()) == {10}


def test_counters_go_along_and_those_of_a_guest_that_went_are_nobodys() -> None:
    counters = SubjectCounters()
    for number in range(3):
        counters.add_sent(number, 1, 100 * (number + 1))
    counters.move(np.array([End.UNKNOWN, 0, 5], np.int16))
    sent = [(number, int(counters.sums[number, 2])) for number in np.flatnonzero(counters.sums[:, 0])]
    assert sent == [(0, 200), (5, 300)]
