"""requires: what the engine must have for a rule to be loaded at all.

It is looked at before all other options, so that a rule may use what only a later version knows. Source:
"requires" in the chapter on meta keywords of the Suricata user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vpi_tui.detect.rules.ast import Refused, Skipped
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword, keywords

Version = tuple[int, int, int]

LANGUAGE_VERSION: Final[Version] = (8, 0, 7)
"""The Suricata release whose rule language this is."""
_COMPARE: Final[dict[str, Callable[[Version, Version], bool]]] = {
    "<": lambda ours, asked: ours < asked,
    "<=": lambda ours, asked: ours <= asked,
    ">": lambda ours, asked: ours > asked,
    ">=": lambda ours, asked: ours >= asked,
}
_TEST: Final = re.compile(r"(<=|>=|<|>)\s*(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?\s*", re.A)
_FEATURES: Final = frozenset({"ja3", "ja4"})
"""Features of Suricata, by its names, that are always here."""


@keyword("requires")
def requires(draft: Draft, text: str) -> None:
    """Load the rule only when the engine has a version (>= 7.0.3 < 8 | >= 8), a feature or a keyword."""
    versions = 0
    unmet = ""
    for need in (part.strip() for part in text.split(",")):
        kind, _, value = re.sub(r"^version\b", "version ", need).partition(" ")
        if not kind or not value.strip():
            raise Refused(f"requires: version, feature or keyword and what it must be, not {need[:40]!r}")
        versions += kind == "version"
        if versions > 1:
            raise Refused("requires: version must stand once; write `version >= 7.0.3 < 8 | >= 8.0.3`")
        met = _NEEDS.get(kind, _is_unknown)(draft, value.strip().lower())
        unmet = unmet or ("" if met else need)
    if unmet:
        raise Skipped(f"requires: {unmet[:60]}, which is not there: the rule is left out")


def _has_version(_draft: Draft, text: str) -> bool:
    """`|` between choices; of one choice all tests must hold."""
    choices = [_tests(choice.strip()) for choice in text.split("|")]
    return any(map(all, choices))


def _tests(text: str) -> list[bool]:
    found = list(_TEST.finditer(text))
    if not text or "".join(one[0] for one in found) != text:
        raise Refused(f"requires: not a version test: {text[:40]!r}")
    return [
        _COMPARE[one[1]](LANGUAGE_VERSION, (int(one[2]), int(one[3] or 0), int(one[4] or 0))) for one in found
    ]


def _has_feature(draft: Draft, name: str) -> bool:
    return name in _FEATURES or (name == "geoip" and bool(draft.sources.geoip))


def _has_keyword(_draft: Draft, name: str) -> bool:
    return name in keywords()


def _is_unknown(_draft: Draft, _text: str) -> bool:
    """A need of a later release, in words that are not known yet."""
    return False


_NEEDS: Final[dict[str, Callable[[Draft, str], bool]]] = {
    "version": _has_version,
    "feature": _has_feature,
    "keyword": _has_keyword,
}
