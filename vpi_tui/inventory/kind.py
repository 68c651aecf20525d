"""What the registry knows of a probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vpi_tui.inventory.picture import Probe


@dataclass(frozen=True, slots=True)
class Setup:
    """What probes are told. options: settings `probes.KEY.NAME` as text, by their whole name."""

    options: Mapping[str, str] = field(default_factory=dict)

    def option(self, key: str, name: str, default: str = "") -> str:
        return self.options.get(f"probes.{key}.{name}") or default

    def option_list(self, key: str, name: str) -> tuple[str, ...]:
        """A setting that is a list; empty when it is not set."""
        return tuple(filter(None, (word.strip() for word in self.option(key, name).split(","))))

    def wants(self, kind: ProbeKind) -> bool:
        return self.option(kind.key, "enabled", "yes") != "no"


@dataclass(frozen=True, slots=True)
class ProbeKind:
    name: str
    """For the operator: "Open vSwitch"."""
    key: str
    """In settings: probes.KEY.enabled=no switches it off."""
    make: Callable[[Setup], Probe]
    """Does not fail where there is nothing to find: the daemon may start later."""
    aside: bool = False
    """It asks a daemon, or walks through much: it runs in a thread of its own."""
