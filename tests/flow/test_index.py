"""The hash index beside a dictionary, with so few homes that everything collides."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.compiled import from_python
from vpi_tui.flow import kernels_index
from vpi_tui.flow.kernels_index import MAX_PROBES, index_copy

U64 = np.uint64
flow_tag = from_python(kernels_index.flow_tag)
index_insert = from_python(kernels_index.index_insert)
index_remove = from_python(kernels_index.index_remove)


def slots_of(index: np.ndarray, tag: int) -> set[int]:
    """The slots that a lookup of `tag` meets before it meets an empty place."""
    found, at = set(), tag & (len(index) - 1)
    while index[at]:
        if int(index[at]) >> 32 == tag:
            found.add((int(index[at]) & 0xFFFFFFFF) - 1)
        at = (at + 1) & (len(index) - 1)
    return found


@pytest.mark.parametrize("homes", [1, 3, 40])
@pytest.mark.parametrize("seed", range(6))
def test_what_was_put_in_is_found_until_it_is_taken_out(seed: int, homes: int) -> None:
    rng = random.Random(seed)
    index, held = np.zeros(64, np.uint64), {}
    for slot in range(400):
        if len(held) < 42 and rng.random() < 0.6:
            tag = rng.choice((0, 61, 1 << 20)) + rng.randrange(homes)
            assert index_insert(index, U64(tag), slot)
            held[slot] = tag
        elif held:
            gone = rng.choice(sorted(held))
            index_remove(index, U64(held.pop(gone)), gone)
        assert np.count_nonzero(index) == len(held)
        assert all(slot in slots_of(index, tag) for slot, tag in held.items())
    grown = np.zeros(256, np.uint64)
    assert index_copy(index, grown)
    assert all(slot in slots_of(grown, tag) for slot, tag in held.items())


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    index = np.zeros(64, np.uint64)
    index_insert(index, U64(5), 1)
    before = index.copy()
    index_remove(index, U64(5), 2)
    index_remove(index, U64(9), 1)
    assert np.array_equal(index, before)


def test_a_home_that_is_too_crowded_takes_no_more() -> None:
    index = np.zeros(4 * MAX_PROBES, np.uint64)
    assert all(index_insert(index, U64(1), slot) for slot in range(MAX_PROBES))
    assert not index_insert(index, U64(1), MAX_PROBES)


def test_tags_are_the_same_both_ways_and_differ_by_secret() -> None:
    secrets = [np.random.default_rng(seed).integers(0, 1 << 64, 8, np.uint64) | U64(1) for seed in (1, 2)]
    one, other = (U64(1), U64(0xFFFF0A000001), 80), (U64(1), U64(0xFFFF0A000002), 40000)
    with np.errstate(over="ignore"):
        tags = {int(flow_tag(*one, *other, 0, 0, 6, secret)) for secret in secrets}
        back = {int(flow_tag(*other, *one, 0, 0, 6, secret)) for secret in secrets}
    assert tags == back
    assert len(tags) == 2
    assert all(tag < 1 << 32 for tag in tags)
