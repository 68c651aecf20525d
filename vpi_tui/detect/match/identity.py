"""Who the rules of a set are, as columns: what is asked of all of them at once needs no signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
import numpy as np

from vpi_tui.model.batch import I32, I64, U8, U64
from vpi_tui.model.signature import ANYWHERE, Base64Decode, Header, InSet, Signature
from vpi_tui.model.valueset import ValueSet

_U32: Final = 0xFFFFFFFF


class Identity(NamedTuple):
    """One entry a rule."""

    gid: I64
    sid: I64
    pack: I32
    """int32[n]: index into `packs`."""
    shipped: U8
    """uint8[n]: 1 = on, as long as nobody switches it."""
    mark: U64
    """uint64[n]: digest of its text, addresses, ports and threshold: it changes when the rule does."""
    packs: tuple[str, ...]
    """Names; "" = rules of plain files."""

    def key(self, number: int) -> tuple[int, int]:
        """(gid, sid)"""
        return int(self.gid[number]), int(self.sid[number])

    def keys(self) -> U64:
        """uint64[n]: both in one number."""
        made: U64 = self.gid.astype(np.uint64) << np.uint64(32) | self.sid.astype(np.uint64)
        return made


def identity_of(signatures: Sequence[Signature]) -> Identity:
    packs: dict[str, int] = {}
    return Identity(
        gid=np.array([s.gid for s in signatures], np.int64),
        sid=np.array([s.sid for s in signatures], np.int64),
        pack=np.array([packs.setdefault(s.origin.pack, len(packs)) for s in signatures], np.int32),
        shipped=np.array([s.enabled for s in signatures], np.uint8),
        mark=np.array([_mark(s) for s in signatures], np.uint64),
        packs=tuple(packs),
    )


def joined(first: Identity, second: Identity) -> Identity:
    """Both under one numbering."""
    packs = {name: number for number, name in enumerate(first.packs)}
    pack = [packs.setdefault(second.packs[number], len(packs)) for number in second.pack.tolist()]
    return Identity(
        gid=np.concatenate((first.gid, second.gid)),
        sid=np.concatenate((first.sid, second.sid)),
        pack=np.concatenate((first.pack, np.array(pack, np.int32))),
        shipped=np.concatenate((first.shipped, second.shipped)),
        mark=np.concatenate((first.mark, second.mark)),
        packs=tuple(packs),
    )


def keys_of(rules: Iterable[tuple[int, int]]) -> U64:
    """uint64: (gid, sid) each as `Identity.keys` has them; what is none is left out."""
    known = [gid << 32 | sid for gid, sid in rules if 0 <= gid <= _U32 and 0 <= sid <= _U32]
    return np.array(known, np.uint64)


def numbers_of(wanted: U64, among: U64) -> I64:
    """int64[wanted]: where each key is among the others; -1 = nowhere."""
    if not among.size:
        return np.full(wanted.size, -1, np.int64)
    order = np.argsort(among, kind="stable")
    place = np.minimum(np.searchsorted(among[order], wanted), among.size - 1)
    found: I64 = order[place]
    return np.where(among[found] == wanted, found, -1)


def is_special(signature: Signature) -> bool:
    """Has the rule a part that is not in the tables: is it asked for more than tests?"""
    return bool(
        signature.flowbits
        or signature.flowints
        or signature.hostbits
        or signature.variables
        or signature.checks
        or signature.suppress
        or signature.rate_filter
        or signature.tags
        or signature.bypass
        or signature.scope != ANYWHERE
        or has_two_ways(signature.header)
        or any(True for _ in lasting_sets(signature))
    )


def lasting_sets(signature: Signature) -> Iterator[ValueSet]:
    """The sets of values that it asks or changes and that outlive the rules."""
    for step in signature.steps:
        inside = step.steps if isinstance(step, Base64Decode) else (step,)
        yield from (one.values for one in inside if isinstance(one, InSet) and one.values.lasts)


def has_two_ways(header: Header) -> bool:
    """Does `<>` mean two different things here?"""
    same = (header.src, header.src_port) == (header.dest, header.dest_port)
    return header.bidirectional and not header.either_end and not same


_encode = msgspec.msgpack.Encoder().encode


def _mark(signature: Signature) -> int:
    header = signature.header
    ends = (header.src, header.src_port, header.dest, header.dest_port)
    digest = blake2b(signature.raw.encode("utf-8", "surrogateescape"), digest_size=8)
    # Of numbers alone, and so the same in each process.
    digest.update(_encode([*map(hash, ends), signature.threshold]))
    return int.from_bytes(digest.digest())
