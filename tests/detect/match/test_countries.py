"""geoip against a database of MaxMind's format that the test writes."""

from __future__ import annotations

from pathlib import Path

import mmdb_writer
import netaddr
import pytest

from tests.detect.match.build import Packet, hits, ip
from vpi_tui.detect.rules.loader import load

PLACES = {
    "192.0.2.0/24": "NL",
    "198.51.100.0/25": "DE",
    "2001:db8:1::/48": "DE",
    "203.0.113.0/24": "",
}
DUTCH, GERMAN, FAR, NOWHERE = "192.0.2.9", "198.51.100.1", "2001:db8:1::7", "10.0.0.1"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = mmdb_writer.MMDBWriter(6, "GeoLite2-Country", ipv4_compatible=True)
    for network, code in PLACES.items():
        known = {"country": {"iso_code": code}} if code else {"continent": {"code": "EU"}}
        writer.insert_network(netaddr.IPSet([network]), known)
    path = tmp_path_factory.mktemp("geoip") / "country.mmdb"
    writer.to_db_file(str(path))
    return path


def found(tmp_path: Path, database: Path, option: str) -> list[tuple[str, str]]:
    """Pairs of ends on which a rule with this geoip alerts."""
    rules = tmp_path / "t.rules"
    rules.write_text(f"alert ip any any -> any any (geoip:{option}; sid:1;)\n")
    loaded = load([rules], options={"geoip-database": str(database)})
    assert not loaded.errors
    pairs = [(DUTCH, GERMAN), (GERMAN, NOWHERE), (FAR, FAR), (NOWHERE, "203.0.113.1")]
    packets = [
        Packet(src=ip(src), dest=ip(dest), flow=n, version=6 if ":" in src else 4)
        for n, (src, dest) in enumerate(pairs)
    ]
    return [pairs[row] for row, _ in hits(loaded.signatures, packets)]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("src,NL", [(DUTCH, GERMAN)]),
        ("dst,DE", [(DUTCH, GERMAN), (FAR, FAR)]),
        ("both,DE", [(FAR, FAR)]),
        ("any,DE", [(DUTCH, GERMAN), (GERMAN, NOWHERE), (FAR, FAR)]),
        ("DE", [(DUTCH, GERMAN), (GERMAN, NOWHERE), (FAR, FAR)]),
        ("src,NL,de", [(DUTCH, GERMAN), (GERMAN, NOWHERE), (FAR, FAR)]),
        ("src,!NL", [(GERMAN, NOWHERE), (FAR, FAR)]),
        ("src,!NL,!DE", []),
        ("any,NL,!DE", []),
    ],
)
def test_countries_of_the_ends(
    tmp_path: Path, database: Path, option: str, expected: list[tuple[str, str]]
) -> None:
    assert found(tmp_path, database, option) == expected


def test_a_file_that_is_none(tmp_path: Path) -> None:
    broken, rules = tmp_path / "broken.mmdb", tmp_path / "t.rules"
    broken.write_bytes(b"no database")
    rules.write_text("alert ip any any -> any any (geoip:src,NL; sid:1;)\n")
    (error,) = load([rules], options={"geoip-database": str(broken)}).errors
    assert "cannot be read" in error.reason
