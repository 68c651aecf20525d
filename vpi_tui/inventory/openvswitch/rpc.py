"""Questions to Open vSwitch's daemons by JSON-RPC, each with a deadline.

The `ovs` package's own ways to wait for an answer have none.
"""

from __future__ import annotations

import errno
import os
import time
from typing import Any

import ovs.jsonrpc
import ovs.poller
import ovs.stream

from vpi_tui.inventory.openvswitch.errors import AbsentError
from vpi_tui.model.errors import VpiError

DEADLINE = 5.0
"""Seconds for one answer."""


class Connection:
    """To one daemon. Raises AbsentError, and VpiError with the next step, when it cannot be opened."""

    def __init__(self, remote: str, daemon: str) -> None:
        self._remote, self._daemon = remote, daemon
        wait = int(DEADLINE * 1000)
        error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), wait)
        if error:
            raise _cannot_open(remote, daemon, error)
        self._rpc = ovs.jsonrpc.Connection(stream)

    def ask(self, method: str, *parameters: str) -> Any:
        """The result. Raises VpiError when there is none in time; the connection is of no use then."""
        request = ovs.jsonrpc.Message.create_request(method, list(parameters))
        end = time.monotonic() + DEADLINE
        self._rpc.send(request)
        while True:
            self._rpc.run()
            error, answer = self._rpc.recv()
            if answer is not None and answer.id == request.id:
                if answer.type == ovs.jsonrpc.Message.T_ERROR:
                    raise self._misfit(f"it refused {method}")
                return answer.result
            if error not in (0, errno.EAGAIN):
                raise self._misfit("it closed the connection" if error < 0 else os.strerror(error))
            poller = ovs.poller.Poller()
            self._rpc.wait(poller)
            self._rpc.recv_wait(poller)
            block(poller, end, self._remote, self._daemon)

    def _misfit(self, why: str) -> VpiError:
        return VpiError(
            f"What answers at {self._remote} is no {self._daemon}: {why}.",
            hint="Name the right socket of the database: --set probes.ovs.socket=PATH",
        )

    def close(self) -> None:
        self._rpc.close()


def block(poller: Any, end: float, remote: str, daemon: str) -> None:
    """Wait for what the poller waits for. Raises VpiError once the monotonic clock is past `end`."""
    left = end - time.monotonic()
    if left <= 0:
        raise VpiError(
            f"{remote} has not answered within {DEADLINE:.0f} seconds.",
            hint=f"Look at {daemon}: systemctl status openvswitch-switch",
        )
    poller.timer_wait(max(1, int(left * 1000)))
    poller.block()


def _cannot_open(remote: str, daemon: str, error: int) -> VpiError:
    if error == errno.ENOENT:
        return AbsentError(f"no socket at {remote.removeprefix('unix:')}")
    if error in (errno.EACCES, errno.EPERM):
        return VpiError(
            f"{remote} may not be opened by this user.",
            hint="Start vpi-tui again with sudo: it connects before it gives up root.",
        )
    if error == errno.ECONNREFUSED:
        return VpiError(
            f"{remote} is there, but nobody answers: {daemon} does not run.",
            hint="systemctl start openvswitch-switch",
        )
    return VpiError(f"{remote} cannot be opened: {os.strerror(error)}.")
