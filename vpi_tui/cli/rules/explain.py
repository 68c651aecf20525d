"""`vpi-tui rules explain` and `show`: one rule in words, what it is looked for by, and what it costs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vpi_tui.cli.parser import EXIT_DONE, Parser
from vpi_tui.cli.rules.verb import Verb, in_force, of_sid, plain

if TYPE_CHECKING:
    from vpi_tui.model.signature import Signature


def _configure(parser: Parser) -> None:
    parser.add_argument("sid", metavar="SID", help="its sid, or gid:sid")


def _show(args: argparse.Namespace) -> int:
    for signature in of_sid(in_force(args), args.sid):
        _print_rule(signature)
    return EXIT_DONE


def _explain(args: argparse.Namespace) -> int:
    for signature in of_sid(in_force(args), args.sid):
        _print_rule(signature)
        if signature.origin.line:
            _print_search(signature)
    return EXIT_DONE


def _print_rule(signature: Signature) -> None:
    from vpi_tui.detect.rules.explain import describe

    if not signature.origin.line:
        print(f"{plain(signature.msg)}\n\npart of the program: it looks for what no signature can say")
        return
    print(plain(signature.raw))
    print(f"\nread from {plain(signature.origin.path)}:{signature.origin.line}\n")
    print("\n".join(plain(line) for line in describe(signature).split("\n")))


def _print_search(signature: Signature) -> None:
    from vpi_tui.detect.match.search import cost_of, group_of, search_of

    search = search_of(signature)
    if search is None:
        looked_for = "nothing in particular"
    else:
        looked_for = f"{_shown(search.piece)} in {search.buffer}"
        if len(search.piece) < len(search.content):
            looked_for += f", a piece of {_shown(search.content)}"
    print(f"\nfast pattern: {looked_for}\ngroup: {group_of(signature)}\ncost: {cost_of(signature)}")


def _shown(data: bytes) -> str:
    """As in rules: printable ASCII, other bytes in hexadecimal between bars."""
    parts = [chr(byte) if 32 < byte < 127 and byte not in b'"|;\\' else f"|{byte:02X}|" for byte in data[:64]]
    return '"' + "".join(parts).replace("||", " ") + '"' + ("..." if len(data) > 64 else "")


SHOW = Verb(
    name="show",
    help="one rule, and what it means",
    description="Prints one rule: its text, what it means, and where it was read.",
    examples=(("vpi-tui rules show 9000001", "by its sid"),),
    configure=_configure,
    run=_show,
)
EXPLAIN = Verb(
    name="explain",
    help="one rule, what it means and what it costs",
    description="Prints one rule: its text, what it means, the pattern by which it is looked for, the group"
    " of packets that meet it, and what that costs.",
    examples=(("vpi-tui rules explain 9000001", "by its sid"),),
    configure=_configure,
    run=_explain,
)
