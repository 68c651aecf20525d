"""quic: QUIC up to its hellos, of Google's Q043 to Q050, the IETF's drafts, and versions 1 and 2.

Each packet with a long header is a transaction. Once both hellos are seen its flow is not looked at.
"""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.quic.buffers import BUFFERS
from vpi_tui.detect.applayer.quic.parser import QuicParser

QUIC: Final[Application] = application("quic", QuicParser, BUFFERS, transports=("udp",))
