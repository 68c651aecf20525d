"""What rules look at of SMB, beside the calls through its pipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_SERVER, Buffer
from vpi_tui.detect.applayer.dcerpc.buffers import CALL_BUFFERS, INTERFACE
from vpi_tui.detect.applayer.dcerpc.calls import Call
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _buffer(name: str, directions: int, get: Callable[[SmbTransaction], bytes | None]) -> Buffer:
    def instances(transaction: SmbTransaction, _direction: int) -> Sequence[bytes]:
        value = get(transaction)
        return () if value is None else (value,)

    return Buffer(name, directions, Stage.DONE, instances)


def _version(transaction: SmbTransaction) -> bytes | None:
    """Of commands alone: what holds an anomaly is none."""
    return bytes((transaction.version,)) if transaction.command >= 0 else None


def _interface(call: Call, direction: int) -> Sequence[bytes]:
    """As in Suricata any bind through a pipe counts as a first fragment, also to rules without any_frag."""
    return [one[:-1] + b"\1" for one in INTERFACE.get(call, direction)]


SMB_BUFFERS: Final = (
    *(one for one in CALL_BUFFERS if one is not INTERFACE),
    Buffer(INTERFACE.name, BOTH, Stage.DONE, _interface),
    _buffer("smb.named_pipe", TO_SERVER, lambda t: t.share if t.is_pipe else None),
    _buffer("smb.share", TO_SERVER, lambda t: None if t.is_pipe else t.share),
    _buffer("smb.ntlmssp_user", TO_SERVER, lambda t: t.ntlm.user if t.ntlm else None),
    _buffer("smb.ntlmssp_domain", TO_SERVER, lambda t: t.ntlm.domain if t.ntlm else None),
    _buffer("smb.version", BOTH, _version),
)
