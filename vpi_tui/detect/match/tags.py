"""Packets behind an alert: a rule with `tag` has those of its flow, or of one of its hosts, told too.

Counting is Suricata's (detect-engine-tag.c): the packet that raised the alert counts and is not told, as the
alert tells of it; another alert of the same rule begins anew, a few times. Nothing is kept while no rule says
`tag`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.subjects import halves
from vpi_tui.detect.match.types import FlowView, Match
from vpi_tui.model.batch import DecodedBatch, Direction, FlowBatch, PacketBatch
from vpi_tui.model.signature import Signature, Tag

MOST: Final = 65_536
"""Flows that are tagged at a time, and as many hosts; the one that was tagged longest ago makes room."""
MOST_OF_ONE: Final = 50
"""Tags of one flow or host, each of another rule."""
MOST_RENEWED: Final = 10
"""Alerts of one rule after which its tag is not begun anew before it has ended."""
SILENCE_S: Final = 600
"""Seconds without a packet after which a tag is over."""
_SECOND: Final = 1_000_000_000
_OPENS: Final = 1
"""Bit of FlowBatch.first: the row opens a flow."""

Address = tuple[int, int]
"""High and low half."""
Whose = TypeVar("Whose", bound=Hashable)


@dataclass(slots=True)
class _Running:
    tag: Tag
    begin: int
    """Second of the alert."""
    last: int
    used: int = 0
    """Packets or bytes."""
    alerts: int = 0
    begun: bool = False
    """The packet that raised the alert has come."""

    def renew(self, now: int) -> None:
        self.alerts += 1
        if self.alerts < MOST_RENEWED:
            self.begin = self.last = now
            self.used = 0

    def goes_on(self, now: int, size: int) -> bool:
        """Count a packet; is it still within the tag?"""
        silent, self.last = now - self.last, now
        self.used += 1 if self.tag.metric == "packets" else size
        if not self.begun:
            return True
        if silent > SILENCE_S:
            return False
        return (now - self.begin if self.tag.metric == "seconds" else self.used) <= self.tag.count


class _Tagged(Generic[Whose]):
    """Flows by slot, or hosts by address."""

    def __init__(self) -> None:
        self._of: OrderedDict[Whose, dict[tuple[int, int], _Running]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._of)

    def __iter__(self) -> Iterator[Whose]:
        return iter(self._of)

    def begin(self, whose: Whose, rule: tuple[int, int], tag: Tag, now: int) -> None:
        running = self._of.get(whose)
        if running is None:
            if len(self._of) >= MOST:
                self._of.popitem(last=False)
            running = self._of[whose] = {}
        if rule in running:
            running[rule].renew(now)
        elif len(running) < MOST_OF_ONE:
            running[rule] = _Running(tag, now, now)

    def told(self, whose: Whose, now: int, size: int) -> bool:
        """Count a packet; is it to be told?"""
        running = self._of.get(whose)
        if running is None:
            return False
        told = False
        for rule, one in tuple(running.items()):
            was_begun = one.begun
            if one.goes_on(now, size):
                told |= was_begun
                one.begun = True
            else:
                del running[rule]
        if not running:
            del self._of[whose]
        return told

    def drop(self, whose: Whose) -> None:
        self._of.pop(whose, None)


class Tags:
    """special: the rules by number, of which some may say `tag`."""

    def __init__(self, special: Mapping[int, Signature]) -> None:
        self._rules = {number: rule for number, rule in special.items() if rule.tags}
        self._flows: _Tagged[int] = _Tagged()
        self._hosts: _Tagged[Address] = _Tagged()

    def __bool__(self) -> bool:
        """May a packet be told?"""
        return bool(self._rules or self._flows or self._hosts)

    def take_over(self, before: Tags) -> None:
        """Go on with what another set of rules has tagged."""
        self._flows, self._hosts = before._flows, before._hosts

    def forget_flows(self, slots: Iterable[int]) -> None:
        """These flows have ended."""
        if self._flows:
            for slot in slots:
                self._flows.drop(slot)

    def follow(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        view: FlowView,
        matches: Sequence[Match],
    ) -> list[int]:
        """Rows of a batch that are to be told, ascending. matches: what the batch raised alerts by."""
        raised: dict[int, list[Match]] = {}
        for match in matches:
            if match.rule in self._rules:
                raised.setdefault(match.row, []).append(match)
        for match in raised.pop(-1, ()):
            self._of_no_packet(match, view)
        if not (raised or self._flows or self._hosts):
            return []
        rows = np.flatnonzero(self._may_be_told(decoded, flows, raised)).tolist()
        told = []
        frame, slot, first = decoded.packet, flows.flow, flows.first
        for row in rows:
            if first[row] & _OPENS:
                self._flows.drop(int(slot[row]))
            for match in raised.get(row, ()):
                self._begin(match, _ends(decoded, row))
            now, size = int(packets.ts_ns[frame[row]]) // _SECOND, int(packets.length[frame[row]])
            if self._is_told(int(slot[row]), _ends(decoded, row), now, size):
                told.append(row)
        return told

    def _may_be_told(
        self, decoded: DecodedBatch, flows: FlowBatch, raised: Mapping[int, object]
    ) -> NDArray[np.bool_]:
        """bool[m]: rows of flows and hosts that are tagged, or may become so."""
        found = np.zeros(decoded.packet.size, np.bool_)
        rows = list(raised)
        slots = [*self._flows, *flows.flow[rows].tolist()]
        if slots:
            found = np.isin(flows.flow, slots) & (flows.flow >= 0)
        lows = np.concatenate(
            (
                np.array([low for _, low in self._hosts], np.uint64),
                decoded.src_ip[rows, 1],
                decoded.dest_ip[rows, 1],
            )
        )
        if lows.size:
            of_hosts = np.isin(decoded.src_ip[:, 1], lows) | np.isin(decoded.dest_ip[:, 1], lows)
            found |= of_hosts & (decoded.ip_v != 0)
        found[rows] = True
        return found

    def _begin(self, match: Match, ends: tuple[Address, Address]) -> None:
        rule, now = self._rules[match.rule], match.ts_ns // _SECOND
        key = rule.gid, rule.sid
        for tag in rule.tags:
            if tag.whose != "flow":
                self._hosts.begin(ends[tag.whose == "dest"], key, tag, now)
            elif match.flow >= 0:
                self._flows.begin(match.flow, key, tag, now)

    def _of_no_packet(self, match: Match, view: FlowView) -> None:
        """A stretch or a transaction raised it that a time-out or the end of its flow released."""
        if match.flow < 0:
            return
        client, server = halves(view.client_ip[match.flow]), halves(view.server_ip[match.flow])
        ends = (server, client) if match.direction == Direction.TO_CLIENT else (client, server)
        self._begin(match, ends)
        self._is_told(match.flow, ends, match.ts_ns // _SECOND, 0)

    def _is_told(self, slot: int, ends: tuple[Address, Address], now: int, size: int) -> bool:
        told = slot >= 0 and self._flows.told(slot, now, size)
        for host in dict.fromkeys(ends) if self._hosts else ():
            told |= self._hosts.told(host, now, size)
        return told


def _ends(decoded: DecodedBatch, row: int) -> tuple[Address, Address]:
    return halves(decoded.src_ip[row]), halves(decoded.dest_ip[row])
