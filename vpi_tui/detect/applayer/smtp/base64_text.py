"""Base64 (RFC 4648, 4) of mails, undone piece by piece."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpi_tui.detect.applayer.kernels import decode_base64

_END: Final = b"="
_IN, _OUT = 4, 3
"""Letters that stand for bytes, and how many bytes; some letters may be left of earlier ones."""


class Base64:
    """Ends at the first `=`; what is no base64 is passed over, and so is a last letter that stands alone."""

    def __init__(self) -> None:
        self._state = np.zeros(3, np.int64)

    def feed(self, data: bytes) -> bytes:
        """What these bytes stand for, as far as that can be said."""
        out = np.empty(len(data) // 4 * 3 + 6, np.uint8)
        return out[: decode_base64(np.frombuffer(data, np.uint8), out, self._state)].tobytes()

    def patience(self, size: int) -> int:
        """How many bytes surely stand for no more than so many."""
        return max(size // _OUT * _IN - _IN, 0)

    def close(self) -> bytes:
        """What is left: nothing follows."""
        return self.feed(_END)
