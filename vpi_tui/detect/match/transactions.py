"""Finding rules about transactions: one scan over the buffers that became complete in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vpi_tui.detect.applayer.application import Getter
from vpi_tui.detect.applayer.progress import Progress
from vpi_tui.detect.applayer.transaction import DONE, Stage, Transaction
from vpi_tui.detect.applayer.window import Window
from vpi_tui.detect.match.kernels_rules import Subject
from vpi_tui.detect.match.kernels_scan import Units
from vpi_tui.detect.match.kernels_units import WAYS
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import I32, I64, U8, U32, StreamBatch

if TYPE_CHECKING:
    from vpi_tui.detect.match.app_rules import AppRules

UDP_FOR_TCP: Final = np.uint16(3)
"""Turns columns.KIND_TCP into KIND_UDP and back."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Progress of transactions in the shape of stretches, for the compiled loops."""

    progress: Sequence[Progress]
    shaped: StreamBatch
    subject: Subject
    born: U32
    """uint32[k]: generation of each entry's flow."""


def shaped(progress: Sequence[Progress]) -> StreamBatch:
    """A stretch of one byte for each entry: who, in which flow, with which row."""
    count = len(progress)
    places = np.zeros(count, np.int64)
    return StreamBatch(
        buf=np.zeros(1, np.uint8),
        row=np.array([p.row for p in progress], np.int32),
        flow=np.array([p.flow for p in progress], np.int32),
        direction=np.array([p.direction for p in progress], np.uint8),
        start=places,
        fresh=places,
        end=places + 1,
        stream_offset=places,
        window=places,
        gap=np.zeros(count, np.uint8),
        reassembled=np.zeros(0, np.uint8),
    )


def mark_udp(subject: Subject, progress: Sequence[Progress]) -> None:
    """The loop that makes subjects of stretches takes them for TCP."""
    udp = np.array([p.udp for p in progress], np.bool_) & (subject.kinds != 0)
    subject.kinds[udp] ^= UDP_FOR_TCP


def mark_applications(subject: Subject, progress: Sequence[Progress]) -> None:
    """What a flow is called may have changed since, or its transactions may be of several protocols."""
    known: dict[str, list[int]] = {}
    for entry, (one, app) in enumerate(zip(progress, subject.app.tolist(), strict=True)):
        numbers = known.get(one.application.name)
        if numbers is None:
            numbers = known[one.application.name] = [APP_PROTOS.index(a) for a in one.application.apps]
        if app not in numbers:
            subject.app[entry] = numbers[0]


_NO_SETS: Final = (-1,) * WAYS

Move = tuple[str, int, Stage, Stage, bool, int]
"""Protocol, direction, the stages before and after, whether it is a frame, way."""


class Wanted(NamedTuple):
    """The buffers that may have become complete in which some rule is looked for, each with its patterns."""

    whole: list[tuple[tuple[str, int], Getter, int]]
    """(key in the transaction's cache, how to get it, number of a set of patterns)"""
    growing: list[tuple[str, int]]
    """(name, number of a set of patterns)"""


def buffer_units(
    rules: AppRules, progress: Sequence[Progress], ways: U8, known: dict[Move, Wanted]
) -> tuple[U8, Units] | None:
    """(bytes, stretches of them to scan) of all buffers that are new; None = there are none.

    ways: uint8[k], the way of each entry; its buffers are not even made when no rule looks that way. known:
    what these rules want of entries that were met before.
    """
    parts: list[bytes] = []
    patterns: list[int] = []
    entry: list[int] = []
    grown: list[tuple[int, int, Window]] = []
    for number, (one, way) in enumerate(zip(progress, ways.tolist(), strict=True)):
        transaction = one.transaction
        key = one.application.name, one.direction, one.before, one.stage, transaction.is_frame, way
        wanted = known.get(key)
        if wanted is None:
            wanted = known[key] = _wanted(rules, one, way)
        cache, direction = transaction.cache, one.direction
        for name, get, which in wanted.whole:
            found = cache.get(name)
            if found is None:
                found = cache[name] = get(transaction, direction)
            for data in found:
                if data:
                    parts.append(data)
                    patterns.append(which)
                    entry.append(number)
        if one.grown:
            for buffer, which in wanted.growing:
                grown += [(number, which, window) for window in one.grown.get(buffer, ())]
    return _units_of(rules, parts, patterns, entry, grown)


def _units_of(
    rules: AppRules,
    parts: list[bytes],
    patterns: list[int],
    entry: list[int],
    grown: Sequence[tuple[int, int, Window]],
) -> tuple[U8, Units] | None:
    """The units of whole buffers, and behind them those of buffers that grow."""
    count = len(parts)
    for number, which, window in grown:
        parts.append(window.data)
        patterns.append(which)
        entry.append(number)
    if not parts:
        return None
    offset = np.zeros(len(parts), np.int64)
    offset[count:] = [window.offset for _, _, window in grown]
    # A content is compared from its start on, which may lie in front of a window: bytes must be there.
    margin = bytes(int(rules.fast.length.max(initial=0))) if offset.any() else b""
    arena: U8 = np.frombuffer(bytearray().join((margin, *parts)), np.uint8)
    size = np.fromiter(map(len, parts), np.int64, len(parts))
    end = np.cumsum(size) + len(margin)
    begin = end - size
    units = Units(
        start=begin - offset,
        begin=begin,
        end=end,
        last=end.copy(),
        fresh=begin.copy(),
        patterns=np.array(patterns, np.int32),
        entry=np.array(entry, np.int32),
        kind=np.zeros(len(parts), np.uint8),
        whole=np.arange(len(parts)) < count,
    )
    return arena, units


def _wanted(rules: AppRules, one: Progress, way: int) -> Wanted:
    wanted = Wanted([], [])
    for name, buffer in one.application.buffers.items():
        number = rules.set_of.get((one.application.name, name), _NO_SETS)[way]
        reached = buffer.grows or one.before < buffer.stage <= one.stage
        if number < 0 or not reached or not buffer.directions >> one.direction & 1:
            continue
        if buffer.grows:
            wanted.growing.append((name, number))
        elif buffer.of_frame == one.transaction.is_frame:
            wanted.whole.append(((name, one.direction), buffer.get, number))
    return wanted


def unique_pairs(pairs: I64) -> I64:
    """int64[n, 2] of (entry, rule), each once, sorted: as one number each, which sorts many times as fast."""
    both = np.unique(pairs[:, 0] << 32 | pairs[:, 1])
    return np.stack((both >> 32, both & 0xFFFF_FFFF), axis=1)


def at_their_stage(progress: Sequence[Progress], direction: U8, stage: U8, pairs: I64) -> I64:
    """Move candidates (entry, rule) to the entry in which all that the rule looks at is complete.

    direction: uint8[k], of each entry. stage: AppRules.stage. When the batch has no such entry, the rule
    waits in the transaction.
    """
    entry, rule = pairs[:, 0], pairs[:, 1]
    reached = np.array([p.stage for p in progress], np.uint8)
    early = stage[rule, direction[entry]] > reached[entry]
    if not early.any():
        return pairs
    last = {
        (one.transaction, one.direction): entry for entry, one in enumerate(progress) if one.stage is DONE
    }
    moved = []
    for found, number in pairs[early].tolist():
        one = progress[found]
        target = last.get((one.transaction, one.direction))
        if target is None:
            one.transaction.wait(one.direction, number)
        else:
            moved.append((target, number))
    kept = np.concatenate((pairs[~early], np.array(moved, np.int64).reshape(-1, 2)))
    return unique_pairs(kept)


def onward(progress: Sequence[Progress], stays: U8, pairs: I64) -> I64:
    """Add candidates for what comes later in a transaction than where a rule was found.

    stays: AppRules.stays. What comes in later batches finds such a rule waiting.
    """
    staying = pairs[stays[pairs[:, 1]] != 0].tolist()
    if not staying:
        return pairs
    entries: dict[Transaction, list[int]] = {progress[entry].transaction: [] for entry, _ in staying}
    for entry, one in enumerate(progress):
        if one.transaction in entries:
            entries[one.transaction].append(entry)
    added = []
    for entry, rule in staying:
        one = progress[entry]
        transaction, direction = one.transaction, one.direction
        if transaction.stage[direction] is not DONE:
            transaction.wait(direction, rule)
        added += [
            (other, rule)
            for other in entries[transaction]
            if other > entry and progress[other].direction == direction
        ]
    if not added:
        return pairs
    return unique_pairs(np.concatenate((pairs, np.array(added, np.int64))))


def waiting(progress: Sequence[Progress], grows: U8) -> tuple[I32, I32]:
    """(entries, rules) that an earlier stage has found and that waited for a later one.

    grows: AppRules.grows; rules about buffers that grow go on waiting for more.
    """
    entry: list[int] = []
    rule: list[int] = []
    for number, one in enumerate(progress):
        pending = one.transaction.pending[one.direction]
        if pending:
            rule += sorted(pending)
            entry += [number] * len(pending)
            one.transaction.pending[one.direction] = {n for n in pending if grows[n]}
    return np.array(entry, np.int32), np.array(rule, np.int32)
