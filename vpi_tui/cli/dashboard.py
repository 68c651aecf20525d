"""Wires an engine to the dashboard, or, without a terminal, to a plain report."""

from __future__ import annotations

import codecs
import os
import signal
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
    from vpi_tui.view.alerts import Inbox

UNDRAWABLE = frozenset(["", "dumb", "unknown"])
"""Values of TERM of what cannot move a cursor."""
POLL = 0.1
"""Seconds between two looks at the feed while a report is waited for."""


def run(spec: EngineSpec, settings: Settings) -> int:
    """Watch until the operator leaves (a terminal), or until it is over, and print a report (none)."""
    if not sys.stdout.isatty():
        return _report(_bounded(spec))
    if os.environ.get("TERM", "") in UNDRAWABLE:
        raise ConfigError(
            "This terminal says (by TERM) that it cannot be drawn on.",
            hint="Set TERM to what it is, such as xterm-256color, or `| cat` for a plain report.",
        )
    return _dashboard(spec, settings)


def take_keyboard() -> None:
    """Read keys from the terminal also where standard input is none: packets come by it, for one."""
    if os.isatty(0):
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise ConfigError(
            f"Standard input is no terminal, and there is no other to read keys from: {error.strerror}.",
            hint="Start it from a terminal, or with `| cat` for a plain report.",
        ) from None
    os.dup2(terminal, 0)
    os.close(terminal)


def takes_unicode() -> bool:
    """Whether what is drawn, which goes to standard error, may hold more than ASCII."""
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    return codecs.lookup(encoding).name == "utf-8"


def _dashboard(spec: EngineSpec, settings: Settings) -> int:
    from vpi_tui.engine.child import EngineClient
    from vpi_tui.engine.garbage import USUAL, settle
    from vpi_tui.ui.run import run_app
    from vpi_tui.view import life

    client = EngineClient(spec)  # before the app: the engine starts while the ui is imported and painted
    try:
        take_keyboard()  # the engine has its own descriptor of standard input by now
        settle(USUAL)  # all is imported
        session = run_app(
            client,
            theme=settings["theme"],
            ascii_only=settings["ascii"] or not takes_unicode(),
            interval=settings["refresh"],
            speed=spec.speed,
            user_themes=paths.user_config_dir() / "themes",
            leaves_when_over=bool(spec.duration),
        )
    finally:
        client.close()
    if session.life == "failed":  # the screen that said why is gone
        raise VpiError(life.reason(session.snapshot, session.failure))
    if session.life == "finished" and spec.duration:
        from vpi_tui.view.report import report

        print(report(session.snapshot, session.inbox), end="")
    return EXIT_DONE


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
    from vpi_tui.view.alerts import Inbox
    from vpi_tui.view.report import report

    client = EngineClient(spec)
    if spec.log.file:  # for logrotate, which knows the process that was started and not the engine's
        signal.signal(signal.SIGHUP, lambda _number, _frame: client.hang_up())
    inbox = Inbox()
    try:
        _watch(client, inbox)
        failure = client.failure()
    finally:
        client.close()
    snapshot = client.latest()
    if snapshot is not None and snapshot.state != "starting":
        print(report(snapshot, inbox), end="")
    if failure:
        raise VpiError(failure)
    if snapshot is not None and snapshot.state == "failed":
        sys.stdout.flush()
        raise VpiError(snapshot.state_text)
    return EXIT_DONE


def _watch(client: EngineClient, inbox: Inbox) -> None:
    """Wait until the engine has ended, by itself, by Ctrl+C, or told to when its source is over."""
    from vpi_tui.feed.messages import Stop

    told = False
    while True:
        alive = client.alive()  # asked first, so that what came last is still taken
        inbox.add(*client.take_alerts())
        if not alive:
            return
        snapshot = client.latest()
        over = snapshot is not None and snapshot.state in ("finished", "failed")
        try:
            if over and not told:
                client.send(Stop())
                told = True
            time.sleep(POLL)
        except KeyboardInterrupt:
            if told or snapshot is None:
                raise
            client.send(Stop())
            told = True
