"""Counters that Suricata has too stand where it has them; none is forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs import order
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources.demo import DemoFeed
from vpi_tui.model.decoder_events import DecoderEvent, rule_name
from vpi_tui.output.counters import SHARED

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "eve-schema.json"

OTHER_MEANING = frozenset({"app_layer.error", "app_layer.tx"})
"""Paths that are counters here and groups of counters there."""


def type_in(schema: dict[str, Any], path: str) -> str | None:
    """The type that the schema has for a counter; None = it has none."""
    node = schema["properties"]["stats"]
    for part in path.split("."):
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        node = node.get("properties", {}).get(part)
        if node is None:
            return None
    return str(node.get("type"))


def test_each_counter_stands_where_suricata_has_it() -> None:
    if not SCHEMA.exists():
        pytest.skip("the EVE schema is not here")
    schema = json.loads(SCHEMA.read_text())
    spec = order(speed=0.0)
    ours = set(Pipeline(spec, RuleBook.load(spec), DemoFeed(spec)).stats())
    ours |= {f"decoder.event.{rule_name(event)}" for event in DecoderEvent}
    known = {path for path in ours if type_in(schema, path) is not None}
    assert known - SHARED == OTHER_MEANING & known
    assert {path for path in SHARED if type_in(schema, path) != "integer"} == set()
