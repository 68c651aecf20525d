"""Any bytes as what a person is shown: text, the frame behind an alert, the name that a host gives itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.decode.samples import SAMPLES
from tests.fuzz.target import Target
from tests.inventory.wire.samples import SENDER, SENDER6, discover, llmnr, mdns, netbios
from vpi_tui.inventory.wire.dhcp import client_name
from vpi_tui.inventory.wire.reader import MAX_NAME, MalformedError
from vpi_tui.inventory.wire.resolution import answered_name, netbios_name
from vpi_tui.view.escape import is_safe, safe
from vpi_tui.view.packet import MOST_LINES, dissect, payload_lines

READERS: Final = (client_name, answered_name, netbios_name)
LINKS: Final = (1, 113, 276, 0, 101, 228, 229, 147)
TEXTS: Final = ("\x1b[2J\u202e\u0301é".encode(), b"\\x41\xff\x9b")


def screen(data: bytes) -> None:
    for limit in (1, 7, 256):
        for text in (data, data.decode("utf-8", "surrogateescape"), data.decode("utf-16-le", "replace")):
            shown = safe(text, limit)
            assert is_safe(shown)
            assert len(shown) <= limit


def packet(data: bytes) -> None:
    """The first byte chooses the link type."""
    frame = data[1:]
    lines = dissect(frame, LINKS[data[0] % len(LINKS)] if data else 1)
    assert len(lines) <= MOST_LINES + 2
    for line in (*lines, *payload_lines(frame)):
        assert is_safe(line.name)
        assert is_safe(line.value)
        assert 0 <= line.start <= line.stop <= len(frame)


def host_name(data: bytes) -> None:
    """The first byte chooses the reader, and who sent it."""
    if not data:
        return
    sender = SENDER6 if data[0] & 4 else SENDER
    try:
        name = READERS[data[0] % len(READERS)](data[1:], sender)
    except MalformedError:
        return
    assert len(name) <= MAX_NAME
    assert name.isprintable()


def _frames() -> Iterable[bytes]:
    return [bytes([LINKS.index(link) if link in LINKS else 0]) + frame for link, frame in SAMPLES.values()]


def _messages() -> Iterable[bytes]:
    made = (
        bytes(discover(("hostname", b"web-1"))),
        bytes(mdns("web-1.local")),
        bytes(llmnr("web-1")),
        netbios("WEB-1"),
    )
    return [bytes([number]) + one for number in range(6) for one in made]


TARGETS: Final = (
    Target("screen", screen, lambda: TEXTS),
    Target("packet", packet, _frames, most_bytes=2_048),
    Target("host-name", host_name, _messages, most_bytes=1_024),
)
