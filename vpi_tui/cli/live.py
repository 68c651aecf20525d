"""`vpi-tui live`: the dashboard on the virtual switches of this host."""

from __future__ import annotations

import argparse

from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import Parser, add_settings, examples


def _configure(parser: Parser) -> None:
    add_settings(parser, "live")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.cli.dashboard import run

    settings = settings_of(args)
    return run(engine_spec("live", settings), settings)


COMMAND = Command(
    name="live",
    summary="watch the virtual switches of this host (the default)",
    description="Watches the virtual switches found here, or interfaces named by hand, and shows who talks to"
    " whom and which of it trips a rule. A bridge named by hand is watched whole, with all its ports; a"
    " single port of a bridge shows only what enters there; any other interface, such as a sensor's card,"
    " shows all that it receives and sends. Needs CAP_NET_RAW; root is given up once the ring is open.",
    epilog=examples(
        ("sudo vpi-tui", "all virtual switches"),
        ("sudo vpi-tui -i br0 -i eth1", "one switch, and the capture card eth1"),
        ("sudo vpi-tui live --duration 60 > report.txt", "no dashboard: a report after a minute"),
    ),
    configure=_configure,
    run=_run,
)
