"""Fields of the IP header: ttl, tos, id, ip_proto, ipopts, fragbits, fragoffset, sameip."""

from __future__ import annotations

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.bits import bit_test, number_test
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import bits_in, integer, spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.sets import complement
from vpi_tui.detect.rules.text import unquote
from vpi_tui.model.ip_protocols import PROTOCOLS
from vpi_tui.model.signature import NumberIn

_VLAN_MAX = 0xFFF
_HIGHEST_OFFSET = 0xFFFF
_VLAN_LAYERS = 3
_IPV4 = ((4, 4),)
_IP = ((4, 4), (6, 6))

IP_OPTIONS = ("eol", "nop", "rr", "qs", "ts", "sec", "lsrr", "esec", "cipso", "satid", "ssrr", "rtralt")
"""Option names; the place of a name is its bit in `DecodedBatch.ip_opts`."""

PROTOCOL_NUMBERS = {
    **{name.lower(): number for number, name in enumerate(PROTOCOLS) if name != "Any"},
    "hopopts": 0, "ipip": 4, "ipencap": 4, "icmpv6": 58, "icmp6": 58, "isis": 124,
    "ipsec-esp": 50, "ipsec-ah": 51,
}  # fmt: skip
"""IANA protocol numbers by name, lower case, with other names of /etc/protocols."""


@keyword("ttl")
def ttl(draft: Draft, text: str) -> None:
    """Time to live, or hop limit: 64, <5, >=128, 10-20."""
    draft.test("ip_v", _IP)
    number_test(draft, "ttl", "ttl", text, 255)
    draft.needs_packet = True


@keyword("tos")
def tos(draft: Draft, text: str) -> None:
    """Type of service of IPv4: 8, x20 (hex), !4."""
    negated = text.startswith("!")
    plain = text.lstrip("!").strip()
    plain = "0" + plain if plain[:1] in {"x", "X"} else plain
    value = integer("tos", plain, 0, 255)
    draft.test("ip_v", _IPV4)
    draft.test("tos", ((value, value),), negated=negated)
    draft.needs_packet = True


@keyword("id")
def ip_id(draft: Draft, text: str) -> None:
    """Identification of the IPv4 header."""
    draft.test("ip_v", _IPV4)
    draft.test("ip_id", spans("id", text.strip('"'), 0xFFFF))
    draft.needs_packet = True


@keyword("ip_proto")
def ip_proto(draft: Draft, text: str) -> None:
    """IP protocol by number or name: 47, gre, !tcp, >100."""
    text = unquote("ip_proto", text, needed=False).strip()
    sign = text[:1] if text[:1] in {"!", "<", ">"} else ""
    name = text[len(sign) :].strip().lower()
    number = PROTOCOL_NUMBERS.get(name)
    if number is None and not name.isdigit():
        raise Refused(f"ip_proto: unknown protocol {name[:40]!r}; use its number")
    draft.test("ip_v", _IP)
    draft.test("proto", spans("ip_proto", sign + (name if number is None else str(number)), 255))


@keyword("ipopts")
def ipopts(draft: Draft, text: str) -> None:
    """An option of the IPv4 header: rr, lsrr, ssrr, ts, sec, ...; or any."""
    draft.test("ip_v", _IPV4)
    draft.needs_packet = True
    text = text.lower()
    if text == "any":
        draft.test("ip_opts", ((0, 0),), negated=True)
        return
    if text not in IP_OPTIONS:
        raise Refused(f"ipopts: unknown option {text[:40]!r}; there are any, {', '.join(IP_OPTIONS)}")
    bit = 1 << IP_OPTIONS.index(text)
    draft.test("ip_opts", ((bit, bit),), mask=bit)


_FRAGMENT_BITS = {"R": 4, "D": 2, "M": 1}


@keyword("fragbits")
def fragbits(draft: Draft, text: str) -> None:
    """Fragment flags M, D, R of IPv4; + these and another, * any, ! not all."""
    draft.test("ip_v", _IPV4)
    text = text.rstrip("+*! ")  # only what stands before the flags counts, as in Suricata
    if text.startswith("+"):
        exactly = sum({_FRAGMENT_BITS.get(letter, 0) for letter in text.upper()})
        draft.test("frag_bits", ((exactly, exactly),), negated=True)
    bit_test(draft, "fragbits", "frag_bits", text, _FRAGMENT_BITS, everything=7)
    draft.needs_packet = True


@keyword("fragoffset")
def fragoffset(draft: Draft, text: str) -> None:
    """Fragment offset: 0, >0, !5. Of IPv4 in units of 8 bytes, of IPv6 in bytes and of fragments alone."""
    draft.test("ip_v", _IP)
    draft.test("frag_offset", spans("fragoffset", text, _HIGHEST_OFFSET))
    draft.needs_packet = True


@keyword("sameip", value="none")
def sameip(draft: Draft, _text: str) -> None:
    """Source and destination address are the same."""
    draft.test("same_ip", ((1, 1),))
    draft.needs_packet = True


@keyword("vlan.id")
def vlan_id(draft: Draft, text: str) -> None:
    """VLAN id, of any layer, or of the layer given: 300, >100, 300,0; 300,-1 = of the innermost."""
    number, comma, layer = (part.strip() for part in text.partition(","))
    draft.needs_packet = True
    if number.startswith("count"):
        number_test(draft, "vlan_layers", "vlan.id", number.removeprefix("count"), _VLAN_LAYERS)
        return
    wanted, mask = bits_in("vlan.id", number, _VLAN_MAX)
    if not comma or layer == "any":
        draft.test("vlan_any", wanted, mask=mask)
    elif layer == "all":
        # All layers lie inside: there is a layer, and none that lies outside.
        draft.test("vlan_layers", ((0, 0),), negated=True)
        others = complement(wanted, _VLAN_MAX if mask is None else mask)
        draft.test("vlan_any", others, mask=mask, negated=True)
    elif layer in {"0", "1"}:
        draft.test("vlan_layers", ((int(layer) + 1, 255),))
        draft.test(f"vlan{layer}", wanted, mask=mask)
    elif layer in {"2", "-1", "-2", "-3"}:
        draft.steps.append(NumberIn(f"vlan.id.{layer}", wanted, mask))
    else:
        raise Refused(f"vlan.id: layer 0, 1, 2, -1, -2, -3, any or all, not {layer[:20]!r}")


@keyword("vlan.layers")
def vlan_layers(draft: Draft, text: str) -> None:
    """Number of VLAN tags."""
    number_test(draft, "vlan_layers", "vlan.layers", text, _VLAN_LAYERS)
    draft.needs_packet = True
