"""Guests of vCenter or of one ESXi host, by their API. Needs pyvmomi (the extra `vmware`).

Source: vSphere Web Services API: ServiceInstance, ContainerView, PropertyCollector.RetrievePropertiesEx.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vpi_tui.inventory.managers.vcenter_objects import PROPERTIES, guest_of
from vpi_tui.inventory.managers.words import MAX_GUESTS, plain
from vpi_tui.inventory.picture import Picture
from vpi_tui.model.errors import ConfigError, VpiError

EVERY = 30.0
SECONDS = 10.0
"""For one answer."""
PAGE = 500
"""Objects in one answer."""
VERSION = "vim.version.version10"
"""vSphere 6.0: later ones speak it too."""
MAX_PASSWORD = 1_024
_LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to ask, and who asks. ca_file: "" = the system's authorities."""

    host: str
    port: int
    user: str
    password_file: str
    ca_file: str = ""
    tls: bool = True


def account_of(url: str, password_file: str, ca_file: str = "") -> Account:
    """From https://USER@HOST[:PORT]. Raises ConfigError."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or not parts.username or parts.scheme not in ("https", "http"):
        raise ConfigError(
            f"probes.vmware.vcenter is {plain(url)!r}.",
            hint="Write https://USER@HOST, the @ of a name as %40.",
        )
    if parts.password is not None:
        raise ConfigError(
            "probes.vmware.vcenter holds a password.", hint="Put it into a file: probes.vmware.password-file."
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError("A password is not sent to vCenter without TLS.", hint="Write https://USER@HOST.")
    if not password_file:
        raise ConfigError(
            "There is no password for vCenter.",
            hint="Name the file that has it: probes.vmware.password-file.",
        )
    user = unquote(parts.username)
    return Account(parts.hostname, port, user, password_file, ca_file, parts.scheme == "https")


class VcenterProbe:
    """One vCenter or ESXi host. It logs in with the first reading, and again when the session has ended."""

    def __init__(self, account: Account) -> None:
        self.name = f"vCenter {account.host}"
        self._account = account
        self._content: Any = None
        self._next = float("-inf")

    def changed(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + EVERY
        return True

    def read(self) -> Picture:
        vim = _module("pyVmomi").vim
        kept = self._content is not None
        try:
            return self._read(vim)
        except Exception as error:
            self._content = None
            if kept and isinstance(error, vim.fault.NotAuthenticated):
                return self.read()  # the session had ended
            raise self._failure(error) from error

    def close(self) -> None:
        """The session ends by itself when nobody uses it; a logout would wait for an answer."""
        self._content = None

    def _read(self, vim: Any) -> Picture:
        content = self._content = self._content or self._log_in(vim)
        groups = _each(content, vim.dvs.DistributedVirtualPortgroup, ("name", "key"))
        names = {one["key"]: plain(one.get("name")) for one in groups if "key" in one}
        machines = _each(content, vim.VirtualMachine, PROPERTIES)
        return Picture(guests=tuple(guest for one in machines if (guest := guest_of(one, names)) is not None))

    def _log_in(self, vim: Any) -> Any:
        account = self._account
        password = _password(account.password_file)
        content = vim.ServiceInstance("ServiceInstance", _stub(account)).RetrieveContent()
        content.sessionManager.Login(account.user, password)
        return content

    def _failure(self, error: Exception) -> VpiError:
        """pyvmomi raises faults, and whatever its parser and its sockets raise, as they are."""
        if isinstance(error, VpiError):
            return error
        where, kind = self._account.host, type(error).__name__
        if kind.endswith("InvalidLogin"):
            return VpiError(
                f"vCenter {where} refuses the user {plain(self._account.user)}.",
                hint="Check the name (such as sensor%40vsphere.local) and the password's file.",
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return VpiError(
                f"The certificate of vCenter {where} is not trusted: {error.verify_message}.",
                hint="Name the file of its authority: probes.vmware.ca-file.",
            )
        if kind.endswith("NoPermission"):
            return VpiError(
                f"vCenter {where} does not let {plain(self._account.user)} look at its guests.",
                hint="Give that user the role Read-only on the data centre.",
            )
        words = getattr(error, "msg", None) or (isinstance(error, OSError) and error.strerror) or str(error)
        return VpiError(
            f"vCenter {where} does not answer as it should: {plain(str(words), 200) or kind}.",
            hint="Check that its /sdk can be reached from here.",
        )


def _module(name: str) -> Any:
    """Raises VpiError when pyvmomi is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise VpiError(
            "vCenter cannot be asked without pyvmomi.", hint="Install it: pip install 'vpi-tui[vmware]'"
        ) from None


def _stub(account: Account) -> Any:
    """A connection that pyvmomi opens when it needs it; a port below zero is one without TLS."""
    adapter: Callable[..., Any] = _module("pyVmomi.SoapAdapter").SoapStubAdapter
    context = ssl.create_default_context(cafile=account.ca_file or None) if account.tls else None
    return adapter(
        host=account.host,
        port=account.port if account.tls else -account.port,
        path="/sdk",
        version=VERSION,
        sslContext=context,
        httpConnectionTimeout=SECONDS,
    )


def _password(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_PASSWORD).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is no text"
        raise VpiError(
            f"The password's file {path} cannot be read: {words}.",
            hint="It must be readable by the user that the sensor becomes (--user).",
        ) from error


def _each(content: Any, kind: Any, wanted: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The wanted properties of all objects of a kind, at most MAX_GUESTS; those not told are missing."""
    query = _module("pyVmomi").vmodl.query.PropertyCollector
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    through = query.TraversalSpec(name="view", path="view", skip=False, type=type(view))
    filters = query.FilterSpec(
        objectSet=[query.ObjectSpec(obj=view, skip=True, selectSet=[through])],
        propSet=[query.PropertySpec(type=kind, pathSet=list(wanted))],
    )
    collector = content.propertyCollector
    page = collector.RetrievePropertiesEx([filters], query.RetrieveOptions(maxObjects=PAGE))
    left = MAX_GUESTS
    while page is not None:
        for one in page.objects[:left]:
            yield {each.name: each.val for each in one.propSet}
        left -= len(page.objects)
        if not page.token:
            break
        if left <= 0:
            collector.CancelRetrievePropertiesEx(page.token)
            break
        page = collector.ContinueRetrievePropertiesEx(page.token)
    view.DestroyView()
