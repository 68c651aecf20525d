"""Keywords about TLS that take a value; its sticky buffers stand in applayer/names.py."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Collection
from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import pattern, signed, unquote
from vpi_tui.model.signature import Content, NumberIn, Pcre, Validity

_VERSIONS: Final = {
    "sslv2": 0x0002,
    "sslv3": 0x0300,
    "tls1.0": 0x0301,
    "tls1.1": 0x0302,
    "tls1.2": 0x0303,
    "tls1.3": 0x0304,
}
_TLS_1_3: Final = _VERSIONS["tls1.3"]
_DRAFTS: Final = (0x7F00, 0x7FFF)
"""Of TLS 1.3 (RFC 8446, 4.2.1 of its drafts): they count as it, unless a rule names one by its number."""
_HELLOS: Final = frozenset(("client_hello", "server_hello"))
_STATES: Final = _HELLOS | {"client_keyx", "server_keyx", "unknown"}
_LAST: Final = (1 << 63) - 1
"""A moment after all others."""
_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d))?)?)?)?)?", re.A)


def _versions(numbers: Collection[int]) -> NumberIn:
    spans = [(number, number) for number in sorted(numbers)]
    return NumberIn("tls.version", (*spans, _DRAFTS) if _TLS_1_3 in numbers else tuple(spans))


@keyword("ssl_version")
def ssl_version(draft: Draft, text: str) -> None:
    """Versions of SSL and TLS, of which the flow must have one: sslv3,tls1.0; `!` before one: any other."""
    wanted: set[int] = set()
    unwanted: set[int] = set()
    for part in unquote("ssl_version", text, needed=False).split(","):
        negated, word = signed(part.strip().lower())
        if word not in _VERSIONS:
            raise Refused(f"ssl_version: {word[:40]!r} is none of {', '.join(_VERSIONS)}")
        (unwanted if negated else wanted).add(_VERSIONS[word])
    if unwanted:
        wanted |= set(_VERSIONS.values()) - unwanted
    draft.steps.append(_versions(wanted))


@keyword("tls.version")
def tls_version(draft: Draft, text: str) -> None:
    """The version of TLS: 1.0, 1.1, 1.2, 1.3, or a number such as 0x7f12."""
    word = unquote("tls.version", text, needed=False).strip().lower()
    if f"tls{word}" in _VERSIONS:
        number = _VERSIONS[f"tls{word}"]
    elif re.fullmatch(r"0x[0-9a-f]{4}", word):
        draft.steps.append(NumberIn("tls.version", ((int(word, 16),) * 2,)))
        return
    else:
        raise Refused(f"tls.version: 1.0, 1.1, 1.2, 1.3 or 0x and four digits, not {word[:40]!r}")
    draft.steps.append(_versions([number]))


@keyword("ssl_state")
def ssl_state(draft: Draft, text: str) -> None:
    """A message of the handshake that was seen, or one of several: client_hello,server_hello,client_keyx."""
    words = [word.strip() for word in re.split(r"[,|]", unquote("ssl_state", text, needed=False).lower())]
    negated = any(word.startswith("!") for word in words)
    words = [word.lstrip("!").strip() for word in words]
    for word in words:
        if word not in _STATES:
            raise Refused(f"ssl_state: {word[:40]!r} is none of {', '.join(sorted(_STATES))}")
    # What is not a hello comes behind it, and is waited for where any but that will do.
    buffer = "tls.hello" if _HELLOS.issuperset(words) and not negated else "tls.state"
    if len(words) == 1 and not negated:
        draft.steps.append(Content(buffer, words[0].encode("ascii"), startswith=True, endswith=True))
        return
    choice = "|".join(words)
    expression = rf"\A(?!(?:{choice})\z)" if negated else rf"\A(?:{choice})\z"
    draft.steps.append(Pcre(buffer, expression.encode("ascii")))


def _text_keyword(name: str, buffer: str, what: str) -> None:
    def handler(draft: Draft, text: str) -> None:
        negated, quoted = signed(text)
        draft.steps.append(Content(buffer, pattern(name, unquote(name, quoted)), negated=negated))

    handler.__doc__ = f"A text that the {what} of the certificate holds; `!` before it: does not hold."
    keyword(name)(handler)


_text_keyword("tls.subject", "tls.cert_subject", "subject")
_text_keyword("tls.issuerdn", "tls.cert_issuer", "issuer")


@keyword("tls.fingerprint")
def tls_fingerprint(draft: Draft, text: str) -> None:
    """The SHA-1 fingerprint of the certificate, pairs of hex digits with colons; `!` before it: any other."""
    negated, quoted = signed(text)
    value = unquote("tls.fingerprint", quoted).lower()
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){19}", value):
        raise Refused(f"tls.fingerprint: needs 20 pairs of hex digits with colons, has {value[:70]!r}")
    made = Content(
        "tls.cert_fingerprint", value.encode("ascii"), negated=negated, startswith=True, endswith=True
    )
    draft.steps.append(made)


def _moment(name: str, text: str) -> int:
    """Seconds since 1970 of a date (or of such a number itself); what a date leaves out is the earliest."""
    text = text.strip()
    if re.fullmatch(r"\d{5,11}", text, re.A):
        return int(text)
    found = _DATE.fullmatch(text)
    if not found:
        raise Refused(f"{name}: not a date: {text[:40]!r}; write 2025, 2025-12 or 2025-12-31T23:59:59")
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups())
    try:
        return max(0, timegm((year, month or 1, day or 1, hour, minute, second)))
    except ValueError:
        raise Refused(f"{name}: not a date: {text[:40]!r}") from None


def _date_keyword(name: str, buffer: str, what: str) -> None:
    # As in Suricata the dates themselves lie inside, unlike with keywords about numbers.
    def handler(draft: Draft, text: str) -> None:
        value = unquote(name, text, needed=False).strip()
        low, between, high = value.partition("<>")
        if between:
            span = (_moment(name, low), _moment(name, high))
        else:
            moment = _moment(name, value.lstrip("<>"))
            span = {"<": (0, moment), ">": (moment, _LAST)}.get(value[:1], (moment, moment))
        if span[0] > span[1] or (between and span[0] == span[1]):
            raise Refused(f"{name}: no moment lies in {value[:60]}")
        draft.steps.append(NumberIn(buffer, (span,)))

    handler.__doc__ = f"When the certificate {what}: >2025-01-31, <2030, 2020<>2025, or a date itself."
    keyword(name)(handler)


_date_keyword("tls_cert_notbefore", "tls.cert_notbefore", "begins to be valid")
_date_keyword("tls_cert_notafter", "tls.cert_notafter", "ceases to be valid")


@keyword("tls.store", "tls_store", value="none")
def tls_store(draft: Draft, _text: str) -> None:
    """No condition, but that it is TLS. A monitor writes no certificates to disk."""
    draft.notices.append("tls.store: the rule alerts, the certificate is not kept")
    if draft.header.protocol.lower() not in ("tls", "ssl"):
        draft.steps.append(NumberIn("tls.cert_chain_len", ((1, 0xFFFF),)))


def _validity(name: str, expired: bool, what: str) -> None:
    def handler(draft: Draft, _text: str) -> None:
        draft.steps.append(Validity("tls.cert_validity", expired))

    handler.__doc__ = f"The certificate {what} at the time of the packet."
    keyword(name, value="none")(handler)


_validity("tls_cert_expired", True, "has ceased to be valid")
_validity("tls_cert_valid", False, "has not ceased to be valid")
