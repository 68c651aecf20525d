"""Every line that is written of captures of all protocols holds to Suricata's schema of EVE."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from vpi_tui.cli.main import main

SHARED = Path(__file__).resolve().parents[3] / "shared"
SCHEMA = SHARED / "eve-schema.json"
CAPTURES = SHARED / "corpus" / "suricata-verify" / "pcaps"
LARGEST = 40_000
"""Bytes of a capture that is taken."""
EVERY = 8
"""One in so many is: all would take a minute."""


@pytest.fixture(scope="module")
def validator() -> Any:
    if not SCHEMA.exists():
        pytest.skip("the EVE schema is not here")
    schema = json.loads(SCHEMA.read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def written(directory: Path, capture: Path) -> list[dict[str, Any]]:
    rules, path = directory / "none.rules", directory / "eve.json"
    rules.write_text("# none\n")
    settings = ["--set", "stream.midstream=yes", "--set", "eve.payload=yes", "--set", "eve.packet=yes"]
    main(["scan", "-r", str(capture), "-S", str(rules), "--eve", str(path), "-k", "none", *settings])
    gc.collect()  # a pipeline is large, and of many objects that know each other
    return [json.loads(line) for line in path.read_text().splitlines()]


def flaws(events: Iterable[dict[str, Any]], validator: Any) -> list[str]:
    return [
        f"{event['event_type']} {'/'.join(map(str, error.path))}: {error.message[:100]}"
        for event in events
        for error in validator.iter_errors({k: v for k, v in event.items() if k != "vpi"})
    ]


def test_events_of_all_protocols_hold_to_the_schema(tmp_path: Path, validator: Any) -> None:
    if not CAPTURES.exists():
        pytest.skip("the corpus is not here")
    captures = [one for one in sorted(CAPTURES.iterdir()) if one.stat().st_size < LARGEST]
    types: set[str] = set()
    for capture in captures[::EVERY]:
        found = written(tmp_path, capture)
        types |= {event["event_type"] for event in found}
        assert flaws(found, validator) == [], capture.name
        counted = [event["vpi"]["stats"] for event in found if event["event_type"] == "stats"]
        assert all(one["output"]["eve"]["undescribed"] == 0 for one in counted), capture.name
    assert len(types) > 15
