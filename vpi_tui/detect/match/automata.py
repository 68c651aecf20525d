"""Automata: pyahocorasick builds the trie and the failure links, this lays them out for the scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from vpi_tui.detect.match.kernels_scan import SIEVE_WORDS, Automata, dense_table, end_states, fill_sieve
from vpi_tui.model.batch import I32, I64, U8, U32, U64

_UPPER = np.arange(65, 91)


@dataclass(slots=True)
class AutomataBuilder:
    """Collects automata in one table. Patterns are global: numbers into one list, given folded."""

    patterns: Sequence[bytes]
    tables: list[U32] = field(default_factory=list)
    classes: list[U8] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    width: list[int] = field(default_factory=list)
    lists: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    sieves: list[_Sieve] = field(default_factory=list)
    size: int = 0
    """Entries in `tables`."""
    known: dict[frozenset[int], int] = field(default_factory=dict)

    def add(self, chosen: frozenset[int]) -> int:
        """Number of the automaton for a set of patterns; -1 for the empty set."""
        if not chosen:
            return -1
        if chosen not in self.known:
            self.known[chosen] = self._build(sorted(chosen))
        return self.known[chosen]

    def _build(self, chosen: list[int]) -> int:
        trie = _Trie.of([self.patterns[number] for number in chosen])
        lists = np.zeros(trie.states, np.int32)
        outputs = _outputs(trie, chosen)
        for state in np.flatnonzero([bool(found) for found in outputs]):
            lists[state] = len(self.lists)
            self.lists.append(outputs[state])
        width = (trie.children.shape[1] + 2) & ~1
        table = np.zeros(trie.states * width, np.uint32)
        dense_table(trie.children, trie.fail, trie.order, width, 0, lists, table)
        if self.size:
            _shift(table.reshape(trie.states, width), trie.children.shape[1], self.size)
        self.tables.append(table)
        self.classes.append(trie.classes)
        self.start.append(self.size)
        self.width.append(width)
        self.sieves.append(_Sieve.of([self.patterns[number] for number in chosen]))
        self.size += table.size
        return len(self.start) - 1

    def finish(self, rules_of: Sequence[Sequence[int]]) -> Automata:
        """All automata. rules_of: for each pattern, the rules that look for it."""
        table = np.concatenate(self.tables) if self.tables else np.zeros(1, np.uint32)
        classes = np.concatenate(self.classes) if self.classes else np.zeros(256, np.uint8)
        self.tables.clear()
        return Automata(
            table=table,
            classes=classes,
            start=np.array(self.start, np.uint32),
            width=np.array(self.width, np.uint32),
            out_start=_starts(self.lists),
            out_pattern=np.array([p for found in self.lists for p in found], np.int32),
            rule_start=_starts(rules_of),
            rule=np.array([rule for found in rules_of for rule in found], np.int32),
            gram=np.array([sieve.gram for sieve in self.sieves], np.uint8),
            stride=np.array([sieve.stride for sieve in self.sieves], np.uint8),
            sieve=np.concatenate([s.bits for s in self.sieves]) if self.sieves else np.zeros(1, np.uint64),
        )


def _starts(lists: Sequence[Sequence[int] | bytes]) -> I32:
    """int32[lists + 1]: where each list begins when all are put in a row."""
    return np.concatenate(([0], np.cumsum([len(found) for found in lists], dtype=np.int64))).astype(np.int32)


def _shift(rows: NDArray[np.uint32], classes: int, by: int) -> None:
    """Move the states of an automaton; the list number in the last column stays. `by` is even."""
    rows[:, :classes] += np.uint32(by)


_SIEVES = {4: (3, 2), 5: (3, 3), 6: (4, 3), 7: (4, 4)}
"""Length of the shortest pattern: (bytes a look, bytes from look to look); longer: (4, 5)."""
_FULL_SIEVE = SIEVE_WORDS * 64 // 8
"""Bits set, from which on a sieve lets too much through to be of use."""


@dataclass(frozen=True, slots=True)
class _Sieve:
    gram: int
    """0 = none: a pattern is too short, or there are too many."""
    stride: int
    bits: U64

    @classmethod
    def of(cls, patterns: list[bytes]) -> _Sieve:
        bits = np.zeros(SIEVE_WORDS, np.uint64)
        shortest = min(len(pattern) for pattern in patterns)
        gram, stride = _SIEVES.get(shortest, (4, 5)) if shortest >= min(_SIEVES) else (0, 0)
        if not gram or len(patterns) * stride > _FULL_SIEVE:
            return cls(0, 0, bits)
        data = np.frombuffer(b"".join(patterns), dtype=np.uint8)
        fill_sieve(data, _starts(patterns).astype(np.int64), gram, stride, bits)
        return cls(gram, stride, bits)


@dataclass(frozen=True, slots=True)
class _Trie:
    children: I32
    """int32[states, classes]; state 0 is the root"""
    classes: U8
    """uint8[256]"""
    fail: I32
    order: I32
    """int32[states]: breadth first"""
    ends: I32
    """int32[patterns]"""

    @property
    def states(self) -> int:
        return int(self.children.shape[0])

    @classmethod
    def of(cls, patterns: list[bytes]) -> _Trie:
        automaton = ahocorasick.Automaton()
        for number, pattern in enumerate(patterns):
            # Latin-1 keeps bytes apart: one character is one byte, and no letter is folded.
            automaton.add_word(pattern.decode("latin-1"), number)
        automaton.make_automaton()
        nodes, edges, links = automaton.dump()
        ids = np.array([node for node, _ in nodes], dtype=np.int64)
        parent = np.array([edge[0] for edge in edges], dtype=np.int64)
        child = np.array([edge[2] for edge in edges], dtype=np.int64)
        label = np.frombuffer(b"".join(edge[1] for edge in edges), dtype=np.uint8)
        linked = np.array(links, dtype=np.int64).reshape(-1, 2)
        root = int(np.setdiff1d(ids, child)[0])
        order = np.concatenate(([root], ids[ids != root]))
        by_id = np.argsort(order)

        def number_of(found: I64) -> I64:
            return by_id[np.searchsorted(order, found, sorter=by_id)]

        used = np.unique(label)
        classes = np.zeros(256, np.uint8)
        classes[used] = np.arange(1, used.size + 1)
        children = np.full((ids.size, used.size + 1), -1, np.int32)
        children[number_of(parent), classes[label]] = number_of(child)
        fail = np.zeros(ids.size, np.int32)
        fail[number_of(linked[:, 0])] = number_of(linked[:, 1])
        data = np.frombuffer(b"".join(patterns), dtype=np.uint8)
        start = np.concatenate(([0], np.cumsum([len(p) for p in patterns]))).astype(np.int64)
        ends = end_states(children, classes, data, start)
        # Upper case is walked as lower case: the pieces are folded, so is what they are sought in.
        classes[_UPPER] = classes[_UPPER + 32]
        return cls(children, classes, fail, _breadth_first(children), ends)


def _breadth_first(children: I32) -> I32:
    """int32[states]: the states level by level, the root first."""
    level = np.zeros(1, np.int32)
    levels = [level]
    while level.size:
        below = children[level]
        level = below[below >= 0]
        levels.append(level)
    return np.concatenate(levels).astype(np.int32)


def _outputs(trie: _Trie, chosen: list[int]) -> list[tuple[int, ...]]:
    """For each state the patterns that end there, those at the end of its failure links too."""
    own: list[tuple[int, ...]] = [()] * trie.states
    for number, state in zip(chosen, trie.ends.tolist(), strict=True):
        own[state] += (number,)
    fail = trie.fail.tolist()
    for state in trie.order.tolist()[1:]:
        if own[fail[state]]:
            own[state] += own[fail[state]]
    return own
