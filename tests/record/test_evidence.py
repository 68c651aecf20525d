"""Evidence stays within its bound and forgets the oldest."""

from __future__ import annotations

from vpi_tui.record.evidence import Evidence, EvidenceStore


def evidence(number: int, size: int) -> Evidence:
    return Evidence(number, "alert", "a.rules:1", 0, 1, bytes(size), b"", None)


def test_oldest_goes_first_and_the_bound_holds() -> None:
    store = EvidenceStore(10_000)
    for number in range(100):
        store.add(evidence(number, 1000))
        assert store.bytes <= 10_000
    assert store.get(99) is not None
    assert store.get(0) is None
    assert store.get(100 - len(store)) is not None, "those that are kept are the newest"


def test_a_single_giant_is_kept_because_it_is_the_newest() -> None:
    store = EvidenceStore(10)
    store.add(evidence(1, 60_000))
    assert store.get(1) is not None
