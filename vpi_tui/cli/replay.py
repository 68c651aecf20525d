"""`vpi-tui replay`: the dashboard over capture files."""

from __future__ import annotations

import argparse

from vpi_tui.cli.captures import MEANT, capture_files
from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import Parser, add_settings, examples
from vpi_tui.cli.speed import read_speed


def _configure(parser: Parser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=MEANT)
    add_settings(parser, "replay")
    parser.add_argument(
        "--speed", type=read_speed, default=1.0, metavar="N|max", help="times real time, or max (default: 1)"
    )


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.cli.dashboard import run

    settings = settings_of(args)
    return run(engine_spec("replay", settings, files=capture_files(args.files), speed=args.speed), settings)


COMMAND = Command(
    name="replay",
    summary="show the dashboard over capture files",
    description="Plays capture files through the engine as if they came in now.",
    epilog=examples(
        ("vpi-tui replay monday.pcapng", "in real time"),
        ("vpi-tui replay --speed max a.pcap b.pcap.gz", "two files, as fast as it goes"),
        ("ssh host tcpdump -U -w - | vpi-tui replay -", "what a far host sees, now"),
    ),
    configure=_configure,
    run=_run,
)
