"""Compiled count of the bytes that a sensor saw of each port: one turn a frame, where it was taken.

A frame enters a switch at one port, and leaves it where the switch has learned its destination; a frame whose
destination it has not learned, or that is for a group, may leave everywhere.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import numpy as np

from vpi_tui.model.batch import LinkType
from vpi_tui.model.jit import helper, kernel

I64, U64 = np.int64, np.uint64
ETHERNET = int(LinkType.ETHERNET)
MAC_BYTES = 12
HEADER_BYTES = 14
VLAN_PRESENT, TAG_BYTES = 0x10000, 4
GROUP_BIT = U64(1 << 40)
NOWHERE = -1

PORT, SENSOR = 0, 1
"""Roles of a slot: a port of a switch where frames enter; an interface that gets copies, or is no port."""
IN, OUT, GROUP, COPY_IN, COPY_OUT, COPY_GROUP = range(6)
"""Columns of `sums`: bytes that entered; that left, as their destination was known; that entered and went to
all. The same as copies tell it."""
COLUMNS = 6

TWIN_NS = 2_000_000
"""Two equal frames this close together are two views of one."""
IPV4, TCP = 0x0800, 6
FNV_BASIS, FNV_PRIME = U64(0xCBF29CE484222325), U64(0x100000001B3)
FINGER_BYTES = 80
ODD = U64(0x9E3779B97F4A7C15)
S48, S40 = U64(48), U64(40)


@helper
def _mac(buf, at):
    value = U64(0)
    for i in range(6):
        value = value << U64(8) | U64(buf[at + i])
    return value


@helper
def _key(switch, mac):
    """Never 0, which marks a free place."""
    return mac | U64(switch + 1) << S48


@helper
def _place(table, key):
    return I64((key * ODD) >> S40) & (len(table) - 1)


@helper
def _learn(learned, switch, mac, slot, now_ns):
    if mac & GROUP_BIT == U64(0):
        key = _key(switch, mac)
        at = _place(learned, key)
        learned[at]["key"] = key
        learned[at]["slot"] = slot
        learned[at]["ns"] = now_ns


@helper
def _seeded(w, mac):
    """Where the inventory says that an address lives; NOWHERE when it does not."""
    at = np.searchsorted(w.seed_mac, mac)
    if at < len(w.seed_mac) and w.seed_mac[at] == mac:
        return I64(w.seed_slot[at])
    return I64(NOWHERE)


@helper
def _find(w, learned, switch, mac, now_ns):
    """Slot behind which a switch knows the address; NOWHERE = it sends the frame everywhere."""
    if mac & GROUP_BIT != U64(0) or w.ageing_ns[switch] == 0:
        return I64(NOWHERE)
    key = _key(switch, mac)
    at = _place(learned, key)
    if learned[at]["key"] == key:
        if now_ns - learned[at]["ns"] <= w.ageing_ns[switch]:
            return I64(learned[at]["slot"])
        return I64(NOWHERE)
    slot = _seeded(w, mac)
    return slot if slot != NOWHERE and w.switch[slot] == switch else I64(NOWHERE)


@helper
def _enter(w, learned, sums, todo, first, source, dest, size, now_ns):
    """A frame enters at a port; over patches with a far end that is not watched it enters other switches."""
    todo[0] = first
    done, end = I64(0), I64(1)
    while done < end:
        slot = todo[done]
        done += 1
        switch = I64(w.switch[slot])
        sums[slot, IN] += size
        _learn(learned, switch, source, slot, now_ns)
        to = _find(w, learned, switch, dest, now_ns)
        if to == slot:
            continue  # its destination is on the side it came from
        if to != NOWHERE:
            sums[to, OUT] += size
            if w.peer[to] != NOWHERE and end < len(todo):
                todo[end] = w.peer[to]
                end += 1
            continue
        sums[slot, GROUP] += size
        for at in range(w.patch_start[switch], w.patch_start[switch + 1]):
            patch = I64(w.patch[at])
            if patch != slot and end < len(todo):
                todo[end] = w.peer[patch]
                end += 1


@helper
def _copied(w, sums, source, dest, size):
    """A copy says by its addresses where the frame entered and where it left."""
    came, went = _seeded(w, source), I64(NOWHERE)
    if dest & GROUP_BIT == U64(0):
        went = _seeded(w, dest)
        if came == NOWHERE and went != NOWHERE:
            came = I64(w.uplink[w.switch[went]])
        elif went == NOWHERE and came != NOWHERE:
            went = I64(w.uplink[w.switch[came]])
    if came != NOWHERE:
        sums[came, COPY_IN] += size
        if dest & GROUP_BIT != U64(0):
            sums[came, COPY_GROUP] += size
    if went != NOWHERE and went != came:
        sums[went, COPY_OUT] += size


@helper
def _passed(w, sums, source, dest, size):
    """A frame at a switch of this host, from or to a guest of another host."""
    came = _seeded(w, source)
    if came != NOWHERE and w.far[came]:
        sums[came, COPY_IN] += size
    if dest & GROUP_BIT != U64(0):
        return
    went = _seeded(w, dest)
    if went != NOWHERE and w.far[went]:
        sums[went, COPY_OUT] += size


@helper
def _fingerprint(buf, start, caplen):
    """Hash of a frame that nobody sends twice as it is (TCP, IPv4 with an identification); 0 = of others."""
    end = start + caplen
    at = start + MAC_BYTES
    while at + 6 <= end and buf[at] == 0x81 and buf[at + 1] == 0:
        at += 4
    if at + 22 > end or (I64(buf[at]) << 8 | I64(buf[at + 1])) != IPV4:
        return U64(0)
    if buf[at + 11] != TCP and buf[at + 6] == 0 and buf[at + 7] == 0:
        return U64(0)
    state = FNV_BASIS
    for i in range(start, start + MAC_BYTES):
        state = (state ^ U64(buf[i])) * FNV_PRIME
    for i in range(at, min(at + FINGER_BYTES, end)):
        state = (state ^ U64(buf[i])) * FNV_PRIME
    return state | U64(1)


@helper
def _is_twin(batch, row, twins, tally):
    """Was the same frame seen a moment ago, there or here? tally: frames that can tell, and twins."""
    mark = _fingerprint(batch.buf, batch.offset[row], I64(batch.caplen[row]))
    if mark == U64(0):
        return False
    tally[0] += 1
    at = _place(twins, mark)
    now_ns = batch.ts_ns[row]
    if twins[at]["key"] == mark and 0 <= now_ns - twins[at]["ns"] <= TWIN_NS:
        tally[1] += 1
        return True
    twins[at]["key"] = mark
    twins[at]["ns"] = now_ns
    return False


@kernel
def count_seen(batch, start, end, w, learned, twins, sums, todo, tally):
    """Add rows start to end to `sums`.

    w: seen.Where. learned, twins: seen.PLACE[2**b]. sums: int64[slots, COLUMNS]. todo: int64[k], room to work
    in. tally: int64[2], see `_is_twin`; only counted where some interface is a sensor.
    """
    for row in range(start, end):
        at = np.searchsorted(w.ifindex, batch.ifindex[row])
        if at == len(w.ifindex) or w.ifindex[at] != batch.ifindex[row]:
            continue
        slot = I64(w.slot[at])
        size = I64(batch.length[row])
        if batch.vlan_tci[row] & VLAN_PRESENT:
            size += TAG_BYTES
        sensor = w.role[slot] == SENSOR
        if sensor:
            sums[slot, IN] += size
        offset = batch.offset[row]
        if batch.link_type[row] != ETHERNET or batch.caplen[row] < HEADER_BYTES:
            if not sensor:
                sums[slot, IN] += size
            continue
        twin = (w.sensors or w.afar) and _is_twin(batch, row, twins, tally)
        dest, source = _mac(batch.buf, offset), _mac(batch.buf, offset + 6)
        if not sensor:
            _enter(w, learned, sums, todo, slot, source, dest, size, batch.ts_ns[row])
            if w.afar and not twin:
                _passed(w, sums, source, dest, size)
        elif not twin:
            _copied(w, sums, source, dest, size)
