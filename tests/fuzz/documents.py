"""Any text as inventory.yaml, policy.yaml or vpi-tui.yaml: what it says, or an error with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from tests.fuzz.rules import check_place
from tests.fuzz.target import Target, file_of
from vpi_tui.config import schema
from vpi_tui.config.policy_file import check_policy, parse_policy, policy_text
from vpi_tui.config.settings import read_file
from vpi_tui.inventory.static import load_static
from vpi_tui.model.errors import ConfigError

INVENTORY: Final = b"""\
switches:
  - {name: br-prod, kind: bridge, uplinks: [eno1]}
guests:
  - name: web-1
    switch: br-prod
    port: vnet3
    mac: 52:54:00:12:34:56
    ip: [10.0.0.5, "2001:db8::5"]
    tags: [production, web]
    owner: shop team
    criticality: high
    kind: vm
"""
POLICY: Final = b"""\
default: deny
allow:
  - {from: tag:web, to: [tag:db, host], ports: [tcp/5432, udp/1000-1999, icmp, ip/89], note: why}
deny:
  - from: any-guest
    to: switch:br-prod
"""
YAML: Final = (
    b"&a [*a]",
    b"!!python/object",
    b"<<: *a",
    b"? ",
    b"- - - -",
    b'"\\x00"',
    b"|\n ",
    b"1e999",
    b"{" * 40,
)


def _read(read: Callable[[Path], object], data: bytes) -> None:
    with file_of(data, ".yml") as path:
        try:
            read(path)
        except ConfigError as refused:
            check_place(refused, path)


def _policy(path: Path) -> None:
    """What was read can be written, and is read again as the same."""
    policy, errors = check_policy(path)
    for error in errors:
        check_place(error, path)
    if not errors:
        again, none = parse_policy(policy_text(policy), str(path))
        assert not none, none
        assert again.default == policy.default
        assert len(again.lines) == len(policy.lines)


def _settings() -> Iterable[bytes]:
    for name in schema.all_names():
        found = schema.find(name)
        if found is not None:
            yield f"{name}: {found.default}\n".encode()


TARGETS: Final = (
    Target("inventory.yaml", partial(_read, load_static), lambda: (INVENTORY,), lambda: YAML),
    Target("policy.yaml", partial(_read, _policy), lambda: (POLICY,), lambda: YAML),
    Target("settings", partial(_read, read_file), _settings, lambda: YAML),
)
