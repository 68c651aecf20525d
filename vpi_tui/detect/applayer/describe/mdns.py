"""mdns: names that are asked for and told; flags as words."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.dns import rrtype, strings
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.dns import Message, Record
from vpi_tui.detect.applayer.messages import MessageTransaction

_FLAGS: Final = {
    "aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "z": 0x0040, "ad": 0x0020, "cd": 0x0010,
}  # fmt: skip
_PTR, _TXT = 12, 16


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message = transaction.message
    answers, authorities, additionals = (section[:MOST_LISTED] for section in message.sections)
    return {
        "mdns": filled(
            type="response" if message.is_response else "request",
            id=message.id,
            opcode=message.opcode,
            rcode=message.rcode,
            flags=[word for word, bit in _FLAGS.items() if message.flags & bit],
            queries=[
                {"rrname": text(question.name), "rrtype": rrtype(question.kind & 0x7FFF)}
                for question in message.questions[:MOST_LISTED]
            ],
            answers=[_record(one) for one in answers],
            authorities=[{"rrname": text(one.name)} for one in authorities],
            additionals=[_record(one) for one in additionals],
        )
    }


def _record(record: Record) -> dict[str, Any]:
    return filled(
        rrname=text(record.name),
        ptr=text(record.names[0]) if record.kind == _PTR and record.names else "",
        txt=[text(one) for one in strings(record.data)] if record.kind == _TXT else [],
    )
