"""What a behaviour is, and the table of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.signature import ANY_ADDRESS, ANY_PORT, Action, Header, Origin, Signature

GID = 2
"""Generator id of behaviours; signatures have 1."""
PACK = "behaviour"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. row: the row that showed it; detail: the sentence for the operator."""

    sid: int
    row: int
    detail: str


class Behaviour(Protocol):
    """Keeps what it has learned within a bound; `observe` never raises on hostile input."""

    signature: Signature

    def observe(self, packets: PacketBatch, decoded: DecodedBatch, flows: FlowBatch, /) -> list[Finding]: ...


REGISTRY: list[Callable[[], Behaviour]] = []


def register(factory: Callable[[], Behaviour]) -> Callable[[], Behaviour]:
    """Class decorator: adds a behaviour to the table."""
    REGISTRY.append(factory)
    return factory


def describe(sid: int, msg: str, classtype: str, priority: int, technique: str) -> Signature:
    """A behaviour as a row of the rule list, so that it is shown and switched like any rule."""
    header = Header("ip", ANY_ADDRESS, ANY_PORT, ANY_ADDRESS, ANY_PORT)
    return Signature(
        action=Action.ALERT,
        header=header,
        msg=msg,
        gid=GID,
        sid=sid,
        rev=1,
        raw=f"behaviour {msg}",
        origin=Origin("built in", 0, PACK),
        classtype=classtype,
        priority=priority,
        metadata=(("mitre_technique_id", technique),),
    )
