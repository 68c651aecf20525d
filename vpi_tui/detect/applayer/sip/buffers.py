"""What rules see of a SIP message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_CLIENT, TO_SERVER, Buffer
from vpi_tui.detect.applayer.sip.message import Message
from vpi_tui.detect.applayer.sip.parser import SipTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _buffer(name: str, directions: int, get: Callable[[Message], Sequence[bytes]]) -> Buffer:
    def instances(transaction: SipTransaction, _direction: int) -> Sequence[bytes]:
        return [value for value in get(transaction.message) if value]

    return Buffer(name, directions, Stage.DONE, instances)


def _field(name: str, field: bytes) -> Buffer:
    """One that is empty is one all the same."""

    def instances(transaction: SipTransaction, _direction: int) -> Sequence[bytes]:
        return transaction.message.fields.get(field, ())

    return Buffer(name, BOTH, Stage.DONE, instances)


def _sdp(name: str) -> Buffer:
    """Of the session that the body describes, whatever the message says that it holds."""
    return _buffer(name, BOTH, lambda message: message.session.get(name, ()))


BUFFERS: Final = (
    _buffer("sip.method", TO_SERVER, lambda m: (m.method,)),
    _buffer("sip.uri", TO_SERVER, lambda m: (m.uri,)),
    _buffer("sip.request_line", TO_SERVER, lambda m: (m.line,)),
    _buffer("sip.stat_code", TO_CLIENT, lambda m: (m.code,)),
    _buffer("sip.stat_msg", TO_CLIENT, lambda m: (m.reason,)),
    _buffer("sip.response_line", TO_CLIENT, lambda m: (m.line,)),
    _buffer("sip.protocol", BOTH, lambda m: (m.protocol,)),
    _field("sip.from", b"from"),
    _field("sip.to", b"to"),
    _field("sip.via", b"via"),
    _field("sip.user_agent", b"user-agent"),
    _field("sip.content_type", b"content-type"),
    _field("sip.content_length", b"content-length"),
    _sdp("sdp.origin"),
    _sdp("sdp.session_name"),
    _sdp("sdp.session_info"),
    _sdp("sdp.uri"),
    _sdp("sdp.email"),
    _sdp("sdp.phone_number"),
    _sdp("sdp.connection_data"),
    _sdp("sdp.bandwidth"),
    _sdp("sdp.time"),
    _sdp("sdp.repeat_time"),
    _sdp("sdp.timezone"),
    _sdp("sdp.encryption_key"),
    _sdp("sdp.attribute"),
    _sdp("sdp.media.media"),
    _sdp("sdp.media.media_info"),
    _sdp("sdp.media.connection_data"),
    _sdp("sdp.media.encryption_key"),
)
