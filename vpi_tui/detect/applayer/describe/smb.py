"""smb: a command and its response, a call through a named pipe, or a file that is moved."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.dcerpc.pdu import Kind
from vpi_tui.detect.applayer.describe import dcerpc
from vpi_tui.detect.applayer.describe.smb_names import CONTROLS, DISPOSITIONS, STATUSES, command_name
from vpi_tui.detect.applayer.describe.text import MOST_LISTED, filled, text
from vpi_tui.detect.applayer.smb.transaction import SmbTransaction
from vpi_tui.model.batch import Direction

_DIRECTORY, _DELETE_ON_CLOSE = 0x0001, 0x1000
"""Options of a create (MS-SMB2 2.2.13)."""
_TIMES: Final = ("created", "accessed", "modified", "changed")


def describe(transaction: SmbTransaction) -> dict[str, Any]:
    status = transaction.status
    body: dict[str, Any] = {
        "id": max(0, transaction.number) + 1,
        "dialect": text(transaction.dialect) or "unknown",
        **filled(command=command_name(transaction.version, transaction.command)),
    }
    if status is not None:
        body |= {"status": STATUSES.get(status, str(status)), "status_code": f"0x{status:x}"}
    body |= {"session_id": transaction.session, "tree_id": transaction.tree}
    if transaction.control is not None:
        body["function"] = CONTROLS.get(transaction.control, str(transaction.control))
    body |= _negotiation(transaction) | _session(transaction) | _share(transaction) | _file(transaction)
    if transaction.request is not None or transaction.response is not None:
        body["dcerpc"] = _call(transaction)
    return {"smb": body}


def _negotiation(transaction: SmbTransaction) -> dict[str, Any]:
    return filled(
        client_dialects=[text(one) for one in transaction.dialects[:MOST_LISTED]],
        client_guid=_guid(transaction.client_guid),
        server_guid=_guid(transaction.server_guid),
        max_read_size=transaction.largest[0] or None,
        max_write_size=transaction.largest[1] or None,
    )


def _session(transaction: SmbTransaction) -> dict[str, Any]:
    ntlm, native = transaction.ntlm, transaction.native
    asked, told = (
        filled(native_os=native.get(f"{side}_os"), native_lm=native.get(f"{side}_lm"))
        for side in ("request", "response")
    )
    logon: dict[str, Any] = {}
    if ntlm is not None:
        logon = {"domain": text(ntlm.domain), "user": text(ntlm.user), "host": text(ntlm.host)}
        logon |= filled(version=ntlm.version)
    ticket = transaction.ticket
    kerberos = (
        {"realm": text(ticket.realm), "snames": [text(name) for name in ticket.sname]} if ticket else {}
    )
    return filled(ntlmssp=logon, kerberos=kerberos, request=asked, response=told)


def _share(transaction: SmbTransaction) -> dict[str, Any]:
    if transaction.share is None:
        return {}
    native = transaction.native
    service = filled(request=native.get("request_service"), response=native.get("response_service"))
    kind = "PIPE" if transaction.is_pipe else "FILE"
    return {
        "named_pipe" if transaction.is_pipe else "share": text(transaction.share),
        **(filled(service=service) if transaction.version == 1 else {"share_type": kind}),
    }


def _file(transaction: SmbTransaction) -> dict[str, Any]:
    if not (transaction.filename or transaction.fid or transaction.files):
        return {}
    identifier = filled(fuid=_guid(transaction.fid))
    if transaction.renamed_to:
        names = {"from": text(transaction.filename), "to": text(transaction.renamed_to)}
        info = {"class": "FILE_INFO", "info_level": "SMB2_FILE_RENAME_INFO"}
        return {**({"set_info": info} if transaction.version == 2 else {}), "rename": names, **identifier}
    if transaction.files:
        return {"filename": text(transaction.filename), **filled(share=transaction.on_share), **identifier}
    times = dict(zip(_TIMES, transaction.times, strict=False))
    is_directory = bool(transaction.options & _DIRECTORY and transaction.filename)
    return {
        "directory" if is_directory else "filename": text(transaction.filename) or "<share_root>",
        "disposition": DISPOSITIONS.get(transaction.disposition, "UNKNOWN"),
        "access": "delete on close" if transaction.options & _DELETE_ON_CLOSE else "normal",
        **times,
        "size": transaction.file_size,
        **identifier,
    }


def _call(transaction: SmbTransaction) -> dict[str, Any]:
    head = dcerpc.call_head(transaction)
    if transaction.request == Kind.REQUEST:
        head |= {"opnum": transaction.opnum, "req": dcerpc.sizes(transaction, Direction.TO_SERVER)}
    return {**head, "call_id": transaction.call_id}


def _guid(sent: bytes) -> str:
    """A GUID as Suricata writes it, all parts little-endian; of SMB 1 the two bytes of a file's number."""
    if len(sent) != 16:
        return sent[1::-1].hex() if len(sent) >= 2 else ""
    parts = (sent[3::-1], sent[5:3:-1], sent[7:5:-1], sent[9:7:-1], sent[11:9:-1] + sent[15:11:-1])
    return "-".join(part.hex() for part in parts)
