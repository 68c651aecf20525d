"""`vpi-tui lab attack`."""

from __future__ import annotations

import argparse
import json
import textwrap

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, WIDTH, Parser, examples
from vpi_tui.lab.attacks.attack import Attack, Expected
from vpi_tui.lab.attacks.registry import ATTACKS, BY_NAME
from vpi_tui.lab.names import Names

LIST, ALL = "list", "all"


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "attack",
        choices=(LIST, *BY_NAME, ALL),
        metavar="NAME",
        help=f"{', '.join(BY_NAME)}; {ALL} = one after another; {LIST} = say what each does",
    )
    parser.add_argument(
        "--switch", default="", metavar="NAME", help="on this switch: bridge, ovs, or its name"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(args: argparse.Namespace) -> int:
    if args.attack == LIST:
        print(json.dumps([_facts(attack) for attack in ATTACKS]) if args.json else _list())
        return EXIT_DONE
    from vpi_tui.lab import state
    from vpi_tui.lab.commands import require

    require()
    switch = state.standing(Names(args.name)).plan.switch(args.switch)
    for attack in ATTACKS if args.attack == ALL else (BY_NAME[args.attack],):
        did = attack.run(switch)
        print(json.dumps(_facts(attack) | {"did": did}) if args.json else _told(attack, did), flush=True)
    return EXIT_DONE


def _list() -> str:
    lines = [f"{'name':<10}  {'technique':<9}  what it does"]
    lines += [f"{attack.name:<10}  {attack.technique:<9}  {attack.summary}" for attack in ATTACKS]
    return "\n".join(lines)


def _told(attack: Attack, did: str) -> str:
    head = textwrap.fill(f"{attack.name} ({attack.technique}): {did}.", WIDTH, subsequent_indent="  ")
    return "\n".join([head, *(f"  look for  {_number(alert):>9}  {alert.msg}" for alert in attack.alerts)])


def _number(alert: Expected) -> str:
    return str(alert.sid) if alert.gid == 1 else f"{alert.gid}:{alert.sid}"


def _facts(attack: Attack) -> dict[str, object]:
    alerts = [{"gid": alert.gid, "sid": alert.sid, "msg": alert.msg} for alert in attack.alerts]
    return {
        "name": attack.name, "technique": attack.technique, "summary": attack.summary, "alerts": alerts,
    }  # fmt: skip


VERB = Command(
    name="attack",
    summary="attack it, and say which alert to look for",
    description="Runs one attack, bounded in time and number, from one guest against others. It says what it"
    " did, and which alerts a sensor on the switch must raise.",
    epilog=examples(
        ("vpi-tui lab attack list", "what there is"),
        ("sudo vpi-tui lab attack sqli --switch ovs", "on the second switch"),
        ("sudo vpi-tui lab attack all", "one after another, some ten seconds"),
    ),
    configure=_configure,
    run=_run,
)
