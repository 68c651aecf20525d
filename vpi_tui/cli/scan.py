"""`vpi-tui scan`: capture files in, alerts and EVE JSON out, no dashboard. Its flags are Suricata's."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vpi_tui.cli.captures import MEANT, capture_files
from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, add_settings, examples
from vpi_tui.cli.progress import ProgressLine
from vpi_tui.engine.spec import EVENT_TYPES
from vpi_tui.model.errors import CaptureError, ConfigError, VpiError
from vpi_tui.view.humanize import counted
from vpi_tui.view.report import alerted

if TYPE_CHECKING:
    from vpi_tui.engine.scan import ScanResult
    from vpi_tui.engine.spec import EngineSpec

EVE_NAME = "eve.json"
"""Name of the file in the directory of -l, as Suricata has it."""


def _configure(parser: Parser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help=MEANT)
    parser.add_argument(
        "-r", dest="read", action="append", default=[], metavar="CAPTURE", help="the same, as Suricata has it"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--eve", metavar="FILE|-", help="write EVE JSON here, one event a line; - = standard output"
    )
    output.add_argument(
        "-l", dest="log_dir", type=Path, metavar="DIR", help=f"write {EVE_NAME} into this directory"
    )
    parser.add_argument(
        "--events",
        type=_event_types,
        metavar="TYPES",
        help="types of events to write, with commas between (default: eve.types of the settings, else all of"
        f" {', '.join(EVENT_TYPES)})",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where files that rules name are found, if not beside them",
    )
    add_settings(parser, "scan")


def _event_types(text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    for name in chosen:
        if name not in EVENT_TYPES:
            raise argparse.ArgumentTypeError(
                f"{name[:40]!r} is no type of event. Known: {', '.join(EVENT_TYPES)}"
            )
    return chosen


def _run(args: argparse.Namespace) -> int:
    spec = _spec(args)
    from vpi_tui.engine.scan import run_scan

    with _eve_stream(args) as stream, ProgressLine(sys.stderr) as line:
        result = run_scan(spec, stream, line.show, replace(spec.log, types=args.events or spec.log.types))
    print(_summary(result), file=sys.stderr)
    if args.eve != "-":
        print(alerted(result.by_rule), end="", flush=True)
    if result.rules_refused:
        print(_refused(settings_of(args)["rules"], result.rules_refused), file=sys.stderr)
    for notice in result.notices:
        print(notice, file=sys.stderr)
    for error in result.errors:
        print(f"vpi-tui: {error}", file=sys.stderr)
    # Bytes behind the packets that are no record are said and are no failure, as with Suricata.
    failed = any(not (isinstance(error, CaptureError) and error.tail) for error in result.errors)
    return EXIT_FAILED if failed else EXIT_DONE


def _summary(result: ScanResult) -> str:
    """One paragraph for people; it goes to standard error, as standard output may be the events."""
    refused = f" ({result.rules_refused:,} refused)" if result.rules_refused else ""
    return (
        f"{counted(result.packets, 'packet')}, {counted(result.bytes, 'byte')},"
        f" {counted(result.flows, 'flow')}, {counted(result.alerts, 'alert')}"
        f" of {counted(result.rules_loaded, 'rule')}{refused}, {result.seconds:.1f} s"
    )


def _refused(named: tuple[str, ...], count: int) -> str:
    """What to do about rules that did not load. named: files that were given with -S."""
    files = "".join(f" {shlex.quote(file)}" for file in named)
    is_told = "1 rule does" if count == 1 else f"{count:,} rules do"
    return f"{is_told} not load; `vpi-tui rules check{files}` says why."


def _spec(args: argparse.Namespace) -> EngineSpec:
    files = [*args.files, *args.read]
    if not files:
        raise ConfigError("No capture is named.", hint="Such as `vpi-tui scan monday.pcap`.")
    settings = settings_of(args)
    options = settings.options()
    if args.data_dir is not None:
        if not args.data_dir.is_dir():
            raise ConfigError(f"--data-dir {args.data_dir} is no directory.")
        options["data-dir"] = options["default-data-dir"] = str(args.data_dir.absolute())
    return engine_spec(
        "replay", settings, files=capture_files(files), speed=0.0, options=options, state_dir="", user=""
    )


@contextmanager
def _eve_stream(args: argparse.Namespace) -> Iterator[BinaryIO | None]:
    """Where events go; None when nobody wants them."""
    if args.eve == "-":
        # A buffer of its own: what a full disk does not take must not be tried again when Python ends.
        path: Path | int = sys.stdout.fileno()
    elif args.log_dir is not None:
        path = args.log_dir / EVE_NAME
    elif args.eve:
        path = Path(args.eve)
    else:
        yield None
        return
    try:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "wb", closefd=isinstance(path, Path))  # noqa: SIM115 (may be a descriptor)
    except OSError as error:
        raise VpiError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        yield file
    finally:
        with suppress(OSError):  # the scan has flushed it, or told why not
            file.close()


COMMAND = Command(
    name="scan",
    summary="capture files in, alerts and EVE JSON out, no dashboard",
    description="Reads capture files as fast as it goes, says which rules alerted, and writes alerts, flows"
    " and all else as EVE JSON, one event a line. Without -S the bundled packs are used, and what"
    " `rules update` fetched. Exit 1 when a file cannot be read to its end; what was read is reported.",
    epilog=examples(
        ("vpi-tui scan a.pcap", "which rules alert"),
        ("vpi-tui scan a.pcap -S local.rules --eve -", "events on standard output"),
        ("vpi-tui scan a.pcap b.pcap.gz -l logs", "two files, events in logs/eve.json"),
        ("vpi-tui scan -r a.pcap -k none --set stream.midstream=yes", "as with Suricata"),
    ),
    configure=_configure,
    run=_run,
)
