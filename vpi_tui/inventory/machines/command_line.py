"""What the command line of a virtual machine's process says: its name, UUID, MAC addresses and taps.

Source: qemu(1): -name, -uuid, -netdev, -nic, -net, -device; cloud-hypervisor and firecracker --help.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from vpi_tui.inventory.picture import mac_number

PROGRAMS = ("qemu", "kvm", "cloud-hypervisor", "firecracker", "crosvm", "lkvm")
"""How the file names of programs that run a machine begin."""
NAME_BYTES = 128
MOST_CARDS = 64
_NETWORK = ("-netdev", "-nic", "-net", "-device", "--net")


@dataclass(frozen=True, slots=True)
class CommandLine:
    program: str
    name: str = ""
    uuid: str = ""
    macs: tuple[int, ...] = ()
    taps: tuple[str, ...] = ()


def parse(words: Sequence[str], *, runs_a_machine: bool = False) -> CommandLine | None:
    """None when it is no program that runs a machine. Whoever may start a process writes what stands here.

    runs_a_machine: it does, whatever it is called.
    """
    program = _clean(PurePath(words[0]).name) if words else ""
    if not program or not (runs_a_machine or program.startswith(PROGRAMS)):
        return None
    name = uuid = ""
    macs: dict[int, None] = {}
    taps: dict[str, None] = {}
    for option, value in pairwise(words):
        if option in ("-name", "--name"):
            found = _fields(value)
            name = found.get("guest", "") or found.get("name", "") or found.get("", "")
        elif option == "--id":
            name = value
        elif option in ("-uuid", "--uuid"):
            uuid = value
        elif option in _NETWORK and len(macs) + len(taps) < MOST_CARDS:
            found = _fields(value)
            macs.update((mac, None) for mac in _mac(found))
            taps.update((tap, None) for tap in (found.get("ifname", "") or found.get("tap", ""),) if tap)
    return CommandLine(program, _clean(name), _clean(uuid), tuple(macs), tuple(map(_clean, taps)))


def _fields(value: str) -> dict[str, str]:
    """`first,key=value,…` with a comma doubled in values, or the same as JSON. The first word is at ""."""
    if value.startswith("{"):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return {}
        return {key: item for key, item in found.items() if isinstance(item, str)}
    fields: dict[str, str] = {}
    for part in value.replace(",,", "\0").split(","):
        key, equals, content = part.replace("\0", ",").partition("=")
        if equals:
            fields[key] = content
        else:
            fields.setdefault("", key)
    return fields


def _mac(fields: dict[str, str]) -> Iterator[int]:
    try:
        yield mac_number(fields.get("mac") or fields.get("macaddr") or "")
    except ValueError:
        return


def _clean(text: str) -> str:
    return "".join(character for character in text[:NAME_BYTES] if character.isprintable())
