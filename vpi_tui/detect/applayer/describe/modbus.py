"""modbus: a request and its response: function, addresses, data."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.modbus.message import Access, Category, Message
from vpi_tui.detect.applayer.modbus.parser import ModbusTransaction

_FUNCTIONS: Final = {
    1: "RdCoils", 2: "RdDiscreteInputs", 3: "RdHoldRegs", 4: "RdInputRegs", 5: "WrSingleCoil",
    6: "WrSingleReg", 7: "RdExcStatus", 8: "Diagnostic", 9: "Program484", 10: "Poll484",
    11: "GetCommEventCtr", 12: "GetCommEventLog", 13: "ProgramController", 14: "PollController",
    15: "WrMultCoils", 16: "WrMultRegs", 17: "ReportServerID", 18: "Program884", 19: "ResetCommLink",
    20: "RdFileRec", 21: "WrFileRec", 22: "MaskWrReg", 23: "RdWrMultRegs", 24: "RdFIFOQueue", 43: "MEI",
}  # fmt: skip
_DIAGNOSTICS: Final = {
    0: "RetQueryData", 1: "RestartCommOpt", 2: "RetDiagReg", 3: "ChangeInputDelimiter",
    4: "ForceListenOnlyMode", 10: "ClearCtrDiagReg", 11: "RetBusMsgCount", 12: "RetBusCommErrCount",
    13: "RetBusExcErrCount", 14: "RetServerMsgCount", 15: "RetServerNoRespCount", 16: "RetServerNAKCount",
    17: "RetServerBusyCount", 18: "RetBusCharOverrunCount", 19: "RetOverrunErrCount",
    20: "ClearOverrunCounterFlag", 21: "GetClearPlusStats",
}  # fmt: skip
_EXCEPTIONS: Final = {
    1: "IllegalFunction", 2: "IllegalDataAddr", 3: "IllegalDataValue", 4: "ServerDeviceFail", 5: "Ack",
    6: "ServerDeviceBusy", 7: "NegAck", 8: "MemParityErr", 10: "GatewayPathUnavailable",
    11: "GatewayTargetFailToResp",
}  # fmt: skip
_CATEGORIES: Final = {
    Category.ASSIGNED: "PUBLIC_ASSIGNED", Category.UNASSIGNED: "PUBLIC_UNASSIGNED",
    Category.USER: "USER_DEFINED", Category.RESERVED: "RESERVED",
}  # fmt: skip
_FLAWS: Final = {
    "modbus.invalid_value": "DATA_VALUE", "modbus.invalid_length": "DATA_LENGTH",
    "modbus.invalid_exception_code": "EXC_CODE", "modbus.invalid_function_code": "FUNC_CODE",
    "modbus.invalid_protocol_id": "PROTO_ID",
}  # fmt: skip
_DIAGNOSTIC, _MEI, _MASK = 8, 43, 22


def describe(transaction: ModbusTransaction) -> dict[str, Any]:
    request, response = transaction.request, transaction.response
    return {
        "modbus": {
            "id": max(0, transaction.number) + 1,
            **({"request": _message(request) | _asked(request)} if request is not None else {}),
            **({"response": _message(response) | _answered(response)} if response is not None else {}),
        }
    }


def _message(message: Message) -> dict[str, Any]:
    """What requests and responses have in common."""
    flaws = [_FLAWS[name] for name in message.events if name in _FLAWS]
    return {
        "transaction_id": message.transaction,
        "protocol_id": 0,
        "unit_id": message.unit,
        "function_raw": message.code,
        "function_code": _FUNCTIONS.get(message.function, "Unknown"),
        "access_type": " | ".join(one.name or "" for one in message.access) or "NONE",
        "category": _CATEGORIES.get(message.category, "NONE"),
        "error_flags": " | ".join(flaws) or "NONE",
    }


def _asked(message: Message) -> dict[str, Any]:
    if message.function == _MEI and message.body:
        kind, data = message.body[0], text(message.body[1:])
        return {
            "mei": {"raw": kind, "code": "CANOpenGenRefReqResp" if kind == 13 else "RdDevId", "data": data}
        }
    if message.subfunction is not None:
        return _diagnostic(message)
    if not message.addresses:
        return filled(data=message.data)
    first = message.addresses[0] - 1
    read, write = {}, {}
    if message.access & Access.READ and not message.access & Access.WRITE:
        read = {"address": first, "quantity": message.quantity}
    if message.access & Access.WRITE:
        write = filled(address=first, data=message.value)
    return filled(read=read, write=write)


def _answered(message: Message) -> dict[str, Any]:
    if message.exception is not None:
        code = _EXCEPTIONS.get(message.exception, "Unknown")
        return {"exception": {"raw": message.exception, "code": code}}
    if message.subfunction is not None:
        return _diagnostic(message)
    if message.value is not None:
        return {"write": {"address": message.addresses[0] - 1, "data": message.value}}
    if message.function == _MASK and message.addresses:
        return {"write": {"address": message.addresses[0] - 1}}
    data = filled(data=message.data)
    return filled(read=data) if message.access & Access.READ else data


def _diagnostic(message: Message) -> dict[str, Any]:
    number = message.subfunction or 0
    code = _DIAGNOSTICS.get(number, "Reserved")
    return {"diagnostic": {"raw": number, "code": code, "data": text(message.data)}}
