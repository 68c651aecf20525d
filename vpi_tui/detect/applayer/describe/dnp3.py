"""dnp3: one message, as request or response: link, application header, objects."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled
from vpi_tui.detect.applayer.dnp3.message import Message, Object
from vpi_tui.detect.applayer.dnp3.parser import Dnp3Transaction
from vpi_tui.model.batch import Direction

_UNSOLICITED: Final = 130
_INDICATORS: Final = (
    (0x0100, "all_stations"), (0x0200, "class_1_events"), (0x0400, "class_2_events"),
    (0x0800, "class_3_events"), (0x1000, "need_time"), (0x2000, "local_control"),
    (0x4000, "device_trouble"), (0x8000, "device_restart"), (0x0001, "no_func_code_support"),
    (0x0002, "object_unknown"), (0x0004, "parameter_error"), (0x0008, "event_buffer_overflow"),
    (0x0010, "already_executing"), (0x0020, "config_corrupt"), (0x0040, "reserved_2"),
    (0x0080, "reserved_1"),
)  # fmt: skip
"""IEEE 1815, 4.2.2.6."""


def describe(transaction: Dnp3Transaction) -> dict[str, Any]:
    message = transaction.message
    if message is None:
        return {}
    if transaction.stage[Direction.TO_SERVER]:
        return {"dnp3": {"request": {"type": "request", **_message(message)}}}
    kind = "unsolicited_response" if message.function == _UNSOLICITED else "response"
    return {"dnp3": {"response": {"type": kind, **_message(message), "iin": _indicators(message)}}}


def _message(message: Message) -> dict[str, Any]:
    link, control = message.link_control, message.control
    return {
        "control": {
            "dir": bool(link & 0x80),
            "pri": bool(link & 0x40),
            "fcb": bool(link & 0x20),
            "fcv": bool(link & 0x10),
            "function_code": link & 0x0F,
        },
        "src": message.source,
        "dst": message.destination,
        "application": {
            "control": {
                "fir": bool(control & 0x80),
                "fin": bool(control & 0x40),
                "con": bool(control & 0x20),
                "uns": bool(control & 0x10),
                "sequence": control & 0x0F,
            },
            "function_code": message.function,
            **filled(objects=[_object(one) for one in message.objects[:MOST_LISTED]]),
            "complete": message.complete,
        },
    }


def _object(one: Object) -> dict[str, Any]:
    return {
        "group": one.group,
        "variation": one.variation,
        "qualifier": one.qualifier,
        "prefix_code": one.qualifier >> 4 & 7,
        "range_code": one.qualifier & 0x0F,
        "start": one.start,
        "stop": one.stop,
        "count": one.count,
    }


def _indicators(message: Message) -> dict[str, Any]:
    bits = int.from_bytes(message.indications)
    return filled(indicators=[word for bit, word in _INDICATORS if bits & bit])
