"""nfs: one call and its reply, or the reads or writes of one file; and its RPC under `rpc`."""

from __future__ import annotations

import zlib
from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import filled, text
from vpi_tui.detect.applayer.nfs.transaction import NfsTransaction
from vpi_tui.detect.applayer.words import NFS3_PROCEDURES, NFS4_PROCEDURES

_READ3, _WRITE3, _RENAME3 = 6, 7, 14
_STATUS: Final = {
    0: "OK", 1: "ERR_PERM", 2: "ERR_NOENT", 5: "ERR_IO", 6: "ERR_NXIO", 13: "ERR_ACCES", 17: "ERR_EXIST",
    18: "ERR_XDEV", 19: "ERR_NODEV", 20: "ERR_NOTDIR", 21: "ERR_ISDIR", 22: "ERR_INVAL", 27: "ERR_FBIG",
    28: "ERR_NOSPC", 30: "ERR_ROFS", 31: "ERR_MLINK", 63: "ERR_NAMETOOLONG", 66: "ERR_NOTEMPTY",
    69: "ERR_DQUOT", 70: "ERR_STALE", 71: "ERR_REMOTE", 10001: "ERR_BADHANDLE", 10002: "ERR_NOT_SYNC",
    10003: "ERR_BAD_COOKIE", 10004: "ERR_NOTSUPP", 10005: "ERR_TOOSMALL", 10006: "ERR_SERVERFAULT",
    10007: "ERR_BADTYPE", 10008: "ERR_JUKEBOX",
}  # fmt: skip
"""RFC 1813, 2.6."""
_AUTHENTICATION: Final = {0: "NULL", 1: "UNIX", 2: "SHORT", 3: "DH", 6: "GSS"}
"""RFC 5531, 8.2."""
_RPC_STATUS: Final = {0: "ACCEPTED", 1: "DENIED"}


def describe(transaction: NfsTransaction) -> dict[str, Any]:
    procedure = transaction.procedures[0] if transaction.procedures else 0
    words = NFS4_PROCEDURES if transaction.version == 4 else NFS3_PROCEDURES
    answered = transaction.status is not None
    body: dict[str, Any] = {
        "version": transaction.version,
        "procedure": words.get(procedure, str(procedure)).upper(),
        "filename": text(transaction.file_name),
        **filled(hhash=f"{zlib.crc32(transaction.handle):x}" if transaction.handle else ""),
        "id": max(0, transaction.number) + 1,
        "file_tx": transaction.is_file,
        "type": "response" if answered else "request",
    }
    if transaction.status is not None:
        body["status"] = _STATUS.get(transaction.status, str(transaction.status))
    if transaction.version != 4:
        body |= _more(procedure, transaction)
    return {"nfs": body, "rpc": _rpc(transaction)}


def _more(procedure: int, transaction: NfsTransaction) -> dict[str, Any]:
    if procedure == _RENAME3:
        return {"rename": {"from": text(transaction.file_name), "to": text(transaction.rename_to)}}
    if procedure in (_READ3, _WRITE3) and transaction.is_file:
        last = not any(one.is_open for one in transaction.files)
        chunks = {"last_xid": transaction.xid, "chunks": transaction.chunks}
        return {"read" if procedure == _READ3 else "write": {"first": True, "last": last, **chunks}}
    return {}


def _rpc(transaction: NfsTransaction) -> dict[str, Any]:
    status = transaction.rpc_status
    kind, user = transaction.credentials.flavor, transaction.credentials.user
    creds: dict[str, Any] = {}
    if user.uid is not None:
        creds = {"machine_name": text(user.machine), "uid": user.uid, "gid": user.gid or 0}
    return {
        "xid": transaction.xid,
        **filled(status="" if status is None else _RPC_STATUS.get(status, str(status))),
        "auth_type": _AUTHENTICATION.get(kind, str(kind)),
        **filled(creds=creds),
    }
