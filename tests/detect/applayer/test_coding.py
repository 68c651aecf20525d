"""Content codings that were made to be costly."""

from __future__ import annotations

import gzip
import weakref
import zlib

import brotli
import pytest

from vpi_tui.detect.applayer.http import coding
from vpi_tui.detect.applayer.http.body import Body
from vpi_tui.detect.applayer.http.coding import Brotli, Inflate, decoders


class Counting:
    """A decompressor whose calls are counted, with those of its copies."""

    def __init__(self, body: zlib._Decompress, calls: list[int]) -> None:
        self._body, self._calls = body, calls

    def copy(self) -> Counting:
        return Counting(self._body.copy(), self._calls)

    def decompress(self, data: bytes, most: int) -> bytes:
        self._calls.append(most)
        return self._body.decompress(data, most)

    @property
    def unconsumed_tail(self) -> bytes:
        return self._body.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._body.eof


def broken(size: int) -> bytes:
    """Deflate data of so many bytes, and an error behind them."""
    packer = zlib.compressobj(9)
    return packer.compress(b"a" * size) + packer.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 20


@pytest.mark.parametrize("size", [2, 300, 2_047, 2_049, 90_000])
def test_what_is_before_an_error_takes_few_calls(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    plain = zlib.decompressobj
    monkeypatch.setattr(coding.zlib, "decompressobj", lambda bits: Counting(plain(bits), calls))
    out = Inflate((15,)).feed(broken(size), 102_400)
    assert out == b"a" * len(out)
    assert size - 1 <= len(out) <= size
    assert len(calls) < 50


@pytest.mark.parametrize("size", [200_000, 50_000])
def test_a_body_that_is_over_keeps_no_decoder(size: int) -> None:
    """Where the limit of a body is reached, and where it ends before."""
    decoder = Brotli()
    alive = weakref.ref(decoder)
    body = Body((decoder,))
    del decoder
    body.feed(brotli.compress(b"a" * size))
    if size == 50_000:
        assert alive() is not None
        body.close()
    assert alive() is None
    assert body.window.size == min(size, 102_400)


def test_a_body_that_is_over_still_tells_that_it_was_not_in_its_coding() -> None:
    body = Body((Brotli(),))
    body.feed(b"\xffnothing that brotli makes")
    body.close()
    assert body.failed


@pytest.mark.parametrize("tells", [False, True])
def test_a_body_of_two_layers_unfolds_no_further_than_somebody_looks(
    tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    plain = zlib.decompressobj
    monkeypatch.setattr(coding.zlib, "decompressobj", lambda bits: Counting(plain(bits), asked))
    coded = gzip.compress(gzip.compress(bytes(4 << 20)))
    body = Body(decoders(b"gzip, gzip", 2), tells_bombs=tells)
    body.feed(coded)
    assert body.window.size == 102_400
    assert body.bomb is tells
    assert (asked[-1] > 102_400) is tells
