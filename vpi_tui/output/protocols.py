"""What EVE calls the types of links."""

from __future__ import annotations

from typing import Final

LINK_TYPES: Final = {
    0: "NULL", 1: "EN10MB", 9: "PPP", 12: "RAW", 101: "RAW2", 104: "C_HDLC", 113: "LINUX_SLL", 228: "IPv4",
    229: "IPv6", 276: "LINUX_SLL2", 778: "GRE_RAW",
}  # fmt: skip
"""By the number that capture files have."""
