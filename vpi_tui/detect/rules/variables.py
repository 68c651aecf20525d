"""$HOME_NET and the others: address and port lists with variables, resolved to Ranges.

Defaults are those of suricata.yaml; a setting `vars.address-groups.HOME_NET` or
`vars.port-groups.SSH_PORTS` overrides one. Lists follow Suricata's manual ("Rules Format"): in
`[a,b,!c]` the negated members are taken away from the others, or from everything when there are no
others. Addresses of IPv4 and of IPv6 are two lists in one: what is not 10.0.0.0/8 is IPv4. The brackets of
the outermost list may be left out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from vpi_tui.detect.rules import atoms
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import Span, Spans, subtract, union
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import PORT_MAX, Ranges

MAX_DEPTH = 64
"""Brackets within brackets, variables included; Suricata has the same limit."""

DEFAULT_ADDRESSES: Mapping[str, str] = {
    "HOME_NET": "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]",
    "EXTERNAL_NET": "!$HOME_NET",
    "HTTP_SERVERS": "$HOME_NET",
    "SMTP_SERVERS": "$HOME_NET",
    "SQL_SERVERS": "$HOME_NET",
    "DNS_SERVERS": "$HOME_NET",
    "TELNET_SERVERS": "$HOME_NET",
    "AIM_SERVERS": "$EXTERNAL_NET",
    "DC_SERVERS": "$HOME_NET",
    "DNP3_SERVER": "$HOME_NET",
    "DNP3_CLIENT": "$HOME_NET",
    "MODBUS_CLIENT": "$HOME_NET",
    "MODBUS_SERVER": "$HOME_NET",
    "ENIP_CLIENT": "$HOME_NET",
    "ENIP_SERVER": "$HOME_NET",
}
DEFAULT_PORTS: Mapping[str, str] = {
    "HTTP_PORTS": "80",
    "SHELLCODE_PORTS": "!80",
    "ORACLE_PORTS": "1521",
    "SSH_PORTS": "22",
    "DNP3_PORTS": "20000",
    "MODBUS_PORTS": "502",
    "FILE_DATA_PORTS": "[$HTTP_PORTS,110,143]",
    "FTP_PORTS": "21",
    "GENEVE_PORTS": "6081",
    "VXLAN_PORTS": "4789",
    "TEREDO_PORTS": "3544",
    "SIP_PORTS": "[5060,5061]",
}
ADDRESS_KEY = "vars.address-groups."
PORT_KEY = "vars.port-groups."

_TOKEN = re.compile(r"\[|\]|,|!|[^\[\],!\s]+")


class Variables:
    """Resolves the address and port words of rule headers; each distinct word only once.

    settings: as from `--set` and the configuration; keys other than `vars.` are ignored. Raises
    ConfigError for a `vars.` key that is neither an address group nor a port group.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        addresses, ports = dict(DEFAULT_ADDRESSES), dict(DEFAULT_PORTS)
        for key, value in (settings or {}).items():
            if key.startswith(ADDRESS_KEY):
                addresses[key.removeprefix(ADDRESS_KEY)] = str(value)
            elif key.startswith(PORT_KEY):
                ports[key.removeprefix(PORT_KEY)] = str(value)
            elif key.startswith("vars."):
                raise ConfigError(
                    f"Unknown setting {key!r}.",
                    hint=f"Variables are set as {ADDRESS_KEY}NAME or {PORT_KEY}NAME.",
                )
        self._addresses = _Lists("address", addresses, atoms.address, (atoms.IPV4, atoms.IPV6))
        self._ports = _Lists("port", ports, atoms.port, (((0, PORT_MAX),),))
        for key, value in (settings or {}).items():
            self._check(key, str(value))

    def _check(self, key: str, value: str) -> None:
        """What the operator set must make sense, whether or not a rule uses it."""
        try:
            if key.startswith(ADDRESS_KEY):
                self.addresses(f"${key.removeprefix(ADDRESS_KEY)}")
            elif key.startswith(PORT_KEY):
                self.ports(f"${key.removeprefix(PORT_KEY)}")
        except Refused as refused:
            raise ConfigError(f"{key} is {value!r}: {refused.reason}.", hint="Fix that setting.") from None

    def addresses(self, text: str) -> Ranges:
        """Raises Refused when the word cannot be read or holds no address at all."""
        return self._addresses.resolve(text)

    def is_negated(self, text: str) -> bool:
        """Does a word about addresses, which `addresses` has taken, say what is not meant?"""
        return self._addresses.is_negated(text)

    def ports(self, text: str) -> Ranges:
        """Raises Refused when the word cannot be read or holds no port at all."""
        return self._ports.resolve(text)


class _Lists:
    """The list language, over addresses or over ports."""

    def __init__(
        self,
        kind: str,
        variables: Mapping[str, str],
        atom: Callable[[str], Spans],
        families: Sequence[Spans],
    ) -> None:
        """families: what a list is about at most; each member belongs to one of them, or to all."""
        self._kind = kind
        self._variables = variables
        self._atom = atom
        self._families = families
        self._known: dict[str, Ranges] = {}
        self._named: dict[str, Spans] = {}
        self._negated: dict[str, bool] = {}

    def resolve(self, text: str) -> Ranges:
        known = self._known.get(text)
        if known is None:
            spans = self._read(text, ())
            if not spans:
                raise Refused(
                    f"the {self._kind} list {_short(text)} holds nothing, so the rule can never match"
                )
            known = self._known[text] = Ranges(spans)
        return known

    def is_negated(self, text: str) -> bool:
        """Does a word that was resolved hold a `!`, or a variable in it?"""
        known = self._negated.get(text)
        if known is None:
            words = _TOKEN.findall(text)
            named = (self._variables[word[1:]] for word in words if word[0] == "$")
            known = self._negated[text] = "!" in words or any(map(self.is_negated, named))
        return known

    def _read(self, text: str, inside: tuple[str, ...]) -> Spans:
        reader = _Reader(_TOKEN.findall(text), self, inside)
        spans = reader.members(0)
        if not reader.at_end():
            raise Refused(f"{self._kind} list {_short(text)} goes on after its end; put several in [ ]")
        return spans

    def word(self, text: str, inside: tuple[str, ...]) -> Spans:
        """A variable or an atom."""
        return self._variable(text[1:], inside) if text[0] == "$" else self._atom(text)

    def combine(self, plus: Spans, minus: Spans) -> Spans:
        """What is meant by members and negated members: of a family that has only these, all others."""
        for family in self._families:
            if _common(minus, family) and not _common(plus, family):
                plus = union([*plus, *family])
        return subtract(plus, minus)

    def fail(self, what: str) -> Refused:
        return Refused(f"{self._kind} list: {what}")

    def _variable(self, name: str, inside: tuple[str, ...]) -> Spans:
        if name in self._named:
            return self._named[name]
        if name in inside:
            raise Refused(f"variable ${name} refers to itself: {' -> '.join((*inside, name))}")
        if len(inside) >= MAX_DEPTH:
            raise Refused("variables refer to variables too deeply")
        if name not in self._variables:
            near = difflib.get_close_matches(name[:64], self._variables, 1)
            hint = f", did you mean ${near[0]}" if near else ""
            raise Refused(f"unknown {self._kind} variable ${name[:64]}{hint}")
        spans = self._read(self._variables[name], (*inside, name))
        self._named[name] = spans
        return spans


class _Reader:
    """Reads the tokens of one list; recursion is bounded by MAX_DEPTH."""

    def __init__(self, tokens: list[str], lists: _Lists, inside: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._lists = lists
        self._inside = inside
        self._at = 0

    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def _next(self) -> str:
        if self.at_end():
            raise self._lists.fail("ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def members(self, depth: int) -> Spans:
        """A list: up to its bracket, or, outside of all, to the first token that follows no comma."""
        plus: list[Span] = []
        minus: list[Span] = []
        more = True
        while more:
            negated, spans = self._signed(depth)
            (minus if negated else plus).extend(spans)
            more = self._goes_on(depth)
        return self._lists.combine(union(plus), union(minus))

    def _goes_on(self, depth: int) -> bool:
        """Whether a comma follows; takes it, or the bracket that ends the list."""
        if not depth:
            comma = not self.at_end() and self._tokens[self._at] == ","
            self._at += comma
            return comma
        token = self._next()
        if token not in {"]", ","}:
            raise self._lists.fail(f"a comma is missing before {token[:40]!r}")
        return token == ","

    def _signed(self, depth: int) -> tuple[bool, Spans]:
        token = self._next()
        negated = token == "!"
        if negated:
            token = self._next()
        if token == "[":
            if depth >= MAX_DEPTH:
                raise self._lists.fail(f"brackets are nested more than {MAX_DEPTH} deep")
            return negated, self.members(depth + 1)
        if token in {"]", ",", "!"}:
            raise self._lists.fail(f"unexpected {token!r}")
        return negated, self._lists.word(token, self._inside)


def _common(spans: Spans, family: Spans) -> bool:
    """Is anything of the family in there?"""
    return subtract(spans, family) != spans


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
