"""pgsql: a request and what became of it. Passwords are not written, only that there was one."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.pgsql.message import (
    CANCEL,
    GSSENC,
    MD5,
    SASL_FINAL,
    SSL,
    Outcome,
    Pairs,
    Request,
)
from vpi_tui.detect.applayer.pgsql.parser import PgsqlTransaction

_AUTHENTICATION: Final = {
    0: "authentication_ok", 3: "authentication_cleartext_password", 10: "authentication_sasl",
    11: "authentication_sasl_continue",
}  # fmt: skip
_CHALLENGES: Final = {MD5: "authentication_md5_password", SASL_FINAL: "authentication_sasl_final"}
_ERROR: Final = {
    b"S": "severity_localizable", b"V": "severity_non_localizable", b"C": "code", b"M": "message",
    b"F": "file", b"L": "line", b"R": "routine",
}  # fmt: skip
_NAMES: Final = {"DateStyle": "date_style", "IntervalStyle": "interval_style", "TimeZone": "time_zone"}
"""Parameters that EVE spells otherwise than the server."""
_SASL: Final = (b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256")


def describe(transaction: PgsqlTransaction) -> dict[str, Any]:
    request = transaction.request
    return {
        "pgsql": {
            "tx_id": max(0, transaction.number) + 1,
            **filled(
                request=_request(request) if request is not None else {},
                response=_response(transaction.outcome),
            ),
        }
    }


def _request(request: Request) -> dict[str, Any]:
    if request.kind:
        return _message(request)
    if request.code in (SSL, GSSENC):
        return {"message": "SSL Request" if request.code == SSL else "GSSENC Request"}
    if request.code == CANCEL:
        process, key = request.secret[:4], request.secret[4:8]
        return {"message": "cancel_request", **_process(process, key)}
    parameters = {name: value for name, value in request.parameters if name != b"user"}
    user = next((value for name, value in request.parameters if name == b"user"), b"")
    return {
        "protocol_version": f"{request.code >> 16}.{request.code & 0xFFFF}",
        "startup_parameters": {
            "user": text(user),
            **filled(optional_parameters=_parameters([*parameters.items()])),
        },
    }


def _message(request: Request) -> dict[str, Any]:
    if request.kind == b"Q":
        return {"simple_query": text(request.query)}
    if request.kind == b"X":
        return {"message": "terminate"}
    return _secret(request.secret) if request.kind == b"p" else {}


def _secret(sent: bytes) -> dict[str, Any]:
    """A password, or a step of SASL (which tells no password: RFC 5802)."""
    mechanism, _, rest = sent.partition(b"\0")
    if mechanism in _SASL:
        return {"sasl_authentication_mechanism": mechanism.decode().lower().replace("-", "_"),
                "sasl_param": text(rest[4:])}  # fmt: skip
    return {"sasl_response": text(sent)} if sent.startswith(b"c=") else {"password_redacted": True}


def _response(outcome: Outcome) -> dict[str, Any]:
    error = {_ERROR[kind]: text(value) for kind, value in outcome.error if kind in _ERROR}
    rows = {"data_rows": outcome.rows, "data_size": outcome.row_bytes} if outcome.rows else {}
    copied = {"row_count": outcome.copied, "data_size": outcome.copied_bytes} if outcome.copied else {}
    step = _CHALLENGES.get(outcome.authentication or 0)
    challenge = {step: outcome.challenge} if step else {}
    return (
        filled(
            ssl_accepted=outcome.encrypted,
            message=_AUTHENTICATION.get(outcome.authentication, "")
            if outcome.authentication is not None
            else "",
            parameter_status=_parameters(outcome.parameters),
            **(_process(outcome.process[:4], outcome.process[4:8]) if outcome.process else {}),
            field_count=outcome.fields or None,
            **rows,
            **challenge,
            **{f"copy_{way}_response": {"columns": columns} for way, columns in outcome.copies.items()},
            copy_data_out=copied,
            command_completed=outcome.completed,
        )
        | error
    )


def _process(process: bytes, key: bytes) -> dict[str, int]:
    return {"process_id": int.from_bytes(process), "secret_key": int.from_bytes(key)}


def _parameters(pairs: Pairs) -> list[dict[str, str]]:
    return [{_NAMES.get(name := text(key), name): text(value)} for key, value in pairs]
