"""`vpi-tui rules update`: fetch rule sets, choose from them, put them in place."""

from __future__ import annotations

import argparse
from pathlib import Path

from vpi_tui.cli.order import settings_of
from vpi_tui.cli.parser import EXIT_DONE, Parser
from vpi_tui.cli.rules.verb import Verb
from vpi_tui.config import paths


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "--sources",
        type=Path,
        metavar="FILE",
        help="where rule sets come from (default: sources.yaml beside the settings; without it, ET Open)",
    )
    parser.add_argument(
        "--offline", action="store_true", help="do not fetch: choose again from what was fetched last"
    )


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.model.errors import ConfigError
    from vpi_tui.update.run import update
    from vpi_tui.update.sources import FILE_NAME, read_sources

    chosen = args.sources or paths.user_config_dir() / FILE_NAME
    if args.sources is not None and not args.sources.is_file():
        raise ConfigError(f"There is no file {args.sources}.")
    result = update(
        read_sources(chosen),
        paths.rulesets_dir(),
        paths.user_cache_dir() / "archives",
        print,
        offline=args.offline,
        variables=settings_of(args).variables(),
    )
    print(
        f"{result.rules:,} rules in force, {result.enabled:,} of them enabled: {result.added:,} new,"
        f" {result.changed:,} changed, {result.removed:,} gone."
    )
    if result.refused:
        print(f"{result.refused:,} rules do not load: `vpi-tui rules check` names each with its reason.")
    print(f"They are in {result.directory}. An engine that runs takes them with `R` on its Rules screen.")
    return EXIT_DONE


UPDATE = Verb(
    name="update",
    help="fetch rule sets and put them in place",
    description="Fetches the rule sets of sources.yaml (without it: Emerging Threats Open), applies"
    " enable.conf, disable.conf and modify.conf, and puts the result in place at once. Whatever goes wrong,"
    " the rules that are in force stay.",
    examples=(
        ("vpi-tui rules update", "fetch what changed"),
        ("vpi-tui rules update --offline", "after an edit of disable.conf"),
        ("vpi-tui rules update --sources mine.yaml", "from elsewhere"),
    ),
    configure=_configure,
    run=_run,
)
