"""`vpi-tui rules check`: every rule that does not load, with its place and reason."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from vpi_tui.cli.order import existing
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser
from vpi_tui.cli.rules.verb import Verb, loaded
from vpi_tui.model.errors import ConfigError

if TYPE_CHECKING:
    from vpi_tui.model.errors import RuleError
    from vpi_tui.model.signature import Signature

TOP_REASONS = 20
TOP_NOTICES = 20


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="rule file or pack (default: those in force)"
    )
    parser.add_argument("--keywords", action="store_true", help="also count the rules that use each keyword")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.detect.match.ruleset import RuleSet

    result = loaded(args, existing(tuple(args.files), "rule file"))
    refused = RuleSet.compile(result.signatures).refused
    errors: list[RuleError] = [*result.errors, *refused.values()]
    for error in sorted(errors, key=lambda error: (error.path, error.line)):
        print(error)
    for notice in result.notices[:TOP_NOTICES]:
        print(f"{notice} (note)", file=sys.stderr)
    if len(result.notices) > TOP_NOTICES:
        print(f"{len(result.notices) - TOP_NOTICES:,} more notes.", file=sys.stderr)
    if args.keywords:
        _print_counts("keyword, and the rules that use it:", _keywords(result.signatures), None)
    reasons = Counter(error.reason.partition(":")[0][:60] for error in errors)
    _print_counts("why, and how many:", reasons, TOP_REASONS)
    if not result.signatures and not errors:
        named = ", ".join(args.files) or "the rules in force"
        raise ConfigError(
            f"There is no rule in {named}.", hint="Files of rules end in .rules, packs in .yaml."
        )
    count = len(result.signatures) - len(refused)
    share = count / max(1, count + len(errors))
    load = "rule loads" if count == 1 else "rules load"
    print(f"{count:,} {load} ({share:.2%}), {len(errors):,} {'does' if len(errors) == 1 else 'do'} not.")
    return EXIT_FAILED if errors else EXIT_DONE


def _print_counts(title: str, counts: Counter[str], most: int | None) -> None:
    if not counts:
        return
    print(f"\n{title}")
    for name, count in counts.most_common(most):
        print(f"  {count:>7,}  {name}")
    if most is not None and len(counts) > most:
        print(f"  {sum(count for _, count in counts.most_common()[most:]):>7,}  others")


def _keywords(signatures: list[Signature]) -> Counter[str]:
    from vpi_tui.detect.rules.lexer import split_rule

    found: Counter[str] = Counter()
    for signature in signatures:
        found.update({option.name for option in split_rule(signature.raw).options})
    return found


CHECK = Verb(
    name="check",
    help="every rule that does not load, with file, line and reason",
    description="Reports each rule of files and packs that does not load. Exit 1 when there is one.",
    examples=(
        ("vpi-tui rules check local.rules mine.yaml", "two files"),
        ("vpi-tui rules check", "the rules in force"),
        ("vpi-tui rules check --keywords all.rules", "and how often each keyword is used"),
    ),
    configure=_configure,
    run=_run,
)
