"""Searches of long subjects, which end after a time whatever an expression and the wire say.

PCRE2 counts how often it turns back, not the bytes that a repeat runs over, and it counts anew for each place
where a match may begin: an expression that is tried at 100,000 places and runs to the end from each costs
seconds, and nothing interrupts it. So a long subject is asked for matches that begin in one stretch of it
after another, of as many places as were cheap to try; between them the clock is looked at.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Any, Final

import pcre2

from vpi_tui.detect.regex import JIT_STACK, MATCH_LIMIT, Flag, Looked, compiled, is_anchored, look_at_once

ALLOWED_NS: Final = 50_000_000
"""CPU time of one search. What rules look for in ordinary bodies takes a hundredth of it."""
SHORT: Final = 512
"""Bytes that are searched at once by any expression, also one that runs over them three times."""
_SHORT_FOR_ONE_REPEAT: Final = 4096
_ANY_LENGTH: Final = 1 << 62
_FIRST, _WIDEST, _FACTOR = 64, 512, 8
"""Places where a match may begin that are tried at once."""
_STEPS_A_PLACE: Final = 64
_CHEAP_NS: Final = 100_000
_DEAR_NS: Final = 2_000_000

_PASSED_OVER: Final = re.compile(rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.S)
_REPEAT: Final = re.compile(rb"[*+][+?]?|\{(?:\d*,|\d*,?(?:\d{3,}|[3-9]\d))\}")
_NOT_A_PART: Final = re.compile(rb"\\[GQ]|\(\*|\(\?(?:R|0|C|[a-zA-Z]*x)")
_SELDOM_TRIED: Final = re.compile(rb"(?:\((?:\?(?::|P?<\w+>|'\w+'))?|\(\?[a-zA-Z]+\))*\.\*")
"""PCRE2 tries such an expression at the start, or where lines begin, and nowhere else."""


@lru_cache(maxsize=65_536)
def _length_at_once(expression: bytes, flags: int) -> int:
    """Bytes that an expression may search at once: any when it is tried at few places, or repeats nothing."""
    if is_anchored(expression, flags) or _NOT_A_PART.search(expression) or _SELDOM_TRIED.match(expression):
        return _ANY_LENGTH
    repeats = len(_REPEAT.findall(_PASSED_OVER.sub(b".", expression)))
    return (_ANY_LENGTH, _SHORT_FOR_ONE_REPEAT, SHORT)[min(repeats, 2)]


def _part_text(expression: bytes, flags: int, places: int) -> bytes:
    closed = b"\n)" if flags & Flag.EXTENDED else b")"
    return b"\\G(?s-U:.{0,%d}?)(?:%s%s" % (places - 1, expression, closed)


@lru_cache(maxsize=4096)
def _part(expression: bytes, flags: int, places: int) -> Any:
    """The expression with a match that begins at one of so many places from where the search does."""
    limit = MATCH_LIMIT + (places - 1) * _STEPS_A_PLACE
    return compiled(_part_text(expression, flags, places), flags, limit=limit)


def search(expression: bytes, flags: int, subject: bytes, start: int = 0) -> Any:
    """The first pcre2.Match from `start` on; None = there is none, or the search was given up."""
    return look(expression, flags, subject, start).found


def look(
    expression: bytes, flags: int, subject: bytes, start: int = 0, allowed_ns: int = ALLOWED_NS
) -> Looked:
    """`search`, and whether it was given up."""
    if len(subject) - start <= _length_at_once(expression, flags):
        return look_at_once(expression, flags, subject, start)
    return _look_in_parts(expression, flags, subject, start, allowed_ns)


def timed(expression: bytes, flags: int, subject: bytes, start: int, left_ns: int) -> tuple[Looked, int]:
    """`look` where no more than so much CPU time is left, and what it took of that."""
    began_ns = time.thread_time_ns()
    looked = look(expression, flags, subject, start, min(ALLOWED_NS, left_ns))
    return looked, time.thread_time_ns() - began_ns


def _look_in_parts(expression: bytes, flags: int, subject: bytes, at: int, allowed_ns: int) -> Looked:
    places, widest = _FIRST, _WIDEST
    last_ns = time.thread_time_ns()
    end_ns = last_ns + allowed_ns
    while at <= len(subject):
        told = _tell(expression, flags, places, subject, at)
        now_ns = time.thread_time_ns()
        took_ns, last_ns = now_ns - last_ns, now_ns
        if told.found is not None:
            return look_at_once(expression, flags, subject, at)
        if now_ns > end_ns or (told.given_up and places == 1):
            return Looked(None, given_up=True)
        if told.given_up:
            places = widest = places // _FACTOR
            continue
        at += places
        if took_ns < _CHEAP_NS:
            places = min(places * _FACTOR, widest)
        elif took_ns > _DEAR_NS:
            places = max(places // _FACTOR, 1)
    return Looked(None)


def _tell(expression: bytes, flags: int, places: int, subject: bytes, at: int) -> Looked:
    """Does a match begin at one of so many places? Given up where they took too much, alone or together."""
    try:
        return Looked(_part(expression, flags, places).search(subject, at))
    except pcre2.LibraryError as error:
        if places > 1 or error.code != JIT_STACK:
            return Looked(None, given_up=True)
    return look_at_once(_part_text(expression, flags, places), flags, subject, at)
