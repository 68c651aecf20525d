"""dcerpc: a call or a bind, and what was answered."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from vpi_tui.detect.applayer.dcerpc.calls import Call
from vpi_tui.detect.applayer.dcerpc.pdu import Interface, Kind
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled
from vpi_tui.model.batch import Direction

_WORDS: Final = {kind.value: kind.name for kind in Kind} | {
    Kind.BIND_ACK: "BINDACK", Kind.BIND_NAK: "BINDNAK", Kind.ALTER_CONTEXT: "ALTER_CONTEXT",
    Kind.ALTER_CONTEXT_RESP: "ALTER_CONTEXT_RESP",
}  # fmt: skip
_BINDS: Final = (Kind.BIND, Kind.ALTER_CONTEXT)


def describe(call: Call) -> dict[str, Any]:
    head = call_head(call)
    if call.request == Kind.REQUEST:
        head["req"] = {"opnum": call.opnum, **sizes(call, Direction.TO_SERVER)}
    if call.activity:
        about = {"activityuuid": str(UUID(bytes=call.activity)), "seqnum": call.call_id}
        return {"dcerpc": {**head, **about, "rpc_version": "4.0"}}
    return {"dcerpc": {**head, "call_id": call.call_id, "rpc_version": "5.0"}}


def call_head(call: Call) -> dict[str, Any]:
    """What is said of a call wherever it was carried."""
    made: dict[str, Any] = {
        "request": "REQUEST_LOST" if call.request is None else _WORDS.get(call.request, "UNKNOWN"),
        "response": "UNREPLIED" if call.response is None else _WORDS.get(call.response, "UNKNOWN"),
    }
    if call.response == Kind.RESPONSE:
        made["res"] = sizes(call, Direction.TO_CLIENT)
    listed = [_interface(call, place, one) for place, one in enumerate(call.interfaces[:MOST_LISTED])]
    return made | filled(interfaces=listed)


def sizes(call: Call, direction: int) -> dict[str, int]:
    return {"frag_cnt": call.fragments[direction], "stub_data_size": len(call.stub[direction])}


def _interface(call: Call, place: int, one: Interface) -> dict[str, Any]:
    asked = call.request in _BINDS
    result = call.results[place] if asked and place < len(call.results) else None
    uuid = str(UUID(bytes=one.uuid)) if len(one.uuid) == 16 else ""
    return filled(uuid=uuid, version=f"{one.version}.{one.minor}", ack_result=result)
