"""Hooks in the protocol of a rule, and scopes of its action."""

from __future__ import annotations

import pytest

from tests.detect.match.build import Packet, hits
from vpi_tui.detect.match.app_rules import needs_of
from vpi_tui.model.batch import Direction
from vpi_tui.model.signature import Action

from .rule_text import parse, refused


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("http1:request_line", Direction.TO_SERVER),
        ("http1:response_complete", Direction.TO_CLIENT),
        ("tls:client_hello_done", Direction.TO_SERVER),
        ("tls:server_cert_done", Direction.TO_CLIENT),
        ("tls:client_cert", Direction.TO_SERVER),
        ("tls:server_started", Direction.TO_CLIENT),
        ("ssh:request_banner_done", Direction.TO_SERVER),
        ("dns:response_complete", Direction.TO_CLIENT),
    ],
)
def test_a_hook_of_a_protocol_is_about_one_direction(word: str, direction: Direction) -> None:
    made = parse("", head=f"alert {word} any any -> any any")
    needs = needs_of(made)
    assert needs is not None
    assert needs.directions == 1 << direction
    assert made.header.protocol == word.partition(":")[0]


def test_the_first_packet_of_each_direction() -> None:
    rules = [parse("", head="alert tcp:flow_start any any -> any any")]
    assert hits(rules, [Packet(first=3), Packet(), Packet(first=2, direction=2)]) == [(0, 1), (2, 1)]
    rules = [parse("", head="alert tcp:pre_stream any any -> any any")]
    assert len(hits(rules, [Packet(first=3), Packet()])) == 2


def test_before_the_stream_are_packets_of_connections_alone() -> None:
    packets = [Packet(first=3), Packet(proto=17), Packet(flow=-1, direction=0)]
    assert hits([parse("", head="alert ip:pre_stream any any -> any any")], packets) == [(0, 1)]
    assert len(hits([parse("", head="alert ip:pre_flow any any -> any any")], packets)) == 3


def test_scopes_of_actions() -> None:
    made = parse("", head="pass:flow tcp any any -> any any")
    assert (made.action, made.action_scope) == (Action.PASS, "flow")
    assert parse("", head="drop:packet tcp any any -> any any").action is Action.DROP


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("alert dns:request_line any any -> any any", "dns has no hook 'request_line'"),
        ("alert tcp:request_line any any -> any any", "tcp has no hook"),
        ("accept:hook tcp:all any any -> any any", "firewall mode of Suricata"),
    ],
)
def test_what_is_refused(head: str, reason: str) -> None:
    assert reason in refused("", head=head)
