"""Requests in the order in which they will be answered, and what is kept of them until then."""

from __future__ import annotations

from collections import deque
from typing import Final

from vpi_tui.detect.applayer.http.transaction import HttpTransaction

MOST_OPEN: Final = 512
"""Requests that wait for their response, as Suricata's max-tx."""
KEPT_LIMIT: Final = 1 << 20
"""Bytes of their messages."""
_A_REQUEST: Final = 4_096
"""Bytes that one costs beside them, with its body and a file."""


class Unanswered(deque[HttpTransaction]):
    """Those of one connection. When there are too many, or they are too big, the first make room."""

    _kept = 0
    """Bytes kept of them."""

    def begin(self, transaction: HttpTransaction) -> None:
        """A request has begun."""
        if len(self) >= MOST_OPEN:
            self.forget_first()
        self.append(transaction)
        transaction.waits = True

    def forget_first(self) -> None:
        """It is answered, or waits no more."""
        gone = self.popleft()
        self._kept -= gone.kept
        gone.waits = False

    def keep(self, transaction: HttpTransaction, size: int) -> None:
        """More is kept of a transaction, which may wait no more itself."""
        transaction.kept += size
        if transaction.waits:
            self._kept += size
        while self._kept > KEPT_LIMIT and len(self) > 1:
            self.forget_first()

    def held(self) -> int:
        return _A_REQUEST * len(self) + self._kept
