"""tls: hellos and certificates of handshakes, and the fingerprints of both ends."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.base import Application, application
from vpi_tui.detect.applayer.tls.buffers import BUFFERS
from vpi_tui.detect.applayer.tls.parser import TlsParser

TLS: Final[Application] = application("tls", TlsParser, BUFFERS)
