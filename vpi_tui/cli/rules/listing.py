"""`vpi-tui rules list`: the rules in force, one a line."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vpi_tui.cli.parser import EXIT_DONE, Parser
from vpi_tui.cli.rules.verb import Verb, in_force, number, plain
from vpi_tui.config.nearest import nearest
from vpi_tui.model.errors import ConfigError

if TYPE_CHECKING:
    from vpi_tui.model.signature import Signature


def _configure(parser: Parser) -> None:
    parser.add_argument("--pack", metavar="NAME", help="only the rules of this pack or file")
    parser.add_argument(
        "--filter", metavar="TEXT", default="", help="only rules with this text in sid, message or class"
    )


def _run(args: argparse.Namespace) -> int:
    signatures = in_force(args)
    packs = dict.fromkeys(signature.origin.pack for signature in signatures)
    if args.pack is not None:
        if args.pack not in packs:
            near = nearest(args.pack, packs)
            known = f"Did you mean {near!r}?" if near else f"Packs: {', '.join(packs)}."
            raise ConfigError(f"There is no pack {args.pack!r}.", hint=known)
        signatures = [signature for signature in signatures if signature.origin.pack == args.pack]
    wanted = args.filter.casefold()
    signatures = [signature for signature in signatures if wanted in _searchable(signature)]
    width = max((len(signature.origin.pack) for signature in signatures), default=0)
    print(f"{'sid':>10}  {'rev':>3}  {'pri':>3}  {'technique':<10} {'pack':<{width}} message")
    for signature in signatures:
        off = "" if signature.enabled else " (off)"
        print(
            f"{number(signature):>10}  {signature.rev:>3}  {signature.priority:>3}"
            f"  {signature.technique or '-':<10} {signature.origin.pack:<{width}}"
            f" {plain(signature.msg)}{off}"
        )
    print(f"{len(signatures):,} rules.", file=sys.stderr)
    return EXIT_DONE


def _searchable(signature: Signature) -> str:
    return f"{number(signature)} {signature.msg} {signature.classtype} {signature.technique}".casefold()


LIST = Verb(
    name="list",
    help="the rules in force, one a line",
    description="Prints sid, revision, priority, ATT&CK technique, pack and message of each rule.",
    examples=(("vpi-tui rules list --filter smb", "those that mention SMB"),),
    configure=_configure,
    run=_run,
)
