"""The filter language of `/`.

    web                 the word stands anywhere in the row
    "sql injection"     words with blanks
    src:10.0.5          a field holds the text
    src:=web-1          a field is the text, and no more
    port:443 port:1-99  ports are numbers or ranges
    net:10.0.0.0/8      an address lies in a network
    is:alerted is:off   a flag
    !dns  !guest:web-1  not

All terms must hold. Case does not matter. Unknown fields are errors, so that a typing mistake does not
look like an empty network.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LONGEST = 500
_TERM = re.compile(
    r'(?P<not>!*)(?:(?P<key>[A-Za-z_]+):)?(?P<whole>(?<=:)=)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S*))'
)

NUMERIC = frozenset({"port", "sport", "dport", "sid", "sev", "vlan", "alert"})
NETWORK = frozenset({"net"})


class FilterError(ValueError):
    """A filter that cannot be understood; the text says why and what is possible."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. key "" = anywhere. value is lower case. span: inclusive numbers for numeric keys."""

    key: str
    value: str
    negated: bool = False
    span: tuple[int, int] | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    whole: bool = False
    """The field must be the value, not just hold it."""

    def found_in(self, text: str) -> bool:
        """text: lower case."""
        return text == self.value if self.whole else self.value in text


@dataclass(frozen=True, slots=True)
class Filter:
    terms: tuple[Term, ...] = ()
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.terms)


@dataclass(frozen=True, slots=True)
class Fields:
    """What a screen can be asked for. flags: values of `is:`, also usable as plain words where in `bare`."""

    keys: frozenset[str]
    flags: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()

    def help(self) -> str:
        return " ".join(self._terms())

    def complete(self, text: str) -> list[str]:
        """What the line could become by another word, or by the rest of the one that is begun."""
        before, space, word = text.rpartition(" ")
        bare = word.lstrip("!")
        signs = before + space + word[: len(word) - len(bare)]
        return [signs + term for term in self._terms() if term.startswith(bare) and term != bare]

    def _terms(self) -> list[str]:
        return [*(f"{key}:" for key in sorted(self.keys)), *(f"is:{flag}" for flag in sorted(self.flags))]


NOTHING = Filter()
_SEVERITIES = {"high": "1", "medium": "2", "low": "3"}


def parse(text: str, fields: Fields) -> Filter:
    """Read what was typed. Raises FilterError for an unknown field, flag, number or network."""
    text = text[:_LONGEST].strip()
    if text.startswith("/"):
        text = text[1:]
    terms = tuple(_term(match, fields) for match in _TERM.finditer(text) if match["quoted"] or match["bare"])
    return Filter(terms, text)


def _term(match: re.Match[str], fields: Fields) -> Term:
    key = (match["key"] or "").lower()
    value = (match["quoted"] if match["quoted"] is not None else match["bare"]).lower()
    negated = len(match["not"]) % 2 == 1
    if not key and value in fields.bare:
        return Term("is", value, negated)
    if not key:
        return Term("", value, negated)
    if key == "is":
        _known(value, fields.flags, "is:")
        return Term("is", value, negated)
    if key not in fields.keys and _is_address_part(f"{key}:{value}"):
        return Term("", f"{key}:{value}", negated)
    _known(key, fields.keys, "")
    if key in NETWORK:
        return Term(key, value, negated, network=_network(value))
    if key in NUMERIC:
        return Term(key, value, negated, span=_span(key, value))
    return Term(key, value, negated, whole=match["whole"] is not None)


def _is_address_part(text: str) -> bool:
    """`fe80:`, `dead:beef`: a piece of an IPv6 address typed as a word."""
    return re.fullmatch(r"[0-9a-f:]+", text) is not None and any(c.isdigit() for c in text)


def _known(name: str, known: frozenset[str], prefix: str) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, sorted(known), n=1)
    sign = "" if prefix else ":"
    what = f"Did you mean {prefix}{near[0]}{sign}?" if near else "Esc, then ? lists what is."
    raise FilterError(f"{prefix}{name}{sign} is not known here. {what}")


def _span(key: str, value: str) -> tuple[int, int]:
    if key == "sev":
        value = _SEVERITIES.get(value, value)
    low, dash, high = value.partition("-")
    if not _short_number(low) or (dash and high and not _short_number(high)):
        raise FilterError(f"{key}: takes a number or a range such as 1-1024, not {value!r}.")
    return int(low), int(high) if high else ((1 << 62) if dash else int(low))


def _short_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise FilterError(f"net: takes a network such as 10.0.0.0/8, not {value!r}.") from error


def matches(wanted: Filter, fields: Mapping[str, Sequence[str]], flags: frozenset[str] = frozenset()) -> bool:
    """True when a row holds all terms.

    fields: text by key, lower case, several allowed; a word is looked for in all of them.
    """
    return all(_holds(term, fields, flags) != term.negated for term in wanted.terms)


def _holds(term: Term, fields: Mapping[str, Sequence[str]], flags: frozenset[str]) -> bool:
    if term.key == "is":
        return term.value in flags
    if not term.key:
        return any(term.value in value for values in fields.values() for value in values)
    values = fields.get(term.key, ())
    if term.span:
        low, high = term.span
        return any(low <= int(value) <= high for value in values if _short_number(value))
    if term.network:
        return any(_inside(value, term.network) for value in fields.get("ip", ()))
    return any(term.found_in(value) for value in values)


def _inside(value: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(value) in network
    except ValueError:
        return False
