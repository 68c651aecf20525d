"""What is concluded where nobody counts, and what never is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.coverage.build import BROADCAST, batch, mac
from vpi_tui.coverage import signs
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.coverage import Verdict

OWN = 0x0277_FFFF_0001


def frames(*kinds: tuple[int, int], count: int = 30) -> signs.Frames:
    made = signs.Frames()
    made.set_own((OWN,))
    made.count(batch([(4, source, dest, 100) for source, dest in kinds] * count))
    return made


def flows(both: int, one_way: int, packets: int = 9) -> np.ndarray:  # type: ignore[type-arg]
    records = np.zeros(both + one_way, FLOW_DTYPE)
    records["flow_id"] = np.arange(1, len(records) + 1)
    records["proto"] = 6
    records["pkts_toserver"] = packets
    records["tcp_flags_toserver"] = 0x1A if packets > 2 else 0x02
    records["pkts_toclient"][:both] = packets
    records["src_guest"], records["dest_guest"] = 0, 1
    return records


def concluded(made: signs.Frames, records: np.ndarray, **how: bool):  # type: ignore[no-untyped-def,type-arg]
    return signs.of_place("eth0", made.places[4], signs.of_flows(records), made.only_asked_for, **how)


def test_only_broadcasts_and_own_traffic_is_not_promiscuous() -> None:
    alone = frames((mac(1), BROADCAST), (OWN, mac(2)), (mac(2), OWN))
    judged = concluded(alone, flows(5, 0))
    assert (judged.verdict, judged.inferred) == (Verdict.BLIND, True)
    assert "promiscuous mode" in judged.mend
    assert concluded(alone, flows(5, 0), promiscuous=False).mend == "ip link set eth0 promisc on"


@pytest.mark.parametrize(
    ("both", "one_way", "verdict"),
    [(0, 9, Verdict.ONE_WAY), (5, 5, Verdict.PARTIAL), (50, 1, Verdict.UNKNOWN), (1, 1, Verdict.UNKNOWN)],
)
def test_connections_of_which_one_direction_is_seen(both: int, one_way: int, verdict: Verdict) -> None:
    judged = concluded(frames((mac(1), mac(2))), flows(both, one_way))
    assert judged.verdict is verdict
    assert judged.inferred
    by_guest = signs.by_guest(flows(both, one_way))
    if both + one_way >= 3:
        assert by_guest[0] == by_guest[1] == signs.FlowSigns(both + one_way, one_way)


def test_a_scan_that_nobody_answers_tells_nothing() -> None:
    assert signs.of_flows(flows(0, 500, packets=2)) == signs.FlowSigns()
    tried_again = flows(0, 500, packets=6)
    tried_again["tcp_flags_toserver"] = 0x02
    assert signs.of_flows(tried_again) == signs.FlowSigns()


def test_that_all_is_seen_is_never_concluded() -> None:
    assert concluded(frames((mac(1), mac(2))), flows(5_000, 0)).verdict is Verdict.UNKNOWN


def test_a_sign_needs_frames() -> None:
    few = frames((mac(1), BROADCAST), count=3)
    assert concluded(few, flows(0, 9)).verdict is Verdict.UNKNOWN
