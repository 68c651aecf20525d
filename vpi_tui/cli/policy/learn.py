"""`vpi-tui policy learn`: watches, without a dashboard, and writes the policy that allows what it saw."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, add_settings, examples
from vpi_tui.cli.progress import ProgressLine
from vpi_tui.cli.replay import capture_files
from vpi_tui.model.errors import VpiError
from vpi_tui.view.humanize import counted

DEFAULT_SECONDS = 600.0
LONGEST = 31 * 86_400.0


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "-r",
        dest="files",
        action="append",
        default=[],
        metavar="CAPTURE",
        help="learn from capture files, not live; - = standard input; may be repeated",
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=0.0,
        metavar="N",
        help=f"so long (default: live {DEFAULT_SECONDS:g}, of files all; of a file in its own time)",
    )
    parser.add_argument(
        "-o", dest="output", type=Path, metavar="FILE", help="write it here; a file that is there is kept"
    )
    add_settings(parser, "policy")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds above 0")
    return seconds


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    if args.output is not None and args.output.exists():
        raise VpiError(f"{args.output} is there already, and is not overwritten.", hint="Give another name.")
    more: dict[str, Any] = {"state_dir": "", "duration": args.seconds}
    if args.files:
        spec = engine_spec("replay", settings, files=capture_files(args.files), speed=0.0, user="", **more)
    else:
        more["duration"] = args.seconds or DEFAULT_SECONDS
        spec = engine_spec("live", settings, **more)
    from vpi_tui.engine.learn import learn

    with ProgressLine(sys.stderr) as line:
        result = learn(spec, line.show)
    for notice in result.notices:
        print(notice, file=sys.stderr)
    if not result.kinds:
        print("No connection with an end here was seen; nothing is written.", file=sys.stderr)
        return EXIT_FAILED
    print(
        f"{counted(result.kinds, 'kind')} of connection between {counted(result.guests, 'guest')}.",
        file=sys.stderr,
    )
    _write(args.output, result.text)
    return EXIT_DONE


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise VpiError(f"{path} cannot be written: {error.strerror}.") from error
    print(f"Written: {path}. vpi-tui -p {path} judges by it.", file=sys.stderr)


LEARN = Command(
    name="learn",
    summary="the policy that allows what was seen, and no more",
    description="Watches the virtual switches of this host (this needs CAP_NET_RAW), or reads capture files,"
    " and writes a policy that allows the connections it saw. Read it before you use it: what was wrong then"
    " is allowed in it.",
    epilog=examples(
        ("sudo vpi-tui policy learn --seconds 86400 -o policy.yaml", "a day"),
        ("vpi-tui policy learn -r a.pcap --inventory inventory.yaml", "a capture file, with names"),
    ),
    configure=_configure,
    run=_run,
)
