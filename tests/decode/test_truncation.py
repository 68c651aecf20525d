"""Every sample cut at every byte: on the wire, and by the snap length of the capture."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.decode.batches import Row, decode
from tests.decode.samples import SAMPLES
from vpi_tui.model.batch import LinkType

NO_LENGTH = {"llc", "snap", "unknown_ethertype"}
"""Frames without a header that decode knows behind the link layer: any length of them is whole."""
SHORTER = {"payload", "payload_len", "ip_len", "events"}
"""What a row may lose when its payload was cut."""


def by_cut(name: str, *, on_wire: bool, pad: int = 0xA5) -> list[list[Row]]:
    """Rows of the sample cut to 0, 1, ... bytes."""
    link, frame = SAMPLES[name]
    cuts = [frame[:size] for size in range(len(frame))]
    lengths = None if on_wire else [len(frame)] * len(cuts)
    rows = decode(cuts, link=link, lengths=lengths, pad=pad)
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row["packet"])]
    assert len(groups) == len(cuts)
    return groups


def end_of_ip(name: str) -> int:
    """Bytes of the frame that its outermost IP or ARP header speaks of."""
    link, frame = SAMPLES[name]
    first = decode([frame], link=link)[0]
    return int(first["ip_off"] + first["ip_len"]) if name not in NO_LENGTH else 14


@pytest.mark.parametrize("name", SAMPLES)
def test_a_frame_cut_on_the_wire_sets_an_event(name: str) -> None:
    for size, rows in enumerate(by_cut(name, on_wire=True)[: end_of_ip(name)]):
        assert any(row["events"] for row in rows), size


@pytest.mark.parametrize("name", SAMPLES)
def test_headers_that_a_short_capture_holds_are_read(name: str) -> None:
    link, frame = SAMPLES[name]
    whole = decode([frame], link=link)
    for size, rows in enumerate(by_cut(name, on_wire=False)):
        assert len(rows) <= len(whole)
        assert len(rows) == len(whole) or rows[-1]["events"], size
        for row, full in zip(rows, whole, strict=False):
            header = full["payload_off"] + (full["payload_len"] if full["ethertype"] == 0x0806 else 0)
            if row["payload_off"] >= 0 and header <= size:
                kept = full.keys() - SHORTER - {"packet"}
                assert {key: row[key] for key in kept} == {key: full[key] for key in kept}
                assert full["payload"].startswith(row["payload"])
                assert row["payload_off"] + len(row["payload"]) == min(
                    size, full["payload_off"] + full["payload_len"]
                )
            elif full["ip_off"] >= 0 and not row["fragment"]:  # a fragment is judged when it is whole
                assert row["events"], size


@pytest.mark.parametrize("on_wire", [True, False])
@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_behind_the_cut_is_looked_at(name: str, on_wire: bool) -> None:
    assert by_cut(name, on_wire=on_wire, pad=0) == by_cut(name, on_wire=on_wire, pad=0xFF)


@pytest.mark.parametrize("link", [*LinkType, 147])
def test_an_empty_frame(link: int) -> None:
    (row,) = decode([b""], link=link)
    assert row["events"]
