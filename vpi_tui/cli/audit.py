"""`vpi-tui audit`: watch for some seconds, print what is seen of each port, and hold it against a policy."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vpi_tui.cli.captures import capture_files
from vpi_tui.cli.command import Command
from vpi_tui.cli.order import engine_spec, settings_of
from vpi_tui.cli.parser import EXIT_DONE, EXIT_FAILED, Parser, add_settings, examples
from vpi_tui.model.errors import ConfigError, VpiError

if TYPE_CHECKING:
    from vpi_tui.coverage.policy import Policy
    from vpi_tui.engine.child import EngineClient
    from vpi_tui.engine.spec import EngineSpec
    from vpi_tui.model.snapshot import Snapshot

EXIT_UNABLE = 3
"""There was nothing to judge, or it could not be: not to be mistaken for a policy that is broken."""
SECONDS, FEWEST, MOST = 10.0, 4.0, 3600.0
"""How long it watches, unless told otherwise. Two counts are needed, and some traffic between them."""
POLL = 0.1


def _configure(parser: Parser) -> None:
    parser.add_argument(
        "-r", dest="files", action="append", metavar="CAPTURE",
        help="conclude from a capture file instead of watching; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="how much of each guest has to be seen (coverage.yaml)"
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="N",
        help=f"how long to watch (default: {SECONDS:g})",
    )
    parser.add_argument(
        "--canary",
        metavar="NETNS|GUEST",
        help="instead of watching: send one marked frame (ethertype 0x88B5) from this network namespace, and"
        " say where it is seen; needs root",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", dest="shape", action="store_const", const="json", help="print JSON")
    shape.add_argument(
        "--markdown", dest="shape", action="store_const", const="markdown", help="print Markdown"
    )
    add_settings(parser, "audit")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not FEWEST <= value <= MOST:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of seconds from {FEWEST:g} to {MOST:g}")
    return value


def _run(args: argparse.Namespace) -> int:
    spec, policy = _spec(args), _policy(args)
    try:
        if args.canary is not None:
            return _canary(args, spec)
        snapshot = _watch(spec)
    except ConfigError:
        raise
    except VpiError as error:
        print(f"vpi-tui: {error}", file=sys.stderr)
        return EXIT_UNABLE
    return _report(args, snapshot, policy)


def _spec(args: argparse.Namespace) -> EngineSpec:
    settings = settings_of(args)
    if args.files:
        return engine_spec(
            "replay", settings, files=capture_files(args.files), speed=0.0, state_dir="", user=""
        )
    spec = engine_spec("live", settings, duration=args.seconds, state_dir="")
    return replace(spec, log=replace(spec.log, file=""))


def _policy(args: argparse.Namespace) -> Policy | None:
    if args.policy is None:
        return None
    from vpi_tui.coverage.policy import read_policy

    return read_policy(args.policy)


def _canary(args: argparse.Namespace, spec: EngineSpec) -> int:
    if args.files:
        raise ConfigError("A canary is sent into live traffic: -r has no place beside it.")
    from vpi_tui.engine.canary import prove
    from vpi_tui.view.audit import canary_as_json, canary_as_text

    proof = prove(spec, args.canary)
    print((canary_as_json if args.shape == "json" else canary_as_text)(proof), end="")
    return EXIT_DONE if proof.sightings else EXIT_FAILED


def _watch(spec: EngineSpec) -> Snapshot:
    """The last picture. Raises VpiError when there is none, or the engine failed."""
    from vpi_tui.engine.child import EngineClient

    client = EngineClient(spec)
    try:
        _wait(client)
        failure, snapshot = client.failure(), client.latest()
    finally:
        client.close()
    if failure:
        raise VpiError(failure)
    if snapshot is None or snapshot.state == "starting":
        raise VpiError("The engine ended before it saw anything.", hint="Give it more --seconds.")
    if snapshot.state == "failed":
        raise VpiError(snapshot.state_text)
    return snapshot


def _wait(client: EngineClient) -> None:
    """Until the time, or the file, is over."""
    from vpi_tui.feed.messages import Stop

    told = False
    while client.alive():
        client.take_alerts()
        snapshot = client.latest()
        if not told and snapshot is not None and snapshot.state in ("finished", "failed"):
            client.send(Stop())
            told = True
        time.sleep(POLL)


def _report(args: argparse.Namespace, snapshot: Snapshot, policy: Policy | None) -> int:
    from vpi_tui.coverage.policy import Policy, audit
    from vpi_tui.view import audit as shapes

    tags = {guest.name: guest.tags for guest in snapshot.guests}
    findings = audit(snapshot.coverage, tags, policy or Policy())
    guests = [shapes.Judged(f.guest, str(f.verdict), f.percent, f.minimum, f.passes) for f in findings]
    shape = {"json": shapes.as_json, "markdown": shapes.as_markdown}.get(args.shape, shapes.as_text)
    print(shape(snapshot, guests, policy=policy is not None), end="")
    return EXIT_DONE if all(guest.passes for guest in guests) else EXIT_FAILED


COMMAND = Command(
    name="audit",
    summary="what is seen of each guest, and whether that is enough",
    description="Watches for some seconds, compares what it saw of each port with what the kernel or"
    " Open vSwitch counted, and prints each port with its verdict, its cause and the command that fixes"
    " it. With a policy: exit 1 when a guest is seen less than demanded, 0 when not; 3 when it could not be"
    " judged, 2 for wrong use. Of a capture file it can only be concluded what is missing, which is marked as"
    " inferred.",
    epilog=examples(
        ("sudo vpi-tui audit", "all virtual switches of this host, for ten seconds"),
        ("sudo vpi-tui audit --policy coverage.yaml --json", "for cron and CI"),
        ("sudo vpi-tui audit --canary web-1", "prove that a frame of the namespace web-1 is seen"),
        ("vpi-tui audit -r monday.pcap --markdown", "what a capture file hints at"),
    ),
    configure=_configure,
    run=_run,
)
