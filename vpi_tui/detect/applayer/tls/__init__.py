"""tls: hellos and certificates of SSLv2 to TLS 1.3; once a handshake is over its flow is not looked at."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.tls.buffers import BUFFERS
from vpi_tui.detect.applayer.tls.parser import TlsParser

TLS: Final[Application] = application(
    "tls", TlsParser, BUFFERS, after=("ftp", "http1", "ldap", "pgsql", "pop3", "smtp")
)
