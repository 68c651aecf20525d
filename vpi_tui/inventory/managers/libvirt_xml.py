"""Domains and networks as libvirt describes them in XML (libvirt.org/formatdomain.html, formatnetwork.html).

An administrator writes these documents, not always the one who runs this sensor: no entity is expanded, and
what is read of a document is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from vpi_tui.inventory.managers.words import MAX_INTERFACES, distinct, macs_of, plain
from vpi_tui.inventory.picture import SeenGuest, SeenInterface
from vpi_tui.model.errors import VpiError

MAX_XML = 1 << 20
"""Characters of one document."""
_SOURCES = ("bridge", "network", "dev", "name")
"""Attributes of an interface's source that name what it is joined to; the first that is there tells."""
_CONTAINERS = frozenset(["lxc", "openvz", "vz"])
_NO_TAP = frozenset(["", "shut off", "crashed"])
"""States in which an interface of the host that is still written down is nobody's."""


def guest_of(xml: str, state: str, bridges: Mapping[str, str]) -> SeenGuest:
    """bridges: bridge of each network by its name. Raises VpiError for what is no description of a domain."""
    domain = _root(xml, "domain")
    interfaces = domain.findall("./devices/interface")[:MAX_INTERFACES]
    tapped = interfaces if state not in _NO_TAP else []
    seen = [_interface(one, bridges) for one in tapped if _attribute(one, "target", "dev")]
    return SeenGuest(
        name=plain((domain.findtext("name") or "").strip()),
        kind="container" if domain.get("type") in _CONTAINERS else "vm",
        origin="libvirt",
        ports=distinct(one.port for one in seen),
        macs=macs_of(_attribute(one, "mac", "address") for one in interfaces),
        networks=distinct(_network(one, bridges) for one in interfaces),
        uuid=plain((domain.findtext("uuid") or "").strip()),
        state=plain(state),
        interfaces=tuple(seen),
    )


def _interface(interface: ElementTree.Element, bridges: Mapping[str, str]) -> SeenInterface:
    macs = macs_of([_attribute(interface, "mac", "address")])
    return SeenInterface(
        _attribute(interface, "target", "dev"), macs[0] if macs else 0, _network(interface, bridges)
    )


def _network(interface: ElementTree.Element, bridges: Mapping[str, str]) -> str:
    """The bridge behind an interface, else the network by its name."""
    named = [_attribute(interface, "source", key) for key in _SOURCES]
    name = next(filter(None, named), "")
    return bridges.get(name) or name


def bridge_of(xml: str) -> tuple[str, str]:
    """(name of a network, its bridge or ""). Raises VpiError."""
    network = _root(xml, "network")
    return plain((network.findtext("name") or "").strip()), _attribute(network, "bridge", "name")


def _attribute(element: ElementTree.Element, child: str, name: str) -> str:
    found = element.find(child)
    return plain(found.get(name, "")) if found is not None else ""


def _root(xml: str, tag: str) -> ElementTree.Element:
    if len(xml) > MAX_XML:
        raise VpiError(f"A <{tag}> of {len(xml):,} characters is not read; the bound is {MAX_XML:,}.")
    if "<!DOCTYPE" in xml:  # the one place where entities can be declared
        raise VpiError(f"A <{tag}> that declares a document type is not read.")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise VpiError(f"A <{tag}> is no XML: {error}.") from None
    if root.tag != tag:
        raise VpiError(f"Where a <{tag}> was expected, there is a <{plain(root.tag, 40)}>.")
    return root
