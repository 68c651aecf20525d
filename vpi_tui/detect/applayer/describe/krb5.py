"""krb5: one message: who asks for what, and how replies are encrypted."""

from __future__ import annotations

from typing import Any, Final

from vpi_tui.detect.applayer.describe.text import text
from vpi_tui.detect.applayer.krb5 import ERROR, Message
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.words import KRB5_STRONG

MESSAGES: Final = {
    10: "KRB_AS_REQ", 11: "KRB_AS_REP", 12: "KRB_TGS_REQ", 13: "KRB_TGS_REP", 14: "KRB_AP_REQ",
    15: "KRB_AP_REP", 20: "KRB_SAFE", 21: "KRB_PRIV", 22: "KRB_CRED", 30: "KRB_ERROR",
}  # fmt: skip
"""RFC 4120, 7.5.7."""
ENCRYPTIONS: Final = {
    1: "DES_CBC_CRC", 2: "DES_CBC_MD4", 3: "DES_CBC_MD5", 5: "DES3_CBC_MD5", 7: "DES3_CBC_SHA1",
    9: "DSAWITHSHA1_CMSOID", 10: "MD5WITHRSAENCRYPTION_CMSOID", 11: "SHA1WITHRSAENCRYPTION_CMSOID",
    12: "RC2CBC_ENVOID", 13: "RSAENCRYPTION_ENVOID", 14: "RSAES_OAEP_ENV_OID", 15: "DES_EDE3_CBC_ENV_OID",
    16: "DES3_CBC_SHA1_KD", 17: "AES128_CTS_HMAC_SHA1_96", 18: "AES256_CTS_HMAC_SHA1_96",
    19: "AES128_CTS_HMAC_SHA256_128", 20: "AES256_CTS_HMAC_SHA384_192", 23: "RC4_HMAC", 24: "RC4_HMAC_EXP",
    25: "CAMELLIA128_CTS_CMAC", 26: "CAMELLIA256_CTS_CMAC", 65: "SUBKEY_KEYMATERIAL",
}  # fmt: skip
"""https://www.iana.org/assignments/kerberos-parameters"""
ERRORS: Final = {
    0: "KDC_ERR_NONE", 1: "KDC_ERR_NAME_EXP", 2: "KDC_ERR_SERVICE_EXP", 3: "KDC_ERR_BAD_PVNO",
    4: "KDC_ERR_C_OLD_MAST_KVNO", 5: "KDC_ERR_S_OLD_MAST_KVNO", 6: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    7: "KDC_ERR_S_PRINCIPAL_UNKNOWN", 8: "KDC_ERR_PRINCIPAL_NOT_UNIQUE", 9: "KDC_ERR_NULL_KEY",
    10: "KDC_ERR_CANNOT_POSTDATE", 11: "KDC_ERR_NEVER_VALID", 12: "KDC_ERR_POLICY", 13: "KDC_ERR_BADOPTION",
    14: "KDC_ERR_ETYPE_NOSUPP", 15: "KDC_ERR_SUMTYPE_NOSUPP", 16: "KDC_ERR_PADATA_TYPE_NOSUPP",
    17: "KDC_ERR_TRTYPE_NOSUPP", 18: "KDC_ERR_CLIENT_REVOKED", 19: "KDC_ERR_SERVICE_REVOKED",
    20: "KDC_ERR_TGT_REVOKED", 21: "KDC_ERR_CLIENT_NOTYET", 22: "KDC_ERR_SERVICE_NOTYET",
    23: "KDC_ERR_KEY_EXPIRED", 24: "KDC_ERR_PREAUTH_FAILED", 25: "KDC_ERR_PREAUTH_REQUIRED",
    26: "KDC_ERR_SERVER_NOMATCH", 27: "KDC_ERR_MUST_USE_USER2USER", 28: "KDC_ERR_PATH_NOT_ACCEPTED",
    29: "KDC_ERR_SVC_UNAVAILABLE", 31: "KRB_AP_ERR_BAD_INTEGRITY", 32: "KRB_AP_ERR_TKT_EXPIRED",
    33: "KRB_AP_ERR_TKT_NYV", 34: "KRB_AP_ERR_REPEAT", 35: "KRB_AP_ERR_NOT_US", 36: "KRB_AP_ERR_BADMATCH",
    37: "KRB_AP_ERR_SKEW", 38: "KRB_AP_ERR_BADADDR", 39: "KRB_AP_ERR_BADVERSION", 40: "KRB_AP_ERR_MSG_TYPE",
    41: "KRB_AP_ERR_MODIFIED", 42: "KRB_AP_ERR_BADORDER", 44: "KRB_AP_ERR_BADKEYVER",
    45: "KRB_AP_ERR_NOKEY", 46: "KRB_AP_ERR_MUT_FAIL", 47: "KRB_AP_ERR_BADDIRECTION",
    48: "KRB_AP_ERR_METHOD", 49: "KRB_AP_ERR_BADSEQ", 50: "KRB_AP_ERR_INAPP_CKSUM",
    51: "KRB_AP_PATH_NOT_ACCEPTED", 52: "KRB_ERR_RESPONSE_TOO_BIG", 60: "KRB_ERR_GENERIC",
    61: "KRB_ERR_FIELD_TOOLONG", 68: "KDC_ERR_WRONG_REALM",
}  # fmt: skip
"""RFC 4120, 7.5.9."""


def describe(transaction: MessageTransaction) -> dict[str, Any]:
    message: Message = transaction.message
    body: dict[str, Any] = {"msg_type": MESSAGES.get(message.kind, f"MessageType({message.kind})")}
    if message.kind == ERROR and message.error_code is not None:
        code = message.error_code
        failed = "UNKNOWN" if message.failed is None else MESSAGES[message.failed]
        body |= {"failed_request": failed, "error_code": ERRORS.get(code, f"ErrorCode({code})")}
    body |= {
        "cname": _name(message.cname),
        "realm": text(message.realm) or "<empty>",
        "sname": _name(message.sname),
        "encryption": "<none>" if message.encryption is None else _encryption(message.encryption),
        "weak_encryption": message.is_weak,
    }
    ticket = message.ticket_encryption
    if ticket is not None:
        weak = ticket not in KRB5_STRONG
        body |= {"ticket_encryption": _encryption(ticket), "ticket_weak_encryption": weak}
    return {"krb5": body}


def _name(parts: tuple[bytes, ...]) -> str:
    return text(b"/".join(parts)) or "<empty>"


def _encryption(number: int) -> str:
    return ENCRYPTIONS.get(number, f"EncryptionType({number})")
