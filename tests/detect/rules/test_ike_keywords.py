"""IKE keywords as they are written."""

from __future__ import annotations

from vpi_tui.detect.applayer.transaction import EVENTS
from vpi_tui.model.signature import Content, NumberIn

from .rule_text import parse, refused


def test_an_attribute() -> None:
    (step,) = parse("ike.chosen_sa_attribute:sa_key_length>=128;").steps
    assert step == NumberIn("ike.chosen_sa_attribute.sa_key_length", ((128, 0xFFFFFFFF),))
    assert parse("ike.chosen_sa_attribute:alg_hash=2;").steps[0] == NumberIn(
        "ike.chosen_sa_attribute.alg_hash", ((2, 2),)
    )


def test_no_attribute() -> None:
    assert "alg_hash" in refused("ike.chosen_sa_attribute:alg_none=2;")


def test_events_by_their_older_name() -> None:
    (step,) = parse("app-layer-event:ikev2.weak_crypto_dh;", head="alert ikev2 any any -> any any").steps
    assert step == Content(EVENTS, b"ike.weak_crypto_dh", startswith=True, endswith=True)
