"""Countries of addresses, from a MaxMind database (GeoLite2-Country or -City): an optional extra."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from vpi_tui.model.errors import ConfigError

_V4 = 0xFFFF


@cache
def country_of(path: str) -> Callable[[int], str]:
    """(address in the 128-bit space) -> ISO 3166 code, "" = not known.

    Raises ConfigError when the database cannot be used.
    """
    try:
        import maxminddb
    except ImportError:
        raise ConfigError("geoip needs the package maxminddb.", hint="pip install 'vpi-tui[geoip]'") from None
    try:
        database: Any = maxminddb.open_database(path, maxminddb.MODE_AUTO)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigError(f"The geoip database {path} cannot be read: {error}.") from None

    def lookup(address: int) -> str:
        mapped = address >> 32 == _V4
        try:
            found = database.get(IPv4Address(address & 0xFFFFFFFF) if mapped else IPv6Address(address))
        except (ValueError, maxminddb.InvalidDatabaseError):  # IPv6 in a database of IPv4
            return ""
        country = found.get("country") if isinstance(found, dict) else None
        return str(country.get("iso_code", "")) if isinstance(country, dict) else ""

    return lookup
