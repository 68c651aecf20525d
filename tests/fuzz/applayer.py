"""Any conversation to the parser of each application layer, and to those that its flow changes to."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.detect.applayer.conversations import GREETINGS, drive, endless, said_of
from tests.fuzz.target import Target, words_in
from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.registry import APPLICATIONS


def _words(application: Application) -> list[bytes]:
    """Of a protocol that has a package of its own, the words of all its modules."""
    module = application.parser.__module__
    package = module.rpartition(".")[0]
    return words_in(module if package.endswith("applayer") else package)


TARGETS: Final = tuple(
    Target(
        one.name,
        partial(drive, one),
        lambda: GREETINGS,
        partial(_words, one),
        recorded=True,
        grow=partial(endless, one),
        most_bytes=8_192,
        said=said_of,
    )
    for one in APPLICATIONS
)
