"""Operating systems whose way with overlapping data is known, by the names of Suricata's host-os-policy."""

from __future__ import annotations

from enum import Enum


class OsPolicy(Enum):
    WINDOWS = "windows"
    BSD = "bsd"
    BSD_RIGHT = "bsd-right"
    OLD_LINUX = "old-linux"
    LINUX = "linux"
    OLD_SOLARIS = "old-solaris"
    SOLARIS = "solaris"
    HPUX10 = "hpux10"
    HPUX11 = "hpux11"
    IRIX = "irix"
    MACOS = "macos"
    VISTA = "vista"
    WINDOWS2K3 = "windows2k3"
    FIRST = "first"
    LAST = "last"


DEFAULT_POLICY = OsPolicy.BSD
"""Of a host that none is given for."""
