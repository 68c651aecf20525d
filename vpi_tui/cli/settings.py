"""`vpi-tui settings`: every setting there is, and what the files in force say of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from vpi_tui.cli.command import Command
from vpi_tui.cli.order import settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, default_text, examples
from vpi_tui.config import paths, schema
from vpi_tui.config.settings import Settings


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "word",
        nargs="?",
        default="",
        metavar="WORD",
        help="only those with this in their name or explanation",
    )


def _run(args: argparse.Namespace) -> int:
    chosen = settings_of(args)
    word = args.word.lower()
    found = [one for one in schema.TABLE if word in one.name or word in one.help.lower().split()]
    for setting in found:
        print("\n".join(_lines(setting, chosen)))
    if not found:
        print(f"No setting has {args.word[:80]!r} in its name or explanation.", file=sys.stderr)
        return EXIT_FAILED
    read = ", ".join(map(str, chosen.sources)) or "none was found"
    usual = " and ".join(map(str, paths.config_files()))
    print(f"\nThey stand in {usual}; read: {read}.", file=sys.stderr)
    return EXIT_DONE


def _lines(setting: schema.Setting, chosen: Settings) -> Iterator[str]:
    takes = ", ".join(setting.kind.choices) or setting.kind.name
    yield "  ".join([setting.name, f"({takes})", *setting.flags])
    yield f"    {setting.help}{default_text(setting)}"
    for name, value in chosen.values.items():
        if schema.find(name) is setting:
            yield f"    {name} is {_written(value)}"


def _written(value: Any) -> str:
    """As it may stand in a file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else str(value)


COMMAND = Command(
    name="settings",
    summary="every setting: name, meaning, default, and what is set here",
    description="Lists what may stand in a file of settings or behind --set. Files are YAML; each dot of a"
    " name is a level. Read are /etc/vpi-tui/config.yaml, config.yaml in ~/.config/vpi-tui, what --config"
    " names, --set and flags, in this order: the later one wins.",
    epilog=examples(
        ("vpi-tui settings", "all of them"),
        ("vpi-tui settings eve", "those about the log"),
    ),
    configure=_configure,
    run=_run,
)
