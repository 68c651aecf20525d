"""ldap: a request and all its responses that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.ldap.message import Attribute, Message, Operation
from vpi_tui.detect.applayer.ldap.parser import LdapTransaction
from vpi_tui.detect.applayer.words import LDAP_RESULTS

_RESULTS: Final = {number: word for word, number in LDAP_RESULTS.items()}
_CHANGES: Final = ("add", "delete", "replace", "increment")
"""RFC 4511, 4.6; RFC 4525."""


def describe(transaction: LdapTransaction) -> dict[str, Any]:
    request = transaction.request
    listed = transaction.responses[:MOST_LISTED]
    return {
        "ldap": filled(
            request={"message_id": request.number, **_message(request)} if request is not None else {},
            responses=[
                {**({"message_id": one.number} if request is None else {}), **_message(one)} for one in listed
            ],
        )
    }


def _message(message: Message) -> dict[str, Any]:
    name = message.operation.name.lower()
    maker = _MAKERS.get(message.operation)
    return {"operation": name, **({name: maker(message)} if maker is not None else {})}


def _numbers(message: Message, count: int) -> list[int]:
    return [*message.numbers, *([0] * count)][:count]


def _texts(values: Sequence[bytes]) -> list[str]:
    return [text(value) for value in values[:MOST_LISTED]]


def _bind(message: Message) -> dict[str, Any]:
    sasl = filled(mechanism=message.name, credentials=message.value.hex())
    return {"version": _numbers(message, 1)[0], "name": text(message.dn), **filled(sasl=sasl)}


def _search(message: Message) -> dict[str, Any]:
    scope, dereferenced, size, time, types = _numbers(message, 5)
    return {
        "base_object": text(message.dn),
        "scope": scope,
        "deref_alias": dereferenced,
        "size_limit": size,
        "time_limit": time,
        "types_only": bool(types),
        **filled(attributes=_texts([kind for kind, _ in message.attributes])),
    }


def _modify(message: Message) -> dict[str, Any]:
    changes = zip(message.numbers, message.attributes[:MOST_LISTED], strict=False)
    return {"object": text(message.dn), **filled(changes=[_change(*one) for one in changes])}


def _change(kind: int, attribute: Attribute) -> dict[str, Any]:
    return {
        "operation": _CHANGES[kind] if 0 <= kind < len(_CHANGES) else str(kind),
        "modification": {
            "attribute_type": text(attribute[0]),
            **filled(attribute_values=_texts(attribute[1])),
        },
    }


def _attributes(message: Message, key: str) -> list[dict[str, Any]]:
    found = message.attributes[:MOST_LISTED]
    return [{key: text(kind), **filled(values=_texts(values))} for kind, values in found]


def _add(message: Message) -> dict[str, Any]:
    return {"entry": text(message.dn), **filled(attributes=_attributes(message, "name"))}


def _found(message: Message) -> dict[str, Any]:
    return {"base_object": text(message.dn), **filled(attributes=_attributes(message, "type"))}


def _delete(message: Message) -> dict[str, Any]:
    return {"dn": text(message.dn)}


def _rename(message: Message) -> dict[str, Any]:
    return {
        "entry": text(message.dn),
        "new_rdn": text(message.name),
        "delete_old_rdn": bool(_numbers(message, 1)[0]),
        **filled(new_superior=message.value),
    }


def _compare(message: Message) -> dict[str, Any]:
    kind, values = message.attributes[0] if message.attributes else (b"", (b"",))
    asserted = {"description": text(kind), "value": text(values[0])}
    return {"entry": text(message.dn), "attribute_value_assertion": asserted}


def _extended(message: Message) -> dict[str, Any]:
    return filled(name=message.name, value=message.value)


def _abandon(message: Message) -> dict[str, Any]:
    return {"message_id": _numbers(message, 1)[0]}


def _result(message: Message) -> dict[str, Any]:
    code = message.result
    return {
        "result_code": "" if code is None else _RESULTS.get(code, f"unknown({code})"),
        "matched_dn": text(message.dn),
        "message": text(message.text),
    }


def _bound(message: Message) -> dict[str, Any]:
    return _result(message) | filled(server_sasl_creds=message.value.hex())


def _extended_result(message: Message) -> dict[str, Any]:
    return _result(message) | _extended(message)


_MAKERS: Final[dict[Operation, Callable[[Message], dict[str, Any]]]] = {
    Operation.BIND_REQUEST: _bind,
    Operation.BIND_RESPONSE: _bound,
    Operation.SEARCH_REQUEST: _search,
    Operation.SEARCH_RESULT_ENTRY: _found,
    Operation.SEARCH_RESULT_DONE: _result,
    Operation.MODIFY_REQUEST: _modify,
    Operation.MODIFY_RESPONSE: _result,
    Operation.ADD_REQUEST: _add,
    Operation.ADD_RESPONSE: _result,
    Operation.DEL_REQUEST: _delete,
    Operation.DEL_RESPONSE: _result,
    Operation.MOD_DN_REQUEST: _rename,
    Operation.MOD_DN_RESPONSE: _result,
    Operation.COMPARE_REQUEST: _compare,
    Operation.COMPARE_RESPONSE: _result,
    Operation.ABANDON_REQUEST: _abandon,
    Operation.EXTENDED_REQUEST: _extended,
    Operation.EXTENDED_RESPONSE: _extended_result,
    Operation.INTERMEDIATE_RESPONSE: _extended,
}
"""Those of which EVE tells more than the operation."""
