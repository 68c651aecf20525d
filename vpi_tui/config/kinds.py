"""Kinds of setting: each turns the text of a flag into a value, and checks a value from YAML."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SIZE = re.compile(r"(\d{1,18})\s*([kmg]i?b?|b)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
TRUE = frozenset(["yes", "true", "on", "1"])
FALSE = frozenset(["no", "false", "off", "0"])


@dataclass(frozen=True, slots=True)
class Kind:
    """read: text to value. check: value of YAML to value. Both raise ValueError: "must be …"."""

    name: str
    read: Callable[[str], Any]
    check: Callable[[Any], Any]
    choices: tuple[str, ...] = ()
    repeat: bool = False
    """A list: its flag may be given several times."""
    path: bool = False
    """Text that names a file: relative to the file of settings in which it stands."""


def number(low: float, high: float, unit: str = "") -> Kind:
    """A number in low..high."""
    phrase = f"must be a number from {low:g} to {high:g}{' ' + unit if unit else ''}"

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise ValueError(phrase)
        if not low <= value <= high:
            raise ValueError(phrase)
        return float(value)

    def read(text: str) -> float:
        try:
            return check(float(text))
        except ValueError:
            raise ValueError(phrase) from None

    return Kind("number", read, check)


def whole(low: int, high: int) -> Kind:
    """A whole number in low..high."""
    phrase = f"must be a whole number from {low} to {high}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(phrase)
        return value

    def read(text: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise ValueError(phrase)
        return check(int(text))

    return Kind("whole number", read, check)


def size(low: int, high: int) -> Kind:
    """Bytes: a whole number, or text such as 512kb, 64mb, 1gb."""
    phrase = f"must be a size from {low} to {high} bytes, such as 65536, 512kb or 64mb"

    def read(text: str) -> int:
        found = _SIZE.fullmatch(text.strip())
        if not found:
            raise ValueError(phrase)
        return check(int(found[1]) * _UNITS[(found[2] or "")[:1].lower()])

    def check(value: Any) -> int:
        if isinstance(value, str):
            return read(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(phrase)
        return value

    return Kind("size", read, check)


def choice(*choices: str) -> Kind:
    """One of a few words."""
    phrase = f"must be one of {', '.join(choices)}"

    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(phrase)
        return str(value)

    return Kind("choice", check, check, choices=choices)


def switch(other: str) -> Kind:
    """yes, no or one word more; gives "yes", "no" or that word. YAML's true and false are yes and no."""
    phrase = f"must be yes, no or {other}"

    def read(text: str) -> str:
        if text.lower() in TRUE | FALSE:
            return "yes" if text.lower() in TRUE else "no"
        if text == other:
            return text
        raise ValueError(phrase)

    def check(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return read(value)
        raise ValueError(phrase)

    return Kind("switch", read, check)


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def _check_path(value: Any) -> str:
    text = _check_text(value)
    if "\0" in text:
        raise ValueError("must be a path, so without NUL characters")
    return text


def _check_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _read_boolean(text: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise ValueError("must be true or false")


def _check_list(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise ValueError("must be text or a list of texts")
    return tuple(items)


def _check_paths(value: Any) -> tuple[str, ...]:
    return tuple(_check_path(item) for item in _check_list(value))


def _check_free(value: Any) -> str:
    """Anything that is one value, as text: booleans in Suricata's spelling."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("must be one value")


def _check_group(value: Any) -> str:
    """A variable: text, a number, or a list that is written in brackets."""
    if isinstance(value, list):
        return "[" + ",".join(_check_free(item) for item in value) + "]"
    return _check_free(value)


text = Kind("text", str, _check_text)
path = Kind("path", str, _check_path, path=True)
boolean = Kind("true or false", _read_boolean, _check_boolean)
texts = Kind("list", lambda word: (word,), _check_list, repeat=True)
paths = Kind("list of paths", lambda word: (word,), _check_paths, repeat=True, path=True)
group = Kind("list", str, _check_group)
