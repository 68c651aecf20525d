"""smtp: mails on their way between servers (RFC 5321), their fields and attachments (RFC 5322, 2045)."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import TO_SERVER, Application, application
from vpi_tui.detect.applayer.smtp.buffers import BUFFERS
from vpi_tui.detect.applayer.smtp.parser import SmtpParser

SMTP: Final[Application] = application("smtp", SmtpParser, BUFFERS, files=TO_SERVER)
