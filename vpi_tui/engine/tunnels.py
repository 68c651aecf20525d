"""What was around a packet that came through a tunnel."""

from __future__ import annotations

from typing import Final

from vpi_tui.engine.addresses import address_text
from vpi_tui.model.batch import DecodedBatch, TunnelKind
from vpi_tui.model.event import Tunnel

_KIND_AT: Final = 24
"""Where the TunnelKind is in `DecodedBatch.tunnel`."""
_IPV6: Final = 6
_WORDS: Final = {
    TunnelKind.GRE: "gre", TunnelKind.VXLAN: "vxlan", TunnelKind.GENEVE: "geneve",
    TunnelKind.TEREDO: "teredo",
}  # fmt: skip


def kind_of(decoded: DecodedBatch, row: int) -> str:
    """The tunnel that a row was inside of: gre, vxlan, geneve, teredo, ipv4 or ipv6; "" = none."""
    number = int(decoded.tunnel[row]) >> _KIND_AT if row >= 0 else TunnelKind.NONE
    if number == TunnelKind.NONE:
        return ""
    if number == TunnelKind.IP_IN_IP:
        is_there = row > 0 and decoded.packet[row - 1] == decoded.packet[row]
        return "ipv6" if is_there and decoded.ip_v[row - 1] == _IPV6 else "ipv4"
    return _WORDS.get(TunnelKind(number), "")


def tunnel_of(decoded: DecodedBatch, row: int) -> Tunnel | None:
    """The outermost packet around a row; None = there is none."""
    kind = kind_of(decoded, row)
    if not kind:
        return None
    outer = row
    while outer > 0 and decoded.packet[outer - 1] == decoded.packet[row]:
        outer -= 1
    return Tunnel(
        kind=kind,
        depth=row - outer,
        src_ip=address_text(*decoded.src_ip[outer].tolist()),
        src_port=int(decoded.src_port[outer]),
        dest_ip=address_text(*decoded.dest_ip[outer].tolist()),
        dest_port=int(decoded.dest_port[outer]),
        proto=int(decoded.proto[outer]),
    )
