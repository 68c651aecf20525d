"""`vpi-tui rules test`: captures with rules and the events they must give, as suricata-verify writes them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser
from vpi_tui.cli.rules.verb import Verb
from vpi_tui.model.errors import ConfigError


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "dirs",
        nargs="+",
        type=Path,
        metavar="CASE_DIR",
        help="a directory with test.yaml, or of such directories",
    )


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.cli.rules.case import CASE_FILE, read_case

    for top in args.dirs:
        if not top.exists():
            raise ConfigError(f"There is no directory {top}.", hint="Check the path.")
    found = [path.parent for top in args.dirs for path in sorted(top.rglob(CASE_FILE))]
    if not found:
        raise ConfigError(
            f"There is no {CASE_FILE} in {', '.join(map(str, args.dirs))}.",
            hint="A case is a directory with test.yaml, a capture and a rule file.",
        )
    failed = 0
    for directory in found:
        with tempfile.TemporaryDirectory() as folder:
            problems = read_case(directory).problems(Path(folder))
        failed += bool(problems)
        print(f"{'FAILED' if problems else 'passed'}  {directory}")
        for problem in problems:
            print(f"        {problem}")
    print(f"{len(found) - failed:,} of {len(found):,} cases pass.", file=sys.stderr)
    return EXIT_FAILED if failed else EXIT_DONE


TEST = Verb(
    name="test",
    help="captures, rules and the events they must give",
    description="Runs each case through the scanner: a directory with test.yaml as suricata-verify has it"
    " (pcap, args, checks with filter, count and match), a capture and a rule file. Exit 1 when one fails.",
    examples=(("vpi-tui rules test tests/my-case", "one case, or all below a directory"),),
    configure=_configure,
    run=_run,
)
