"""Bodies of HTTP/2 messages: content codings as in HTTP/1."""

from __future__ import annotations

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.http.body import Body, Inspection
from vpi_tui.detect.applayer.http.coding import decoders
from vpi_tui.detect.applayer.http2.transaction import Side
from vpi_tui.model.batch import Direction


def body_of(side: Side, direction: int, limits: Limits) -> Body:
    """An empty body for what a side says it will send."""
    limit = limits.request_body if direction == Direction.TO_SERVER else limits.response_body
    coding = side.joined(b"content-encoding")
    return Body(decoders(coding, limits.decompression_layers), Inspection(limit))
