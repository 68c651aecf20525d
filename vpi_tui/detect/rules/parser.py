"""The parser: text of one rule in, Signature out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as struct_replace

from vpi_tui.detect.rules.ast import HeaderText, Option, Refused, RuleSyntax
from vpi_tui.detect.rules.classification import DEFAULT_CLASSES
from vpi_tui.detect.rules.draft import ACTIONS, Draft
from vpi_tui.detect.rules.hooks import add_hook, split_action, split_hook
from vpi_tui.detect.rules.lexer import split_rule
from vpi_tui.detect.rules.registry import Keyword, apply, check_protocol, keywords
from vpi_tui.detect.rules.sources import Sources
from vpi_tui.detect.rules.text import printable
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.applications import RULE_WORDS
from vpi_tui.model.decoder_events import is_about_broken
from vpi_tui.model.signature import ANYWHERE, ColumnTest, Header, Origin, Scope, Signature

_ALIASES = {
    "any": "ip", "ip4": "ipv4", "ip6": "ipv6", "icmp4": "icmpv4", "icmp6": "icmpv6", "ether": "pkthdr",
    "arp": "pkthdr", "esp": "ip", "igmp": "ip",
}  # fmt: skip
_MEANT: Mapping[str, tuple[str, int]] = {
    "arp": ("ethertype", 0x0806),
    "esp": ("proto", 50),
    "igmp": ("proto", 2),
}
"""What packets have of a protocol that has no kind of its own: (column, value)."""

_OF_ALL = frozenset(("ip", "any", "pkthdr"))
"""Words that mean the same: all packets of IP, and broken ones to rules about what the decoder found."""
_REQUIRES = "requires"


@dataclass(slots=True)
class Parser:
    """Parses rules with one set of variables and one classification table."""

    variables: Variables = field(default_factory=Variables)
    classes: Mapping[str, int] = field(default_factory=lambda: DEFAULT_CLASSES)
    notices: list[tuple[Origin, str]] = field(default_factory=list)
    """What was accepted but deserves a word."""
    sources: Sources = field(default_factory=Sources)
    _keywords: Mapping[str, Keyword] = field(default_factory=keywords)

    def parse(
        self, text: str, origin: Origin, *, scope: Scope | None = None, enabled: bool = True
    ) -> Signature:
        """One rule as a Signature. Raises Refused, with the index of the option at fault."""
        return self.build(split_rule(text), text, origin, scope=scope, enabled=enabled)

    def build(
        self,
        syntax: RuleSyntax,
        raw: str,
        origin: Origin,
        *,
        scope: Scope | None = None,
        enabled: bool = True,
    ) -> Signature:
        """A rule that is cut into pieces already; `raw` is kept as its text."""
        protocol, hook = split_hook(syntax.header.protocol)
        action, reach = split_action(syntax.header.action)
        written = replace(syntax.header, action=action, protocol=protocol)
        draft = Draft(written, self.classes, self.sources, hook=hook)
        # Before all else: a rule that needs a later version may be written in words of that version.
        self._apply(draft, [(n, one) for n, one in enumerate(syntax.options) if one.name == _REQUIRES])
        _check_words(written)
        draft.action_scope = reach
        draft.noalert = action.lower() == "config"
        if (word := written.protocol.lower()) in _MEANT:
            column, value = _MEANT[word]
            draft.test(column, ((value, value),))
            draft.needs_packet = True
        self._apply(draft, enumerate(syntax.options))
        if hook:
            add_hook(draft, protocol.lower(), hook)
        header = self._header(written)
        if written.protocol.lower() in _OF_ALL:
            header = struct_replace(header, protocol=_which_of_all(draft.columns))
        signature = draft.finish(header, printable(raw), origin, scope=scope or ANYWHERE, enabled=enabled)
        self.notices.extend((origin, notice) for notice in draft.notices)
        return signature

    def _apply(self, draft: Draft, options: Iterable[tuple[int, Option]]) -> None:
        """Let options, each with its place in the rule, change the draft."""
        for index, option in options:
            draft.option = index
            try:
                apply(draft, option, self._keywords)
            except Refused as refused:
                refused.option = index
                raise

    def _header(self, written: HeaderText) -> Header:
        protocol = written.protocol.lower()
        return Header(
            _ALIASES.get(protocol, protocol),
            self.variables.addresses(written.src),
            self.variables.ports(written.src_port),
            self.variables.addresses(written.dest),
            self.variables.ports(written.dest_port),
            written.arrow == "<>",
            written.arrow == "=>",
            negated=self.variables.is_negated(written.src) or self.variables.is_negated(written.dest),
        )


def _which_of_all(tests: Iterable[ColumnTest]) -> str:
    return "pkthdr" if any(is_about_broken(test.column, test.mask) for test in tests) else "ip"


def _check_words(header: HeaderText) -> None:
    if header.action.lower().partition(":")[0] == "accept":
        raise Refused("action accept: it is for the firewall mode of Suricata, and a monitor blocks nothing")
    if header.action.lower() not in ACTIONS:
        raise Refused(f"unknown action {header.action[:40]!r}; there are {', '.join(sorted(ACTIONS))}")
    check_protocol(header.protocol.lower())
    if header.arrow == "=>" and header.protocol.lower() not in RULE_WORDS:
        raise Refused("direction => is for protocols that have requests and responses")
    if header.arrow not in {"->", "<>", "=>"}:
        raise Refused(f"direction must be ->, <> or =>, not {header.arrow[:20]!r}")
