"""Running the compiled loops over one batch: which rules may hold where, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.match.flowstate import FlowState
from vpi_tui.detect.match.kernels_listed import PacketRules, Rows, check_packets, check_streams
from vpi_tui.detect.match.kernels_rules import Subject, keep_holding, packet_subject, stream_subject
from vpi_tui.detect.match.kernels_scan import FastContents, PatternSets, Units, keep_with_others, scan
from vpi_tui.detect.match.kernels_units import (
    UNITS_AN_ENTRY,
    fill_ways,
    packet_units,
    stream_units,
)
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.sizes import StreamSizes, with_sizes
from vpi_tui.detect.match.sought import SoughtInPayload
from vpi_tui.detect.match.transactions import (
    Entries,
    Move,
    Wanted,
    at_their_stage,
    buffer_units,
    mark_applications,
    mark_udp,
    onward,
    shaped,
    unique_pairs,
    waiting,
)
from vpi_tui.detect.match.types import FlowView
from vpi_tui.model.batch import (
    I32,
    I64,
    U8,
    U32,
    DecodedBatch,
    DecoderEvent,
    FlowBatch,
    PacketBatch,
    StreamBatch,
)
from vpi_tui.model.decoder_events import bits

MOST_CANDIDATES: Final = 1 << 22
"""Of one pass over one batch; more are dropped and counted."""

_MALFORMED: Final = frozenset(
    {
        DecoderEvent.LINK_UNKNOWN,
        DecoderEvent.ETHERNET_PKT_TOO_SMALL,
        DecoderEvent.VLAN_HEADER_TOO_SMALL,
        DecoderEvent.ARP_PKT_TOO_SMALL,
        DecoderEvent.IPV4_PKT_TOO_SMALL,
        DecoderEvent.IPV4_HLEN_TOO_SMALL,
        DecoderEvent.IPV4_IPLEN_SMALLER_THAN_HLEN,
        DecoderEvent.IPV4_TRUNC_PKT,
        DecoderEvent.IPV4_WRONG_IP_VER,
        DecoderEvent.IPV6_PKT_TOO_SMALL,
        DecoderEvent.IPV6_TRUNC_PKT,
        DecoderEvent.IPV6_TRUNC_EXTHDR,
        DecoderEvent.IPV6_EXTHDR_TOO_MANY,
        DecoderEvent.IPV6_WRONG_IP_VER,
    }
)
_LAYER4: Final = frozenset(
    {
        DecoderEvent.TCP_PKT_TOO_SMALL,
        DecoderEvent.TCP_HLEN_TOO_SMALL,
        DecoderEvent.TCP_INVALID_OPTLEN,
        DecoderEvent.UDP_PKT_TOO_SMALL,
        DecoderEvent.UDP_HLEN_INVALID,
        DecoderEvent.UDP_HLEN_TOO_SMALL,
        DecoderEvent.ICMPV4_PKT_TOO_SMALL,
        DecoderEvent.ICMPV6_PKT_TOO_SMALL,
        DecoderEvent.SCTP_PKT_TOO_SMALL,
    }
)
BROKEN_LAYER4: Final = np.uint64(bits(_LAYER4))
"""Events after which a packet is an IP packet of no known protocol."""
MALFORMED: Final = np.uint64(bits(_MALFORMED))
"""Events after which no field of a packet is to be trusted."""


@dataclass(frozen=True, slots=True)
class Batch:
    """All that one call of the matcher is about."""

    packets: PacketBatch
    decoded: DecodedBatch
    flows: FlowBatch
    streams: StreamBatch | None
    view: FlowView
    subject: Subject
    born: U32
    """uint32[m]: generation of each row's flow."""
    stream_subject: Subject | None
    stream_born: U32
    taken: U8
    """uint8[m]: 1 = a stream took the row's payload, kernels_sealed.SEALED = it is not to be looked at; of
    length 0 when no stream is followed."""
    entries: Entries | None = None
    """Progress of transactions; None = there was none."""

    def progress_of(self, entry: int) -> Progress | None:
        """None for -1, which is no entry."""
        return None if entry < 0 or self.entries is None else self.entries.progress[entry]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Columns of equal length, in packet order, then rule order; one entry per row and rule."""

    rule: I32
    row: I32
    """-1 = a stretch without a packet."""
    stream: I32
    """-1 = the packet."""
    entry: I32
    """Index into the batch's `entries`; -1 = it is not about a transaction."""

    def __len__(self) -> int:
        return int(self.rule.size)

    def where(self, held: NDArray[np.bool_] | I64) -> Candidates:
        """Those for which `held` is True, or those at these places."""
        return Candidates(self.rule[held], self.row[held], self.stream[held], self.entry[held])


class Found(NamedTuple):
    """What the loops found in one batch, in no order: int64[n, 2] of (place, rule) each."""

    of_packets: I64
    """Places are rows."""
    of_streams: I64
    """Places are stretches."""
    of_entries: I64
    """Places are entries."""


class Finder:
    """Keeps the work space of the loops between batches."""

    def __init__(self, rules: RuleSet, *, midstream: bool = False) -> None:
        """midstream: connections whose start was not seen have sizes."""
        self.rules = rules
        self.dropped = 0
        self._seen = np.full(rules.count, -1, np.int64)
        self._out = np.empty((4096, 2), np.int64)
        self._sizes = StreamSizes(midstream=midstream)
        self._wanted: dict[Move, Wanted] = {}
        self._units = units_for(0)
        self._sought = SoughtInPayload(rules.signatures, rules.app.grows)

    def take_over(self, before: Finder) -> None:
        """Go on from the finder of an earlier set of rules."""
        self.dropped, self._sizes = before.dropped, before._sizes

    def prepare(
        self,
        packets: PacketBatch,
        decoded: DecodedBatch,
        flows: FlowBatch,
        streams: StreamBatch | None,
        view: FlowView,
        state: FlowState,
        progress: Sequence[Progress] = (),
    ) -> Batch:
        """Subjects of the batch; advances the generations of the slots in which flows opened."""
        taken = streams.reassembled.copy() if streams is not None else _NO_ROWS
        stretches = streams if streams is not None and streams.row.size else None
        like = shaped(progress) if progress else None
        slots = (found.flow for found in (flows, stretches, like) if found is not None)
        state.make_room(max(int(flow.max(initial=-1)) for flow in slots) + 1)
        subject, born = packet_subject(
            decoded, flows, view.locality, state.generation, state.passed, MALFORMED, BROKEN_LAYER4
        )
        if self.rules.upstream.sizes:
            sizes = self._sizes.of_rows(decoded, flows, born, state.generation.size)
            subject = with_sizes(subject, sizes)
        entries = None
        if like is not None:
            of_entries, entries_born = stream_subject(like, flows, view, state.generation, born, state.passed)
            if self.rules.upstream.sizes:
                found = self._sizes.of_stretches(sizes, like.row, like.flow, entries_born)
                of_entries = with_sizes(of_entries, found)
            mark_udp(of_entries, progress)
            mark_applications(of_entries, progress)
            entries = Entries(progress, like, of_entries, entries_born)
        if stretches is None:
            return Batch(
                packets, decoded, flows, streams, view, subject, born, None, _NO_BORN, taken, entries
            )
        of_streams, stream_born = stream_subject(stretches, flows, view, state.generation, born, state.passed)
        if self.rules.upstream.sizes:
            found = self._sizes.of_stretches(sizes, stretches.row, stretches.flow, stream_born)
            of_streams = with_sizes(of_streams, found)
        return Batch(
            packets, decoded, flows, streams, view, subject, born, of_streams, stream_born, taken, entries
        )

    def find(self, batch: Batch, enabled: U8) -> Found:
        """All candidates of the batch. enabled: uint8[n], the switches as they are for this batch."""
        of_packets = [self._check_packets(batch, enabled), self._scan_packets(batch, enabled)]
        of_streams = of_entries = _NOTHING
        if batch.stream_subject is not None:
            of_streams = np.concatenate(
                (self._check_streams(batch, enabled), self._scan_streams(batch, enabled))
            )
        if batch.entries is not None:
            of_entries = self._find_in_entries(batch, batch.entries, enabled)
        return Found(np.concatenate(of_packets), of_streams, of_entries)

    def _find_in_entries(self, batch: Batch, entries: Entries, enabled: U8) -> I64:
        """int64[n, 2]: (entry, rule), each pair once."""
        app = self.rules.app
        pending_entry, pending_rule = waiting(entries.progress, app.grows)
        found = [np.stack((pending_entry, pending_rule), axis=1).astype(np.int64)]
        selectors, ways = self.rules.selectors, np.empty(len(entries.progress), np.uint8)
        fill_ways(selectors.home_low, selectors.home_high, entries.subject, ways)
        units = buffer_units(app, entries.progress, ways, self._wanted)
        if units is not None:
            found.append(self._scan(batch, *units, entries.subject, enabled, app.patterns, app.fast))
        own: dict[str, list[int]] = {name: [] for name in app.listed}
        for number, one in enumerate(entries.progress):
            if one.application.name in own:
                own[one.application.name].append(number)
        found += [
            self._check_entries(batch, entries, numbers, app.listed[name], enabled)
            for name, numbers in own.items()
            if numbers
        ]
        pairs = unique_pairs(np.concatenate(found))
        pairs = onward(entries.progress, app.stays, pairs[enabled[pairs[:, 1]] != 0])
        return at_their_stage(entries.progress, entries.shaped.direction, app.stage, pairs)

    def _check_entries(
        self, batch: Batch, entries: Entries, own: Sequence[int], lists: PacketRules, enabled: U8
    ) -> I64:
        """The rules of one protocol that have no fast pattern. own: its entries."""
        subject, like, both = entries.subject, entries.shaped, self.rules.table.bidirectional
        kinds = np.zeros_like(subject.kinds)
        kinds[own] = subject.kinds[own]
        asked = subject._replace(kinds=kinds)
        found = self._collect(lambda out: check_streams(like, asked, lists, enabled, both, out))
        found = self._holding(batch, subject, found)
        return found[np.fromiter(self._are_sought(entries, found), np.bool_, len(found))]

    def _are_sought(self, entries: Entries, found: I64) -> Iterator[bool]:
        """For each entry and rule: is what the rule looks for in the payload? Many entries share one."""
        known: dict[tuple[int, int], bool] = {}
        for number, rule in found.tolist():
            sent = entries.progress[number].sent
            key = rule, id(sent)
            if key not in known:
                known[key] = self._sought[rule].is_in(sent)
            yield known[key]

    def _check_packets(self, batch: Batch, enabled: U8) -> I64:
        lists, both = self.rules.packet_rules, self.rules.table.bidirectional
        subject, rows = batch.subject, Rows.of(batch.decoded, batch.flows)
        found = self._collect(
            lambda out: check_packets(rows, subject, batch.taken, lists, enabled, both, out)
        )
        return self._holding(batch, subject, found)

    def _check_streams(self, batch: Batch, enabled: U8) -> I64:
        assert batch.stream_subject is not None
        lists, both = self.rules.packet_rules, self.rules.table.bidirectional
        if not lists.stream_of.any():
            return _NOTHING
        streams, subject = batch.streams, batch.stream_subject
        found = self._collect(lambda out: check_streams(streams, subject, lists, enabled, both, out))
        return self._holding(batch, subject, found)

    def _holding(self, batch: Batch, subject: Subject, found: I64, entry_of: I32 | None = None) -> I64:
        """Those whose headers and column tests hold. found: (place, rule); entry_of: of each place."""
        if not found.size:
            return found
        places = _IN_PLACE if entry_of is None else entry_of
        table, decoded, first = self.rules.table, batch.decoded, batch.flows.first
        return found[: int(keep_holding(table, subject, decoded, first, places, found))]

    def _scan_packets(self, batch: Batch, enabled: U8) -> I64:
        if not self.rules.patterns.gram.size:
            return _NOTHING
        units = self._room(UNITS_AN_ENTRY * batch.subject.kinds.size)
        payload = batch.decoded.payload_off, batch.decoded.payload_len
        count = packet_units(
            batch.packets.buf, *payload, batch.subject, batch.taken, self.rules.selectors, units
        )
        if not count:
            return _NOTHING
        rules = self.rules
        return self._scan(
            batch, batch.packets.buf, _head(units, count), batch.subject, enabled, rules.patterns, rules.fast
        )

    def _scan_streams(self, batch: Batch, enabled: U8) -> I64:
        assert batch.streams is not None
        assert batch.stream_subject is not None
        if not self.rules.patterns.gram.size:
            return _NOTHING
        units = self._room(UNITS_AN_ENTRY * batch.stream_subject.kinds.size)
        count = stream_units(batch.streams, batch.stream_subject, self.rules.selectors, units)
        if not count:
            return _NOTHING
        rules, subject = self.rules, batch.stream_subject
        return self._scan(
            batch, batch.streams.buf, _head(units, count), subject, enabled, rules.patterns, rules.fast
        )

    def _scan(
        self,
        batch: Batch,
        buf: U8,
        units: Units,
        subject: Subject,
        enabled: U8,
        patterns: PatternSets,
        fast: FastContents,
    ) -> I64:
        seen = self._seen

        def run(out: I64) -> int:
            seen.fill(-1)
            return int(scan(buf, units, patterns, fast, enabled, seen, out))

        found = self._holding(batch, subject, self._collect(run), units.entry)
        return found[: int(keep_with_others(buf, units, fast, found))]

    def _room(self, count: int) -> Units:
        if self._units.start.size < count:
            self._units = units_for(count)
        return self._units

    def _collect(self, run: Callable[[I64], Any]) -> I64:
        """Call a loop, again with more room when it found more than fitted."""
        count = int(run(self._out))
        if count > self._out.shape[0]:
            room = min(MOST_CANDIDATES, 1 << int(count).bit_length())
            self._out = np.empty((room, 2), np.int64)
            count = int(run(self._out))
            self.dropped += max(0, count - room)
        return self._out[: min(count, self._out.shape[0])].copy()


_NOTHING: Final = np.empty((0, 2), np.int64)
_NO_ROWS: Final = np.empty(0, np.uint8)
_IN_PLACE: Final = np.empty(0, np.int32)
"""Candidates are about entries themselves."""
_NO_BORN: Final = np.empty(0, np.uint32)


def units_for(count: int) -> Units:
    """Room for so many."""
    return Units(
        start=np.empty(count, np.int64),
        begin=np.empty(count, np.int64),
        end=np.empty(count, np.int64),
        last=np.empty(count, np.int64),
        fresh=np.empty(count, np.int64),
        patterns=np.empty(count, np.int32),
        entry=np.empty(count, np.int32),
        kind=np.empty(count, np.uint8),
        whole=np.ones(count, np.bool_),
    )


def _head(units: Units, count: int) -> Units:
    """The first entries."""
    return Units(
        start=units.start[:count],
        begin=units.begin[:count],
        end=units.end[:count],
        last=units.last[:count],
        fresh=units.fresh[:count],
        patterns=units.patterns[:count],
        entry=units.entry[:count],
        kind=units.kind[:count],
        whole=units.whole[:count],
    )
