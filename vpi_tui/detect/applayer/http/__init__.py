"""http: HTTP/1 as libhtp reads it for Suricata: lenient, pipelined, bodies unfolded within bounds."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Application, application
from vpi_tui.detect.applayer.http.buffers import BUFFERS
from vpi_tui.detect.applayer.http.parser import HttpParser

HTTP1: Final[Application] = application("http1", HttpParser, BUFFERS, apps=("http",), files=BOTH)
