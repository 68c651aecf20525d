"""`vpi-tui rules`: check, list and explain rules, without an engine."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from vpi_tui.cli.command import Command
from vpi_tui.cli.order import existing, settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, add_settings, examples
from vpi_tui.config import paths
from vpi_tui.config.nearest import nearest
from vpi_tui.model.errors import ConfigError, VpiError

if TYPE_CHECKING:
    from vpi_tui.detect.rules.loader import LoadResult
    from vpi_tui.model.signature import Signature

TOP_REASONS = 20
TOP_NOTICES = 20


def _configure(parser: Parser) -> None:
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    check = subparsers.add_parser(
        "check",
        help="every rule that does not load, with file, line and reason",
        description="Reports each rule of files and packs that does not load. Exit 1 when there is one.",
        epilog=examples(
            ("vpi-tui rules check local.rules mine.yaml", "two files"), ("vpi-tui rules check", "the packs")
        ),
    )
    check.add_argument("files", nargs="*", metavar="FILE", help="rule file or pack (default: those in force)")
    listing = subparsers.add_parser(
        "list",
        help="the rules in force, one a line",
        description="Prints sid, revision, priority, ATT&CK technique, pack and message of each rule.",
        epilog=examples(("vpi-tui rules list --filter smb", "those that mention SMB")),
    )
    listing.add_argument("--pack", metavar="NAME", help="only the rules of this pack")
    listing.add_argument(
        "--filter", metavar="TEXT", default="", help="only rules with this text in sid, message or class"
    )
    show = subparsers.add_parser(
        "show",
        help="one rule, explained",
        description="Prints one rule: its text, what it means, and where it was read.",
        epilog=examples(("vpi-tui rules show 9000001", "by its sid")),
    )
    show.add_argument("sid", metavar="SID", help="its sid, or gid:sid")
    for child in (check, listing, show):
        add_settings(child, "rules")


def _run(args: argparse.Namespace) -> int:
    return _VERBS[args.verb](args)


def _check(args: argparse.Namespace) -> int:
    result = _load(args, existing(tuple(args.files), "rule file"))
    for error in sorted(result.errors, key=lambda error: (error.path, error.line)):
        print(error)
    for notice in result.notices[:TOP_NOTICES]:
        print(f"{notice} (note)", file=sys.stderr)
    if len(result.notices) > TOP_NOTICES:
        print(f"{len(result.notices) - TOP_NOTICES:,} more notes.", file=sys.stderr)
    reasons = Counter(error.reason.partition(":")[0][:60] for error in result.errors)
    if reasons:
        print("\nwhy, and how many:")
        for reason, count in reasons.most_common(TOP_REASONS):
            print(f"  {count:>7,}  {reason}")
        if len(reasons) > TOP_REASONS:
            print(f"  {sum(count for _, count in reasons.most_common()[TOP_REASONS:]):>7,}  others")
    print(f"{len(result.signatures):,} rules load, {len(result.errors):,} do not.")
    return EXIT_FAILED if result.errors else EXIT_DONE


def _list(args: argparse.Namespace) -> int:
    signatures = _in_force(args)
    packs = dict.fromkeys(signature.origin.pack for signature in signatures)
    if args.pack is not None:
        if args.pack not in packs:
            near = nearest(args.pack, packs)
            known = f"Did you mean {near!r}?" if near else f"Packs: {', '.join(filter(None, packs))}."
            raise ConfigError(f"There is no pack {args.pack!r}.", hint=known)
        signatures = [signature for signature in signatures if signature.origin.pack == args.pack]
    wanted = args.filter.casefold()
    signatures = [signature for signature in signatures if wanted in _searchable(signature)]
    print(f"{'sid':>10}  {'rev':>3}  {'pri':>3}  {'technique':<10} {'pack':<20} message")
    for signature in signatures:
        off = "" if signature.enabled else " (off)"
        print(
            f"{_number(signature):>10}  {signature.rev:>3}  {signature.priority:>3}"
            f"  {signature.technique or '-':<10} {signature.origin.pack or '-':<20}"
            f" {_plain(signature.msg)}{off}"
        )
    print(f"{len(signatures):,} rules.", file=sys.stderr)
    return EXIT_DONE


def _show(args: argparse.Namespace) -> int:
    from vpi_tui.detect.rules.explain import describe

    gid, _, sid = args.sid.rpartition(":")
    signatures = _in_force(args)
    found = [s for s in signatures if str(s.sid) == sid and (not gid or str(s.gid) == gid)]
    if not found:
        raise VpiError(
            f"There is no rule with sid {args.sid[:40]}.", hint="`vpi-tui rules list` names those in force."
        )
    for signature in found:
        if not signature.origin.line:
            print(f"{_plain(signature.msg)}\n\npart of the program: it looks for what no signature can say")
            continue
        print(_plain(signature.raw))
        print(f"\nread from {_plain(signature.origin.path)}:{signature.origin.line}\n")
        print("\n".join(_plain(line) for line in describe(signature).split("\n")))
    return EXIT_DONE


def _load(args: argparse.Namespace, files: tuple[str, ...] = ()) -> LoadResult:
    from vpi_tui.detect.rules.loader import load

    settings = settings_of(args)
    chosen = files or existing(settings["rules"], "rule file") or (str(paths.rules_dir()),)
    return load(chosen, settings.variables(), options=settings.options())


def _in_force(args: argparse.Namespace) -> list[Signature]:
    """The rules, and the behaviours, which are switched like rules but have no text."""
    import vpi_tui.detect.behaviour.arp  # noqa: F401 (registers itself)
    from vpi_tui.detect.behaviour.base import REGISTRY

    return [*_load(args).signatures, *(factory().signature for factory in REGISTRY)]


def _number(signature: Signature) -> str:
    return str(signature.sid) if signature.gid == 1 else f"{signature.gid}:{signature.sid}"


def _searchable(signature: Signature) -> str:
    return f"{_number(signature)} {signature.msg} {signature.classtype} {signature.technique}".casefold()


def _plain(text: str) -> str:
    """Rule files are not trusted: control bytes and the like must not reach the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


_VERBS = {"check": _check, "list": _list, "show": _show}

COMMAND = Command(
    name="rules",
    summary="check, list and explain rules",
    description="Looks into rule files and packs without watching anything.",
    epilog=examples(
        ("vpi-tui rules check local.rules", "does every rule load?"),
        ("vpi-tui rules list --pack recon", "the rules of one pack"),
        ("vpi-tui rules show 9000001", "one rule, explained"),
    ),
    configure=_configure,
    run=_run,
)
