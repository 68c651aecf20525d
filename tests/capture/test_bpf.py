"""The kernel filter, run by a small machine that knows the five instructions in use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.capture import bpf
from vpi_tui.capture.bpf import Instruction, pack, port_filter

PACKET_HOST, PACKET_OTHERHOST = 0, 3


def run(program: list[Instruction], packet_type: int, ifindex: int) -> int:
    """Bytes to keep; fails on a jump out of the program."""
    at = accumulator = 0
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        if code == bpf.RETURN:
            return k
        if code == bpf.LOAD_WORD_ABS:
            accumulator = {bpf.AD_PKTTYPE: packet_type, bpf.AD_IFINDEX: ifindex}[k]
        elif code == bpf.JUMP_ALWAYS:
            at += k
        else:
            true = accumulator == k if code == bpf.JUMP_EQUAL else accumulator >= k
            assert code in (bpf.JUMP_EQUAL, bpf.JUMP_GREATER_EQUAL)
            at += jump_true if true else jump_false


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(1, 5000), max_size=600), st.lists(st.integers(0, 6000), max_size=60))
def test_keeps_what_enters_at_the_ports(ports: set[int], others: list[int]) -> None:
    program = port_filter(ports)
    for ifindex in [*ports, *others]:
        kept = run(program, PACKET_OTHERHOST, ifindex)
        assert kept == (bpf.ACCEPT_BYTES if ifindex in ports else 0)
        assert run(program, bpf.PACKET_OUTGOING, ifindex) == 0


@pytest.mark.parametrize("count", [1, 4, 5, 255, 256, 257, 1000, 2700, 3900])
def test_every_size_fits_and_is_right(count: int) -> None:
    ports = range(7, 7 + 3 * count, 3)
    program = port_filter(ports)
    assert len(program) <= bpf.MAX_INSTRUCTIONS
    assert all(max(one.jump_true, one.jump_false) <= bpf.MAX_JUMP for one in program)
    assert len(pack(program)) == 8 * len(program)
    for ifindex in (*ports[:3], *ports[-3:], ports[count // 2]):
        assert run(program, PACKET_HOST, ifindex) == bpf.ACCEPT_BYTES
        assert run(program, PACKET_HOST, ifindex + 1) == 0


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(1, 400), max_size=300), st.sets(st.integers(1, 400), max_size=300))
def test_directions_are_apart(incoming: set[int], outgoing: set[int]) -> None:
    program = port_filter(incoming, outgoing)
    for ifindex in range(402):
        assert bool(run(program, PACKET_HOST, ifindex)) == (ifindex in incoming)
        assert bool(run(program, bpf.PACKET_OUTGOING, ifindex)) == (ifindex in outgoing)


def test_too_many_ports_are_refused() -> None:
    with pytest.raises(bpf.TooManyPortsError):
        port_filter(range(1, 4100))
