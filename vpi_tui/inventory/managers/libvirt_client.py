"""Two ways to ask libvirt, with the same answers: its Python bindings where installed, else virsh.

Both open the connection read-only, which any user may do of a system that is set up as shipped. Sources:
libvirt.org/html (virConnectListAllDomains, virDomainInterfaceStats), virsh(1).
"""

from __future__ import annotations

import importlib
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from vpi_tui.inventory.managers.command import run
from vpi_tui.inventory.managers.words import MAX_GUESTS, plain
from vpi_tui.model.errors import VpiError

T = TypeVar("T")

SECONDS = 10.0
"""What virsh may take for one question."""
AT_ONCE = 200
"""Domains that one virsh is asked about."""
STATES = ("no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended")
"""virDomainState, as virsh spells it."""


@dataclass(frozen=True, slots=True)
class Domain:
    uuid: str
    xml: str
    state: str


@dataclass(frozen=True, slots=True)
class InterfaceCount:
    """What libvirt counted at one interface since the guest started, named from the switch's side."""

    uuid: str
    """Of the domain."""
    port: str
    """Name of the tap on the host."""
    bytes_in: int
    """Sent by the guest: they enter the switch."""
    bytes_out: int
    """Received by the guest."""
    packets_in: int
    packets_out: int
    drops_in: int
    drops_out: int


class Client(Protocol):
    """Each raises VpiError when libvirt does not answer; a domain that goes meanwhile is left out."""

    def domains(self) -> list[Domain]: ...

    def networks(self) -> list[str]:
        """Their descriptions in XML."""

    def counts(self, interfaces: Sequence[tuple[str, str]]) -> list[InterfaceCount]:
        """interfaces: (uuid of the domain, name of the tap) of those to count."""

    def close(self) -> None: ...


def open_client(uri: str) -> Client:
    """Raises VpiError when there is neither way."""
    bindings = _bindings()
    if bindings is not None:
        return BindingsClient(uri, bindings)
    if shutil.which("virsh"):
        return VirshClient(uri)
    raise VpiError(
        f"{uri} cannot be asked: there are neither libvirt's Python bindings nor virsh.",
        hint="Install one: pip install 'vpi-tui[libvirt]', or apt install libvirt-clients",
    )


def _bindings() -> Any:
    """The module, or None where it is not installed or does not fit the library."""
    try:
        return importlib.import_module("libvirt")
    except ImportError:
        return None


class BindingsClient:
    """By libvirt-python. The connection is kept, and opened anew when it broke."""

    def __init__(self, uri: str, bindings: Any) -> None:
        self._uri = uri
        self._libvirt = bindings
        self._connection: Any = None
        bindings.registerErrorHandler(lambda *_: None, None)  # it would print them; they are raised too

    def domains(self) -> list[Domain]:
        found = self._asked(lambda connection: connection.listAllDomains(0))[:MAX_GUESTS]
        return self._each(found, lambda one: Domain(one.UUIDString(), one.XMLDesc(0), _state(one.state()[0])))

    def networks(self) -> list[str]:
        found = self._asked(lambda connection: connection.listAllNetworks(0))[:MAX_GUESTS]
        return self._each(found, lambda one: str(one.XMLDesc(0)))

    def counts(self, interfaces: Sequence[tuple[str, str]]) -> list[InterfaceCount]:
        connection = self._connected()

        def count(interface: tuple[str, str]) -> InterfaceCount:
            uuid, port = interface
            figures = connection.lookupByUUIDString(uuid).interfaceStats(port)
            return _count(uuid, port, figures)

        return self._each(interfaces, count)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except self._libvirt.libvirtError:
                return  # it had broken already

    def _connected(self) -> Any:
        if self._connection is None:
            try:
                self._connection = self._libvirt.openReadOnly(self._uri)
            except self._libvirt.libvirtError as error:
                raise unreachable(self._uri, str(error)) from error
        return self._connection

    def _asked(self, question: Callable[[Any], T]) -> T:
        try:
            return question(self._connected())
        except self._libvirt.libvirtError as error:
            self.close()
            raise unreachable(self._uri, str(error)) from error

    def _each(self, items: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
        """What is read of each; those that have gone meanwhile are left out."""
        found = []
        for item in items:
            try:
                found.append(read(item))
            except self._libvirt.libvirtError:
                continue
        return found


class VirshClient:
    """By the program virsh: one for the list, one for as many domains as a command line holds."""

    def __init__(self, uri: str, virsh: str = "virsh") -> None:
        self._uri = uri
        self._virsh = virsh

    def domains(self) -> list[Domain]:
        uuids = self._list("list --all --uuid")
        asked = [word for uuid in uuids for word in (f"dumpxml {uuid}", f"domstate {uuid}")]
        answers = self._answers(asked)
        pairs = zip(uuids, answers[::2], answers[1::2], strict=True)
        return [Domain(uuid, xml, plain(state)) for uuid, xml, state in pairs if xml and state]

    def networks(self) -> list[str]:
        names = self._list("net-list --all --name")
        return [xml for xml in self._answers([f"net-dumpxml {shlex.quote(name)}" for name in names]) if xml]

    def counts(self, interfaces: Sequence[tuple[str, str]]) -> list[InterfaceCount]:
        asked = [f"domifstat {uuid} {shlex.quote(port)}" for uuid, port in interfaces]
        answers = zip(interfaces, self._answers(asked), strict=True)
        return [_count(uuid, port, figures_of(text)) for (uuid, port), text in answers if text]

    def close(self) -> None:
        return

    def _list(self, command: str) -> list[str]:
        lines = self._run(command).splitlines()
        return [line.strip() for line in lines if line.strip()][:MAX_GUESTS]

    def _answers(self, commands: Sequence[str]) -> list[str]:
        """The output of each command; "" of one that failed."""
        answers: list[str] = []
        for start in range(0, len(commands), 2 * AT_ONCE):
            part = commands[start : start + 2 * AT_ONCE]
            mark = secrets.token_hex(16)  # nothing that a domain says can end an answer before its end
            script = ";".join(f"{command}; echo {mark}" for command in part)
            pieces = self._run(script, partly=True).split(mark)
            if len(pieces) <= len(part):
                raise unreachable(self._uri, "virsh ended before it had answered")
            answers += [piece.strip() for piece in pieces[: len(part)]]
        return answers

    def _run(self, script: str, *, partly: bool = False) -> str:
        command = (self._virsh, "--quiet", "--readonly", "--connect", self._uri, script)
        try:
            return run(command, SECONDS, partly=partly)
        except VpiError as error:
            raise unreachable(self._uri, error.message) from error


def figures_of(text: str) -> list[int]:
    """Eight figures in the order of virDomainInterfaceStats from lines such as `vnet0 rx_bytes 512`; -1 =
    not counted."""
    words = dict(line.split()[-2:] for line in text.splitlines() if len(line.split()) >= 2)
    names = [f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errs", "drop")]
    return [int(words[name]) if words.get(name, "").isdigit() else -1 for name in names]


def _count(uuid: str, port: str, figures: Sequence[int]) -> InterfaceCount:
    rx_bytes, rx_packets, _, rx_drop, tx_bytes, tx_packets, _, tx_drop = (max(n, 0) for n in figures)
    return InterfaceCount(uuid, port, tx_bytes, rx_bytes, tx_packets, rx_packets, tx_drop, rx_drop)


def _state(number: int) -> str:
    return STATES[number] if 0 <= number < len(STATES) else ""


def unreachable(uri: str, why: str) -> VpiError:
    """The reason and the next step, as libvirt's own words tell."""
    words = plain(" ".join(line.removeprefix("error: ") for line in why.split("\n")), 400).strip().rstrip(".")
    small = words.lower()
    if "permission denied" in small or "authentication" in small or "access denied" in small:
        hint = "Let the sensor's user ask: usermod -aG libvirt USER, or start with --user '' to stay root."
    elif "no such file" in small or "connection refused" in small:
        hint = "Start the daemon: systemctl start libvirtd (or virtqemud), or leave this address out."
    else:
        hint = f"Try it by hand: virsh -r -c {shlex.quote(uri)} list --all"
    return VpiError(f"{uri} does not answer: {words}.", hint=hint)
