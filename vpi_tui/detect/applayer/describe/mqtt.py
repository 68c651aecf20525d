"""mqtt: the messages of a transaction, by their types. Passwords are not written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.mqtt.message import Connect, Kind, Message, Properties
from vpi_tui.detect.applayer.mqtt.parser import MqttTransaction

_DUP, _RETAIN = 8, 1
_PROPERTIES: Final = {
    1: "payload_format_indicator", 2: "message_expiry_interval", 3: "content_type", 8: "response_topic",
    9: "correlation_data", 11: "subscription_identifier", 17: "session_expiry_interval",
    18: "assigned_client_identifier", 19: "server_keep_alive", 21: "authentication_method",
    22: "authentication_data", 23: "request_problem_information", 24: "will_delay_interval",
    25: "request_response_information", 26: "response_information", 28: "server_reference",
    31: "reason_string", 33: "receive_maximum", 34: "topic_alias_maximum", 35: "topic_alias",
    36: "maximum_qos", 37: "retain_available", 39: "maximum_packet_size",
    40: "wildcard_subscription_available", 41: "subscription_identifiers_available",
    42: "shared_subscription_available",
}  # fmt: skip
"""MQTT 5.0, 2.2.2.2."""


def describe(transaction: MqttTransaction) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for message in transaction.messages:
        maker = _MAKERS.get(message.kind)
        if maker is not None:
            head = {"qos": message.qos, "retain": bool(message.flags & _RETAIN)}
            head["dup"] = bool(message.flags & _DUP)
            if not message.skipped:
                found[message.kind.name.lower()] = head | maker(message)
            elif message.kind is Kind.PUBLISH:
                found["publish"] = head | {"truncated": True, "skipped_length": message.skipped}
    return {"mqtt": found}


def _connect(message: Message) -> dict[str, Any]:
    flags = message.connect_flags or 0
    made: dict[str, Any] = {
        "protocol_string": text(message.protocol),
        "protocol_version": message.version,
        "client_id": text(message.client_id),
        "flags": {
            "username": bool(flags & Connect.USERNAME),
            "password": bool(flags & Connect.PASSWORD),
            "will_retain": bool(flags & Connect.WILL_RETAIN),
            "will": bool(flags & Connect.WILL),
            "clean_session": bool(flags & Connect.CLEAN_SESSION),
        },
    }
    if flags & Connect.USERNAME:
        made["username"] = text(message.username)
    if flags & Connect.WILL:
        will = {"topic": text(message.will_topic), "message": text(message.will_message)}
        made["will"] = will | filled(properties=_properties(message.will_properties))
    return made | filled(properties=_properties(message.properties))


def _connack(message: Message) -> dict[str, Any]:
    return {
        "session_present": bool(message.session_present),
        **filled(return_code=next(iter(message.codes), None), properties=_properties(message.properties)),
    }


def _publish(message: Message) -> dict[str, Any]:
    return {
        "topic": text(message.topics[0]) if message.topics else "",
        "message": text(message.payload),
        **filled(message_id=message.packet_id, properties=_properties(message.properties)),
    }


def _acknowledgement(message: Message) -> dict[str, Any]:
    return filled(message_id=message.packet_id, reason_code=next(iter(message.codes), None))


def _subscribe(message: Message) -> dict[str, Any]:
    asked = zip(message.topics[:MOST_LISTED], message.topic_qos, strict=False)
    topics = [{"topic": text(topic), "qos": qos} for topic, qos in asked]
    return filled(message_id=message.packet_id, topics=topics)


def _unsubscribe(message: Message) -> dict[str, Any]:
    topics = [text(topic) for topic in message.topics[:MOST_LISTED]]
    return filled(message_id=message.packet_id, topics=topics)


def _suback(message: Message) -> dict[str, Any]:
    return filled(message_id=message.packet_id, qos_granted=list(message.codes[:MOST_LISTED]))


def _unsuback(message: Message) -> dict[str, Any]:
    return filled(message_id=message.packet_id, reason_codes=list(message.codes[:MOST_LISTED]))


def _disconnect(message: Message) -> dict[str, Any]:
    return filled(reason_code=next(iter(message.codes), None), properties=_properties(message.properties))


def _ping(_message: Message) -> dict[str, Any]:
    return {}


_MAKERS: Final[dict[Kind, Callable[[Message], dict[str, Any]]]] = {
    Kind.CONNECT: _connect,
    Kind.CONNACK: _connack,
    Kind.PUBLISH: _publish,
    Kind.PUBACK: _acknowledgement,
    Kind.PUBREC: _acknowledgement,
    Kind.PUBREL: _acknowledgement,
    Kind.PUBCOMP: _acknowledgement,
    Kind.SUBSCRIBE: _subscribe,
    Kind.SUBACK: _suback,
    Kind.UNSUBSCRIBE: _unsubscribe,
    Kind.UNSUBACK: _unsuback,
    Kind.PINGREQ: _ping,
    Kind.PINGRESP: _ping,
    Kind.DISCONNECT: _disconnect,
}
"""Those that EVE knows."""


def _properties(properties: Properties) -> dict[str, Any]:
    """Properties by name; those of the user's own by theirs."""
    found: dict[str, Any] = {}
    for identifier, value in properties:
        if isinstance(value, tuple):
            found[text(value[0])] = text(value[1])
        elif identifier in _PROPERTIES:
            found[_PROPERTIES[identifier]] = text(value) if isinstance(value, bytes) else value
    return found
