"""`vpi-tui policy check`: all that is wrong with a policy, with file and line."""

from __future__ import annotations

import argparse
from pathlib import Path

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, examples
from vpi_tui.cli.rules.verb import plain


def _configure(parser: Parser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy.yaml")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.config.policy_file import check_policy

    failed = False
    for path in args.files:
        policy, errors = check_policy(path)
        for error in errors:
            print(plain(str(error)))
        allow = sum(line.action == "allow" for line in policy.lines)
        deny = len(policy.lines) - allow
        wrong = f"; {len(errors):,} wrong" if errors else ""
        print(f"{plain(str(path))}: {allow:,} allow, {deny:,} deny, default {policy.default}{wrong}.")
        failed = failed or bool(errors)
    return EXIT_FAILED if failed else EXIT_DONE


CHECK = Command(
    name="check",
    summary="all that is wrong with a policy, with file and line",
    description="Reads policies and reports each line that cannot be understood. Exit 1 when there is one.",
    epilog=examples(
        ("vpi-tui policy check policy.yaml", "one file"),
    ),
    configure=_configure,
    run=_run,
)
