"""What belongs to a lab is known by its name, so that it can be found and removed whatever happened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpi_tui.config import paths
from vpi_tui.model.errors import ConfigError

DEFAULT: Final = "vpilab"
IFNAME_MAX: Final = 15
"""linux/if.h: IFNAMSIZ without the NUL."""
_NAME = re.compile(r"[a-z][a-z0-9]{2,5}")


@dataclass(frozen=True, slots=True)
class Names:
    """lab: 3 to 6 lower-case letters and digits, which leaves 8 characters of an interface for the guest."""

    lab: str = DEFAULT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.lab):
            raise ConfigError(
                f"{self.lab[:40]!r} is no name for a lab.",
                hint="3 to 6 lower-case letters and digits, a letter first, such as lab2.",
            )

    @property
    def prefix(self) -> str:
        return f"{self.lab}-"

    @property
    def bridge(self) -> str:
        return f"br-{self.lab}"

    @property
    def ovs(self) -> str:
        return f"ovs-{self.lab}"

    @property
    def folder(self) -> Path:
        """State, inventory, logs and sockets."""
        return paths.RUNTIME / self.lab

    @property
    def lock(self) -> Path:
        return paths.RUNTIME / f"{self.lab}.lock"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.yaml"

    def of(self, guest: str) -> str:
        """Name of a guest's namespace, and of its port on the switch."""
        name = self.prefix + guest
        if len(name) > IFNAME_MAX:
            raise ConfigError(f"{name} is too long for the name of an interface.", hint="Take a shorter one.")
        return name

    def owns_link(self, name: str) -> bool:
        return name.startswith(self.prefix) or name in (self.bridge, self.ovs)
