"""The policy beside a naive reading of it; what is told of violations, and how often."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.detect.behaviour.test_arp import batch
from vpi_tui.config.policy_file import parse_policy
from vpi_tui.decode.decoder import Decoder
from vpi_tui.detect.behaviour import segmentation
from vpi_tui.detect.behaviour.base import REGISTRY
from vpi_tui.detect.behaviour.segmentation import (
    BURST_NS,
    MAX_FINDINGS,
    MAX_LOOKED,
    PORTS_A_PAIR,
    QUIET_NS,
    Segmentation,
)
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.batch import FlowBatch
from vpi_tui.model.policy import Policy, PolicyLine, PortRange, Selector
from vpi_tui.model.topology import End, Guest, Locality, Topology

SYN = 2
GUESTS = (
    Guest("web-1", "br0", tags=("web",)),
    Guest("web-2", "br0", tags=("web", "new")),
    Guest("db-1", "br1", tags=("db",)),
    Guest("mail", "br1"),
)
TOPOLOGY = Topology(1, guests=GUESTS)
TEXT = """\
default: deny
allow:
  - {from: tag:web, to: tag:db, ports: [tcp/5432]}
  - {from: any-guest, to: world}
deny:
  - {from: mail, to: any, ports: [tcp/22]}
"""


def flow(src: int, dest: int, port: int = 5432, proto: int = 6, **changes: Any) -> Any:
    one = np.zeros(1, FLOW_DTYPE)
    east_west = src >= 0 and dest >= 0
    values = {
        "flow_id": 1,
        "src_guest": src,
        "dest_guest": dest,
        "dest_port": port,
        "src_port": 40_000,
        "proto": proto,
        "tcp_flags_toserver": SYN,
        "locality": Locality.EAST_WEST if east_west else Locality.NORTH_SOUTH,
    }
    for name, value in (values | changes).items():
        one[name] = value
    return one


def policy(text: str = TEXT) -> Policy:
    found, errors = parse_policy(text, "/etc/vpi/policy.yaml")
    assert not errors
    return found


def judged(judge: Segmentation, flows: list[Any], now_ns: int = 0) -> list[str]:
    """What is told when these flows begin."""
    records = np.concatenate(flows) if flows else np.zeros(0, FLOW_DTYPE)
    judge.attach(records)
    frame = bytes(12) + b"\x08\x00" + bytes(20)
    packets = batch([frame] * len(records), now_ns)
    first = FlowBatch(
        flow=np.arange(len(records), dtype=np.int32),
        direction=np.ones(len(records), np.uint8),
        state=np.zeros(len(records), np.uint8),
        first=np.ones(len(records), np.uint8),
        app=np.zeros(len(records), np.uint8),
        new_rows=np.arange(len(records), dtype=np.int32),
        closed=records[:0],
    )
    return [found.detail for found in judge.observe(packets, Decoder().decode(packets), first)]


def judge_of(text: str = TEXT, topology: Topology = TOPOLOGY) -> Segmentation:
    judge = Segmentation()
    judge.follow(topology)
    judge.use(policy(text))
    return judge


# Against a naive reading ----------------------------------------------------------------------


def means(selector: Selector, end: int, guests: tuple[Guest, ...]) -> bool:
    guest = guests[end] if end >= 0 else None
    return {
        "any": True,
        "any-guest": guest is not None,
        "host": end == End.HOST,
        "world": end == End.WORLD,
        "guest": guest is not None and guest.name == selector.name,
        "tag": guest is not None and selector.name in guest.tags,
        "switch": guest is not None and guest.switch == selector.name,
    }[selector.kind]


def naive(found: Policy, src: int, dest: int, proto: int, port: int, guests: tuple[Guest, ...]) -> bool:
    """Whether it is allowed."""
    hit = {
        line.action
        for line in found.lines
        if any(means(s, src, guests) for s in line.src)
        and any(means(s, dest, guests) for s in line.dest)
        and (not line.ports or any(p.proto == proto and p.low <= port <= p.high for p in line.ports))
    }
    return "deny" not in hit and ("allow" in hit or found.default == "allow")


def random_policy(rng: random.Random) -> Policy:
    ends = [Selector(kind) for kind in ("any", "any-guest", "host", "world")]  # type: ignore[arg-type]
    ends += [Selector("guest", f"vm{n}") for n in range(7)] + [Selector("tag", t) for t in "abcz"]
    ends += [Selector("switch", "br0")]
    ranges = [PortRange(6, 80, 80), PortRange(6, 1, 1000), PortRange(17), PortRange(1), PortRange(47)]
    return Policy(
        "p.yaml",
        rng.choice(("allow", "deny")),
        tuple(
            PolicyLine(
                rng.choice(("allow", "allow", "deny")),
                tuple(rng.sample(ends, rng.randint(1, 3))),
                tuple(rng.sample(ends, rng.randint(1, 3))),
                tuple(rng.sample(ranges, rng.randint(0, 2))),
                number,
            )
            for number in range(rng.randint(0, 8))
        ),
    )


@pytest.mark.parametrize("seed", range(25))
def test_every_verdict_is_that_of_a_naive_reading(seed: int) -> None:
    rng = random.Random(seed)
    guests = tuple(
        Guest(f"vm{n}", rng.choice(("br0", "br1")), tags=tuple(rng.sample("abc", rng.randint(0, 2))))
        for n in range(rng.randint(1, 6))
    )
    judge = Segmentation()
    judge.follow(Topology(1, guests=guests))
    judge.use(random_policy(rng))
    assert judge.policy is not None
    for _ in range(60):
        src, dest = rng.randint(-3, len(guests) - 1), rng.randint(-3, len(guests) - 1)
        proto, port = rng.choice(((6, 80), (6, 443), (6, 5000), (17, 53), (1, 0), (47, 0)))
        before = judge.violations
        judged(judge, [flow(src, dest, port, proto, locality=Locality.EAST_WEST)])
        known = int(End.UNKNOWN) not in (src, dest)
        allowed = not known or naive(judge.policy, src, dest, proto, port, guests)
        assert (judge.violations == before) == allowed, (src, dest, proto, port)


# What is told ---------------------------------------------------------------------------------


def test_the_line_that_is_broken_is_named_and_the_nearest_that_allows() -> None:
    judge = judge_of()
    assert judged(judge, [flow(0, 2), flow(0, int(End.WORLD), 443)]) == []
    assert judged(judge, [flow(0, 2, 3306)]) == [
        "policy.yaml:1: no line allows web-1 > db-1 tcp/3306; "
        "nearest: policy.yaml:3 allows tag:web > tag:db tcp/5432"
    ]
    assert judged(judge, [flow(3, 2)]) == [
        "policy.yaml:1: no line allows mail > db-1 tcp/5432; "
        "nearest: policy.yaml:3 allows tag:web > tag:db tcp/5432"
    ]
    assert judged(judge, [flow(3, int(End.WORLD), 22)]) == ["policy.yaml:6 denies mail > world tcp/22"]
    assert judged(judge, [flow(int(End.WORLD), 0, 0, 58)]) == [
        "policy.yaml:1: no line allows world > web-1 icmp"
    ]
    assert judge.broken == {
        (0, 2): "policy.yaml:1",
        (3, 2): "policy.yaml:1",
        (3, -2): "policy.yaml:6",
        (-2, 0): "policy.yaml:1",
    }


def test_the_same_is_told_once_in_a_quiet_time_and_many_ports_in_one_sentence() -> None:
    judge = judge_of()
    assert len(judged(judge, [flow(0, 2, 1), flow(0, 2, 1)], 5)) == 1
    assert judged(judge, [flow(0, 2, 1)], 5 + QUIET_NS - 1) == []
    assert len(judged(judge, [flow(0, 2, 1)], 5 + QUIET_NS)) == 1
    scan = judged(judge, [flow(1, 2, port) for port in range(1, 60)], 5)
    assert len(scan) == PORTS_A_PAIR + 1
    assert scan[-1].startswith("policy.yaml:1: web-2 > db-1 breaks it on more than 4 ports")
    assert judge.violations == 4 + 59
    assert judged(judge, [flow(1, 2, 4711)], 5 + BURST_NS - 1) == []
    assert len(judged(judge, [flow(1, 2, 4711)], 5 + BURST_NS)) == 1


def test_a_flood_costs_a_bounded_number_of_alerts() -> None:
    guests = tuple(Guest(f"vm{n}", "br0") for n in range(200))
    judge = judge_of(topology=Topology(1, guests=guests))
    assert len(judged(judge, [flow(n, n - 1) for n in range(1, 200)])) == MAX_FINDINGS
    assert judge.violations == 199
    assert len(judge.broken) <= segmentation.MAX_BROKEN


def test_living_flows_of_a_scan_do_not_hold_up_a_batch() -> None:
    """All of one pair but the first few are passed by, and that too costs a bounded time at each call."""
    judge = Segmentation()
    judge.follow(TOPOLOGY)
    scan = [flow(0, 3, port) for port in range(1, 3 * MAX_LOOKED)]
    judge.attach(np.concatenate([*scan, flow(2, 3, 9)]))
    judge.use(policy())
    judge.judge_living()
    told = [len(judge.tell_living(0)) for _ in range(4)]
    assert told == [PORTS_A_PAIR + 1, 0, 1, 0]


def test_a_connection_whose_start_was_not_seen_is_measured_both_ways() -> None:
    judge = judge_of()
    answer = {"src_port": 5432, "tcp_flags_toserver": 16}
    assert judged(judge, [flow(2, 0, 40_000, **answer)]) == []
    assert len(judged(judge, [flow(2, 0, 40_000, src_port=5433, tcp_flags_toserver=16)])) == 1
    assert len(judged(judge, [flow(2, 0, 40_001, src_port=5432)])) == 1  # its SYN was seen


@pytest.mark.parametrize(
    "changes", [{"tunnel": 7}, {"locality": Locality.UNKNOWN}, {"locality": Locality.EXTERNAL}]
)
def test_what_is_not_judged(changes: dict[str, int]) -> None:
    assert judged(judge_of(), [flow(3, 2, **changes)]) == []
    for end in (End.UNKNOWN, End.BROADCAST, End.MULTICAST):
        group = flow(int(End.HOST), int(end), 5353, 17, locality=Locality.HOST)
        assert judged(judge_of(), [group]) == []


def test_guests_and_tags_that_change_change_the_verdict() -> None:
    judge = judge_of()
    assert len(judged(judge, [flow(3, 2)])) == 1
    tagged = Topology(2, guests=(*GUESTS[:3], Guest("mail", "br1", tags=("web",)), Guest("late", "br0")))
    judge.follow(tagged)
    assert judged(judge, [flow(3, 2)], QUIET_NS) == []
    assert judged(judge, [flow(4, 3, 1)]) == ["policy.yaml:1: no line allows late > mail tcp/1"]
    judge.use(None)
    assert judged(judge, [flow(4, 2)]) == []


def test_names_that_are_nobodys_are_told() -> None:
    judge = judge_of("allow:\n- {from: tag:nope, to: [db-1, db-9]}\n")
    assert judge.notices == (
        "policy.yaml:2 names tag:nope, and nobody is called so here (now).",
        "policy.yaml:2 names db-9, and nobody is called so here (now).",
    )


def test_no_two_behaviours_have_one_number() -> None:
    sids = [signature.sid for behaviour in REGISTRY for signature in behaviour.signatures]
    assert len(set(sids)) == len(sids)
