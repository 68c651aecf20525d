"""Errors are few and named; each says what happened, where, and what to do next."""

from __future__ import annotations

from pathlib import Path


class VpiError(Exception):
    """Root of all errors that a user may see. `hint` is the next step, a full sentence."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(VpiError):
    """A setting that is unknown, of the wrong type or out of range."""


class CaptureError(VpiError):
    """A capture source that cannot be opened, or that ends before its end.

    offset: byte offset of the first byte that could not be read, None when not a file. tail: packets were
    read, and what follows the last of them is no record; a record that is cut short is missing data instead.
    """

    def __init__(
        self, message: str, *, hint: str = "", offset: int | None = None, tail: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.offset = offset
        self.tail = tail


class PrivilegeError(CaptureError):
    """The process lacks a capability that the source needs."""


class FeedError(VpiError):
    """The other side of the feed speaks another version, or sent bytes that are no message."""


class RuleError(VpiError):
    """One rule that was refused. `path` and `line` (1-based) say where it stands."""

    def __init__(self, path: Path | str, line: int, reason: str, *, sid: int = 0) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = str(path)
        self.line = line
        self.reason = reason
        self.sid = sid
