"""The hash index of the flow table: open addressing, linear probing, removal by shifting back.

An entry is uint64: the 32-bit tag above, slot + 1 below; 0 = empty. The tag's low bits are the
entry's home, so that neither growing nor removing looks at the records.

Kernels of this room are compiled with `_nrt=False`: they allocate nothing, and counting references
to the arrays of a tuple would cost more than the work itself.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, kernel

U64 = np.uint64
I64 = np.int64
MAX_PROBES = 512

_1 = U64(1)
_S29 = U64(29)
_S32 = U64(32)
_LOW32 = U64(0xFFFFFFFF)


@helper
def mixed(word):
    return word ^ (word >> _S32)


@helper
def endpoint_hash(high, low, port, secret):
    """Hash of one end. Multipliers are secret and odd, so that nobody can aim for one bucket."""
    total = mixed(low) * secret[0] + mixed(high) * secret[1] + U64(port) * secret[2]
    total ^= total >> _S29
    total *= secret[3]
    return total ^ (total >> _S32)


@helper
def flow_tag(src_high, src_low, src_port, dest_high, dest_low, dest_port, vlans, tunnel, proto, secret):
    """32-bit tag, equal for both directions."""
    ends = endpoint_hash(src_high, src_low, src_port, secret)
    ends += endpoint_hash(dest_high, dest_low, dest_port, secret)
    rest = (U64(vlans) | (U64(tunnel) << _S32)) * secret[4] + U64(proto) * secret[5]
    total = (ends + mixed(rest)) * secret[6]
    return (total >> _S32) ^ (total & U64(0xFFFF))


@helper
def index_insert(index, tag, slot):
    """Put an entry in; False when MAX_PROBES places are taken."""
    mask = U64(len(index) - 1)
    at = tag & mask
    for _ in range(MAX_PROBES):
        if index[at] == U64(0):
            index[at] = (tag << _S32) | U64(slot + 1)
            return True
        at = (at + _1) & mask
    return False


@helper
def index_remove(index, tag, slot):
    """Take an entry out and close the gap."""
    mask = U64(len(index) - 1)
    at = tag & mask
    entry = (tag << _S32) | U64(slot + 1)
    probes = 0
    while index[at] != entry:
        at = (at + _1) & mask
        probes += 1
        if probes > MAX_PROBES or index[at] == U64(0):
            return
    following = at
    while True:
        following = (following + _1) & mask
        entry = index[following]
        if entry == U64(0):
            break
        home = (entry >> _S32) & mask
        if ((following - home) & mask) >= ((following - at) & mask):
            index[at] = entry
            at = following
    index[at] = U64(0)


@kernel
def index_copy(old, new):
    """Fill the empty index `new` from `old`. Returns False if an entry found no place."""
    whole = True
    for at in range(len(old)):
        entry = old[at]
        if entry != U64(0):
            slot = I64(entry & _LOW32) - 1
            whole = index_insert(new, entry >> _S32, slot) and whole
    return whole
