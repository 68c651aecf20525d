"""sip: requests and responses over UDP and TCP (RFC 3261), and the sessions that they describe (RFC 8866)."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.sip.buffers import BUFFERS
from vpi_tui.detect.applayer.sip.parser import SipParser

SIP: Final[Application] = application("sip", SipParser, BUFFERS, transports=("tcp", "udp"))
