"""sip: the first line of a request or response, and the session that its body describes."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.sip.message import Message
from vpi_tui.detect.applayer.sip.parser import SipTransaction
from vpi_tui.detect.applayer.sip.sdp import MEDIA, lines

_OF_SESSION: Final = {
    "o": "origin", "s": "session_name", "i": "session_info", "u": "uri", "e": "email", "p": "phone_number",
    "c": "connection_data", "z": "timezone", "k": "encryption_key",
}  # fmt: skip
_OF_MEDIUM: Final = {"i": "media_info", "c": "connection_data", "k": "encryption_key"}
_LISTS: Final = {"a": "attributes", "b": "bandwidths"}
_SDP: Final = b"application/sdp"


def describe(transaction: SipTransaction) -> dict[str, Any]:
    message = transaction.message
    about = sdp(message.body) if _is_sdp(message) else {}
    if message.method:
        head = filled(
            method=message.method, uri=message.uri, version=message.protocol, request_line=message.line
        )
    else:
        head = filled(
            version=message.protocol, code=message.code, reason=message.reason, response_line=message.line
        )
    return {"sip": {**head, **filled(sdp=about)}}


def _is_sdp(message: Message) -> bool:
    kind = message.fields.get(b"content-type", [b""])[0]
    return kind.lower().startswith(_SDP) and bool(message.body)


def sdp(body: bytes) -> dict[str, Any]:
    """A session description: what is said of the session, then of each medium."""
    session: dict[str, Any] = {}
    media: list[dict[str, Any]] = []
    for key, value in lines(body):
        if key == MEDIA:
            media.append({"media": text(value)})
        elif key.startswith(MEDIA):
            _put(media[-1], key[1:], value, _OF_MEDIUM)
        elif key == "v" and value.isdigit() and len(value) < 10:
            session["version"] = int(value)
        elif key == "t":
            _list(session, "time_descriptions", {"time": text(value)})
        elif key == "r" and "time_descriptions" in session:
            session["time_descriptions"][-1]["repeat_time"] = text(value)
        else:
            _put(session, key, value, _OF_SESSION)
    return session | filled(media_descriptions=media[:MOST_LISTED])


def _put(about: dict[str, Any], letter: str, value: bytes, names: dict[str, str]) -> None:
    if letter in _LISTS:
        _list(about, _LISTS[letter], text(value))
    elif letter in names:
        about.setdefault(names[letter], text(value))


def _list(about: dict[str, Any], name: str, value: Any) -> None:
    found = about.setdefault(name, [])
    if len(found) < MOST_LISTED:
        found.append(value)
