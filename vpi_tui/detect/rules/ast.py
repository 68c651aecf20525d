"""What the text of one rule says, before any keyword is understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from vpi_tui.model.errors import RuleError


class Refused(Exception):  # noqa: N818 - a verdict on a rule, not a fault of ours
    """A rule that cannot be loaded. The loader adds file and line and makes it a RuleError.

    option: index of the option at fault, -1 for the header or the rule as a whole.
    """

    def __init__(self, reason: str, *, option: int = -1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.option = option

    def at(self, path: str, line: int, text: str) -> RuleError:
        """The error that people see, with the sid where the text shows one."""
        reason = self.reason.encode("utf-8", "backslashreplace").decode("utf-8")
        return RuleError(path, line, reason, sid=_sid_in(text))


class Skipped(Refused):
    """A rule that says itself that it is not for this engine (requires): left out, and no error."""


def _sid_in(text: str) -> int:
    at = text.rfind("sid:")
    digits = text[at + 4 : at + 24].partition(";")[0].strip() if at >= 0 else ""
    return int(digits) if digits.isascii() and digits.isdigit() else 0


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule as it stands in a file: continuation lines joined."""

    line: int
    """1-based line where the rule starts."""
    text: str
    enabled: bool = True
    """False when the rule was commented out (`#alert ...`)."""


class Option(NamedTuple):
    """`name` or `name:value;`. name is lower case; value is None without a colon."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class HeaderText:
    """The seven words before the options, as written."""

    action: str
    protocol: str
    src: str
    src_port: str
    arrow: str
    dest: str
    dest_port: str


@dataclass(frozen=True, slots=True)
class RuleSyntax:
    """A rule cut into header and options; nothing is checked yet."""

    header: HeaderText
    options: tuple[Option, ...]
