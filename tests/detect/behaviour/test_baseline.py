"""What is learned, and that the policy made of it allows that and no more."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.detect.behaviour.test_segmentation import flow, judged, naive
from vpi_tui.config.policy_file import parse_policy, policy_text
from vpi_tui.detect.behaviour import baseline as room
from vpi_tui.detect.behaviour.baseline import MANY_PORTS, Baseline, keys_of
from vpi_tui.detect.behaviour.segmentation import Segmentation
from vpi_tui.flow.records import FLOW_DTYPE
from vpi_tui.model.topology import End, Guest, Locality, Topology

GUESTS = (
    Guest("web-1", "br0", tags=("web", "prod")),
    Guest("web-2", "br0", tags=("web", "prod")),
    Guest("db-1", "br0", tags=("db", "prod")),
    Guest("true", "br0"),
)
TOPOLOGY = Topology(1, guests=GUESTS)


def learned(*flows: object) -> Baseline:
    baseline = Baseline()
    baseline.start(5, np.zeros(0, FLOW_DTYPE))
    baseline.learn(np.concatenate(flows))  # type: ignore[arg-type]
    baseline.stop(9)
    return baseline


def test_a_policy_of_tags_that_a_person_can_read() -> None:
    world, host = int(End.WORLD), int(End.HOST)
    baseline = learned(
        flow(int(End.HOST), int(End.BROADCAST), 67, 17, locality=Locality.HOST),
        flow(int(End.HOST), int(End.MULTICAST), 5353, 17, locality=Locality.HOST),
        *(flow(web, 2) for web in (0, 1)),
        *(flow(world, web, port) for web in (0, 1) for port in (80, 443)),
        flow(3, 2, 5432),
        flow(2, host, 53, 17, locality=Locality.HOST),
        flow(0, 1, 0, 1),
        flow(0, 1, 0, 58),
    )
    assert len(baseline) == 9
    assert policy_text(baseline.policy(TOPOLOGY, "p.yaml"), ["learned"]) == (
        "# learned\n"
        "default: deny\n"
        "allow:\n"
        "  - from: db-1\n    to: host\n    ports: [udp/53]\n"
        '  - from: ["guest:true", tag:web]\n    to: db-1\n    ports: [tcp/5432]\n'
        "  - from: web-1\n    to: web-2\n    ports: [icmp]\n"
        "  - from: world\n    to: tag:web\n    ports: [tcp/80, tcp/443]\n"
    )


@pytest.mark.parametrize("seed", range(12))
def test_it_allows_what_was_seen_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    guests = tuple(
        Guest(f"vm{n}", "br0", tags=tuple(rng.sample(("a", "b", "c"), rng.randint(0, 2)))) for n in range(6)
    )
    ends = [*range(6), int(End.WORLD), int(End.HOST)]
    kinds = [(6, 80), (6, 443), (17, 53), (1, 0), (47, 0)]
    seen = {(rng.choice(ends), rng.choice(ends), *rng.choice(kinds)) for _ in range(rng.randint(1, 60))}
    place = Locality.EAST_WEST
    made = learned(*(flow(s, d, port, proto, locality=place) for s, d, proto, port in seen))
    topology = Topology(1, guests=guests)
    text = policy_text(made.policy(topology, "p.yaml"))
    policy, errors = parse_policy(text, "p.yaml")
    assert not errors
    tags = {tag for guest in guests for tag in guest.tags}
    for src in ends:
        for dest in ends:
            for proto, port in kinds:
                allowed = naive(policy, src, dest, proto, port, guests)
                assert allowed == ((src, dest, proto, port) in seen), (tags, text)
    judge = Segmentation()
    judge.follow(topology)
    judge.use(policy)
    assert judged(judge, [flow(s, d, port, proto, locality=place) for s, d, proto, port in seen]) == []


def test_many_ports_become_a_span() -> None:
    some = learned(*(flow(0, 2, 1000 + 10 * n) for n in range(MANY_PORTS))).policy(TOPOLOGY, "p")
    assert len(some.lines[0].ports) == MANY_PORTS
    many = learned(*(flow(0, 2, 1000 + 10 * n) for n in range(MANY_PORTS + 1))).policy(TOPOLOGY, "p")
    assert [str(port) for port in many.lines[0].ports] == [f"tcp/1000-{1000 + 10 * MANY_PORTS}"]


def test_a_flow_whose_start_was_not_seen_is_turned_to_its_lower_port() -> None:
    middle = flow(2, 0, 50_000, src_port=5432, tcp_flags_toserver=16)
    assert keys_of(middle).tolist() == keys_of(flow(0, 2, 5432)).tolist()
    assert keys_of(flow(2, 0, 50_000, src_port=5432)).tolist() != keys_of(flow(0, 2, 5432)).tolist()


def test_what_is_learned_is_bounded_and_moves_with_the_guests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_LEARNED", 3)
    baseline = learned(*(flow(0, 2, port) for port in range(1, 6)))
    assert (len(baseline), baseline.lost) == (3, 2)
    baseline.move(TOPOLOGY, Topology(2, guests=(GUESTS[2], GUESTS[3], GUESTS[0])))
    assert set(baseline.connections()) == {(2, 0)}


def test_learning_has_a_start_and_an_end() -> None:
    baseline = Baseline()
    assert not baseline.learning
    baseline.start(5, flow(0, 2))
    assert (baseline.learning, len(baseline)) == (True, 1)
    baseline.stop(9)
    assert (baseline.learning, baseline.since_ns, baseline.until_ns) == (False, 5, 9)
    baseline.start(11, np.zeros(0, FLOW_DTYPE))
    assert (baseline.learning, len(baseline)) == (True, 0)
