"""The kernel filter of the ring: frames of the chosen ports and directions, as classic BPF.

Sources: linux/filter.h (ancillary loads), bpf_common.h (opcodes), packet(7).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

MAX_INSTRUCTIONS = 4096
"""BPF_MAXINSNS."""
MAX_JUMP = 255
PACKET_OUTGOING = 4
ACCEPT_BYTES = 0x40000

LOAD_WORD_ABS = 0x20
JUMP_ALWAYS = 0x05
JUMP_EQUAL = 0x15
JUMP_GREATER_EQUAL = 0x35
RETURN = 0x06
ANCILLARY = 0xFFFFF000
"""SKF_AD_OFF, -0x1000 as unsigned."""
AD_PKTTYPE = ANCILLARY + 4
AD_IFINDEX = ANCILLARY + 8

GROUP_SIZES = (4, 8, 16, 32, 64, 128, MAX_JUMP - 1)
"""Ports that are compared one after the other at the leaves; more save instructions."""


class Instruction(NamedTuple):
    """struct sock_filter."""

    code: int
    jump_true: int
    jump_false: int
    k: int


class TooManyPortsError(ValueError):
    """The ports do not fit into the longest program that the kernel takes."""


def _group(ports: Sequence[int]) -> list[Instruction]:
    """Accept when A is one of `ports`, which are few enough for one jump over all of them."""
    last = len(ports) - 1
    tests = [Instruction(JUMP_EQUAL, last - at + 1, 0, port) for at, port in enumerate(ports)]
    return [*tests, Instruction(RETURN, 0, 0, 0), Instruction(RETURN, 0, 0, ACCEPT_BYTES)]


def _tree(ports: Sequence[int], group: int) -> list[Instruction]:
    """A balanced tree of comparisons; conditional jumps reach 255, so the far side is a long jump."""
    if len(ports) <= group:
        return _group(ports)
    middle = len(ports) // 2
    low, high = _tree(ports[:middle], group), _tree(ports[middle:], group)
    fork = [
        Instruction(JUMP_GREATER_EQUAL, 0, 1, ports[middle]),
        Instruction(JUMP_ALWAYS, 0, 0, len(low)),
    ]
    return [*fork, *low, *high]


def _member(ports: Sequence[int], group: int) -> list[Instruction]:
    """Accept when the frame's interface is one of `ports`; no port = nothing."""
    if not ports:
        return [Instruction(RETURN, 0, 0, 0)]
    return [Instruction(LOAD_WORD_ABS, 0, 0, AD_IFINDEX), *_tree(ports, group)]


def port_filter(incoming: Collection[int], outgoing: Collection[int] = ()) -> list[Instruction]:
    """Accept frames received at one of the ifindexes `incoming`, or sent through one of `outgoing`.

    Raises TooManyPortsError beyond some 4,000 ports.
    """
    received, sent = sorted(set(incoming)), sorted(set(outgoing))
    for group in GROUP_SIZES:
        low, high = _member(received, group), _member(sent, group)
        program = [
            Instruction(LOAD_WORD_ABS, 0, 0, AD_PKTTYPE),
            Instruction(JUMP_EQUAL, 0, 1, PACKET_OUTGOING),
            Instruction(JUMP_ALWAYS, 0, 0, len(low)),
            *low,
            *high,
        ]
        if len(program) <= MAX_INSTRUCTIONS:
            return program
    raise TooManyPortsError(f"{len(received) + len(sent)} ports do not fit into a kernel filter")


def pack(program: Sequence[Instruction]) -> bytes:
    """The program as an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
