"""Bytes in chains of cells. Indices are 1-based; 0 = none."""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper
from vpi_tui.stream.layout import (
    CELL,
    N_CELLS_FREE,
    N_CELLS_TOP,
    N_CELLS_USED,
)

I64 = np.int64
U64 = np.uint64


@helper
def copy_bytes(target, at, source, begin, count):
    """Unsigned indices: the compiler then knows that none counts from the end, and vectorises."""
    to, off = U64(at), U64(begin)
    for k in range(U64(count)):
        target[to + k] = source[off + k]


@helper
def cells_of(count):
    return (count + CELL - 1) // CELL


@helper
def cells_left(p):
    return len(p.following) - 1 - p.numbers[N_CELLS_USED]


@helper
def take_cell(p):
    """A free cell; the caller has made sure that there is one."""
    cell = p.numbers[N_CELLS_FREE]
    if cell:
        p.numbers[N_CELLS_FREE] = p.following[cell]
    else:
        p.numbers[N_CELLS_TOP] += 1
        cell = p.numbers[N_CELLS_TOP]
    p.numbers[N_CELLS_USED] += 1
    p.following[cell] = 0
    return cell


@helper
def free_chain(p, chain):
    """Give back a cell and all that follow it."""
    cell = I64(chain)
    while cell:
        after = I64(p.following[cell])
        p.following[cell] = p.numbers[N_CELLS_FREE]
        p.numbers[N_CELLS_FREE] = cell
        p.numbers[N_CELLS_USED] -= 1
        cell = after


@helper
def store(p, last, filled, source, begin, count):
    """Append bytes to a chain of `filled` bytes that ends in cell `last` (0 = no chain yet).

    Returns (first new cell or 0, last cell). There must be cells enough.
    """
    first_new = I64(0)
    cell = I64(last)
    inside = filled % CELL if filled else I64(0)
    room = CELL - inside if cell and (inside or not filled) else I64(0)
    while count > 0:
        if room == 0:
            fresh = take_cell(p)
            if cell:
                p.following[cell] = fresh
            if not first_new:
                first_new = fresh
            cell, inside, room = fresh, I64(0), I64(CELL)
        part = min(room, count)
        copy_bytes(p.cells, cell * CELL + inside, source, begin, part)
        begin += part
        count -= part
        inside += part
        room -= part
    return first_new, cell


@helper
def unroll(p, chain, skip, count, target, at):
    """Copy `count` bytes of a chain, the first `skip` left out, to target."""
    cell = I64(chain)
    while skip >= CELL:
        cell = I64(p.following[cell])
        skip -= CELL
    while count > 0:
        part = min(CELL - skip, count)
        copy_bytes(target, at, p.cells, cell * CELL + skip, part)
        at += part
        count -= part
        skip = I64(0)
        cell = I64(p.following[cell])


@helper
def differs(p, chain, skip, source, begin, count):
    """Do `count` bytes of a chain (from `skip` on) differ from those of source?"""
    cell = I64(chain)
    while skip >= CELL:
        cell = I64(p.following[cell])
        skip -= CELL
    for k in range(count):
        if p.cells[cell * CELL + skip] != source[begin + k]:
            return True
        skip += 1
        if skip == CELL:
            skip = I64(0)
            cell = I64(p.following[cell])
    return False


@helper
def overwrite(p, chain, skip, source, begin, count):
    """Put `count` bytes of source in place of those of a chain from `skip` on."""
    cell = I64(chain)
    while skip >= CELL:
        cell = I64(p.following[cell])
        skip -= CELL
    while count > 0:
        part = min(CELL - skip, count)
        copy_bytes(p.cells, cell * CELL + skip, source, begin, part)
        begin += part
        count -= part
        skip = I64(0)
        cell = I64(p.following[cell])


@helper
def transfer(p, source, skip, target, at, count):
    """Put `count` bytes of one chain from `skip` on in place of those of another from `at` on.

    Returns whether that changed any.
    """
    cell, other = I64(source), I64(target)
    while skip >= CELL:
        cell = I64(p.following[cell])
        skip -= CELL
    while at >= CELL:
        other = I64(p.following[other])
        at -= CELL
    changed = np.uint8(0)
    while count > 0:
        part = min(CELL - skip, CELL - at, count)
        old, new = other * CELL + at, cell * CELL + skip
        for k in range(part):
            changed |= p.cells[old + k] ^ p.cells[new + k]
            p.cells[old + k] = p.cells[new + k]
        count -= part
        skip += part
        at += part
        if skip == CELL:
            cell, skip = I64(p.following[cell]), I64(0)
        if at == CELL:
            other, at = I64(p.following[other]), I64(0)
    return changed != 0
