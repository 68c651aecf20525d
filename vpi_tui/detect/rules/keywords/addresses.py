"""iprep and geoip: what is known of the addresses of a packet."""

from __future__ import annotations

import re
from typing import Final, Literal, cast

from vpi_tui.detect.match.countries import country_of
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.scored import MOST_SCORE
from vpi_tui.detect.rules.text import signed, unquote
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import AddressIn, CountryIn

Side = Literal["src", "dst", "any", "both"]
_MOST_ASKED: Final = 0xFF
"""A rule may ask for less than what no score is."""
_SIDES: Final = ("src", "dst", "any", "both")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]", re.A)


def _side(name: str, text: str) -> Side:
    if text not in _SIDES:
        raise Refused(f"{name}: one of {', '.join(_SIDES)}, not {text[:20]!r}")
    return cast(Side, text)


@keyword("iprep")
def iprep(draft: Draft, text: str) -> None:
    """Score of an address in a list of IP reputation: src|dst|any|both,category,>,30; or category,isset."""
    side, *rest = (part.strip() for part in text.split(","))
    chosen = _side("iprep", side.lower())
    reputation = draft.sources.reputation
    if reputation is None:
        raise Refused("iprep: no reputation-categories-file is configured")
    if len(rest) == 2 and rest[1] in {"isset", "isnotset"}:
        if rest[1] == "isset":
            ranges = reputation.with_score(rest[0], ((0, MOST_SCORE),))
        else:
            ranges = reputation.without_score(rest[0])
    elif len(rest) == 3:
        ranges = reputation.with_score(rest[0], spans("iprep", rest[1] + rest[2], _MOST_ASKED))
    else:
        raise Refused(f"iprep: needs `side,category,operator,score` or `side,category,isset`: {text[:60]!r}")
    draft.checks.append(AddressIn(chosen, ranges))


@keyword("geoip")
def geoip(draft: Draft, text: str) -> None:
    """Country of an address, by a MaxMind database: src|dst|any|both,RU,CN; `!` before one: none of them."""
    first, *rest = (part.strip() for part in unquote("geoip", text, needed=False).split(","))
    side: Side = "any"
    if first.lower() in _SIDES:
        side, first, rest = _side("geoip", first.lower()), rest[0] if rest else "", rest[1:]
    signs, names = zip(*(signed(code) for code in (first, *rest)), strict=True)
    codes, negated = frozenset(name.upper() for name in names), any(signs)
    for code in codes:
        if not _CODE.fullmatch(code):
            raise Refused(f"geoip: not a country code of two letters: {code[:20]!r}")
    if not draft.sources.geoip:
        raise Refused("geoip: no geoip-database is configured")
    try:
        country_of(draft.sources.geoip)
    except ConfigError as error:
        raise Refused(f"geoip: {error}") from None
    draft.needs_packet = True
    draft.checks.append(CountryIn(side, codes, negated, draft.sources.geoip))
