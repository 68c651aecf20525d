"""Events to a file, a pipe or whatever takes bytes."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Sink(Protocol):
    """Where lines go."""

    def write(self, data: bytes, /) -> Any: ...

    def flush(self) -> None: ...


class EveWriter:
    """Events to a sink, one JSON object a line. Errors of the sink are the caller's."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._encoder = msgspec.json.Encoder()
        self.written = 0

    def write(self, event: dict[str, Any]) -> None:
        self._stream.write(self._encoder.encode(event) + b"\n")
        self.written += 1

    def flush(self) -> None:
        self._stream.flush()
