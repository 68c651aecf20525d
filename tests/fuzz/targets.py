"""All that is fuzzed. A module of targets adds its name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from tests.fuzz.target import Target

MODULES: Final = ("applayer", "rules", "documents", "encodings", "decode", "capture", "shown")


def _targets() -> Iterator[Target]:
    """One module after the other, so that none is imported behind the one that is looked for."""
    for module in MODULES:
        yield from import_module(f"tests.fuzz.{module}").TARGETS


def find(name: str) -> Target | None:
    """The target of that name. None = there is none."""
    return next((one for one in _targets() if one.name == name), None)


def by_name() -> dict[str, Target]:
    return {one.name: one for one in _targets()}
