"""What rules about transactions look for in the payload as it was sent.

A rule whose only contents are about the payload is found by no buffer: it is tried on each transaction of its
protocol. Its rarest content is looked for first, which spares most of these evaluations. Rules about buffers
that grow are tried whenever one has: what holds then need not be there when the payload comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vpi_tui.detect.match.fast_pattern import choose, fold
from vpi_tui.detect.match.units import PAYLOAD
from vpi_tui.model.batch import U8
from vpi_tui.model.signature import Content, Signature


class Sought(NamedTuple):
    """The bytes without which a rule cannot hold; b"" = there are none."""

    pattern: bytes = b""
    nocase: bool = False

    def is_in(self, payload: bytes) -> bool:
        return self.pattern in (fold(payload) if self.nocase else payload)


class SoughtInPayload(dict[int, Sought]):
    """By number of the rule, each made when it is first wanted."""

    def __init__(self, signatures: Sequence[Signature], grows: U8) -> None:
        """grows: AppRules.grows."""
        super().__init__()
        self._signatures, self._grows = signatures, grows

    def __missing__(self, number: int) -> Sought:
        made = self[number] = Sought() if self._grows[number] else _of(self._signatures[number])
        return made


def _of(signature: Signature) -> Sought:
    best = choose(signature.steps, PAYLOAD)
    content = signature.steps[best.step] if best is not None else None
    if not isinstance(content, Content):
        return Sought()
    return Sought(fold(content.pattern) if content.nocase else content.pattern, content.nocase)
