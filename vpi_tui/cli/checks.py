"""The checks of `vpi-tui doctor`: each takes the context and yields findings, in the order of the page."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vpi_tui.capture.privileges import CAP_NET_RAW, effective_capabilities
from vpi_tui.config import paths
from vpi_tui.model.errors import VpiError

if TYPE_CHECKING:
    from vpi_tui.config.settings import Settings
    from vpi_tui.inventory.static import StaticInventory

Level = Literal["OK", "WARN", "FAIL"]
ETH_P_ALL = 3
SOL_PACKET, PACKET_VERSION, TPACKET_V3 = 263, 10, 2
"""linux/if_packet.h"""
SMALLEST = (80, 24)
DEPENDENCIES = (
    "brotli", "cryptography", "hpack", "msgspec", "numba", "numpy", "ovs", "pcre2", "platformdirs",
    "publicsuffixlist", "pyahocorasick", "pyyaml", "rich", "scapy", "textual",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """todo: the next step, a sentence; "" when there is none."""

    level: Level
    subject: str
    text: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    config: Path | None
    """--config"""


Check = Callable[[Context], Iterator[Finding]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


@check
def python(_: Context) -> Iterator[Finding]:
    yield Finding("OK", "python", f"{platform.python_version()} at {sys.executable}")


@check
def dependencies(_: Context) -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in DEPENDENCIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding(
                "FAIL", "packages", f"{name} is not installed.", "Install vpi-tui again: pip install ."
            )
    if found:
        yield Finding("OK", "packages", ", ".join(found))


@check
def kernel(_: Context) -> Iterator[Finding]:
    system = platform.uname()
    if system.system != "Linux":
        yield Finding(
            "FAIL", "kernel", f"{system.system} {system.release}", "Live capture needs Linux; files work."
        )
    else:
        yield Finding("OK", "kernel", f"Linux {system.release} {system.machine}")


@check
def privileges(_: Context) -> Iterator[Finding]:
    if effective_capabilities() >> CAP_NET_RAW & 1:
        who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
        yield Finding("OK", "privileges", f"CAP_NET_RAW ({who})")
    else:
        program = Path(sys.executable).resolve()
        yield Finding(
            "WARN",
            "privileges",
            "no CAP_NET_RAW: live capture is not possible; demo, replay and scan are.",
            f"Run it with sudo, or once: sudo setcap cap_net_raw+ep {program}",
        )


@check
def ring(_: Context) -> Iterator[Finding]:
    if not hasattr(socket, "AF_PACKET"):
        yield Finding("FAIL", "capture", "this system has no AF_PACKET sockets.", "Live capture needs Linux.")
        return
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as opened:
            opened.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
    except PermissionError:
        yield Finding("WARN", "capture", "an AF_PACKET socket may not be opened by this user.")
    except OSError as error:
        yield Finding(
            "FAIL", "capture", f"AF_PACKET with TPACKET_V3: {error.strerror}.", "Load the module af_packet."
        )
    else:
        yield Finding("OK", "capture", "AF_PACKET with TPACKET_V3 opens")


@check
def switches(context: Context) -> Iterator[Finding]:
    from vpi_tui.inventory.survey import survey

    settings = _settings(context)
    found = survey(settings.options(), _static(settings))
    for line in found.probes:
        level: Level = "WARN" if line.trouble else "OK"
        yield Finding(level, "probes", f"{line.name}: {line.found}", line.trouble)
    for switch in found.topology.switches:
        ports = [port.name for port in found.topology.ports if port.switch == switch.name]
        yield Finding("OK", "switches", f"{switch.name} ({switch.kind}): {', '.join(ports) or 'no ports'}")
    for contradiction in found.topology.conflicts:
        yield Finding("WARN", "inventory", contradiction)
    if not found.topology.switches:
        names = ", ".join(name for _, name in socket.if_nameindex())
        yield Finding(
            "WARN",
            "switches",
            f"no virtual switch here; interfaces: {names}",
            "Name interfaces by hand: vpi-tui -i IF",
        )


def _settings(context: Context) -> Settings:
    """The defaults when they cannot be read, which another check tells."""
    from vpi_tui.config.settings import load

    try:
        return load(paths.config_files(), context.config)
    except VpiError:
        return load(())


def _static(settings: Settings) -> StaticInventory | None:
    """None when there is no inventory, or when it cannot be read, which another check tells."""
    from vpi_tui.inventory.static import read_inventory

    try:
        return read_inventory(Path(settings["inventory"])) if settings["inventory"] else None
    except VpiError:
        return None


@check
def terminal(_: Context) -> Iterator[Finding]:
    if not sys.stdout.isatty():
        yield Finding(
            "WARN", "terminal", "standard output is no terminal: a report is printed, no dashboard."
        )
    else:
        size = shutil.get_terminal_size()
        level: Level = "OK" if size.columns >= SMALLEST[0] and size.lines >= SMALLEST[1] else "WARN"
        todo = "" if level == "OK" else f"Make it {SMALLEST[0]}x{SMALLEST[1]} or larger."
        term, colours = os.environ.get("TERM", "not set"), os.environ.get("COLORTERM", "not set")
        text = f"{size.columns}x{size.lines}, TERM {term}, COLORTERM {colours}"
        yield Finding(level, "terminal", text, todo)
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(False)).lower().replace("-", "")
    if encoding == "utf8":
        yield Finding("OK", "characters", "UTF-8")
    else:
        yield Finding("WARN", "characters", f"{encoding} is not UTF-8: ASCII is drawn.", "Set LANG=C.UTF-8.")


@check
def cache(_: Context) -> Iterator[Finding]:
    given = os.environ.get("NUMBA_CACHE_DIR")
    kernels = Path(given) if given else paths.kernel_cache_dir()
    hint = "Correct its permissions, or set NUMBA_CACHE_DIR."
    yield _private("cache", kernels, "kernels compile at each start", hint)
    rules = paths.rule_cache_dir()
    yield _private("rule cache", rules, "rules compile at each start", "Correct its permissions.")


def _private(subject: str, directory: Path, otherwise: str, hint: str) -> Finding:
    if paths.is_private_and_writable(directory):
        return Finding("OK", subject, str(directory))
    return Finding(
        "WARN", subject, f"{directory} cannot be written, or others can write it: {otherwise}.", hint
    )


@check
def configuration(context: Context) -> Iterator[Finding]:
    from vpi_tui.config.settings import load

    try:
        read = load(paths.config_files(), context.config)
    except VpiError as error:
        yield Finding("FAIL", "settings", error.message, error.hint)
        return
    if read.sources:
        yield Finding("OK", "settings", ", ".join(map(str, read.sources)))
    else:
        yield Finding("OK", "settings", f"defaults; none of {', '.join(map(str, paths.config_files()))}")
    if read["inventory"]:
        yield from _inventory(Path(read["inventory"]))


def _inventory(path: Path) -> Iterator[Finding]:
    from vpi_tui.inventory.static import read_inventory

    try:
        known = read_inventory(path)
    except VpiError as error:
        yield Finding("FAIL", "inventory", error.message, error.hint)
    else:
        yield Finding(
            "OK", "inventory", f"{path}: {len(known.guests)} guests, {len(known.switches)} switches"
        )


@check
def rules(context: Context) -> Iterator[Finding]:
    from vpi_tui.config.settings import load as load_settings
    from vpi_tui.detect.rules.loader import load

    try:
        settings = load_settings(paths.config_files(), context.config)
    except VpiError:
        settings = load_settings(())
    chosen = settings["rules"] or (str(paths.rules_dir()),)
    try:
        result = load(chosen, settings.variables(), options=settings.options())
    except VpiError as error:
        yield Finding("FAIL", "rules", error.message, error.hint)
        return
    text = f"{len(result.signatures):,} rules from {', '.join(chosen)}"
    if not result.signatures:
        yield Finding(
            "FAIL", "rules", f"no rule loads from {', '.join(chosen)}", "Run `vpi-tui rules check`."
        )
    elif result.errors:
        yield Finding(
            "WARN", "rules", f"{text}; {len(result.errors):,} do not load", "Run `vpi-tui rules check`."
        )
    else:
        yield Finding("OK", "rules", text)
