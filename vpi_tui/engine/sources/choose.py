"""Which source belongs to which mode."""

from __future__ import annotations

from collections.abc import Callable

from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.spec import EngineSpec


def _live(spec: EngineSpec) -> EngineSource:
    from vpi_tui.engine.sources.live import LiveFeed

    return LiveFeed(spec)


def _replay(spec: EngineSpec) -> EngineSource:
    from vpi_tui.engine.sources.replay import ReplayFeed

    return ReplayFeed(spec)


def _demo(spec: EngineSpec) -> EngineSource:
    from vpi_tui.engine.sources.demo import DemoFeed

    return DemoFeed(spec)


SOURCES: dict[str, Callable[[EngineSpec], EngineSource]] = {"live": _live, "replay": _replay, "demo": _demo}
"""Imported when chosen: the demo needs scapy, live needs netlink, a replay neither."""


def open_source(spec: EngineSpec) -> EngineSource:
    """The source of this order, open. Raises CaptureError, ConfigError."""
    return SOURCES[spec.mode](spec)
