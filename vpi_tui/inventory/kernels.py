"""Compiled loops of attribution and of learning hosts: one turn a flow, or a first packet.

A Lookup is sorted by (high, low) and searched by halving. An absent key gives NOBODY.
"""

from __future__ import annotations

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
import numpy as np

from vpi_tui.model.jit import helper, kernel
from vpi_tui.model.topology import End, Locality

U64 = np.uint64
I64 = np.int64

NOBODY = -1
UPLINK = -2
"""In the table of ports: surely no guest. Asked no further, so that nobody poses as a guest from outside."""
MULTICAST_MAC = U64(1 << 40)
"""The group bit of a MAC address, which broadcast has too."""
BROADCAST_MAC = U64((1 << 48) - 1)

EAST_WEST = int(Locality.EAST_WEST)
NORTH_SOUTH = int(Locality.NORTH_SOUTH)
HOST = int(Locality.HOST)
UNKNOWN = int(Locality.UNKNOWN)
EXTERNAL = int(Locality.EXTERNAL)
END_UNKNOWN = int(End.UNKNOWN)
END_WORLD = int(End.WORLD)
END_HOST = int(End.HOST)
END_BROADCAST = int(End.BROADCAST)
END_MULTICAST = int(End.MULTICAST)

ODD_A = U64(0x9E3779B97F4A7C15)
ODD_B = U64(0xC2B2AE3D27D4EB4F)
ODD_C = U64(0x165667B19E3779F9)
S32 = U64(32)


@helper
def find(table, high, low):
    """The id of a key, or NOBODY."""
    first = 0
    last = len(table.low)
    while first < last:
        middle = (first + last) >> 1
        key_high = table.high[middle]
        if key_high < high or (key_high == high and table.low[middle] < low):
            first = middle + 1
        else:
            last = middle
    if first < len(table.low) and table.high[first] == high and table.low[first] == low:
        return I64(table.id[first])
    return I64(NOBODY)


@helper
def find_source(t, ifindex, mac, high, low):
    """The guest of the client's end, NOBODY or UPLINK: by port, else by MAC, else by address."""
    guest = find(t.port_guest, U64(0), U64(ifindex))
    if guest == NOBODY:
        guest = find(t.macs, U64(0), mac)
    if guest == NOBODY:
        guest = find(t.ips, high, low)
    return guest


@helper
def find_dest(t, ifindex, mac, high, low, switch):
    """The same of the server's end. Its MAC is but the next hop, which may be a guest that routes: so the
    address is asked before it, as the port where the answer will enter says the same. switch: of the client.

    A guest of the same switch is not behind a MAC that is nobody's: it has but claimed the address.
    """
    guest = find(t.port_guest, U64(0), U64(ifindex))
    if guest != NOBODY:
        return guest
    by_mac = find(t.macs, U64(0), mac)
    guest = find(t.ips, high, low)
    if guest == NOBODY:
        return by_mac
    claimed = (
        by_mac == NOBODY and t.has_mac[guest] and switch != NOBODY and t.switch_of_guest[guest] == switch
    )
    return I64(NOBODY) if claimed else guest


@helper
def end_of(t, guest, high, low, mac):
    """A guest's number, or an End. mac: of the server's end, which may be a group; 0 for the client's."""
    if guest >= 0:
        return guest
    if find(t.host_ips, high, low) >= 0:
        return I64(END_HOST)
    if mac & MULTICAST_MAC:
        return I64(END_BROADCAST) if mac == BROADCAST_MAC else I64(END_MULTICAST)
    return I64(END_WORLD) if t.knows_guests else I64(END_UNKNOWN)


@helper
def switch_of(t, client_port, server_port, source, dest):
    """The first of these answers: port of the client, of the server, guest that sends, that receives, if it
    is on a switch; the interface where copies came in."""
    switch = find(t.port_switch, U64(0), U64(client_port))
    if switch == NOBODY:
        switch = find(t.port_switch, U64(0), U64(server_port))
    if switch == NOBODY and source >= 0 and t.on_switch[source]:
        switch = I64(t.switch_of_guest[source])
    if switch == NOBODY and dest >= 0 and t.on_switch[dest]:
        switch = I64(t.switch_of_guest[dest])
    if switch == NOBODY:
        switch = find(t.beside, U64(0), U64(client_port))
    if switch == NOBODY:
        switch = find(t.beside, U64(0), U64(server_port))
    return I64(t.default_switch) if switch == NOBODY else switch


@helper
def locality_of(source, dest):
    """Where a flow between two ends runs."""
    if source >= 0 and dest >= 0:
        return EAST_WEST
    if source == END_HOST or dest == END_HOST:
        return HOST
    if source == END_UNKNOWN or dest == END_UNKNOWN or dest <= END_BROADCAST:
        return UNKNOWN
    return NORTH_SOUTH if source >= 0 or dest >= 0 else EXTERNAL


@helper
def write(t, flow):
    """Switch, guests and locality of one record."""
    src_high, src_low = flow["src_ip"][0], flow["src_ip"][1]
    dest_high, dest_low = flow["dest_ip"][0], flow["dest_ip"][1]
    client_port, server_port = flow["ifindex_client"], flow["ifindex_server"]
    source = find_source(t, client_port, flow["src_mac"], src_high, src_low)
    switch = find(t.port_switch, U64(0), U64(client_port))
    if switch == NOBODY:
        switch = find(t.beside, U64(0), U64(client_port))
    dest = find_dest(t, server_port, flow["dest_mac"], dest_high, dest_low, switch)
    source = end_of(t, source, src_high, src_low, U64(0))
    dest = end_of(t, dest, dest_high, dest_low, flow["dest_mac"])
    flow["switch"] = switch_of(t, client_port, server_port, source, dest)
    flow["src_guest"] = source
    flow["dest_guest"] = dest
    flow["locality"] = locality_of(source, dest)


@kernel
def attribute_first(t, records, flow, first):
    """Attribute the flows of the rows that are the first of their flow or direction."""
    for row in range(len(first)):
        if first[row] != 0 and flow[row] >= 0:
            write(t, records[flow[row]])


@kernel
def attribute_used(t, records, only_unknown):
    """Attribute every record that holds a flow. only_unknown: leave alone those that have a locality."""
    for at in range(len(records)):
        flow = records[at]
        if flow["flow_id"] != U64(0) and not (only_unknown and flow["locality"] != UNKNOWN):
            write(t, flow)


@helper
def is_one_of(keys, key):
    """True when the sorted `keys` hold `key`."""
    first = 0
    last = len(keys)
    while first < last:
        middle = (first + last) >> 1
        if keys[middle] < key:
            first = middle + 1
        else:
            last = middle
    return first < len(keys) and keys[first] == key


@kernel
def new_speakers(d, first, routers, seen, out):
    """Rows whose sender (MAC and address) is not in `seen`; returns how many were written to `out`.

    routers: uint64[k], sorted MACs to leave out. seen: uint64[2**b, 3], a cache that forgets: one place
    for each hash, so a sender may come again, but none is ever left out for good.
    """
    mask = U64(len(seen) - 1)
    count = 0
    for row in range(len(first)):
        if first[row] == 0 or d.ip_v[row] == 0 or d.tunnel[row] != 0:
            continue
        mac, high, low = d.src_mac[row], d.src_ip[row, 0], d.src_ip[row, 1]
        mixed = (mac * ODD_A) ^ (high * ODD_B) ^ ((low ^ low >> S32) * ODD_C)
        place = (mixed >> S32) & mask
        if seen[place, 0] == mac and seen[place, 1] == high and seen[place, 2] == low:
            continue
        if is_one_of(routers, mac):
            continue
        if count == len(out):
            break
        seen[place, 0] = mac
        seen[place, 1] = high
        seen[place, 2] = low
        out[count] = row
        count += 1
    return count
