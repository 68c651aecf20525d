"""dataset: is the buffer's content in a set of values?"""

from __future__ import annotations

import re
from typing import Final, Literal, cast, get_args

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.datasets import Lists
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import printable
from vpi_tui.detect.rules.valuefiles import FORMATS, DataFile
from vpi_tui.model.signature import InSet
from vpi_tui.model.valueset import ValueKind

_OPS: Final = ("isset", "isnotset", "set", "unset")
_TEXTS: Final = ("type", "load", "state", "save", "format", "value_key", "array_key", "match", "context_key")
_NUMBERS: Final = ("memcap", "hashsize")
"""Accepted: our sets need neither."""
_FLAGS: Final = ("remove_key", "enrichment_key")
_CONTEXT_KEY: Final = re.compile(r"\w+", re.A)


def _parts(text: str) -> tuple[str, str, dict[str, str]]:
    """(operation, name, what else is said)"""
    op, *rest = [part.strip() for part in text.split(",") if part.strip()] or [""]
    if op not in _OPS or not rest:
        raise Refused(f"dataset: needs {'|'.join(_OPS)} and a name, has {text[:60]!r}")
    said: dict[str, str] = {}
    for part in rest[1:]:
        word, _, value = part.partition(" ")
        if word not in (*_TEXTS, *_NUMBERS, *_FLAGS) or (word in _TEXTS and not value):
            raise Refused(f"dataset: unknown part {part[:40]!r}; there are {', '.join(_TEXTS)}")
        said[word] = value.strip()
    return op, printable(rest[0]), said


@keyword("dataset")
def dataset(draft: Draft, text: str) -> None:
    """Is the sticky buffer in a set: isset,name,type string|md5|sha256|ip|...,load file."""
    if draft.buffer == PAYLOAD:
        raise Refused("dataset: needs a sticky buffer before it")
    op, name, said = _parts(text)
    if "state" in said and {"load", "save"} & said.keys():
        raise Refused("dataset: state excludes load and save")
    kind = said.get("type")
    if kind is not None and kind not in get_args(ValueKind):
        raise Refused(f"dataset: type is one of {', '.join(get_args(ValueKind))}, not {kind[:20]!r}")
    if said.get("format", "csv") not in FORMATS:
        raise Refused(f"dataset: format is one of {', '.join(FORMATS)}, not {said['format'][:20]!r}")
    if said.get("match", "exact") not in {"exact", "subdomain"}:
        raise Refused(f"dataset: match is exact or subdomain, not {said['match'][:20]!r}")
    if "context_key" in said and not _CONTEXT_KEY.fullmatch(said["context_key"]):
        raise Refused(f"dataset: context_key has letters, digits and _, not {said['context_key'][:40]!r}")
    if op in {"set", "unset"} and said.get("format", "csv") != "csv":
        raise Refused(f"dataset: {op} is not for sets that come from JSON")
    lists = _lists(said)
    values = draft.sources.datasets.get(name, cast(ValueKind | None, kind), lists, said.get("hashsize", ""))
    draft.notices += draft.sources.datasets.take_notices()
    made = cast(Literal["isset", "isnotset", "set", "unset"], op)
    subdomain, key = said.get("match") == "subdomain", said.get("context_key", "")
    context = None
    if key and op == "isset":
        context = draft.sources.datasets.contexts(name, bare="remove_key" in said)
    draft.steps.append(InSet(draft.buffer, values, made, subdomain, context, key if context else ""))


def _lists(said: dict[str, str]) -> Lists:
    state = said.get("state", "")
    name, form = said.get("load", state), said.get("format", "csv")
    if not name:
        return Lists(save=said.get("save", ""))
    file = DataFile(name, form, said.get("value_key", ""), said.get("array_key", ""))
    if form != "csv" and not file.value_key:
        raise Refused("dataset: JSON needs a value_key")
    return Lists(file, said.get("save", state))


def _address_buffer(name: str, summary: str) -> None:
    def handler(draft: Draft, _text: str) -> None:
        draft.look_at(name)
        draft.test("ip_v", ((4, 4), (6, 6)))

    handler.__doc__ = f"The keywords after it look at the {summary} address, 4 or 16 bytes."
    keyword(name, value="none")(handler)


_address_buffer("ip.src", "source")
_address_buffer("ip.dst", "destination")
