"""What a behaviour is, and the table of them all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from vpi_tui.model.batch import DecodedBatch, FlowBatch, PacketBatch
from vpi_tui.model.neighbours import Said
from vpi_tui.model.signature import ANY_ADDRESS, ANY_PORT, Action, Header, Origin, Signature
from vpi_tui.model.topology import Topology

GID = 2
"""Generator id of behaviours; signatures have 1."""
PACK = "behaviour"
QUIET_NS = 60_000_000_000
"""The same is reported once in this time."""
MAX_REPORTED = 4_096
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. row: the row that showed it; detail: the sentence for the operator."""

    sid: int
    row: int
    detail: str


class Behaviour:
    """Keeps what it has learned within a bound; nothing here ever raises on hostile input.

    signatures: what it can find, each shown and switched like a rule. options: the settings `behaviour.NAME`
    as text, by their whole name; the constructor raises ConfigError for one that makes no sense.
    """

    signatures: tuple[Signature, ...]

    def __init__(self, options: Mapping[str, str] = NO_OPTIONS) -> None:
        pass

    def follow(self, topology: Topology) -> None:
        """The switches, ports and guests from the next batch on, whenever something of them has changed."""

    def observe(self, _packets: PacketBatch, _decoded: DecodedBatch, _flows: FlowBatch, /) -> list[Finding]:
        """What a batch shows."""
        return []

    def heed(self, _said: Said, /) -> list[Finding]:
        """What it shows that its senders say of addresses."""
        return []


REGISTRY: list[type[Behaviour]] = []
B = TypeVar("B", bound=type[Behaviour])


def register(behaviour: B) -> B:
    """Class decorator: adds a behaviour to the table."""
    REGISTRY.append(behaviour)
    return behaviour


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


class Quiet:
    """Remembers what was reported, so that it is not said again for a while."""

    def __init__(self) -> None:
        self._reported: OrderedDict[Hashable, int] = OrderedDict()

    def lets(self, what: Hashable, now_ns: int) -> bool:
        """True when this is to be reported now; it then counts as reported."""
        last = self._reported.get(what)
        if last is not None and 0 <= now_ns - last < QUIET_NS:
            return False
        self._reported[what] = now_ns
        self._reported.move_to_end(what)
        while len(self._reported) > MAX_REPORTED:
            self._reported.popitem(last=False)
        return True
