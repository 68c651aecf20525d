"""`vpi-tui lab up`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from vpi_tui.cli.command import Command
from vpi_tui.cli.parser import EXIT_DONE, Parser, examples
from vpi_tui.lab.names import DEFAULT, Names
from vpi_tui.lab.plan import MAX_EXTRA, SwitchKind

if TYPE_CHECKING:
    from vpi_tui.lab.state import State


def _configure(parser: Parser) -> None:
    parser.add_argument("--bridge", action="store_true", help="a Linux bridge (default: every kind there is)")
    parser.add_argument(
        "--ovs", action="store_true", help="a bridge of Open vSwitch with the userspace datapath"
    )
    parser.add_argument(
        "--guests", type=_extra, default=0, metavar="N", help=f"so many more on each switch, 0 to {MAX_EXTRA}"
    )


def _extra(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MAX_EXTRA):
        raise argparse.ArgumentTypeError(f"a number from 0 to {MAX_EXTRA}, not {text[:40]!r}")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    from vpi_tui.lab.build import up

    kinds: list[SwitchKind] = ["bridge"] if args.bridge else []
    kinds += ["ovs"] if args.ovs else []
    names = Names(args.name)
    state = up(names, kinds, args.guests, lambda line: print(line, file=sys.stderr))
    print(_next_steps(names, state))
    return EXIT_DONE


def _next_steps(names: Names, state: State) -> str:
    lab = "sudo vpi-tui lab"
    name = "" if names.lab == DEFAULT else f" --name {names.lab}"
    switches = " and ".join(switch.name for switch in state.plan.switches)
    steps = [
        f"{len(state.plan.guests)} guests on {switches} are up and talk to each other.",
        "",
        "Now, in a second terminal:",
        f"  {_sensor(names)}",
        "Then, in this one:",
        f"  {lab} attack list{name}   what there is to try",
        f"  {lab} attack scan{name}   look at screen 4, Alerts, over there",
        f"  {lab} down{name}          all of it is gone",
    ]
    if state.spans:
        steps += ["", *_blind(names, state)]
    return "\n".join(steps)


def _sensor(names: Names, options: str = "") -> str:
    """The command that watches the lab."""
    from vpi_tui.lab.switches.ovs import hidden_database

    database = hidden_database(names)
    where = f" --set probes.ovs.socket={database}" if database else ""
    return f"sudo vpi-tui{options} --inventory {names.inventory}{where}"


def _blind(names: Names, state: State) -> list[str]:
    """The last switch's span port is the one to show: Open vSwitch, where it is."""
    span = state.spans[-1]
    switch = next(switch for switch in state.plan.switches if switch.span == span)
    dark = " and ".join(guest.name for guest in switch.guests if guest.dark)
    return [
        f"Blind on purpose: {span} gets a copy of what {switch.name} carries, as a",
        f"sensor's card does, but nothing of {dark}. Screen 7, Coverage, of",
        f"  {_sensor(names, f' -i {span}')}",
        "says so, and which command fixes it.",
    ]


VERB = Command(
    name="up",
    summary="start it",
    description="Makes the switches, guests, services and everyday traffic, waits until all services answer,"
    " and says what to do next. What a killed lab has left is removed first.",
    epilog=examples(
        ("sudo vpi-tui lab up", "all kinds of switch that this machine can have"),
        ("sudo vpi-tui lab up --bridge --guests 10", "a Linux bridge with ten more guests"),
    ),
    configure=_configure,
    run=_run,
)
