"""Guests of VMware by their configuration files (*.vmx), where the host has no API or none is to be asked.

Source: the .vmx of Workstation, Fusion and ESXi: lines `key = "value"`, keys without
regard to case. Bounded: so many directories deep, so many files, so many bytes of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from vpi_tui.inventory.managers.words import MAX_GUESTS, MAX_INTERFACES, distinct, macs_of, plain
from vpi_tui.inventory.picture import Picture, SeenGuest
from vpi_tui.model.errors import VpiError

EVERY = 30.0
"""Seconds between two readings."""
MAX_BYTES = 1 << 18
MAX_DEPTH = 4
MAX_ENTRIES = 50_000
"""Entries of directories that are looked at, all in all."""
_LINE = re.compile(r'\s*([\w.:]{1,100})\s*=\s*"([^"]{0,1000})"\s*')
_BIOS = re.compile(r"[0-9a-f]{32}")
_BY_TYPE = {"bridged": "vmnet0", "hostonly": "vmnet1", "nat": "vmnet8"}
"""VMnet behind each kind of connection of a hosted VMware."""


def guest_of(text: str) -> SeenGuest | None:
    """The guest that a file describes; None when it describes none."""
    keys = _keys(text)
    name = plain(keys.get("displayname", "").strip())
    if not name:
        return None
    cards = [card for number in range(MAX_INTERFACES) if (card := _card(keys, number))]
    return SeenGuest(
        name=name,
        kind="vm",
        origin="VMware",
        macs=macs_of(_mac(card) for card in cards),
        networks=distinct(_network(card) for card in cards),
        uuid=_uuid(keys.get("uuid.bios", "")),
    )


def _keys(text: str) -> dict[str, str]:
    lines = (_LINE.fullmatch(line) for line in text.splitlines())
    return {line[1].lower(): line[2] for line in lines if line}


def _card(keys: dict[str, str], number: int) -> dict[str, str]:
    """The keys of a network card, without its name; empty when it is not there."""
    start = f"ethernet{number}."
    card = {key.removeprefix(start): value for key, value in keys.items() if key.startswith(start)}
    return card if card.get("present", "true").lower() == "true" else {}


def _mac(card: dict[str, str]) -> str:
    """addressType static: set by hand; generated and vpx: what VMware chose."""
    own, generated = card.get("address", ""), card.get("generatedaddress", "")
    return own if card.get("addresstype", "").lower() == "static" else generated or own


def _network(card: dict[str, str]) -> str:
    """Port group of ESXi, or VMnet of a hosted VMware as its host interface is called."""
    named = card.get("networkname") or card.get("dvs.portgroupid") or card.get("vnet", "").rpartition("/")[2]
    return plain(named) or _BY_TYPE.get(card.get("connectiontype", "").lower(), "")


def _uuid(text: str) -> str:
    """`56 4d … -…` as 8-4-4-4-12."""
    digits = re.sub(r"[\s-]", "", text.lower())
    if not _BIOS.fullmatch(digits):
        return ""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class VmxProbe:
    """The files below some directories."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.name = "VMware files"
        self._directories = tuple(Path(name) for name in directories)
        self._next = float("-inf")

    def changed(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + EVERY
        return True

    def read(self) -> Picture:
        guests: list[SeenGuest] = []
        notices: list[str] = []
        for directory in self._directories:
            unread = 0
            for path in _found(directory):
                try:
                    guest = guest_of(_text(path))
                except OSError:
                    unread += 1
                    continue
                if guest is not None and len(guests) < MAX_GUESTS:
                    guests.append(guest)
            if unread:
                notices.append(
                    f"VMware: {unread:,} .vmx files below {directory} may not be read by this user; "
                    "their guests stay nameless. Fix with: setfacl -R -m u:USER:rX DIRECTORY"
                )
        return Picture(guests=tuple(guests), notices=tuple(notices))

    def close(self) -> None:
        return


def _found(directory: Path) -> Iterator[Path]:
    """The .vmx files, links between directories not followed. Raises VpiError when it cannot be listed."""
    try:
        os.scandir(directory).close()
    except OSError as error:
        raise VpiError(
            f"The directory {directory} cannot be listed: {error.strerror}.",
            hint="Check its path and permissions, or take it out of probes.vmware.vmx.",
        ) from error
    seen = 0
    for here, below, files in os.walk(directory):
        seen += len(below) + len(files)
        if seen > MAX_ENTRIES:
            return
        if len(Path(here).relative_to(directory).parts) >= MAX_DEPTH:
            below.clear()
        below.sort()
        yield from (Path(here, name) for name in sorted(files) if name.lower().endswith(".vmx"))


def _text(path: Path) -> str:
    """Raises OSError. A pipe or a device of that name is not waited for."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read(MAX_BYTES).decode(errors="replace")
