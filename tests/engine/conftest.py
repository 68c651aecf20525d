"""What the engine's tests share: one loop of the demo as a file, and an engine that has played it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.runs import engine, order, reached
from vpi_tui.capture.demo.scenario import FIXED_START_NS, write_demo_pcap
from vpi_tui.engine.child import EngineClient


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.pcapng"
    write_demo_pcap(path)
    return path


@pytest.fixture(scope="module")
def played() -> Iterator[EngineClient]:
    """An engine that has played one loop of the demo and still answers."""
    with engine(order("demo", speed=0.0, seed=20, demo_start_ns=FIXED_START_NS, interval=0.1)) as client:
        reached(client, "finished")
        yield client
