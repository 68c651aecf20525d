"""A small HTTP server on a Unix socket that answers as a daemon would."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Answers = Mapping[str, Any]
"""By target: what is sent as JSON, or bytes as they are. Another target is answered 404."""


class Daemon(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, answers: Answers, server: str, chunked: bool) -> None:
        self.answers, self.header, self.chunked = answers, server, chunked
        self.asked: list[str] = []
        self.connections = 0
        self.open: list[socket.socket] = []
        super().__init__(str(path), _Handler)

    def end_connections(self) -> None:
        for connection in self.open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Daemon  # type: ignore[assignment]

    def setup(self) -> None:
        self.server.connections += 1
        self.server.open.append(self.request)
        super().setup()

    def handle(self) -> None:
        with suppress(OSError):  # who asked may go before the answer is there
            super().handle()

    def version_string(self) -> str:
        return self.server.header

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 100):
                piece = body[start : start + 100]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        return


@contextmanager
def daemon(
    path: Path, answers: Answers, *, server: str = "Docker/27.3.1 (linux)", chunked: bool = False
) -> Iterator[Daemon]:
    with Daemon(path, answers, server, chunked) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()
            made.end_connections()
