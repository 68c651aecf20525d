"""ldap: operations on a directory over TCP and UDP (RFC 4511), requests together with their responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vpi_tui.detect.applayer.application import TO_CLIENT, TO_SERVER, Application, Buffer, application
from vpi_tui.detect.applayer.ldap.message import Message, Operation
from vpi_tui.detect.applayer.ldap.parser import COUNT, LdapParser, LdapTransaction
from vpi_tui.detect.applayer.transaction import Stage


def _of_request(name: str, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    def instances(transaction: LdapTransaction, _direction: int) -> Sequence[bytes]:
        return list(get(transaction.request)) if transaction.request is not None else ()

    return Buffer(name, TO_SERVER, Stage.DONE, instances)


def _of_responses(name: str, get: Callable[[Message], Iterable[bytes]]) -> Buffer:
    def instances(transaction: LdapTransaction, _direction: int) -> Sequence[bytes]:
        return [value for response in transaction.responses for value in get(response)]

    return Buffer(name, TO_CLIENT, Stage.DONE, instances)


_NAMELESS: Final = frozenset(
    {
        Operation.UNBIND_REQUEST,
        Operation.ABANDON_REQUEST,
        Operation.EXTENDED_REQUEST,
        Operation.SEARCH_RESULT_REFERENCE,
        Operation.INTERMEDIATE_RESPONSE,
    }
)
"""Operations about no entry."""
_TEXTLESS: Final = _NAMELESS | {Operation.SEARCH_RESULT_ENTRY}


def _dn(message: Message) -> Iterable[bytes]:
    return () if message.operation in _NAMELESS else (message.dn,)


def _text(message: Message) -> Iterable[bytes]:
    return () if message.operation in _TEXTLESS else (message.text,)


def _operation(message: Message) -> Iterable[bytes]:
    return (bytes((message.operation,)),)


def _result(message: Message) -> Iterable[bytes]:
    """Nothing where a response has no result, which keeps its place."""
    return (b"" if message.result is None else message.result.to_bytes(4, "big"),)


def _count(transaction: LdapTransaction, _direction: int) -> Sequence[bytes]:
    return (transaction.count.to_bytes(4, "big"),)


LDAP: Final[Application] = application(
    "ldap",
    LdapParser,
    (
        _of_request("ldap.request.operation", _operation),
        _of_request("ldap.request.dn", _dn),
        _of_request("ldap.request.attribute_type", lambda m: (kind for kind, _ in m.attributes)),
        Buffer(COUNT, TO_CLIENT, Stage.HEAD, _count, grows=True),
        _of_responses("ldap.responses.operation", _operation),
        _of_responses("ldap.responses.dn", _dn),
        _of_responses("ldap.responses.result_code", _result),
        _of_responses("ldap.responses.message", _text),
        _of_responses("ldap.responses.attribute_type", lambda m: (kind for kind, _ in m.attributes)),
    ),
    transports=("tcp", "udp"),
)
