"""Bounds on what a manager says: lists are cut, names are short and printable."""

from __future__ import annotations

from collections.abc import Iterable

from vpi_tui.inventory.picture import mac_number

MAX_GUESTS = 5_000
MAX_INTERFACES = 64
"""Of one guest."""
MAX_NAME = 128
REPLACED = "\N{REPLACEMENT CHARACTER}"


def plain(text: object, limit: int = MAX_NAME) -> str:
    """Text of a manager as a name: at most `limit` printable characters; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    return "".join(char if char.isprintable() else REPLACED for char in text[:limit])


def macs_of(texts: Iterable[object]) -> tuple[int, ...]:
    """The MAC addresses among the texts, each once. What is none is left out, and so are group addresses."""
    found: dict[int, None] = {}
    for text in texts:
        try:
            mac = mac_number(text) if isinstance(text, str) else 0
        except ValueError:
            continue
        if mac and not mac >> 40 & 1:
            found[mac] = None
    return tuple(found)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not empty, each once, in order."""
    return tuple(dict.fromkeys(name for name in names if name))
