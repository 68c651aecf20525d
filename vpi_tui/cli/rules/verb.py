"""What a verb of `vpi-tui rules` is, and what several of them need."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vpi_tui.cli.order import existing, rule_files, settings_of
from vpi_tui.cli.parser import Parser, add_settings, examples
from vpi_tui.model.errors import VpiError

if TYPE_CHECKING:
    from vpi_tui.detect.rules.loader import LoadResult
    from vpi_tui.model.signature import Signature


@dataclass(frozen=True, slots=True)
class Verb:
    """Like cli.command.Command, one level below. run: gives the exit code, or raises VpiError."""

    name: str
    help: str
    description: str
    examples: tuple[tuple[str, str], ...]
    configure: Callable[[Parser], None]
    run: Callable[[argparse.Namespace], int]

    def add_to(self, subparsers: argparse._SubParsersAction[Parser]) -> None:
        parser = subparsers.add_parser(
            self.name, help=self.help, description=self.description, epilog=examples(*self.examples)
        )
        self.configure(parser)
        add_settings(parser, "rules")


def loaded(args: argparse.Namespace, files: tuple[str, ...] = ()) -> LoadResult:
    """The rules of these files, or those in force."""
    from vpi_tui.detect.rules.loader import load

    settings = settings_of(args)
    chosen = files or existing(rule_files(settings), "rule file")
    return load(chosen, settings.variables(), options=settings.options())


def in_force(args: argparse.Namespace) -> list[Signature]:
    """The rules, and the behaviours, which are switched like rules but have no text."""
    import vpi_tui.detect.behaviour  # noqa: F401 (they register themselves)
    from vpi_tui.detect.behaviour.base import REGISTRY

    built_in = [signature for behaviour in REGISTRY for signature in behaviour.signatures]
    return [*loaded(args).signatures, *built_in]


def of_sid(signatures: list[Signature], text: str) -> list[Signature]:
    """The rules of "sid" or "gid:sid". Raises VpiError when there is none."""
    gid, _, sid = text.rpartition(":")
    found = [s for s in signatures if str(s.sid) == sid and (not gid or str(s.gid) == gid)]
    if not found:
        raise VpiError(
            f"There is no rule with sid {text[:40]}.", hint="`vpi-tui rules list` names those in force."
        )
    return found


def number(signature: Signature) -> str:
    return str(signature.sid) if signature.gid == 1 else f"{signature.gid}:{signature.sid}"


def plain(text: str) -> str:
    """Rule files are not trusted: control bytes and the like must not reach the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
