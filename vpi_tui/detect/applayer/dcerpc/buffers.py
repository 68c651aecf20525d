"""What rules look at of calls. SMB has the same buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, Buffer
from vpi_tui.detect.applayer.dcerpc.calls import Call
from vpi_tui.detect.applayer.dcerpc.pdu import Kind
from vpi_tui.detect.applayer.transaction import Stage


def _interface(call: Call, _direction: int) -> Sequence[bytes]:
    """For each: UUID (16 bytes), major version (2), whether the bind was a first fragment (1)."""
    if call.request != Kind.REQUEST:
        return ()
    return [one.uuid + one.version.to_bytes(2) + bytes((one.first,)) for one in call.interfaces]


def _opnum(call: Call, _direction: int) -> Sequence[bytes]:
    return (call.opnum.to_bytes(2),) if call.request == Kind.REQUEST else ()


def _stub_data(call: Call, direction: int) -> Sequence[bytes]:
    stub = call.stub[direction]
    return (bytes(stub),) if stub else ()


INTERFACE: Final = Buffer("dcerpc.iface", BOTH, Stage.DONE, _interface)
CALL_BUFFERS: Final = (
    INTERFACE,
    Buffer("dcerpc.opnum", BOTH, Stage.DONE, _opnum),
    Buffer("dcerpc.stub_data", BOTH, Stage.DONE, _stub_data),
)
