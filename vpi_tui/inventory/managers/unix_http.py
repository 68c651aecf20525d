"""HTTP over a Unix socket, for the daemons that have their API there: one GET at a time, bounded."""

from __future__ import annotations

import errno
import http.client
import socket
import time
from pathlib import Path

from vpi_tui.model.errors import VpiError

SECONDS = 5.0
"""For one answer, all of it."""
MAX_ANSWER = 16 << 20
_PIECE = 1 << 16


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))


class UnixHttp:
    """Keeps its connection while the daemon does: one that was opened as root goes on after root is given up.

    server: what the last answer said in its header of that name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: _UnixConnection | None = None
        self.server = ""

    def get(self, target: str) -> bytes:
        """The body of the answer. Raises VpiError."""
        kept = self._connection is not None
        try:
            return self._get(target)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not kept or isinstance(error, TimeoutError):
                raise self._failure(error) from error
        try:  # the daemon may have closed a connection that rested, or was started anew
            return self._get(target)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._failure(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _get(self, target: str) -> bytes:
        ends_at = time.monotonic() + SECONDS
        if self._connection is None:
            self._connection = _UnixConnection(self._path)
        self._connection.request("GET", target)
        answer = self._connection.getresponse()
        self.server = answer.getheader("Server") or ""
        body = bytearray()
        while piece := answer.read1(_PIECE):
            body += piece
            if time.monotonic() > ends_at:
                raise TimeoutError
            if len(body) > MAX_ANSWER:
                self.close()
                raise VpiError(f"{self._path} answers with more than {MAX_ANSWER >> 20} MB to {target}.")
        answer.close()  # the connection is free for the next question
        if answer.will_close:
            self.close()
        if answer.status != http.client.OK:
            raise VpiError(f"{self._path} answers {answer.status} to {target}.")
        return bytes(body)

    def _failure(self, error: Exception) -> VpiError:
        if isinstance(error, TimeoutError):
            return VpiError(
                f"{self._path} has not answered within {SECONDS:g} seconds.", hint="Look at the daemon's log."
            )
        code = error.errno if isinstance(error, OSError) else None
        if code in (errno.EACCES, errno.EPERM):
            return VpiError(
                f"The socket {self._path} may not be opened by this user.",
                hint="Let the sensor's user in (usermod -aG GROUP USER, the group as `ls -l` shows it), or "
                "start with --user '' to stay root.",
            )
        if code in (errno.ENOENT, errno.ECONNREFUSED):
            return VpiError(
                f"Nobody listens at {self._path}.",
                hint="Start the daemon, or take its socket out of the settings.",
            )
        words = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
        return VpiError(f"{self._path} gives no answer that is HTTP: {words}.")
