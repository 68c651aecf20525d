"""Keywords about Kerberos that take words; its buffers and numbers stand in applayer/names.py."""

from __future__ import annotations

import re
from typing import Final

from vpi_tui.detect.applayer.words import KRB5_STRONG
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import integer
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import complement
from vpi_tui.detect.rules.text import signed, unquote
from vpi_tui.model.signature import NumberIn

_TYPES: Final = {
    "des-cbc-crc": 1, "des-cbc-md4": 2, "des-cbc-md5": 3, "des3-cbc-md5": 5, "des3-cbc-sha1": 7,
    "dsawithsha1-cmsoid": 9, "md5withrsaencryption-cmsoid": 10, "sha1withrsaencryption-cmsoid": 11,
    "rc2cbc-envoid": 12, "rsaencryption-envoid": 13, "rsaes-oaep-env-oid": 14, "des-ede3-cbc-env-oid": 15,
    "des3-cbc-sha1-kd": 16, "aes128-cts-hmac-sha1-96": 17, "aes256-cts-hmac-sha1-96": 18,
    "aes128-cts-hmac-sha256-128": 19, "aes256-cts-hmac-sha384-192": 20, "rc4-hmac": 23, "rc4-hmac-exp": 24,
    "camellia128-cts-cmac": 25, "camellia256-cts-cmac": 26, "subkey-keymaterial": 65, "rc4-md4": -128,
    "rc4-plain2": -129, "rc4-lm": -130, "rc4-sha": -131, "des-plain": -132, "rc4-hmac-old": -133,
    "rc4-plain-old": -134, "rc4-hmac-old-exp": -135, "rc4-plain-old-exp": -136, "rc4-plain": -140,
    "rc4-plain-exp": -141,
}  # fmt: skip
"""https://www.iana.org/assignments/kerberos-parameters, and those below zero that Windows uses."""
_HIGHEST: Final = 0xFFFFFFFF


@keyword("krb5.ticket_encryption")
def krb5_ticket_encryption(draft: Draft, text: str) -> None:
    """How the ticket of a reply is encrypted: weak, !weak, or a list of names and numbers: any of them."""
    word = unquote("krb5.ticket_encryption", text, needed=False).strip().lower()
    negated, plain = signed(word)
    if plain == "weak":
        strong = tuple((number, number) for number in sorted(KRB5_STRONG))
        chosen = strong if negated else complement(strong, _HIGHEST)
    else:
        chosen = tuple((number, number) for number in sorted(_numbers(word)))
    draft.steps.append(NumberIn("krb5.ticket_encryption", chosen))


def _numbers(text: str) -> set[int]:
    """Numbers below zero as their two's complement, as the buffer holds them."""
    parts = [part for part in re.split(r"[\s,]+", text) if part]
    if not parts:
        raise Refused("krb5.ticket_encryption: needs weak, or names or numbers of encryption types")
    low, high = -(1 << 31), (1 << 31) - 1
    return {
        _TYPES[part] & _HIGHEST
        if part in _TYPES
        else integer("krb5.ticket_encryption", part, low, high) & _HIGHEST
        for part in parts
    }
