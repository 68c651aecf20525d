"""websocket: WebSocket (RFC 6455) after its upgrade from HTTP/1, messages put together and inflated.

Each frame is a transaction; the last of a message has all of its payload.
"""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.websocket.buffers import BUFFERS
from vpi_tui.detect.applayer.websocket.parser import WebSocketParser

WEBSOCKET: Final[Application] = application("websocket", WebSocketParser, BUFFERS, after=("http1",))
