"""ICMP types that answer each other, as the Community ID specification pairs them.

Source: https://github.com/corelight/community-id-spec (its ICMP section); RFC 792, 1256, 4443, 4861.
"""

from __future__ import annotations

_PAIRS_V4 = ((8, 0), (13, 14), (15, 16), (10, 9), (17, 18))
_PAIRS_V6 = ((128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145))


def _table(pairs: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    answers = {**dict(pairs), **{reply: request for request, reply in pairs}}
    return tuple(answers.get(number, -1) for number in range(256))


ANSWER_V4: tuple[int, ...] = _table(_PAIRS_V4)
"""ICMP type -> the type that answers it, -1 = none does."""

ANSWER_V6: tuple[int, ...] = _table(_PAIRS_V6)


def answer_of(proto: int, kind: int) -> int:
    """The type that answers a type of ICMP or ICMPv6, -1 = none does. proto: the IP protocol's number."""
    answers = ANSWER_V4 if proto == 1 else ANSWER_V6
    return answers[kind & 0xFF]
