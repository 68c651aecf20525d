"""`vpi-tui demo`: the dashboard over staged traffic."""

from __future__ import annotations

import argparse

from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import Parser, add_settings, examples
from vpi_tui.cli.speed import read_speed


def _configure(parser: Parser) -> None:
    add_settings(parser, "demo")
    parser.add_argument("--speed", type=read_speed, metavar="N|max", help="times real time (default: 1)")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.cli.dashboard import run

    settings = settings_of(args)
    speed = settings["demo.speed"] if args.speed is None else args.speed
    # What is switched off to see what happens must not be off when the real thing is started.
    spec = engine_spec("demo", settings, speed=speed, seed=settings["demo.seed"], state_dir="")
    return run(spec, settings)


COMMAND = Command(
    name="demo",
    summary="show the dashboard over staged traffic; needs no rights",
    description="Two switches, twelve guests, everyday traffic and six attacks: real frames through the real"
    " engine, the same for the same seed. Switch a rule off and its alert stays away, until the demo ends.",
    epilog=examples(
        ("vpi-tui demo", "in real time"),
        ("vpi-tui demo --seed 7 --speed 4", "other traffic, four times as fast"),
        ("vpi-tui demo --duration 30 > report.txt", "no dashboard: a report after half a minute"),
    ),
    configure=_configure,
    run=_run,
)
