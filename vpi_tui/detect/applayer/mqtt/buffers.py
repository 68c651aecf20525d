"""What rules see of MQTT messages. Numbers are bytes, one instance each.

As in Suricata most keywords ask about what a client began: of what a broker sends on its own, rules see type,
reason code, topic and message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import BOTH, TO_SERVER, Buffer
from vpi_tui.detect.applayer.mqtt.message import Kind, Message
from vpi_tui.detect.applayer.mqtt.parser import MqttTransaction
from vpi_tui.detect.applayer.transaction import Stage

_WITHOUT_QOS: Final = 0b1001
_LISTING: Final = frozenset({Kind.SUBACK, Kind.UNSUBACK})


def _first(
    name: str, kind: Kind, get: Callable[[Message], Iterable[bytes]], directions: int = TO_SERVER
) -> Buffer:
    """Of messages that begin a transaction: known before an answer comes."""

    def instances(transaction: MqttTransaction, direction: int) -> Sequence[bytes]:
        if direction != transaction.direction:
            return ()
        return [
            value
            for message in transaction.messages[:1]
            if message.kind is kind
            for value in get(message)
            if value
        ]

    return Buffer(name, directions, Stage.HEAD, instances)


def _each(name: str, get: Callable[[Message], Iterable[int]], directions: int = BOTH) -> Buffer:
    """Of all messages of a transaction: known when it is over."""

    def instances(transaction: MqttTransaction, direction: int) -> Sequence[bytes]:
        if direction != transaction.direction:
            return ()
        return [bytes((value,)) for message in transaction.messages for value in get(message)]

    return Buffer(name, directions, Stage.DONE, instances)


def _reason_codes(transaction: MqttTransaction, direction: int) -> Sequence[bytes]:
    """The first that a message of one code has, and all of those that have a code for each topic."""
    if direction != transaction.direction:
        return ()
    alone = [one.codes for one in transaction.messages if one.codes and one.kind not in _LISTING]
    listed = b"".join(one.codes for one in transaction.messages if one.kind in _LISTING)
    return [*alone[:1], *(listed[at : at + 1] for at in range(len(listed)))]


def _version(transaction: MqttTransaction, _direction: int) -> Sequence[bytes]:
    return (bytes((transaction.version,)),)


def _present(message: Message) -> Iterable[int]:
    return () if message.session_present is None else (int(message.session_present),)


def _connect_flags(message: Message) -> Iterable[int]:
    return () if message.connect_flags is None else (message.connect_flags,)


BUFFERS: Final = (
    Buffer("mqtt.protocol_version", TO_SERVER, Stage.HEAD, _version),
    _first("mqtt.connect.protocol_string", Kind.CONNECT, lambda m: (m.protocol,)),
    _first("mqtt.connect.clientid", Kind.CONNECT, lambda m: (m.client_id,)),
    _first("mqtt.connect.username", Kind.CONNECT, lambda m: (m.username,)),
    _first("mqtt.connect.password", Kind.CONNECT, lambda m: (m.password,)),
    _first("mqtt.connect.willtopic", Kind.CONNECT, lambda m: (m.will_topic,)),
    _first("mqtt.connect.willmessage", Kind.CONNECT, lambda m: (m.will_message,)),
    _first("mqtt.publish.topic", Kind.PUBLISH, lambda m: m.topics, BOTH),
    _first("mqtt.publish.message", Kind.PUBLISH, lambda m: (m.payload,), BOTH),
    _first("mqtt.subscribe.topic", Kind.SUBSCRIBE, lambda m: m.topics),
    _first("mqtt.unsubscribe.topic", Kind.UNSUBSCRIBE, lambda m: m.topics),
    _each("mqtt.connect.flags", _connect_flags, TO_SERVER),
    _each("mqtt.connack.session_present", _present),
    _each("mqtt.type", lambda m: (m.kind,)),
    _each("mqtt.flags", lambda m: (m.flags & _WITHOUT_QOS,), TO_SERVER),
    _each("mqtt.qos", lambda m: (m.qos,), TO_SERVER),
    Buffer("mqtt.reason_code", BOTH, Stage.DONE, _reason_codes),
)
