"""SR-IOV: guests that were given a part of a network card, which switches between them by itself.

None of their traffic passes this host's stack; they are listed so that they are not taken for seen.
Source: linux/if_link.h (IFLA_VFINFO_LIST).
"""

from __future__ import annotations

from collections.abc import Sequence

from vpi_tui.inventory.links import Link
from vpi_tui.inventory.picture import SeenPort
from vpi_tui.model.topology import Switch

BYPASS = "SR-IOV"


def virtual_functions(links: Sequence[Link]) -> tuple[list[Switch], list[SeenPort]]:
    """Each card with virtual functions in use as a switch, and these as its ports.

    One with an interface of its own on this host belongs to the host; one without an address is not in use.
    """
    own = {link.mac for link in links}
    switches, ports = [], []
    for link in links:
        used = [function for function in link.functions if function.mac and function.mac not in own]
        if not used:
            continue
        name = f"{link.name} ({BYPASS})"
        switches.append(Switch(name, "sr-iov"))
        ports += [
            SeenPort(
                0,
                f"{link.name} vf {function.number}",
                name,
                macs=(function.mac,),
                pvid=function.vlan,
                kind="vf",
                bypass=BYPASS,
            )
            for function in used
        ]
    return switches, ports
