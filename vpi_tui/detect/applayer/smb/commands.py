"""Commands that wait for their response."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.smb.headers import Message
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction

MOST_OPEN: Final = 512
"""Commands that wait; the oldest makes room."""
_NEGOTIATE: Final = {1: 0x72, 2: 0x00}
"""By version: the command."""

Key = tuple[int, int, int, int]
"""(version, session, identifier, command)"""


def key_of(message: Message) -> Key:
    return message.version, message.session, message.identifier, message.command


class OpenCommands:
    """In the order in which they came. Negotiations are found by their version, without a search."""

    def __init__(self) -> None:
        self._all: dict[Key, SmbTransaction] = {}
        self._negotiations: dict[int, dict[Key, None]] = {version: {} for version in _NEGOTIATE}

    def __len__(self) -> int:
        return len(self._all)

    def get(self, key: Key) -> SmbTransaction | None:
        return self._all.get(key)

    def put(self, key: Key, made: SmbTransaction) -> list[SmbTransaction]:
        """A command was sent. Gives those that wait no more: one with the same key, and the oldest."""
        former = [self.pop(key)]
        self._all[key] = made
        if _is_negotiation(key):
            self._negotiations[key[0]][key] = None
        if len(self._all) > MOST_OPEN:
            former.append(self.pop(next(iter(self._all))))
        return [one for one in former if one is not None]

    def pop(self, key: Key) -> SmbTransaction | None:
        if _is_negotiation(key):
            self._negotiations[key[0]].pop(key, None)
        return self._all.pop(key, None)

    def negotiation(self, version: int) -> Key | None:
        """The oldest negotiation of a version that waits."""
        return next(iter(self._negotiations[version]), None)

    def clear(self) -> list[SmbTransaction]:
        """No response comes any more; gives all."""
        left = list(self._all.values())
        self._all.clear()
        for keys in self._negotiations.values():
            keys.clear()
        return left


def _is_negotiation(key: Key) -> bool:
    return _NEGOTIATE.get(key[0]) == key[3]
