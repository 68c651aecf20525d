"""Regular expressions of rules: compiled when first needed, and bounded.

Python's `re` counts no steps and cannot be interrupted. So a rule is refused whose expression
repeats a part that itself repeats and may match the same bytes in more than one way (the exponential
case), and no subject is longer than SUBJECT_LIMIT.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import lru_cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

SUBJECT_LIMIT: Final = 8192
"""Bytes of the subject, from where the search begins."""
MANY: Final = 24
"""A part that may repeat more often than this counts as unbounded."""
_REPEATS: Final = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)
_EVERYTHING: Final = frozenset(range(256))


@lru_cache(maxsize=4096)
def compile_regex(pattern: bytes, flags: int) -> re.Pattern[bytes]:
    """Raises re.error for a pattern that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern, flags)


@lru_cache(maxsize=65536)
def _singles(pattern: bytes, flags: int) -> frozenset[int]:
    compiled = compile_regex(pattern, flags)
    return frozenset(byte for byte in range(256) if compiled.fullmatch(bytes((byte,))))


def why_refused(pattern: bytes, flags: int) -> str:
    """Why a pattern must not be run on bytes from the wire; "" when it may.

    Raises re.error for a pattern that is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parsed = _parser.parse(pattern, flags)
    # `re` would try every way to share the bytes among the two repetitions.
    if any(_ambiguous(body) for body in _repeated(parsed)):
        return "pcre: a repetition inside a repetition can match the same bytes in many ways; it could hang"
    return ""


def _parts(item: Any) -> Iterable[Any]:
    """All sub-patterns in the arguments of one parsed operation."""
    if isinstance(item, _parser.SubPattern):
        yield item
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _parts(part)


def _repeated(parsed: Any) -> Iterable[Any]:
    """The bodies of all repetitions without a small bound, at any depth."""
    for operation, argument in parsed:
        if operation in _REPEATS and argument[1] > MANY:
            yield argument[2]
        for part in _parts(argument):
            yield from _repeated(part)


def _ambiguous(body: Any) -> bool:
    """Can the body, repeated, split the same bytes in more than one way?

    Judged on the safe side: a body with an unbounded repetition (or an optional part, or branches)
    is unambiguous only if each of its rounds contains a byte that no repetition in it can match.
    """
    if not _varies(body):
        return _branches_overlap(body)
    flexible = _flexible_bytes(body)
    return not any(
        _first_bytes(operation, argument).isdisjoint(flexible)
        for operation, argument in body
        if operation in (_constants.LITERAL, _constants.IN, _constants.NOT_LITERAL)
    )


def _varies(body: Any) -> bool:
    low, high = body.getwidth()
    if low == high:
        return False
    return any(
        (operation in _REPEATS and argument[0] != argument[1])
        or any(_varies(part) for part in _parts(argument))
        for operation, argument in body
    )


def _branches_overlap(body: Any) -> bool:
    """Two alternatives that can begin with the same byte: (a|a)* has 2^n ways."""
    for operation, argument in body:
        if operation is _constants.BRANCH:
            seen: set[int] = set()
            for branch in argument[1]:
                begin = _first_bytes(*branch[0]) if len(branch) else _EVERYTHING
                if not seen.isdisjoint(begin):
                    return True
                seen |= begin
        elif operation is _constants.SUBPATTERN and _branches_overlap(argument[-1]):
            return True
    return False


def _flexible_bytes(body: Any) -> frozenset[int]:
    """Bytes that some repetition of varying length in the body can match."""
    found: frozenset[int] = frozenset()
    for operation, argument in body:
        if operation in _REPEATS and argument[0] != argument[1]:
            found |= _all_bytes(argument[2])
        elif operation is _constants.BRANCH:
            for branch in argument[1]:
                found |= _all_bytes(branch)
        else:
            for part in _parts(argument):
                found |= _flexible_bytes(part)
    return found


def _all_bytes(body: Any) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    for operation, argument in body:
        parts = list(_parts(argument))
        for part in parts:
            found |= _all_bytes(part)
        if not parts:
            found |= _first_bytes(operation, argument)
    return found


def _first_bytes(operation: Any, argument: Any) -> frozenset[int]:
    """Bytes with which one parsed operation can begin; all, when that is not plain."""
    if operation is _constants.LITERAL:
        byte = bytes((argument,))
        return frozenset(byte + byte.swapcase())
    if operation is _constants.NOT_LITERAL:
        return _EVERYTHING - {argument}
    if operation is _constants.IN:
        return _class_bytes(argument)
    if operation is _constants.AT:
        return frozenset()
    if operation is _constants.SUBPATTERN and len(argument[-1]):
        return _first_bytes(*argument[-1][0])
    return _EVERYTHING


_CATEGORY: Final = {
    _constants.CATEGORY_DIGIT: rb"\d",
    _constants.CATEGORY_NOT_DIGIT: rb"\D",
    _constants.CATEGORY_SPACE: rb"\s",
    _constants.CATEGORY_NOT_SPACE: rb"\S",
    _constants.CATEGORY_WORD: rb"\w",
    _constants.CATEGORY_NOT_WORD: rb"\W",
}


def _class_bytes(members: Any) -> frozenset[int]:
    found: set[int] = set()
    negated = False
    for operation, argument in members:
        if operation is _constants.NEGATE:
            negated = True
        elif operation is _constants.LITERAL:
            found |= _first_bytes(operation, argument)
        elif operation is _constants.RANGE:
            for byte in range(argument[0], argument[1] + 1):
                found |= _first_bytes(_constants.LITERAL, byte)
        else:
            found |= _singles(_CATEGORY[argument], 0)
    return _EVERYTHING - found if negated else frozenset(found)
