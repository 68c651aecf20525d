"""Wires an engine to the dashboard, or, without a terminal, to a plain report."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from vpi_tui.cli.parser import EXIT_DONE
from vpi_tui.config import paths
from vpi_tui.config.settings import Settings
from vpi_tui.model.errors import ConfigError, VpiError

if TYPE_CHECKING:
    from vpi_tui.engine.child import EngineClient
    from vpi_tui.engine.spec import EngineSpec
    from vpi_tui.model.event import Alert
    from vpi_tui.model.snapshot import Snapshot

POLL = 0.1
"""Seconds between two looks at the feed while a report is waited for."""
KEPT_ALERTS = 10_000
"""Alerts that a report keeps; the snapshot counts them all."""


def run(spec: EngineSpec, settings: Settings) -> int:
    """Watch until the operator leaves (a terminal), or until it is over, and print a report (none)."""
    if sys.stdout.isatty():
        return _dashboard(spec, settings)
    return _report(_bounded(spec))


def _dashboard(spec: EngineSpec, settings: Settings) -> int:
    from vpi_tui.engine.child import EngineClient
    from vpi_tui.ui.app import run_app

    client = EngineClient(spec)  # before the app: the engine starts while the ui is imported and painted
    try:
        return run_app(
            client,
            theme=settings["theme"],
            ascii_only=settings["ascii"],
            interval=settings["refresh"],
            user_themes=paths.user_config_dir() / "themes",
        )
    finally:
        client.close()


def _bounded(spec: EngineSpec) -> EngineSpec:
    """The same order with an end, as a report needs one. A demo without --duration is one round, at once."""
    if spec.duration or spec.mode == "replay":
        return spec
    if spec.mode == "demo":
        return replace(spec, speed=0.0)
    raise ConfigError(
        "Standard output is no terminal, so there is nothing to draw on.",
        hint="Give --duration S for a report after S seconds.",
    )


def _report(spec: EngineSpec) -> int:
    from vpi_tui.engine.child import EngineClient
    from vpi_tui.view.report import report

    client = EngineClient(spec)
    try:
        snapshot, alerts = _watch(client)
    finally:
        client.close()
    print(report(snapshot, alerts))
    return EXIT_DONE


def _watch(client: EngineClient) -> tuple[Snapshot, list[Alert]]:
    """Wait for the end (or Ctrl+C); the last snapshot and the first alerts. Raises VpiError on failure."""
    alerts: list[Alert] = []
    try:
        while True:
            alive = client.alive()  # asked first, so that what came last is still taken
            _keep(client, alerts)
            snapshot = client.latest()
            if not alive or (snapshot is not None and snapshot.state in ("finished", "failed")):
                break
            time.sleep(POLL)
    except KeyboardInterrupt:
        if client.latest() is None:
            raise
    if failure := client.failure():
        raise VpiError(failure)
    _keep(client, alerts)
    snapshot = client.latest()
    if snapshot is None:
        raise VpiError("The engine ended before it had seen anything.")
    if snapshot.state == "failed":
        raise VpiError(snapshot.state_text)
    return snapshot, alerts


def _keep(client: EngineClient, alerts: list[Alert]) -> None:
    """Take what has come; the oldest stay when there are too many."""
    taken, _ = client.take_alerts()
    alerts.extend(taken[: max(0, KEPT_ALERTS - len(alerts))])
