"""`vpi-tui policy learn`: watches, without a dashboard, and writes the policy that allows what it saw."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vpi_tui.cli.captures import capture_files
from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, add_settings, examples
from vpi_tui.cli.progress import ProgressLine
from vpi_tui.model.errors import VpiError
from vpi_tui.view.humanize import counted

if TYPE_CHECKING:
    from vpi_tui.engine.spec import EngineSpec

DEFAULT_SECONDS = 600.0
LONGEST = 31 * 86_400.0
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


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
    more: dict[str, Any] = {"state_dir": "", "duration": args.seconds}
    if args.files:
        spec = engine_spec("replay", settings, files=capture_files(args.files), speed=0.0, user="", **more)
    else:
        more["duration"] = args.seconds or DEFAULT_SECONDS
        spec = engine_spec("live", settings, **more)
    with _opened(args.output) as write:
        return _learn(spec, write, args.output)


def _learn(spec: EngineSpec, write: Callable[[str], object], path: Path | None) -> int:
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
    write(result.text)
    if path is not None:
        print(f"Written: {path}. vpi-tui -p {path} judges by it.", file=sys.stderr)
    return EXIT_DONE


@contextmanager
def _opened(path: Path | None) -> Iterator[Callable[[str], object]]:
    """Where the policy goes, open before anything is learned: whoever was root may not write there later.

    A file that holds something is kept. One that was made for nothing is removed, where that is allowed.
    """
    if path is None:
        yield sys.stdout.write
        return
    made = not os.path.lexists(path)
    fd = _open(path)
    try:
        yield lambda text: _write(fd, path, text)
    finally:
        if made and not os.fstat(fd).st_size:
            with suppress(OSError):
                path.unlink()
        os.close(fd)


def _open(path: Path) -> int:
    """Root follows no link here: whoever may write the directory would have any file made or added to."""
    try:
        with suppress(FileExistsError):
            return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666)
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and not found.st_size:
            return os.open(path, _FLAGS | os.O_NOFOLLOW)
    except OSError as error:
        raise _unwritable(path, error) from error
    raise VpiError(f"{path} is there already, and is not overwritten.", hint="Give another name.")


def _write(fd: int, path: Path, text: str) -> None:
    """All of it or nothing."""
    left = text.encode()
    try:
        while left:
            left = left[os.write(fd, left) :]
    except OSError as error:
        os.ftruncate(fd, 0)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> VpiError:
    return VpiError(f"{path} cannot be written: {error.strerror}.")


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
