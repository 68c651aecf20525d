"""http2: HTTP/2 in the clear, with prior knowledge or upgraded from HTTP/1, and DNS over it.

A stream is a transaction; so is each frame about the connection as a whole.
"""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Application, application
from vpi_tui.detect.applayer.http2.buffers import BUFFERS, DNS_BUFFERS
from vpi_tui.detect.applayer.http2.parser import Http2Parser

HTTP2: Final[Application] = application(
    "http2", Http2Parser, BUFFERS, files=BOTH, takes_over=Http2Parser.after_upgrade, after=("http1",)
)
DOH2: Final[Application] = application(
    "doh2", Http2Parser, BUFFERS + DNS_BUFFERS, files=BOTH, after=("http2",)
)
"""The streams of HTTP/2 that carry DNS messages."""
