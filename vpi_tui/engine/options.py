"""Settings in Suricata's spelling (`--set stream.midstream=true`) that the stages understand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from vpi_tui.decode.decoder import TunnelPorts
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.encryption import KINDS, Encrypted
from vpi_tui.detect.match.inspection import InspectionOptions
from vpi_tui.detect.match.most_alerts import MOST_OF_A_PACKET
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.os_policy import OsPolicy
from vpi_tui.stream.policies import HostPolicies, Network, host_policies

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 1 << 10,
    "kib": 1 << 10,
    "mb": 1 << 20,
    "mib": 1 << 20,
    "gb": 1 << 30,
    "gib": 1 << 30,
}
_SIZE = re.compile(r"(\d+)\s*([a-z]*)", re.I)
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_MIDSTREAM_POLICIES = ("ignore", "pass-flow", "bypass")
DEFAULT_DEPTH = 1 << 20


@dataclass(frozen=True, slots=True)
class StreamOptions:
    midstream: bool
    """Follow TCP connections whose beginning was not seen."""
    checksums: bool
    """Leave out segments whose checksum is wrong, unless none is looked at."""
    one_sided: bool
    """Take connections for established of which one direction alone is seen."""
    depth: int
    """Bytes of each direction that are reassembled; 0 = all."""
    tells_different: bool
    """A copy of bytes that says something else is an event."""
    urgent_in_line: bool
    """Is the last urgent byte part of the stream? Else it goes past it, as with most hosts."""
    hosts: HostPolicies
    """Whose bytes count where segments or fragments overlap."""
    inline: bool
    """Inspect each segment when it comes; "auto" = no, as this is a monitor."""
    drops_invalid: bool
    """Inspect no segment that belongs to no connection, as an inline sensor drops it."""


def stream_options(options: Mapping[str, str]) -> StreamOptions:
    """Raises ConfigError for a value that makes no sense."""
    inline = options.get("stream.inline", "auto") != "auto" and _switch(options, "stream.inline", False)
    return StreamOptions(
        midstream=_follows_midstream(options),
        checksums=_switch(options, "stream.checksum-validation", True),
        one_sided=_switch(options, "stream.async-oneside", False),
        depth=_size(options, "stream.reassembly.depth", DEFAULT_DEPTH),
        tells_different=_switch(options, "stream.reassembly.check-overlap-different-data", True),
        urgent_in_line=options.get("stream.reassembly.urgent.policy", "oob") == "inline",
        hosts=host_policies({policy: _networks(options, policy) for policy in OsPolicy}),
        inline=inline,
        drops_invalid=inline and _switch(options, "stream.drop-invalid", True),
    )


def _follows_midstream(options: Mapping[str, str]) -> bool:
    return _switch(options, "stream.midstream", False)


def _passes_midstream(options: Mapping[str, str]) -> bool:
    """As Suricata, which does not let a connection be taken up and passed by at once."""
    key = "stream.midstream-policy"
    policy = options.get(key, "ignore")
    if policy == "bypass" and _follows_midstream(options):
        raise ConfigError(f"{key} is bypass, and stream.midstream is on.", hint="Write pass-flow or ignore.")
    if policy not in _MIDSTREAM_POLICIES:
        hint = f"Write one of {', '.join(_MIDSTREAM_POLICIES)}: a monitor drops and rejects nothing."
        raise ConfigError(f"{key} is {policy!r}.", hint=hint)
    return policy != "ignore"


def _networks(options: Mapping[str, str], policy: OsPolicy) -> list[Network]:
    """The addresses and networks of `host-os-policy.NAME=[10.0.0.0/8, 2001:db8::1]`."""
    key = f"host-os-policy.{policy.value}"
    words = options.get(key, "").strip().removeprefix("[").removesuffix("]").split(",")
    try:
        return [ip_network(word.strip().strip("\"'"), strict=False) for word in words if word.strip()]
    except ValueError:
        hint = "Write addresses or networks, such as [10.0.0.0/8, 2001:db8::1]."
        raise ConfigError(f"{key} is {options[key]!r}.", hint=hint) from None


def tunnel_ports(options: Mapping[str, str]) -> TunnelPorts:
    """UDP ports by kind of tunnel (`decoder.vxlan.ports=[4789, 8472]`), none where it is not `enabled`."""
    known = TunnelPorts()
    return TunnelPorts(
        **{
            kind: _ports(options, f"decoder.{kind}.ports", getattr(known, kind))
            if _switch(options, f"decoder.{kind}.enabled", True)
            else ()
            for kind in ("vxlan", "geneve", "teredo")
        }
    )


def inspection_options(options: Mapping[str, str]) -> InspectionOptions:
    """Raises ConfigError for a value that makes no sense."""
    streams = stream_options(options)
    return InspectionOptions(
        passes_midstream=_passes_midstream(options),
        midstream=streams.midstream,
        inline=streams.inline,
        drops_invalid=streams.drops_invalid,
        most_alerts=max(1, _size(options, "packet-alert-max", MOST_OF_A_PACKET)),
    )


_OLD_NAME = "default"
"""Of track-only, in Suricata up to 7."""


def encryption_handling(options: Mapping[str, str]) -> dict[str, Encrypted]:
    """By protocol: what becomes of connections once they are encrypted."""
    return {name: _handling(options, f"app-layer.protocols.{name}.encryption-handling") for name in KINDS}


def _handling(options: Mapping[str, str], key: str) -> Encrypted:
    word = options.get(key, _OLD_NAME)
    if word == _OLD_NAME:
        return Encrypted.TRACK_ONLY
    if word not in tuple(Encrypted):
        raise ConfigError(f"{key} is {word!r}.", hint=f"Write one of {', '.join(Encrypted)}.")
    return Encrypted(word)


_HTTP = "app-layer.protocols.http.libhtp.default-config"
MOST_BODY = 1 << 40
MOST_WINDOW = 1 << 20
"""Bytes of a body that are held."""
MOST_LAYERS = 16


def app_limits(options: Mapping[str, str]) -> Limits:
    """Limits of the application layer's parsers; 0 bytes = as many as are kept at all."""
    known = Limits()
    request = _size(options, f"{_HTTP}.request-body-limit", known.request_body)
    response = _size(options, f"{_HTTP}.response-body-limit", known.response_body)
    layers = _size(options, f"{_HTTP}.decompression-layer-limit", known.decompression_layers)
    return Limits(
        min(request or MOST_BODY, MOST_BODY),
        min(response or MOST_BODY, MOST_BODY),
        min(layers, MOST_LAYERS),
        request_minimum=_window(options, "request-body-minimal-inspect-size", known.request_minimum),
        request_overlap=_window(options, "request-body-inspect-window", known.request_overlap),
        response_minimum=_window(options, "response-body-minimal-inspect-size", known.response_minimum),
        response_overlap=_window(options, "response-body-inspect-window", known.response_overlap),
    )


def _ports(options: Mapping[str, str], key: str, default: tuple[int, ...]) -> tuple[int, ...]:
    text = options.get(key)
    if text is None:
        return default
    words = text.strip().removeprefix("[").removesuffix("]").split(",")
    try:
        ports = tuple(int(word) for word in words)
    except ValueError:
        ports = (-1,)
    if not all(0 <= port <= 0xFFFF for port in ports):
        raise ConfigError(f"{key} is {text!r}.", hint="Write one port, or several as [4789, 8472].")
    return ports


def _window(options: Mapping[str, str], name: str, default: int) -> int:
    return max(1, min(_size(options, f"{_HTTP}.{name}", default), MOST_WINDOW))


def _switch(options: Mapping[str, str], key: str, default: bool) -> bool:
    text = options.get(key)
    if text is None:
        return default
    if text.lower() not in _WORDS:
        raise ConfigError(f"{key} is {text!r}.", hint="Write true or false.")
    return _WORDS[text.lower()]


def _size(options: Mapping[str, str], key: str, default: int) -> int:
    text = options.get(key)
    if text is None:
        return default
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in _UNITS:
        raise ConfigError(f"{key} is {text!r}.", hint="Write a size such as 65536, 512kb or 1mb.")
    return int(match[1]) * _UNITS[match[2].lower()]
