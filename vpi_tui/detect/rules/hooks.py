"""Rule hooks: when in the life of a packet or transaction a rule is evaluated, `alert http1:request_line`.

Parsers here tell two stages of each direction: the head of a message is there, and all of it is. A hook is
the first of them by which its state has been reached. Source: "Explicit rule hook" in the manual of Suricata.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, cast

from vpi_tui.detect.applayer.application import HOOKS
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.batch import Direction, FirstSeen
from vpi_tui.model.signature import BufferSize

ActionScope = Literal["auto", "packet", "flow", "tx", "hook"]
_MOST: Final = 0xFFFFFFFF
_GENERAL: Final = {
    "request_started": HOOKS[0],
    "request_complete": HOOKS[1],
    "response_started": HOOKS[2],
    "response_complete": HOOKS[3],
}
_HTTP: Final = {
    f"{side}_{state}": HOOKS[first + (state in ("body", "trailer"))]
    for side, first in (("request", 0), ("response", 2))
    for state in ("line", "headers", "body", "trailer")
}
_TLS: Final = {
    "client_in_progress": HOOKS[0],
    "client_started": HOOKS[0],
    "client_hello_done": HOOKS[0],
    "client_hello": HOOKS[0],
    "client_cert": HOOKS[1],
    "client_cert_done": HOOKS[1],
    "client_handshake_done": HOOKS[1],
    "client_finished": HOOKS[1],
    "server_in_progress": HOOKS[2],
    "server_started": HOOKS[2],
    "server_hello": HOOKS[2],
    "server_cert": HOOKS[3],
    "server_cert_done": HOOKS[3],
    "server_hello_done": HOOKS[3],
    "server_handshake_done": HOOKS[3],
    "server_finished": HOOKS[3],
}
_SSH: Final = {
    f"{side}_{state}": HOOKS[first + (state == "finished")]
    for side, first in (("request", 0), ("response", 2))
    for state in ("in_progress", "banner_wait_eol", "banner_done", "finished")
}
_OF_PROTOCOL: Final[Mapping[str, Mapping[str, str]]] = {
    "http1": _HTTP,
    "http": _HTTP,
    "tls": _TLS,
    "ssl": _TLS,
    "ssh": _SSH,
}
_FIRST: Final = int(FirstSeen.OF_DIRECTION)
_ANY: Final = 0xFF
_TCP: Final = 6
_SCOPED: Final = re.compile(r"(pass|drop|reject\w*):(packet|flow|hook|tx)", re.I)


def _at_start(draft: Draft) -> None:
    draft.test("first", ((_FIRST, _FIRST),), mask=_FIRST)


def _each(draft: Draft) -> None:
    """Rules are evaluated once the flow and the stream know of a packet, whatever the hook. This test holds
    of all packets; without any the rule would be one about addresses, which are looked at once a flow."""
    draft.test("first", ((0, _ANY),))


def _each_of_connections(draft: Draft) -> None:
    """Each packet of a connection, broken ones left out."""
    _each(draft)
    draft.test("proto", ((_TCP, _TCP),))
    draft.test("direction", ((int(Direction.TO_SERVER), int(Direction.TO_CLIENT)),))


_OF_PACKETS: Final[Mapping[str, Callable[[Draft], None]]] = {
    "flow_start": _at_start,
    "pre_flow": _each,
    "pre_stream": _each_of_connections,
    "all": _each,
}


def split_action(action: str) -> tuple[str, ActionScope]:
    """(action, scope) of `pass:flow`; "auto" = the rule names no scope."""
    found = _SCOPED.fullmatch(action)
    return (found[1], cast(ActionScope, found[2].lower())) if found else (action, "auto")


def split_hook(protocol: str) -> tuple[str, str]:
    """(protocol, hook) of `http1:request_line`; "" = the rule names no hook."""
    word, _, hook = protocol.partition(":")
    return word, hook.lower()


def add_hook(draft: Draft, protocol: str, hook: str) -> None:
    """Let the rule be evaluated at the hook. Raises Refused for one that the protocol does not have."""
    if protocol in RULE_WORDS:
        known = {**_GENERAL, **_OF_PROTOCOL.get(protocol, {})}
        if hook not in known:
            raise Refused(f"{protocol} has no hook {hook[:40]!r}; there are {', '.join(known)}")
        draft.steps.append(BufferSize(known[hook], ((0, _MOST),)))
        return
    if hook not in _OF_PACKETS:
        raise Refused(f"{protocol} has no hook {hook[:40]!r}; there are {', '.join(_OF_PACKETS)}")
    _OF_PACKETS[hook](draft)
    draft.needs_packet = True
