"""`vpi-tui lab status`."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, examples
from vpi_tui.lab.names import Names

if TYPE_CHECKING:
    from vpi_tui.lab.status import GuestStatus, Status

HEAD = ("guest", "switch", "port", "address", "services", "procs", "")


def _configure(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.lab.status import status

    found = status(Names(args.name))
    print(json.dumps(_facts(found)) if args.json else _table(found))
    well = found.state is not None and all(guest.answers for guest in found.guests)
    return EXIT_DONE if well else EXIT_FAILED


def _table(found: Status) -> str:
    if found.state is None:
        if found.remains:
            return f"No lab is up, but one has left {len(found.remains)} things: `sudo vpi-tui lab down`."
        return "No lab is up. Start one with `sudo vpi-tui lab up`."
    rows = [HEAD, *(_row(guest) for guest in found.guests)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(one: GuestStatus) -> tuple[str, ...]:
    guest = one.guest
    services = ",".join(guest.services) or "-"
    word = "" if one.answers else "does not answer"
    return guest.name, guest.switch, guest.namespace, guest.ip, services, str(one.processes), word


def _facts(found: Status) -> dict[str, object]:
    """Exactly what the table shows."""
    guests = [
        dict(zip(HEAD[:-1], _row(one)[:-1], strict=True)) | {"answers": one.answers} for one in found.guests
    ]
    return {"up": found.state is not None, "guests": guests, "remains": list(found.remains)}


VERB = Command(
    name="status",
    summary="what runs, in a table",
    description="Shows each guest, its port, services and processes, and asks the services whether they live."
    " Exit 1 when no lab is up or a guest does not answer.",
    epilog=examples(("sudo vpi-tui lab status --json", "for programs")),
    configure=_configure,
    run=_run,
)
